// The key that a server with keys wants of whoever looks on.
//
// It comes in the address behind #key=, which browsers send to nobody, or by the settings; it is
// kept as long as the tab is open, and taken out of the address at once.

const NAME = "key";

export function readKey(place, history, kept) {
    const given = new URLSearchParams(place.hash.replace(/^#/, "")).get(NAME);
    if (given) {
        kept.setItem(NAME, given);
        history.replaceState(null, "", place.pathname + place.search);
    }
    return kept.getItem(NAME) ?? "";
}

export function keepKey(kept, key) {
    if (key)
        kept.setItem(NAME, key);
    else
        kept.removeItem(NAME);
}

// The header of a request with it.
export const keyHeaders = (key) => (key ? { "X-API-Key": key } : {});
