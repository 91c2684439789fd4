import assert from "node:assert/strict";
import { test } from "node:test";
import { cell, csvParts } from "../../../lib/server/dashboard/web/js/csv.js";

test("a text that a spreadsheet would run is made a text", () => {
    for (const words of ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1"])
        assert.equal(cell(words), "'" + words);
    assert.equal(cell("\t=1"), "\"'\t=1\"");
    assert.equal(cell("\r=1"), "\"'\r=1\"");
    assert.equal(cell('=HYPERLINK("x","y")'), `"'=HYPERLINK(""x"",""y"")"`);
});

test("a number stays a number, negative ones too", () => {
    assert.equal(cell(-8.75), "-8.75");
    assert.equal(cell(1e-7), "1e-7");
});

test("commas, quotes, lines and spaces at the ends are quoted", () => {
    assert.equal(cell('a"b'), '"a""b"');
    assert.equal(cell("a,b"), '"a,b"');
    assert.equal(cell("a;b"), '"a;b"');
    assert.equal(cell("a\nb"), '"a\nb"');
    assert.equal(cell(" a"), '" a"');
    assert.equal(cell("plain"), "plain");
});

test("nothing is an empty cell, a structure its JSON", () => {
    assert.equal(cell(null) + cell(undefined), "");
    assert.equal(cell({ a: 1 }), '"{""a"":1}"');
});

test("the file begins with a mark of its encoding and ends each line as the standard says", () => {
    const parts = csvParts(["symbol", "=bad"], [{ row: { symbol: "A" } }, { row: { symbol: "B", "=bad": 2 } }]);
    assert.equal(parts.join(""), "\ufeffsymbol,'=bad\r\nA,\r\nB,2\r\n");
});
