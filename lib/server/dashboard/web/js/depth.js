// A book's levels as a ladder has them: what has accumulated up to each, how much of the deepest
// that is, and the spread in between.

const digitsOf = (number) => {
    const [front, behind = ""] = String(number).split("e-");
    const own = (front.split(".")[1] ?? "").length;
    return behind ? own + Number(behind) : own;
};

export const MOST_DIGITS = 8;

// As many digits behind the point as the longest of them needs.
export const commonDigits = (numbers) =>
    Math.min(MOST_DIGITS, numbers.reduce((most, number) => Math.max(most, digitsOf(number)), 0));

function accumulate(levels, most) {
    let total = 0;
    return levels.slice(0, most).map(([price, size]) => {
        total += size ?? 0;
        return { price, size, total };
    });
}

// {bids, asks, spread, middle, share, priceDigits, sizeDigits}: the best levels first; `share`
// is the spread as a share of the middle.  What is not known is NaN.
export function depth(book, most) {
    const bids = accumulate(book?.bids ?? [], most);
    const asks = accumulate(book?.asks ?? [], most);
    const deepest = Math.max(bids.at(-1)?.total ?? 0, asks.at(-1)?.total ?? 0);
    for (const level of [...bids, ...asks])
        level.part = deepest > 0 ? level.total / deepest : 0;
    const spread = bids.length && asks.length ? asks[0].price - bids[0].price : NaN;
    const middle = bids.length && asks.length ? (asks[0].price + bids[0].price) / 2 : NaN;
    const all = [...bids, ...asks];
    const priceDigits = commonDigits(all.map(({ price }) => price));
    return {
        bids,
        asks,
        spread: Number.isNaN(spread) ? NaN : Number(spread.toFixed(priceDigits)),
        middle,
        share: middle ? spread / middle : NaN,
        priceDigits,
        sizeDigits: Math.min(4, commonDigits(all.map(({ size }) => size ?? 0))),
    };
}

const GROUPS = /\B(?=(\d{3})+$)/g;

// A number with so many digits behind the point, its thousands in groups.
export function fixed(number, digits) {
    if (!Number.isFinite(number))
        return "\u2013";
    const [front, behind] = number.toFixed(digits).split(".");
    return front.replace(GROUPS, ",") + (behind ? "." + behind : "");
}
