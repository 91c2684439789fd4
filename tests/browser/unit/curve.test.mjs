import assert from "node:assert/strict";
import { test } from "node:test";
import { Groups, MAX_GROUPS, NOTHING_LEFT as nothing, OTHERS, drawdownCurve, groupCurves, leave } from "../../../lib/server/dashboard/web/js/curve.js";

const records = (...profits) => profits.map((profit, i) =>
    ({ at: i * 1000, seq: i, row: { profit_loss: profit, strategy: i % 2 ? "odd" : "even", symbol: "A" } }));

test("the curve sums up, the depth is the fall below the highest", () => {
    const curve = drawdownCurve(records(10, -4, -3, 9, -2), nothing, 1000);
    assert.deepEqual(curve.sums, [10, 6, 3, 12, 10]);
    assert.deepEqual(curve.depths, [0, -4, -7, 0, -2]);
    assert.equal(curve.deepest, -7);
});

test("losses from the start are a fall below nothing", () => {
    assert.equal(drawdownCurve(records(-5, -1), nothing, 10).deepest, -6);
    assert.equal(drawdownCurve([], nothing, 10).deepest, 0);
});

test("a long curve is drawn with few points, the extremes and the end among them", () => {
    const profits = Array.from({ length: 10000 }, (_, i) => (i === 5000 ? -500 : i === 5001 ? 500 : 1));
    const curve = drawdownCurve(records(...profits), nothing, 200);
    assert.ok(curve.times.length <= 202, String(curve.times.length));
    assert.ok(curve.sums.includes(4500) && curve.depths.includes(-500));
    assert.equal(curve.sums.at(-1), 9998);
    assert.ok(curve.times.every((time, i) => i === 0 || time >= curve.times[i - 1]));
});

test("trades of one moment are points of their own, each behind the one before", () => {
    const same = records(1, 2, 3).map((record) => ({ ...record, at: 5000 }));
    const lines = groupCurves(same, "symbol", [{ name: "A", profit: 6 }], 100);
    for (const times of [drawdownCurve(same, nothing, 100).times, lines.times]) {
        assert.equal(times[0], 5);
        assert.equal(times.length, 3);
        assert.ok(times[1] > times[0] && times[2] > times[1] && times[2] < 5.01);
    }
});

test("trades that leave go on counting", () => {
    const list = records(10, -4, -3, 9, -2);
    const left = leave(leave(nothing, list.slice(0, 1)), list.slice(1, 3));
    const drawn = drawdownCurve(list.slice(3), left, 1000);
    assert.deepEqual(drawn.sums, [12, 10]);
    assert.equal(drawn.deepest, -7);
});

test("each group has its own line at the same moments", () => {
    const groups = [{ name: "odd", profit: 30 }, { name: "even", profit: 3 }];
    const { times, lines } = groupCurves(records(1, 10, 2, 20), "strategy", groups, 100);
    assert.deepEqual(times, [0, 1, 2, 3]);
    assert.deepEqual(lines, [[0, 10, 10, 30], [1, 1, 3, 3]]);
});

test("a group's line begins with what trades made that have left", () => {
    const groups = [{ name: "odd", profit: 130 }];
    assert.deepEqual(groupCurves(records(1, 10, 2, 20), "strategy", groups, 100).lines, [[100, 110, 110, 130]]);
});

test("sums of groups are exact and the largest come first", () => {
    const groups = new Groups("strategy");
    groups.add(records(0.1, -5, 0.2, 0));
    const [first, second] = groups.largest(5);
    assert.deepEqual([first.name, String(first.profit), first.trades, first.decided], ["odd", "-5", 2, 1]);
    assert.deepEqual([second.name, String(second.profit), second.wins], ["even", "0.3", 2]);
});

test("so many groups have sums of their own, the rest one together", () => {
    const groups = new Groups("symbol");
    for (let i = 0; i < MAX_GROUPS + 5; i++)
        groups.add([{ row: { symbol: "S" + i, profit_loss: 1 } }]);
    assert.equal(groups.all.size, MAX_GROUPS + 1);
    assert.equal(String(groups.all.get(OTHERS).profit), "5");
});
