import assert from "node:assert/strict";
import { test } from "node:test";
import { Candles } from "../../../lib/server/dashboard/web/js/candles.js";

const minute = 60000;
let seq = 0;
const row = (at, open, high, low, close, volume = 1, rsi = 50) =>
    ({ at, seq: seq++, row: { open, high, low, close, volume, rsi, signal_strength: 0.5 } });

test("rows are bars of their own where no interval is set", () => {
    const candles = new Candles(0);
    assert.equal(candles.add([row(0, 1, 2, 0.5, 1.5), row(minute, 1.5, 3, 1, 2)]), 0);
    assert.deepEqual(candles.bars.map(({ close }) => close), [1.5, 2]);
});

test("an interval takes the first open, the extremes, the last close, all volume", () => {
    const candles = new Candles(5 * minute);
    candles.add([row(0, 1, 2, 0.5, 1.5, 10, 40), row(minute, 1.5, 9, 1, 2, 5, 60)]);
    assert.deepEqual(candles.bars, [
        { start: 0, open: 1, high: 9, low: 0.5, close: 2, volume: 15, rsi: 60, signal: 0.5 },
    ]);
});

test("a row that is sent again takes the place of the earlier one", () => {
    const candles = new Candles(0);
    candles.add([row(0, 1, 1, 1, 1, 10), row(minute, 1, 1, 1, 1, 10)]);
    assert.equal(candles.add([row(minute, 1, 4, 1, 3, 20)]), 1);
    assert.equal(candles.bars.length, 2);
    assert.deepEqual([candles.bars[1].close, candles.bars[1].volume], [3, 20]);
});

test("trades of one moment are all counted", () => {
    const trade = (at, price) => ({ at, seq: seq++, row: { price, quantity: 2 } });
    const candles = new Candles(minute, true);
    candles.add([trade(0, 5), trade(0, 7), trade(10, 6)]);
    assert.deepEqual(candles.bars.map(({ open, high, low, close, volume }) => [open, high, low, close, volume]),
        [[5, 7, 5, 6, 6]]);
});

test("rows without a price are left out", () => {
    const candles = new Candles(0);
    assert.equal(candles.add([row(0, null, null, null, null)]), 0);
    assert.equal(candles.bars.length, 0);
});

// Bars that grew batch by batch are the bars of everything at once.
test("growing is the same as beginning anew", () => {
    let seed = 4;
    const next = (limit) => (seed = (seed * 1103515245 + 12345) % 2147483648) % limit;
    for (const interval of [0, 5 * minute]) {
        const grown = new Candles(interval);
        const all = [];
        for (let round = 0; round < 200; round++) {
            const before = JSON.stringify(grown.bars);
            const batch = Array.from({ length: 1 + next(4) }, () =>
                row((round + next(12) - 6) * minute, next(9), 9 + next(9), -next(9), next(9), next(9)));
            all.push(...batch);
            const changed = grown.add(batch);
            assert.equal(JSON.stringify(grown.bars.slice(0, changed)),
                JSON.stringify(JSON.parse(before).slice(0, changed)));
            const anew = new Candles(interval);
            anew.add(all);
            assert.deepEqual(grown.bars, anew.bars);
        }
    }
});

test("the bar at a moment is the last that had begun", () => {
    const candles = new Candles(0);
    candles.add([row(minute, 1, 1, 1, 1), row(3 * minute, 2, 2, 2, 2)]);
    assert.equal(candles.barAt(0), null);
    assert.equal(candles.barAt(minute).close, 1);
    assert.equal(candles.barAt(2 * minute).close, 1);
    assert.equal(candles.barAt(99 * minute).close, 2);
});
