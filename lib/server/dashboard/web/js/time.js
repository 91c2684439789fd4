// Moments: from the texts that scripts write to milliseconds, and back.
//
// A text without a zone is taken as UTC and shown as it stands, so that a trader reads the
// times of the script's own log wherever the browser is.

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;

function zoneMinutes(zone) {
    if (!zone || zone === "Z" || zone === "z")
        return 0;
    const sign = zone[0] === "-" ? -1 : 1;
    const digits = zone.replace(/\D/g, "");
    return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)));
}

// A number of seconds, milliseconds, microseconds or nanoseconds since 1970, told by its size.
function fromNumber(number) {
    const size = Math.abs(number);
    if (size < 1e11)
        return number * 1e3;
    if (size < 1e14)
        return number;
    return size < 1e17 ? number / 1e3 : number / 1e6;
}

// Milliseconds since 1970, NaN where it is no moment.
export function instant(value) {
    if (typeof value === "number")
        return fromNumber(value);
    if (typeof value !== "string")
        return NaN;
    const found = ISO.exec(value);
    if (!found)
        return /^\d{9,19}$/.test(value) ? fromNumber(Number(value)) : Date.parse(value);
    const fraction = found[7] ? Number("0." + found[7]) * 1e3 : 0;
    const at = Date.UTC(Number(found[1]), Number(found[2]) - 1, Number(found[3]),
        Number(found[4] ?? 0), Number(found[5] ?? 0), Number(found[6] ?? 0));
    return at + fraction - zoneMinutes(found[8]) * 60000;
}

// What the day and the time of a row read as: ["2024-03-04", "10:00:00"].
export function dayAndTime(value) {
    const words = String(value ?? "");
    const found = /^(\d{4}-\d\d-\d\d)[T ](.+)$/.exec(words);
    if (found)
        return [found[1], found[2]];
    const at = instant(value);
    if (typeof value !== "number" || Number.isNaN(at) || Math.abs(at) > 8.64e15)
        return ["", words];
    const iso = new Date(at).toISOString();
    return [iso.slice(0, 10), iso.slice(11, 23).replace(/\.000$/, "")];
}

const DAY = 86400; // seconds

// A moment in seconds on an axis: as much of it as steps of so many seconds tell apart, and the
// year where another moment (the label before it, or the axis's end) is of another one.
export function axisMoment(seconds, step, other = seconds) {
    const iso = new Date(seconds * 1000).toISOString();
    const year = iso.slice(0, 4);
    if (step >= 365 * DAY)
        return year;
    if (step >= 28 * DAY)
        return iso.slice(0, 7);
    if (step < DAY && !iso.endsWith("T00:00:00.000Z"))
        return step < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
    return year === new Date(other * 1000).toISOString().slice(0, 4) ? iso.slice(5, 10) : iso.slice(0, 10);
}

export const INTERVALS = [
    { name: "rows", label: "Rows", ms: 0, title: "each row a bar" },
    { name: "1m", label: "1m", ms: 60000, title: "one minute" },
    { name: "5m", label: "5m", ms: 300000, title: "five minutes" },
    { name: "1h", label: "1h", ms: 3600000, title: "one hour" },
    { name: "1d", label: "1d", ms: 86400000, title: "one day" },
];

// Where the bar begins that holds the moment.  Charts count whole seconds.
export function barStart(at, ms) {
    const width = ms || 1000;
    return Math.floor(at / width) * width;
}

// "0.4 s", "12 s", "3 min", "2 h": how long something has lasted.
export function duration(ms) {
    if (!(ms >= 0))
        return "";
    const seconds = ms / 1000;
    if (seconds < 60)
        return Math.floor(seconds) + " s";
    if (seconds < 3600)
        return Math.floor(seconds / 60) + " min";
    return Math.floor(seconds / 3600) + " h";
}

// The wall clock of whoever looks: "14:03:09".
export function clock(date) {
    const two = (number) => String(number).padStart(2, "0");
    return two(date.getHours()) + ":" + two(date.getMinutes()) + ":" + two(date.getSeconds());
}
