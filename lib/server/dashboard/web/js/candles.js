// Bars of one symbol: rows of market data put together by an interval of time.
//
// A row with the moment of an earlier one takes its place: scripts send a bar again while it
// forms.  Rows that come in their order change the last bar alone.

import { byTime, mergeSorted } from "./order.js";
import { barStart } from "./time.js";

const number = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);

function single(record) {
    const { row } = record;
    const close = number(row.close, number(row.price, NaN));
    return {
        open: number(row.open, close),
        high: number(row.high, close),
        low: number(row.low, close),
        close,
        volume: number(row.volume, number(row.quantity, 0)),
        rsi: row.rsi,
        signal: row.signal_strength,
    };
}

function join(bar, next) {
    bar.high = Math.max(bar.high, next.high);
    bar.low = Math.min(bar.low, next.low);
    bar.close = next.close;
    bar.volume += next.volume;
    bar.rsi = number(next.rsi, bar.rsi);
    bar.signal = number(next.signal, bar.signal);
}

export class Candles {
    // `merges`: two rows of one moment are two trades, not one bar sent again.
    constructor(interval, merges = false) {
        this.interval = interval;
        this.merges = merges;
        this.records = [];
        this.bars = [];
    }

    // Gives the index of the first bar that has changed.
    add(records) {
        const usable = records.filter((record) => Number.isFinite(single(record).close));
        const first = mergeSorted(this.records, usable, byTime);
        return usable.length ? this.#build(first) : this.bars.length;
    }

    #build(first) {
        let from = Math.min(first, this.records.length - 1);
        const start = barStart(this.records[from].at, this.interval);
        while (from > 0 && barStart(this.records[from - 1].at, this.interval) === start)
            from--;
        while (this.bars.length && this.bars.at(-1).start >= start)
            this.bars.pop();
        const changed = this.bars.length;
        for (let i = from; i < this.records.length; i++)
            this.#put(i);
        return changed;
    }

    #put(index) {
        const record = this.records[index];
        const next = this.records[index + 1];
        if (!this.merges && next && next.at === record.at)
            return;
        const start = barStart(record.at, this.interval);
        const values = single(record);
        const last = this.bars.at(-1);
        if (last && last.start === start)
            join(last, values);
        else
            this.bars.push({ start, ...values });
    }

    // The bar at or before a moment, null where there is none.
    barAt(at) {
        let low = 0;
        let high = this.bars.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.bars[middle].start <= at)
                low = middle + 1;
            else
                high = middle;
        }
        return low ? this.bars[low - 1] : null;
    }
}
