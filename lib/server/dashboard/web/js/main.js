// The page: its parts, and what passes between them.
//
//     socket -> hold (pause) -> store -> blotter, market, price, results, totals -> frames
//     socket -> markets -> live: tickers, ladder, tape -> frames

import { Blotter } from "./blotter.js";
import { Frames } from "./frames.js";
import { Freshness } from "./freshness.js";
import { Hold } from "./hold.js";
import { Keyboard } from "./keyboard.js";
import { keepKey, keyHeaders, readKey } from "./key.js";
import { Live } from "./live.js";
import { Market } from "./market.js";
import { Past } from "./past.js";
import { Price } from "./price.js";
import { goOn } from "./reconcile.js";
import { Results } from "./results.js";
import { Connection } from "./socket.js";
import { Status, showTotals } from "./status.js";
import { MAX_TRADES, Store } from "./store.js";
import { Theme } from "./theme.js";
import { setText } from "./table.js";
import { INTERVALS, clock } from "./time.js";
import { UrlState } from "./url.js";

const TICK_MS = 250; // of the countdown and the ages
const REFRESH_CHOICES = [2, 5, 10, 30, 60];

const byId = (id) => document.getElementById(id);

const state = new UrlState(location, history);
const frames = new Frames(window);
const store = new Store();
const theme = new Theme(state);

const lineHeight = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--line-height"), 10);
const parts = { store, state, frames, theme, lineHeight };

function pick(record) {
    price.choose(record.symbol);
    requestAnimationFrame(() => price.reveal(record.at));
}

const price = new Price(parts);
const results = new Results(parts);
const blotter = new Blotter({ ...parts, onPick: pick });
new Market({ ...parts, onPick: pick });

frames.job("totals", () => showTotals(store.totals, results.deepest), 100);
store.onChange(() => frames.want("totals"));
frames.want("totals");

// ---- what arrives ----

const refreshSeconds = () =>
    Math.max(1, Number(state.get("refresh")) || Number(document.body.dataset.refreshSeconds) || 10);
const freshness = new Freshness(refreshSeconds() * 1000, performance.now());
const status = new Status(freshness);

const key = readKey(location, history, sessionStorage);
const past = new Past(store, keyHeaders(key));
const hold = new Hold((update) => store.add(update), MAX_TRADES);

function update(message) {
    freshness.arrived(performance.now());
    hold.put(message);
    showHeld();
    setText(byId("last-update"), clock(new Date()));
}

function snapshot(message) {
    hold.drop();
    const more = goOn(message, store);
    if (more)
        store.add(more);
    else
        past.begin(message);
    showHeld();
    if ((message.trades_count || message.market_data_count) && freshness.dataAt === null)
        setText(byId("last-update"), clock(new Date(message.timestamp)));
}

const live = new Live({
    ...parts,
    price,
    watch: (symbol, before) => connection.watch(symbol, before),
    command: (command) => connection.command(command),
});

const connection = new Connection({
    state: (name, words) => {
        if (name === "connected")
            live.reconnected();
        status.state(name, words);
    },
    latency: (ms) => status.latency(ms),
    update,
    snapshot,
}, key, live.events);

function refresh() {
    freshness.refreshed(performance.now());
    connection.reconnect();
    connection.measure();
    status.tick(performance.now());
}

setInterval(() => {
    const now = performance.now();
    if (freshness.at(now).refreshIn === 0)
        refresh();
    status.tick(now);
}, TICK_MS);

// ---- pause ----

function showHeld() {
    setText(byId("held"), hold.paused && hold.rows ? String(hold.rows) : "");
}

function togglePause() {
    const wasHeld = hold.paused;
    if (!wasHeld)
        hold.pause();
    const hasLost = wasHeld && hold.resume();
    live.isHeld = hold.paused;
    // What was let go meanwhile comes anew.
    if (hasLost || (wasHeld && live.markets.isThere))
        connection.join();
    byId("pause").setAttribute("aria-pressed", String(hold.paused));
    setText(byId("pause-text"), hold.paused ? "Resume" : "Pause");
    document.documentElement.toggleAttribute("data-paused", hold.paused);
    status.say(hold.paused ? "Paused: what arrives is held" : "Running");
    showHeld();
}

// ---- controls ----

byId("pause").addEventListener("click", togglePause);
byId("refresh").addEventListener("click", refresh);
byId("theme").addEventListener("click", () => theme.toggle());
byId("help").addEventListener("click", () => byId("dialog").showModal());

const interval = (number) => state.set("interval", INTERVALS[number - 1].name);

const keyboard = new Keyboard();
keyboard.on(" ", "Space", "pause, go on", togglePause);
keyboard.on("/", "/", "filter the trades", () => blotter.focusFilter());
keyboard.on("Escape", "Esc", "clear the filter", () => blotter.clearFilter());
keyboard.on("s", "S", "choose a symbol", () => byId("symbol").focus());
keyboard.on("[", "[", "symbol before", () => price.step(-1));
keyboard.on("]", "]", "symbol after", () => price.step(1));
for (let number = 1; number <= INTERVALS.length; number++)
    keyboard.on(String(number), number === 1 ? "1 \u2013 " + INTERVALS.length : "",
        "bars: " + INTERVALS.map(({ label }) => label).join(", "), () => interval(number));
keyboard.on("c", "C", "curves: all, strategies, symbols", () => {
    const modes = ["all", "strategy", "symbol"];
    state.set("curve", modes[(modes.indexOf(state.get("curve")) + 1) % modes.length]);
});
keyboard.on("m", "M", "market data: latest, all rows", () =>
    state.set("market", state.get("market") === "all" ? "latest" : "all"));
keyboard.on("f", "F", "fit the bars", () => price.chart.fit());
keyboard.on("Home", "Home", "newest trades", () => blotter.table.toTop());
keyboard.on("e", "E", "export what is filtered", () => blotter.export());
keyboard.on("r", "R", "refresh now", refresh);
keyboard.on("b", "B", "public trades, below the order book", () => live.focus("tape"), "if-live");
keyboard.on("x", "X", "faults, their switches", () => live.focus("faults-list"), "if-faults");
keyboard.on("t", "T", "dark or light", () => theme.toggle());
keyboard.on("?", "?", "keys and settings", () => byId("dialog").showModal());
keyboard.list(byId("keylist"));

// ---- settings ----

for (const seconds of REFRESH_CHOICES) {
    const option = document.createElement("option");
    option.value = String(seconds);
    option.textContent = seconds + " s";
    byId("set-refresh").append(option);
}
for (const name of ["theme", "sides"]) {
    const element = byId("set-" + name);
    element.addEventListener("change", () => state.set(name, element.value));
}
byId("set-refresh").addEventListener("change", () => state.set("refresh", byId("set-refresh").value));
byId("set-key").value = key;
byId("set-key").addEventListener("change", () => {
    keepKey(sessionStorage, byId("set-key").value.trim());
    location.reload();
});
const showSettings = () => {
    byId("set-theme").value = state.get("theme");
    byId("set-sides").value = state.get("sides");
    byId("set-refresh").value = String(refreshSeconds());
    freshness.refreshMs = refreshSeconds() * 1000;
};
state.onChange(showSettings);
showSettings();
