// The running servers that the dashboard is connected to: their state, tickers, the book that is
// watched, and the tape.  What is drawn of it is decided elsewhere.

export const MAX_TAPE = 500; // trades of all symbols; the oldest leave
export const MAX_TICKERS = 1024; // as the server's

const hasQuote = ({ bid, ask }) => Number.isFinite(bid) || Number.isFinite(ask);
const list = (value) => (Array.isArray(value) ? value : []);

export class Markets {
    #listeners = [];

    constructor() {
        this.isThere = false; // the server shows others at all
        this.feeds = [];
        this.tickers = new Map();
        this.tape = []; // the newest last
        this.book = null;
        this.leftAside = 0;
    }

    // Called with what has changed: "feeds", "tickers", "tape", "book".
    onChange(listen) {
        this.#listeners.push(listen);
    }

    #tell(...names) {
        for (const listen of this.#listeners)
            for (const name of names)
                listen(name);
    }

    // All that is known, for one that comes late.
    all(message) {
        this.isThere = true;
        this.tickers.clear();
        this.#take(message.tickers);
        this.tape = list(message.trades).slice(-MAX_TAPE);
        this.#tell("tickers", "tape");
    }

    tick(message) {
        this.#take(message.tickers);
        const trades = list(message.trades);
        if (trades.length > 0) {
            this.tape.push(...trades);
            if (this.tape.length > MAX_TAPE)
                this.tape.splice(0, this.tape.length - MAX_TAPE);
            this.#tell("tape");
        }
        this.#tell("tickers");
    }

    #take(tickers) {
        for (const ticker of list(tickers))
            if (this.tickers.has(ticker.symbol) || this.tickers.size < MAX_TICKERS)
                this.tickers.set(ticker.symbol, ticker);
    }

    state(message) {
        this.isThere = true;
        this.feeds = list(message.feeds);
        this.leftAside = message.left_aside ?? 0;
        this.#tell("feeds");
    }

    takeBook(message) {
        this.book = message;
        this.#tell("book");
    }

    // The symbol to show where the reader's is none of theirs: the first with a quote, if any has one.
    nearest(symbol) {
        if (this.tickers.has(symbol))
            return symbol;
        return this.firstQuoted ?? this.tickers.keys().next().value ?? "";
    }

    get firstQuoted() {
        for (const [symbol, ticker] of this.tickers)
            if (hasQuote(ticker))
                return symbol;
        return null;
    }

    // The symbol to open with in place of this one, which nobody chose: null where it is as good as
    // any, or a script's own, "" where that cannot be told yet.
    better(symbol) {
        const { firstQuoted } = this;
        if (firstQuoted === null)
            return "";
        const isTheirs = symbol !== "" && !this.tickers.has(symbol);
        return isTheirs || hasQuote(this.tickers.get(symbol) ?? {}) ? null : firstQuoted;
    }

    feedOf(symbol) {
        return this.feeds[this.tickers.get(symbol)?.feed] ?? null;
    }

    tradesOf(symbol, most) {
        const found = [];
        for (let i = this.tape.length; i-- > 0 && found.length < most;)
            if (this.tape[i].symbol === symbol)
                found.push(this.tape[i]);
        return found;
    }
}

// How far the last price has moved since the first one that was seen, as a share.
export function moved({ open, last }) {
    return Number.isFinite(open) && Number.isFinite(last) && open !== 0 ? last / open - 1 : NaN;
}
