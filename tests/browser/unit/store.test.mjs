import assert from "node:assert/strict";
import { test } from "node:test";
import { Hold } from "../../../lib/server/dashboard/web/js/hold.js";
import { goOn } from "../../../lib/server/dashboard/web/js/reconcile.js";
import { MAX_EXTRA_COLUMNS, Store, Totals } from "../../../lib/server/dashboard/web/js/store.js";
import { View } from "../../../lib/server/dashboard/web/js/view.js";

const trade = (minute, symbol, profit, more = {}) => ({
    timestamp: `2024-03-04T10:${String(minute).padStart(2, "0")}:00`,
    symbol,
    side: "BUY",
    quantity: 2,
    price: 1.5,
    profit_loss: profit,
    strategy: "S",
    ...more,
});

const push = (...trades) => ({ trades, market_data: [], timestamp: "t" });

test("totals count on when old rows leave", () => {
    const store = new Store({ trades: 3 });
    for (let i = 0; i < 10; i++)
        store.add(push(trade(i, "A", i % 2 ? 0.1 : -0.3)));
    assert.equal(store.trades.rows.length, 3);
    assert.equal(store.totals.trades, 10);
    assert.equal(String(store.totals.profit), "-1");
    assert.equal(store.totals.wins, 5);
    assert.equal(store.totals.winRate, 0.5);
    assert.equal(String(store.totals.notional), "30");
    assert.ok(Math.abs(store.totals.profitFactor - 1 / 3) < 1e-12);
    assert.equal(store.trades.oldest, 7);
});

test("a symbol whose rows have all left is forgotten", () => {
    const store = new Store({ trades: 2 });
    store.add(push(trade(1, "A", 1), trade(2, "B", 1), trade(3, "B", 1)));
    assert.deepEqual([...store.trades.bySymbol.keys()], ["B"]);
});

test("one push larger than the bound leaves the newest", () => {
    const store = new Store({ trades: 3 });
    const rows = Array.from({ length: 8 }, (_, i) => trade(i, "N" + i, 1));
    store.add(push(...rows));
    assert.equal(store.totals.trades, 8);
    assert.deepEqual(store.trades.rows.toArray().map(({ symbol }) => symbol), ["N5", "N6", "N7"]);
    assert.equal(store.tradesByTime.length, 3);
});

test("columns that nobody knows are noticed, so many and no more", () => {
    const store = new Store();
    const more = {};
    for (let i = 0; i < 40; i++)
        more["extra" + i] = i;
    store.add(push(trade(1, "A", 1, { note: "x" }), trade(2, "A", 1, more)));
    assert.equal(store.trades.extra[0], "note");
    assert.equal(store.trades.extra.length, MAX_EXTRA_COLUMNS);
});

test("rows that are no rows are left out", () => {
    const store = new Store();
    store.add({ trades: [null, 5, trade(1, "A", 1)], market_data: "no" });
    assert.equal(store.totals.trades, 1);
    store.add({});
    assert.equal(store.totals.trades, 1);
});

test("a row without a moment stands where it came", () => {
    const store = new Store();
    store.add(push(trade(5, "A", 1), { ...trade(0, "B", 1), timestamp: "soon" }));
    assert.deepEqual(store.tradesByTime.map(({ symbol }) => symbol), ["A", "B"]);
});

function viewOf(store, settings) {
    const view = Object.assign(new View(() => new Totals()), settings);
    view.rebuild(store.tradesByTime);
    store.onChange(({ trades }) => view.add(trades, store.trades.oldest));
    return view;
}

const shown = (view) => Array.from({ length: view.length }, (_, i) => view.at(i).symbol).join("");

test("the newest is first, and the last that came of one moment", () => {
    const store = new Store();
    const view = viewOf(store, {});
    store.add(push(trade(1, "A", 1), trade(3, "B", 1), trade(2, "C", 1)));
    store.add(push(trade(3, "D", 1), trade(0, "E", 1)));
    assert.equal(shown(view), "DBCAE");
});

test("a column sorts numbers as numbers and puts nothing last", () => {
    const store = new Store();
    const view = viewOf(store, { key: "profit_loss", descending: false });
    store.add(push(trade(1, "A", 10), trade(2, "B", 9), trade(3, "C", null), trade(4, "D", -1)));
    assert.equal(shown(view), "DBAC");
});

test("a filtered view has totals of its own, and loses what leaves the page", () => {
    const store = new Store({ trades: 4 });
    const view = viewOf(store, { filter: ({ symbol }) => symbol === "A" });
    for (let i = 0; i < 12; i++)
        store.add(push(trade(i, i % 2 ? "A" : "B", 0.1)));
    assert.equal(view.length, 2);
    assert.equal(view.totals.trades, 2);
    assert.equal(String(view.totals.profit), "0.2");
});

test("the reader's line is found again after rows came above it", () => {
    const store = new Store();
    const view = new View(() => new Totals());
    store.add(push(trade(1, "A", 1), trade(2, "B", 1), trade(3, "C", 1)));
    view.rebuild(store.tradesByTime);
    const added = [];
    store.onChange(({ trades }) => added.push(...trades));
    store.add(push(trade(4, "D", 1), trade(5, "E", 1), trade(0, "F", 1)));
    assert.equal(view.add(added, 0, 1), 2);
    assert.equal(view.at(3).symbol, "B");
});

test("while paused what arrives is held, and comes in its order", () => {
    const got = [];
    const hold = new Hold((update) => got.push(update.n), 10);
    hold.put({ n: 1, trades: [1] });
    hold.pause();
    hold.put({ n: 2, trades: [1, 2], market_data: [1] });
    hold.put({ n: 3 });
    assert.deepEqual(got, [1]);
    assert.equal(hold.rows, 3);
    assert.equal(hold.resume(), false);
    assert.deepEqual(got, [1, 2, 3]);
    assert.equal(hold.rows, 0);
});

test("what is held is bounded, and says that something was let go", () => {
    const got = [];
    const hold = new Hold((update) => got.push(update), 3);
    hold.pause();
    hold.put({ trades: [1, 2] });
    hold.put({ trades: [3, 4] });
    hold.put({ trades: [5] });
    assert.equal(hold.resume(), true);
    assert.deepEqual(got, []);
    hold.put({ trades: [6] });
    assert.equal(got.length, 1);
});

const snapshotOf = (rows, total = rows.length) =>
    ({ trades: rows, trades_count: total, market_data: [], market_data_count: 0 });

test("a snapshot that goes on from what is here adds what was missed", () => {
    const store = new Store();
    const rows = [1, 2, 3, 4, 5].map((i) => trade(i, "A" + i, i));
    store.add(push(...rows.slice(0, 3)));
    const more = goOn(snapshotOf(rows.slice(1), 5), store);
    assert.deepEqual(more.trades.map(({ symbol }) => symbol), ["A4", "A5"]);
});

test("a snapshot with nothing new adds nothing", () => {
    const store = new Store();
    const rows = [trade(1, "A", 1), trade(2, "B", 2)];
    store.add(push(...rows));
    assert.deepEqual(goOn(snapshotOf(rows), store).trades, []);
});

test("a server that began anew is another story", () => {
    const store = new Store();
    store.add(push(trade(1, "A", 1), trade(2, "B", 2)));
    assert.equal(goOn(snapshotOf([]), store), null);
    assert.equal(goOn(snapshotOf([trade(7, "X", 1), trade(8, "Y", 1), trade(9, "Z", 1)]), store), null);
});

test("more missed than the snapshot holds begins anew", () => {
    const store = new Store();
    store.add(push(trade(1, "A", 1)));
    assert.equal(goOn(snapshotOf([trade(8, "Y", 1), trade(9, "Z", 1)], 40), store), null);
    assert.equal(goOn(snapshotOf([], 0), new Store()), null);
});
