// Numbers and texts for people.  Whatever comes from outside is given back as text.

const MINUS = "\u2212";
export const NOTHING = "\u2013";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const free = new Intl.NumberFormat("en-US", { maximumFractionDigits: 8 });
const money = new Intl.NumberFormat("en-US", {
    minimumFractionDigits: 2,
    maximumFractionDigits: 8,
});
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function text(value) {
    if (value === null || value === undefined || value === "")
        return NOTHING;
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export const count = (number) => whole.format(number);

export const quantity = (value) => (isNumber(value) ? free.format(value) : text(value));

export const price = (value) => (isNumber(value) ? money.format(value) : text(value));

export const compact = (value) => (isNumber(value) ? short.format(value) : text(value));

export const percent = (share, digits = 1) =>
    (isNumber(share) ? (share * 100).toFixed(digits) + "%" : NOTHING);

// With its sign in words that the eye finds: "+37.20", "−8.75".
export function signed(value) {
    if (!isNumber(value))
        return text(value);
    const sign = value > 0 ? "+" : value < 0 ? MINUS : "";
    return sign + money.format(Math.abs(value));
}

// The decimal text of an exact sum: thousands in groups, at least `digits` behind the point.
export function exact(decimal, digits = 2, plus = "") {
    const words = String(decimal);
    const negative = words.startsWith("-");
    const [front, behind = ""] = words.replace("-", "").split(".");
    const grouped = front.replace(/\B(?=(\d{3})+$)/g, ",");
    const fraction = behind.padEnd(digits, "0");
    const isZero = /^0*$/.test(front + behind);
    const sign = isZero ? "" : negative ? MINUS : plus;
    return sign + grouped + (fraction ? "." + fraction : "");
}

// The same, cut to `digits` where there are more: for a card that has no room.  The whole
// stands in its title.
export function exactShort(decimal, digits = 2, plus = "") {
    const words = exact(decimal, digits, plus);
    const point = words.indexOf(".");
    return point < 0 ? words : words.slice(0, point + 1 + digits);
}

export const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "flat");

// "buy", "sell" or "": which side a row is on, however a script writes it.
export function side(value) {
    const word = String(value ?? "").trim().toLowerCase();
    if (["buy", "b", "long", "bid"].includes(word))
        return "buy";
    return ["sell", "s", "short", "ask"].includes(word) ? "sell" : "";
}
