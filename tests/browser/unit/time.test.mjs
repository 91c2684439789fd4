import assert from "node:assert/strict";
import { test } from "node:test";
import { barStart, dayAndTime, duration, instant } from "../../../lib/server/dashboard/web/js/time.js";

const noon = Date.UTC(2024, 2, 4, 12, 0, 0);

test("a moment without a zone is UTC", () => {
    assert.equal(instant("2024-03-04T12:00:00"), noon);
    assert.equal(instant("2024-03-04 12:00"), noon);
    assert.equal(instant("2024-03-04"), Date.UTC(2024, 2, 4));
});

test("a zone is counted in", () => {
    assert.equal(instant("2024-03-04T12:00:00Z"), noon);
    assert.equal(instant("2024-03-04T13:30:00+01:30"), noon);
    assert.equal(instant("2024-03-04T07:00:00-0500"), noon);
});

test("fractions of a second count", () => {
    assert.equal(instant("2024-03-04T12:00:00.250"), noon + 250);
    assert.equal(instant("2024-03-04T12:00:00.250500"), noon + 250.5);
});

test("numbers are told by their size", () => {
    for (const number of [noon / 1000, noon, noon * 1000, noon * 1e6])
        assert.equal(instant(number), noon);
    assert.equal(instant(String(noon)), noon);
});

test("what is no moment is none", () => {
    for (const value of ["", "soon", null, undefined, {}, "2024-13-99T99:99:99x"])
        assert.ok(Number.isNaN(instant(value)), String(value));
});

test("a row's day and time are shown as they were written", () => {
    assert.deepEqual(dayAndTime("2024-03-04T12:00:00+01:00"), ["2024-03-04", "12:00:00+01:00"]);
    assert.deepEqual(dayAndTime("yesterday"), ["", "yesterday"]);
    assert.deepEqual(dayAndTime(noon), ["2024-03-04", "12:00:00"]);
    assert.deepEqual(dayAndTime(null), ["", ""]);
    assert.deepEqual(dayAndTime(1e300), ["", "1e+300"]);
});

test("a bar begins at a whole multiple of its width", () => {
    assert.equal(barStart(noon + 299999, 300000), noon);
    assert.equal(barStart(noon + 300000, 300000), noon + 300000);
    assert.equal(barStart(noon + 999, 0), noon);
    assert.equal(barStart(-1, 60000), -60000);
});

test("a duration has the unit that fits it", () => {
    assert.equal(duration(999), "0 s");
    assert.equal(duration(59999), "59 s");
    assert.equal(duration(60000), "1 min");
    assert.equal(duration(7200000), "2 h");
    assert.equal(duration(NaN), "");
});
