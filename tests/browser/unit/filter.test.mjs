import assert from "node:assert/strict";
import { test } from "node:test";
import { filterOf } from "../../../lib/server/dashboard/web/js/filter.js";

const record = {
    symbol: "ACME",
    row: { symbol: "ACME", side: "SELL", quantity: 100, profit_loss: -8.5, strategy: "Three Red Bodies" },
};
const known = (name) => Object.hasOwn(record.row, name);
const passes = (line, chosen = {}) => filterOf(line, chosen, known)?.(record) ?? "no filter";

test("an empty line filters nothing", () => {
    assert.equal(passes("   "), "no filter");
});

test("words are found anywhere, in any case, and all of them", () => {
    assert.equal(passes("acme"), true);
    assert.equal(passes("red sell"), true);
    assert.equal(passes("acme buy"), false);
    assert.equal(passes('"three red"'), true);
    assert.equal(passes('"red three"'), false);
});

test("a column is compared by its name or a short one", () => {
    assert.equal(passes("pnl<0"), true);
    assert.equal(passes("pnl>=0"), false);
    assert.equal(passes("qty>=100 qty<=100 quantity=100"), true);
    assert.equal(passes("qty!=100"), false);
    assert.equal(passes("symbol=acme"), true);
    assert.equal(passes("symbol=acm"), false);
    assert.equal(passes("symbol:acm"), true);
    assert.equal(passes('strategy="three red bodies"'), true);
});

test("what names no column is a word", () => {
    assert.equal(passes("foo=acme"), false);
    assert.equal(passes("a<b"), false);
});

test("no text is a pattern or a property of objects", () => {
    assert.equal(passes("(.*"), false);
    assert.equal(passes("__proto__=1"), false);
    assert.equal(passes("constructor:f"), false);
});

test("what is chosen beside the line counts too", () => {
    assert.equal(passes("", { side: "SELL", strategy: "Three Red Bodies" }), true);
    assert.equal(passes("", { side: "BUY" }), false);
    assert.equal(passes("acme", { strategy: "Other" }), false);
    assert.equal(passes("", { symbol: "ACME" }), true);
});
