import assert from "node:assert/strict";
import { test } from "node:test";
import { olderRows, sumsBefore } from "../../../lib/server/dashboard/web/js/history.js";
import { Store } from "../../../lib/server/dashboard/web/js/store.js";

// A server that keeps the newest `room` rows, and may get more between two pages.
function serverOf(total, room, growth = 0) {
    const server = { total, pages: 0 };
    server.get = async ({ limit, offset }) => {
        const kept = Math.max(0, server.total - room);
        const rows = [];
        for (let place = kept + offset; place < server.total && rows.length < limit; place++)
            rows.push(place);
        const page = { rows, total: server.total, matched: server.total - kept };
        server.total += growth;
        server.pages++;
        return page;
    };
    return server;
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

test("the rows before a place come in their order, in pages", async () => {
    const server = serverOf(25000, 100000);
    assert.deepEqual(await olderRows("rows", 24000, 100000, server.get), range(0, 24000));
    assert.equal(server.pages, 3);
});

test("no more rows than are wanted", async () => {
    assert.deepEqual(await olderRows("rows", 24000, 50, serverOf(25000, 100000).get), range(23950, 24000));
    assert.deepEqual(await olderRows("rows", 0, 50, serverOf(10, 100).get), []);
});

test("rows that have left the server are not waited for", async () => {
    assert.deepEqual(await olderRows("rows", 900, 1000, serverOf(1000, 300).get), range(700, 900));
    assert.deepEqual(await olderRows("rows", 500, 1000, serverOf(1000, 300).get), []);
});

test("while rows come and leave between pages, none is missing and none is twice", async () => {
    for (const growth of [1, 7, 999, 2500]) {
        const rows = await olderRows("rows", 59000, 100000, serverOf(60000, 50000, growth).get);
        assert.deepEqual(rows, range(rows[0], 59000));
        assert.ok(rows.length > 20000, `${growth}: ${rows.length}`);
    }
});

test("a server whose rows never come is given up", async () => {
    const get = async () => ({ rows: [], total: 100, matched: 100 });
    await assert.rejects(olderRows("rows", 50, 100, get));
});

test("what came before is what the server sums up, less what is here", () => {
    const row = (symbol, profit) => ({ symbol, strategy: "s", quantity: 2, price: 1, profit_loss: profit });
    const store = new Store();
    store.add({ trades: [row("A", 0.1), row("B", -0.2)] });
    const before = sumsBefore({
        trades: 5, winners: 3, losers: 2, quantity: "10", profit_loss: "100000000000000000.3",
        symbols: [
            { symbol: "A", trades: 1, winners: 1, losers: 0, quantity: "2", profit_loss: "0.1" },
            { symbol: "C", trades: 3, winners: 2, losers: 1, quantity: "6", profit_loss: "7" },
        ],
        strategies: [{ strategy: "s", trades: 5, winners: 3, losers: 2, quantity: "10", profit_loss: "6.9" }],
    }, store.trades.rows.toArray());
    assert.deepEqual(before, {
        trades: 3, wins: 2, losses: 1, quantity: "6", profit: "100000000000000000.4",
        groups: {
            symbol: [{ name: "C", trades: 3, wins: 2, losses: 1, quantity: "6", profit: "7" }],
            strategy: [{ name: "s", trades: 3, wins: 2, losses: 1, quantity: "6", profit: "7" }],
        },
    });
    store.clear({ ...before, points: 4 });
    assert.deepEqual([store.totals.trades, store.totals.points, String(store.totals.profit)],
        [3, 4, "100000000000000000.4"]);
    assert.equal(store.totals.isPartial, true);
});
