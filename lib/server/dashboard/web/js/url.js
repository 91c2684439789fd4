// The page's state in its address: what a trader set is there after a reload, and a colleague
// who is sent the address sees the same.

export const DEFAULTS = {
    symbol: "",
    interval: "rows",
    curve: "all",
    q: "",
    side: "",
    strategy: "",
    sort: "-timestamp",
    market: "latest",
    theme: "",
    sides: "",
    refresh: "",
};

const ALLOWED = {
    interval: ["rows", "1m", "5m", "1h", "1d"],
    curve: ["all", "strategy", "symbol"],
    market: ["latest", "all"],
    theme: ["", "dark", "light"],
    sides: ["", "classic"],
};

const LONGEST = 200; // of a value; a longer one is no state of this page

// What does not fit is left at its default.
export function read(search) {
    const state = { ...DEFAULTS };
    for (const [name, value] of new URLSearchParams(search)) {
        const known = Object.hasOwn(DEFAULTS, name) && value.length <= LONGEST;
        if (known && (!ALLOWED[name] || ALLOWED[name].includes(value)))
            state[name] = value;
    }
    return state;
}

// Only what differs from the defaults: a plain page has a plain address.
export function write(state) {
    const parameters = new URLSearchParams();
    for (const name of Object.keys(DEFAULTS))
        if (state[name] !== DEFAULTS[name])
            parameters.set(name, state[name]);
    const text = parameters.toString();
    return text ? "?" + text : "";
}

export class UrlState {
    #listeners = [];

    constructor(place, history) {
        this.place = place;
        this.history = history;
        this.values = read(place.search);
    }

    get(name) {
        return this.values[name];
    }

    // Called with the name of what has changed.
    onChange(listen) {
        this.#listeners.push(listen);
    }

    set(name, value) {
        if (this.values[name] === value)
            return;
        this.values[name] = value;
        this.history.replaceState(null, "", this.place.pathname + write(this.values) +
            this.place.hash);
        for (const listen of this.#listeners)
            listen(name);
    }
}
