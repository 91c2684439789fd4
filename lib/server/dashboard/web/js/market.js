// The market data: of each symbol the newest row, or all rows.

import { marketColumns, symbolWidth } from "./columns.js";
import { segments } from "./segments.js";
import { VirtualTable } from "./table.js";
import { View } from "./view.js";

const MAX_PENDING = 20000; // rows between two frames; more, and the view is made anew

const nothing = () => ({ add() {}, subtract() {} });

const byId = (id) => document.getElementById(id);

export class Market {
    constructor({ store, state, frames, lineHeight, onPick }) {
        this.store = store;
        this.state = state;
        this.frames = frames;
        this.view = new View(nothing);
        this.pending = [];
        this.sort = { latest: "symbol", all: "-timestamp" };
        this.table = new VirtualTable(byId("market"), {
            columns: marketColumns([]),
            lineHeight,
            onSort: (key) => this.#sortBy(key),
            onPick,
            lineClass: (record) => (record.symbol === state.get("symbol") ? "chosen" : ""),
        });
        this.shape = "0 " + symbolWidth(0); // of the columns
        segments(byId("market-modes"), [
            { name: "latest", label: "Latest", title: "the newest row of each symbol" },
            { name: "all", label: "All rows", title: "every row, newest first" },
        ], state, "market");
        // Every row is looked at: a few times a second are enough for an eye.
        frames.job("market", () => this.#draw(), 200);
        store.onChange((change) => this.#changed(change));
        state.onChange((name) => {
            if (name === "market")
                this.#rebuild();
            if (name === "symbol")
                this.table.refill();
        });
        this.#rebuild();
    }

    #changed({ cleared, market }) {
        if (cleared) {
            this.#rebuild();
            return;
        }
        if (market.length === 0)
            return;
        this.anew ||= this.pending.length + market.length > MAX_PENDING;
        if (this.anew || this.state.get("market") === "latest")
            this.pending = [];
        else
            for (const record of market)
                this.pending.push(record);
        this.frames.want("market");
    }

    #sortBy(key) {
        const mode = this.state.get("market");
        const now = this.sort[mode];
        this.sort[mode] = now === key ? "-" + key : key;
        this.#rebuild();
    }

    #rebuild() {
        const sort = this.sort[this.state.get("market")];
        this.view.key = sort.replace(/^-/, "");
        this.view.descending = sort.startsWith("-");
        this.table.showSort(this.view.key, this.view.descending);
        this.table.scrollTo(0);
        this.pending = [];
        this.view.rebuild(this.#records());
        this.frames.want("market");
    }

    #records() {
        if (this.state.get("market") === "all")
            return this.store.market.rows.toArray();
        return [...this.store.market.bySymbol.values()].map((rows) => rows.at(-1));
    }

    #draw() {
        const { extra, longest } = this.store.market;
        const shape = extra.length + " " + symbolWidth(longest);
        if (shape !== this.shape) {
            this.shape = shape;
            this.table.setColumns(marketColumns(extra, longest));
        }
        let above = 0;
        if (this.anew || this.state.get("market") === "latest")
            this.view.rebuild(this.#records());
        else
            above = this.view.add(this.pending, this.store.market.oldest, this.table.firstInSight);
        this.anew = false;
        this.pending = [];
        this.table.show(this.view, above);
        byId("market-empty").hidden = this.view.length > 0;
    }
}
