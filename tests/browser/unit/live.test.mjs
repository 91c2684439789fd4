import assert from "node:assert/strict";
import { test } from "node:test";
import { commonDigits, depth, fixed } from "../../../lib/server/dashboard/web/js/depth.js";
import { MAX_TAPE, Markets, moved } from "../../../lib/server/dashboard/web/js/markets.js";

const book = { bids: [[99.5, 2], [99, 3], [98, 5]], asks: [[100.25, 4], [101, 1]] };

test("what stands up to a level is summed, and the deepest is the whole", () => {
    const { bids, asks } = depth(book, 10);
    assert.deepEqual(bids.map(({ total }) => total), [2, 5, 10]);
    assert.deepEqual(asks.map(({ total }) => total), [4, 5]);
    assert.equal(bids[2].part, 1);
    assert.equal(asks[1].part, 0.5);
});

test("of the levels that have room the deepest is the whole", () => {
    const { bids, asks } = depth(book, 1);
    assert.deepEqual([bids.length, asks.length, asks[0].part], [1, 1, 1]);
});

test("the spread is exact, and a share of the middle", () => {
    const { spread, share, priceDigits, sizeDigits } = depth(book, 10);
    assert.equal(spread, 0.75);
    assert.equal(share, 0.75 / 99.875);
    assert.deepEqual([priceDigits, sizeDigits], [2, 0]);
    assert.equal(depth({ bids: [[0.1, 1]], asks: [[0.3, 1]] }, 5).spread, 0.2);
});

test("a side without orders, or no book, has no spread", () => {
    assert.ok(Number.isNaN(depth({ bids: [[1, 1]], asks: [] }, 5).spread));
    assert.deepEqual(depth(null, 5).bids, []);
    assert.equal(depth({ bids: [[1, null]], asks: [] }, 5).bids[0].part, 0);
});

test("numbers of one column have the same digits, whatever their notation", () => {
    assert.equal(commonDigits([1, 2.5, 0.125]), 3);
    assert.equal(commonDigits([1e-7]), 7);
    assert.equal(commonDigits([1.5e-20]), 8);
    assert.equal(fixed(1234567.5, 2), "1,234,567.50");
    assert.equal(fixed(-0.5, 1), "-0.5");
    assert.equal(fixed(undefined, 1), "\u2013");
});

const ticker = (symbol, last, feed = 0) => ({ symbol, last, open: 100, feed });

test("a tick takes the place of what was known of its symbols alone", () => {
    const markets = new Markets();
    markets.all({ tickers: [ticker("A", 1), ticker("B", 2)], trades: [] });
    markets.tick({ tickers: [ticker("B", 3)], trades: [{ symbol: "B", price: 3 }] });
    assert.deepEqual([...markets.tickers.values()].map(({ last }) => last), [1, 3]);
    assert.equal(markets.nearest("B"), "B");
    assert.equal(markets.nearest("unknown"), "A");
    assert.equal(markets.tradesOf("B", 5).length, 1);
    assert.equal(markets.tradesOf("A", 5).length, 0);
});

test("who names no symbol is shown one with a quote", () => {
    const markets = new Markets();
    assert.equal(markets.better(""), "");
    markets.all({ tickers: [ticker("A", 1), ticker("B", 2)], trades: [] });
    assert.equal(markets.better("A"), "");
    assert.equal(markets.nearest("unknown"), "A");
    markets.tick({ tickers: [{ ...ticker("B", 2), bid: 1.9, ask: 2.1 }] });
    assert.equal(markets.better("A"), "B");
    assert.equal(markets.better(""), "B");
    assert.equal(markets.better("B"), null);
    assert.equal(markets.better("a script's own"), null);
    assert.equal(markets.nearest("unknown"), "B");
});

test("the tape is bounded and newest first", () => {
    const markets = new Markets();
    markets.tick({ trades: Array.from({ length: 2 * MAX_TAPE }, (_, price) => ({ symbol: "A", price })) });
    assert.equal(markets.tape.length, MAX_TAPE);
    assert.deepEqual(markets.tradesOf("A", 2).map(({ price }) => price), [2 * MAX_TAPE - 1, 2 * MAX_TAPE - 2]);
});

test("a feed is told by its ticker, and nothing of what is malformed is believed", () => {
    const markets = new Markets();
    markets.state({ feeds: [{ name: "x", state: "lost" }] });
    markets.all({ tickers: [ticker("A", 1)], trades: "none" });
    assert.equal(markets.feedOf("A").state, "lost");
    assert.equal(markets.feedOf("B"), null);
    markets.state({ feeds: 7 });
    assert.equal(markets.feedOf("A"), null);
});

test("how far a price has come is a share of the first one", () => {
    assert.equal(moved({ open: 100, last: 150 }), 0.5);
    assert.ok(Number.isNaN(moved({ open: 0, last: 1 })));
    assert.ok(Number.isNaN(moved({ last: 1 })));
});
