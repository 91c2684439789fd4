import assert from "node:assert/strict";
import { test } from "node:test";
import { Freshness } from "../../../lib/server/dashboard/web/js/freshness.js";
import { readKey } from "../../../lib/server/dashboard/web/js/key.js";
import { DEFAULTS, UrlState, read, write } from "../../../lib/server/dashboard/web/js/url.js";

test("a plain page has a plain address", () => {
    assert.equal(write(read("")), "");
    assert.deepEqual(read(""), DEFAULTS);
});

test("what is written is read again, whatever characters it has", () => {
    const state = { ...DEFAULTS, q: 'pnl<0 "a&b=c" #ü', symbol: "BRK/B", interval: "5m", theme: "light" };
    assert.deepEqual(read(write(state)), state);
});

test("what the page does not know is left at its default", () => {
    assert.deepEqual(read("?interval=7m&theme=pink&x=1&__proto__=2&constructor=3"), DEFAULTS);
    assert.equal(read("?q=" + "a".repeat(500)).q, "");
});

test("a change is written to the address and told", () => {
    const written = [];
    const place = { search: "?symbol=A", pathname: "/", hash: "#x" };
    const state = new UrlState(place, { replaceState: (_, __, url) => written.push(url) });
    const told = [];
    state.onChange((name) => told.push(name));
    state.set("interval", "1h");
    state.set("interval", "1h");
    state.set("symbol", "");
    assert.deepEqual(written, ["/?symbol=A&interval=1h#x", "/?interval=1h#x"]);
    assert.deepEqual(told, ["interval", "symbol"]);
});

test("the countdown runs from one refresh to the next", () => {
    const fresh = new Freshness(10000, 0);
    assert.equal(fresh.at(0).refreshIn, 10000);
    fresh.refreshed(1000);
    assert.equal(fresh.at(1000).refreshIn, 10000);
    assert.equal(fresh.at(8000).refreshIn, 3000);
    assert.equal(fresh.at(99000).refreshIn, 0);
});

test("data are stale when three beats have passed without any", () => {
    const fresh = new Freshness(1000, 0);
    assert.deepEqual([fresh.at(50000).age, fresh.at(50000).stale], [null, false]);
    for (let at = 0; at <= 50000; at += 10000)
        fresh.arrived(at);
    assert.equal(fresh.beatMs, 10000);
    assert.equal(fresh.at(79000).stale, false);
    assert.equal(fresh.at(80001).stale, true);
    fresh.arrived(81000);
    assert.equal(fresh.at(81001).stale, false);
});

test("a key in the address is kept, and taken out of it", () => {
    const items = new Map();
    const kept = { getItem: (name) => items.get(name) ?? null, setItem: (name, value) => items.set(name, value) };
    const written = [];
    const history = { replaceState: (_, __, url) => written.push(url) };
    assert.equal(readKey({ hash: "#blotter", pathname: "/", search: "" }, history, kept), "");
    assert.equal(readKey({ hash: "#key=a%2Bb", pathname: "/", search: "?q=1" }, history, kept), "a+b");
    assert.equal(readKey({ hash: "", pathname: "/", search: "" }, history, kept), "a+b");
    assert.deepEqual(written, ["/?q=1"]);
});
