// The trades: newest first, sorted and filtered as the reader likes, with the totals of what
// is filtered, and as CSV.

import { tradeColumns, symbolWidth } from "./columns.js";
import { csvParts } from "./csv.js";
import { filterOf } from "./filter.js";
import * as format from "./format.js";
import { TRADE_COLUMNS, Totals } from "./store.js";
import { VirtualTable, setText } from "./table.js";
import { View } from "./view.js";

const FLASH_AT_MOST = 20; // rows that light up within a second; more would only flicker
const DRAW_EVERY_MS = 30; // at most; what comes after a pause is drawn at once
const FLASH_MS = 900;
const MAX_PENDING = 20000; // rows between two frames; more, and the view is made anew
const MAX_STRATEGIES = 200; // in the list; the filter line finds the others

const byId = (id) => document.getElementById(id);

export class Blotter {
    constructor({ store, state, frames, lineHeight, onPick }) {
        this.store = store;
        this.state = state;
        this.frames = frames;
        this.view = new View(() => new Totals());
        this.pending = [];
        this.newer = 0;
        this.flashes = 0;
        this.flashedAt = -Infinity;
        this.strategies = new Set();
        this.table = new VirtualTable(byId("trades"), {
            columns: tradeColumns([]),
            lineHeight,
            onSort: (key) => this.#sortBy(key),
            onPick,
            lineClass: (record) => (record.fresh > performance.now() ? "fresh" : ""),
        });
        this.shape = "0 " + symbolWidth(0); // of the columns
        frames.job("blotter", () => this.#draw(), DRAW_EVERY_MS);
        store.onChange((change) => this.#changed(change));
        state.onChange((name) => this.#stateChanged(name));
        this.#controls();
        this.#rebuild();
    }

    #controls() {
        const bind = (id, name) => {
            const element = byId(id);
            element.value = this.state.get(name);
            element.addEventListener("input", () => this.state.set(name, element.value));
        };
        bind("filter", "q");
        bind("side", "side");
        bind("strategy", "strategy");
        byId("newer").addEventListener("click", () => this.table.toTop());
        byId("export").addEventListener("click", () => this.export());
        this.table.scroller.addEventListener("scroll", () => this.#showNewer(), { passive: true });
    }

    #stateChanged(name) {
        if (!["q", "side", "strategy", "sort"].includes(name))
            return;
        const element = byId({ q: "filter", side: "side", strategy: "strategy" }[name]);
        if (element && element.value !== this.state.get(name))
            element.value = this.state.get(name);
        this.#rebuild();
    }

    #sortBy(key) {
        const now = this.state.get("sort");
        const starts = key === "timestamp" || key === "profit_loss" ? "-" : "";
        const other = now.startsWith("-") ? key : "-" + key;
        this.state.set("sort", now.replace("-", "") === key ? other : starts + key);
    }

    #changed({ cleared, trades }) {
        if (cleared) {
            this.pending = [];
            this.#rebuild();
            return;
        }
        if (trades.length === 0)
            return;
        this.#flash(trades);
        for (const record of trades)
            this.#noticeStrategy(String(record.row.strategy ?? ""));
        this.anew ||= this.pending.length + trades.length > MAX_PENDING;
        if (this.anew)
            this.pending = [];
        else
            for (const record of trades)
                this.pending.push(record);
        this.frames.want("blotter");
    }

    #flash(trades) {
        const now = performance.now();
        if (now - this.flashedAt > 1000) {
            this.flashedAt = now;
            this.flashes = 0;
        }
        this.flashes += trades.length;
        if (this.flashes <= FLASH_AT_MOST)
            for (const record of trades)
                record.fresh = now + FLASH_MS;
    }

    #noticeStrategy(name) {
        if (name === "" || this.strategies.has(name) || this.strategies.size >= MAX_STRATEGIES)
            return;
        this.strategies.add(name);
        const option = document.createElement("option");
        option.value = option.textContent = name;
        byId("strategy").append(option);
        if (name === this.state.get("strategy"))
            byId("strategy").value = name;
    }

    #rebuild() {
        const sort = this.state.get("sort");
        this.view.key = sort.replace(/^-/, "");
        this.view.descending = sort.startsWith("-");
        const chosen = { side: this.state.get("side"), strategy: this.state.get("strategy") };
        const columns = new Set([...TRADE_COLUMNS, ...this.store.trades.extra]);
        this.view.filter = filterOf(this.state.get("q"), chosen, (name) => columns.has(name));
        this.newer = 0;
        this.#fill();
        this.table.showSort(this.view.key, this.view.descending);
        this.table.scrollTo(0);
        this.frames.want("blotter");
    }

    #fill() {
        this.pending = [];
        this.anew = false;
        this.view.rebuild(this.store.tradesByTime);
    }

    #draw() {
        const { extra, longest } = this.store.trades;
        const shape = extra.length + " " + symbolWidth(longest);
        if (shape !== this.shape) {
            this.shape = shape;
            this.table.setColumns(tradeColumns(extra, longest));
        }
        if (this.anew)
            this.#fill();
        const line = this.table.firstInSight;
        const before = this.view.length;
        const above = this.view.add(this.pending, this.store.trades.oldest, line);
        if (line > 0)
            this.newer += Math.max(0, this.view.length - before);
        this.pending = [];
        this.table.show(this.view, above);
        this.#showTotals();
        this.#showNewer();
    }

    #showNewer() {
        if (this.table.firstInSight === 0)
            this.newer = 0;
        const button = byId("newer");
        button.hidden = this.newer === 0;
        setText(button, "\u2191 " + format.count(this.newer) + " new");
    }

    #showTotals() {
        const { totals } = this.view;
        const empty = byId("trades-empty");
        empty.hidden = this.view.length > 0;
        const nothing = this.store.trades.rows.length > 0;
        empty.classList.toggle("filtered", nothing);
        if (nothing && !empty.hidden)
            setText(empty, "No trade on this page passes the filter.");
        showSums(byId("filtered-totals"), [
            [this.view.filter ? "Filtered" : "Trades", format.count(this.view.length), ""],
            ["P&L", format.exact(totals.profit, 2, "+"), format.direction(Number(totals.profit))],
            ["Win", format.percent(totals.winRate), ""],
            ["Quantity", format.exact(totals.quantity, 0), ""],
            ["Turnover", format.exactShort(totals.notional, 2), ""],
        ]);
    }

    export() {
        const columns = [...TRADE_COLUMNS, ...this.store.trades.extra];
        const file = new Blob(csvParts(columns, this.view.toArray()), { type: "text/csv;charset=utf-8" });
        const link = document.createElement("a");
        link.href = URL.createObjectURL(file);
        link.download = "trades.csv";
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }

    focusFilter() {
        byId("filter").focus();
        byId("filter").select();
    }

    clearFilter() {
        this.state.set("q", "");
        this.state.set("side", "");
        this.state.set("strategy", "");
    }
}

function showSums(element, sums) {
    while (element.children.length < sums.length) {
        const item = document.createElement("span");
        item.append(document.createElement("i"), document.createElement("b"));
        element.append(item);
    }
    sums.forEach(([label, words, className], i) => {
        const [name, value] = element.children[i].children;
        setText(name, label);
        setText(value, words);
        value.className = className;
    });
}
