import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../../lib/server/dashboard/web/js/format.js";

test("an exact sum keeps all its digits and groups its thousands", () => {
    assert.equal(format.exact("1234567.891"), "1,234,567.891");
    assert.equal(format.exact("-1234.5"), "\u22121,234.50");
    assert.equal(format.exact("5", 2, "+"), "+5.00");
    assert.equal(format.exact("0", 2, "+"), "0.00");
    assert.equal(format.exact("-0.00"), "0.00");
    assert.equal(format.exact("27021597764222973.5", 0), "27,021,597,764,222,973.5");
});

test("a short one is cut", () => {
    assert.equal(format.exactShort("1.23987"), "1.23");
    assert.equal(format.exactShort("1"), "1.00");
});

test("signs are words of their own", () => {
    assert.equal(format.signed(37.2), "+37.20");
    assert.equal(format.signed(-8.75), "\u22128.75");
    assert.equal(format.signed(0), "0.00");
    assert.equal(format.signed(null), format.NOTHING);
});

test("text of any kind is shown as text", () => {
    assert.equal(format.text("<img src=x>"), "<img src=x>");
    assert.equal(format.text({ a: 1 }), '{"a":1}');
    assert.equal(format.text(""), format.NOTHING);
    assert.equal(format.price("n/a"), "n/a");
    assert.equal(format.quantity(0.001), "0.001");
});

test("sides are known in the ways that scripts write them", () => {
    for (const word of ["BUY", "buy", " Long ", "b"])
        assert.equal(format.side(word), "buy");
    for (const word of ["SELL", "short", "S"])
        assert.equal(format.side(word), "sell");
    for (const word of ["", null, "hold", 7])
        assert.equal(format.side(word), "");
});
