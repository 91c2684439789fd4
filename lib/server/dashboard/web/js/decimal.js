// Exact decimal sums.
//
// A JSON number is a double, and its shortest text is the decimal that was written in the
// script's CSV.  A sum is kept as whole numbers of each scale (tenths, hundredths, ...), in
// doubles as long as they are exact, in BigInt from there on: 0.1 + 0.2 is 0.3 here.

const MAX_SCALE = 12;
const POWERS = Array.from({ length: MAX_SCALE + 1 }, (_, scale) => 10 ** scale);
const LARGEST = Number.MAX_SAFE_INTEGER;

// The number as a whole count of 10^-scale, with the smallest scale that holds it; null where
// twelve digits behind the point do not.
function whole(number) {
    for (let scale = 0; scale <= MAX_SCALE; scale++) {
        const count = Math.round(number * POWERS[scale]);
        if (Math.abs(count) > LARGEST)
            return null;
        if (count / POWERS[scale] === number)
            return { count, scale };
    }
    return null;
}

// The same for every finite number, by way of its text.
function wholeText(number) {
    const [digits, exponent = "0"] = String(number).split("e");
    const [front, behind = ""] = digits.split(".");
    const scale = behind.length - Number(exponent);
    const count = BigInt(front + behind);
    return scale >= 0 ? { count, scale } : { count: count * 10n ** BigInt(-scale), scale: 0 };
}

function text(count, scale) {
    const negative = count < 0n;
    const digits = String(negative ? -count : count).padStart(scale + 1, "0");
    const front = digits.slice(0, digits.length - scale);
    const behind = digits.slice(digits.length - scale).replace(/0+$/, "");
    return (negative ? "-" : "") + front + (behind ? "." + behind : "");
}

export class DecimalSum {
    constructor() {
        this.clear();
    }

    clear() {
        this.counts = new Array(MAX_SCALE + 1).fill(0);
        this.large = 0n; // of 10^-largeScale
        this.largeScale = 0;
        this.number = null;
    }

    // What is not a finite number counts as nothing.
    add(number) {
        this.#put(number, 1);
    }

    subtract(number) {
        this.#put(number, -1);
    }

    // The sum of a text such as "-1234.5", however many digits it has.
    addText(words) {
        const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(words);
        if (!found)
            return;
        const [, sign, front, behind = ""] = found;
        this.#putLarge(BigInt(sign + front + behind), behind.length);
    }

    addProduct(a, b) {
        this.#putProduct(a, b, 1);
    }

    subtractProduct(a, b) {
        this.#putProduct(a, b, -1);
    }

    #put(number, sign) {
        if (!Number.isFinite(number) || number === 0)
            return;
        const parts = whole(number);
        if (parts) {
            this.#putCount(parts.count * sign, parts.scale);
        } else {
            const { count, scale } = wholeText(number);
            this.#putLarge(count * BigInt(sign), scale);
        }
    }

    #putProduct(a, b, sign) {
        if (!Number.isFinite(a) || !Number.isFinite(b) || a === 0 || b === 0)
            return;
        const left = whole(a) ?? wholeText(a);
        const right = whole(b) ?? wholeText(b);
        const scale = left.scale + right.scale;
        const product = Number(left.count) * Number(right.count);
        if (scale <= MAX_SCALE && Math.abs(product) <= LARGEST)
            this.#putCount(product * sign, scale);
        else
            this.#putLarge(BigInt(left.count) * BigInt(right.count) * BigInt(sign), scale);
    }

    #putCount(count, scale) {
        this.number = null;
        const sum = this.counts[scale] + count;
        if (Math.abs(sum) <= LARGEST) {
            this.counts[scale] = sum;
            return;
        }
        this.#putLarge(BigInt(this.counts[scale]) + BigInt(count), scale);
        this.counts[scale] = 0;
    }

    #putLarge(count, scale) {
        this.number = null;
        if (scale > this.largeScale) {
            this.large *= 10n ** BigInt(scale - this.largeScale);
            this.largeScale = scale;
        }
        this.large += count * 10n ** BigInt(this.largeScale - scale);
    }

    // The exact sum as plain decimal text: "-1234.5".
    toString() {
        const scale = Math.max(this.largeScale, MAX_SCALE);
        let sum = this.large * 10n ** BigInt(scale - this.largeScale);
        this.counts.forEach((count, at) => {
            if (count !== 0)
                sum += BigInt(count) * 10n ** BigInt(scale - at);
        });
        return text(sum, scale);
    }

    // The double that is nearest to it: for signs, bars and colours.
    valueOf() {
        this.number ??= Number(this.toString());
        return this.number;
    }
}
