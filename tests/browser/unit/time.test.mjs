import assert from "node:assert/strict";
import { test } from "node:test";
import { axisMoment, barStart, dayAndTime, duration, instant } from "../../../lib/server/dashboard/web/js/time.js";

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

test("a moment on an axis has what its steps tell apart", () => {
    const seconds = Date.UTC(2024, 2, 4, 12, 30, 15) / 1000;
    const day = Date.UTC(2024, 2, 4) / 1000;
    assert.equal(axisMoment(seconds, 5), "12:30:15");
    assert.equal(axisMoment(seconds, 300), "12:30");
    assert.equal(axisMoment(day, 3600), "03-04");
    assert.equal(axisMoment(day, 86400), "03-04");
    assert.equal(axisMoment(day, 30 * 86400), "2024-03");
    assert.equal(axisMoment(day, 365 * 86400), "2024");
});

test("days of several years say which one", () => {
    const days = [Date.UTC(2023, 11, 27), Date.UTC(2024, 0, 3), Date.UTC(2024, 0, 10)].map((at) => at / 1000);
    assert.deepEqual(days.map((at, i) => axisMoment(at, 7 * 86400, days[i - 1] ?? days.at(-1))),
        ["2023-12-27", "2024-01-03", "01-10"]);
});
