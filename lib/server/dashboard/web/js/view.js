// The rows of a table that a filter lets through, in the order of a column, with their totals.
//
// The list is kept in ascending order and read from its end where newest comes first, so that
// what arrives is appended.

import { byTime, dropBefore, mergeSorted } from "./order.js";

// How far the close is from the open, as a share of it.
export const change = ({ row }) => (row.open ? (row.close - row.open) / row.open : null);

// Columns that no script sends.
const COMPUTED = { change };

// Numbers before texts, nothing at last; ties by arrival.
export function compareBy(key) {
    if (key === "timestamp")
        return byTime;
    const value = COMPUTED[key] ?? (({ row }) => row[key]);
    return (a, b) => {
        const x = value(a);
        const y = value(b);
        if (x === y)
            return a.seq - b.seq;
        const kinds = kind(x) - kind(y);
        if (kinds !== 0)
            return kinds;
        return x < y ? -1 : x > y ? 1 : a.seq - b.seq;
    };
}

function kind(value) {
    if (typeof value === "number")
        return 0;
    return value === null || value === undefined || value === "" ? 2 : 1;
}

export class View {
    constructor(totals) {
        this.makeTotals = totals;
        this.items = [];
        this.key = "timestamp";
        this.descending = true;
        this.filter = null;
        this.totals = totals();
    }

    get length() {
        return this.items.length;
    }

    // The record in the line with this number, as it is shown.
    at(index) {
        return this.items[this.descending ? this.items.length - 1 - index : index];
    }

    // Anew from all records: after another filter or order.
    rebuild(records) {
        this.items = this.filter ? records.filter(this.filter) : records.slice();
        this.items.sort(compareBy(this.key));
        this.totals = this.makeTotals();
        for (const record of this.items)
            this.totals.add(record);
    }

    // Gives how many lines have come above the line with this number.
    add(records, oldest, line = 0) {
        const mine = this.filter ? records.filter(this.filter) : records;
        const reader = line > 0 ? this.at(line) : null;
        mergeSorted(this.items, mine, compareBy(this.key));
        for (const record of mine)
            this.totals.add(record);
        this.#evict(oldest);
        return reader ? this.indexOf(reader) - line : 0;
    }

    #evict(oldest) {
        if (this.oldest === oldest)
            return;
        this.oldest = oldest;
        for (const record of dropBefore(this.items, oldest))
            this.totals.subtract(record);
    }

    // The line of a record; where it is gone, the line at which it would stand.
    indexOf(record) {
        const compare = compareBy(this.key);
        let low = 0;
        let high = this.items.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (compare(this.items[middle], record) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return this.descending ? this.items.length - 1 - low : low;
    }

    // All records as they are shown.
    toArray() {
        return this.descending ? this.items.slice().reverse() : this.items.slice();
    }
}
