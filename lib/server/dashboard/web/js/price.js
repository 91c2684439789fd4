// The panel of the price chart: which symbol, which interval, and its newest quote.

import * as format from "./format.js";
import { PriceChart } from "./price-chart.js";
import { segments } from "./segments.js";
import { setText } from "./table.js";
import { INTERVALS } from "./time.js";

const MAX_PENDING = 20000; // rows between two frames; more, and all is drawn anew
const LEAST_LETTERS = 9; // that the field of the symbol has room for
const MOST_LETTERS = 26;
const MAX_CHOICES = 100; // symbols in the list; any other can be typed

const byId = (id) => document.getElementById(id);

export class Price {
    constructor({ store, state, frames, theme }) {
        this.store = store;
        this.state = state;
        this.frames = frames;
        this.chart = new PriceChart(byId("price-chart"), byId("price-legend"), theme);
        this.market = [];
        this.trades = [];
        this.anew = true;
        this.listed = [];
        segments(byId("intervals"), INTERVALS, state, "interval");
        frames.job("price", () => this.#draw(), 100);
        store.onChange((change) => this.#changed(change));
        state.onChange((name) => {
            if (name === "symbol" || name === "interval")
                this.#other();
        });
        const input = byId("symbol");
        input.addEventListener("change", () => this.choose(input.value.trim()));
        input.addEventListener("focus", () => input.select());
        byId("fit").addEventListener("click", () => this.chart.fit());
        frames.want("price");
    }

    get symbol() {
        return this.state.get("symbol") || this.first || "";
    }

    choose(symbol) {
        this.state.set("symbol", symbol);
        this.#name();
    }

    #name() {
        const input = byId("symbol");
        input.value = input.title = this.symbol;
        input.style.setProperty("--letters", Math.min(MOST_LETTERS, Math.max(LEAST_LETTERS, this.symbol.length)));
    }

    step(by) {
        const names = this.store.symbols(MAX_CHOICES);
        if (names.length === 0)
            return;
        const at = names.indexOf(this.symbol);
        this.choose(names[(at + by + names.length) % names.length]);
    }

    #other() {
        this.anew = true;
        this.frames.want("price");
    }

    #changed({ cleared, trades, market }) {
        if (cleared)
            this.first = "";
        if (cleared || !this.first || (!this.firstHasData && market.length > 0))
            this.#pickFirst();
        const mine = (record) => record.symbol === this.shown;
        if (cleared || this.market.length + this.trades.length > MAX_PENDING)
            this.anew = true;
        if (!this.anew) {
            for (const record of market)
                if (mine(record))
                    this.market.push(record);
            for (const record of trades)
                if (mine(record))
                    this.trades.push(record);
        } else {
            this.market = [];
            this.trades = [];
        }
        this.frames.want("price");
    }

    // The symbol to open with, where the reader has not named one.
    open(symbol) {
        this.opened = symbol;
        this.#pickFirst();
    }

    #pickFirst() {
        const name = this.opened || (this.store.symbols(1)[0] ?? "");
        this.firstHasData = this.store.market.bySymbol.has(name);
        if (name !== this.first) {
            this.first = name;
            this.#other();
        }
    }

    #draw() {
        const rowsOf = (table) => table.bySymbol.get(this.symbol)?.toArray() ?? [];
        const interval = INTERVALS.find(({ name }) => name === this.state.get("interval")).ms;
        if (this.anew || this.shown !== this.symbol) {
            this.shown = this.symbol;
            this.chart.show(this.symbol, interval, rowsOf(this.store.market), rowsOf(this.store.trades));
        } else if (this.market.length + this.trades.length > 0) {
            this.chart.add(this.market, this.trades);
        }
        this.anew = false;
        this.market = [];
        this.trades = [];
        this.#list();
        this.#quote();
    }

    #list() {
        if (document.activeElement !== byId("symbol") && byId("symbol").value !== this.symbol)
            this.#name();
        const names = this.store.symbols(MAX_CHOICES);
        if (this.listed.length === names.length && this.listed.every((name, i) => name === names[i]))
            return;
        this.listed = names;
        byId("symbols").replaceChildren(...names.map((name) => {
            const option = document.createElement("option");
            option.value = name;
            return option;
        }));
    }

    #quote() {
        const bars = this.chart.candles.bars;
        const last = bars.at(-1);
        const element = byId("quote");
        byId("price-empty").hidden = bars.length > 0;
        if (!last) {
            setText(element, "");
            return;
        }
        if (element.children.length === 0)
            element.replaceChildren(document.createElement("b"), document.createElement("span"), document.createElement("i"));
        const before = bars.at(-2)?.close ?? last.open;
        const share = before ? (last.close - before) / before : 0;
        const sign = share > 0 ? "+" : share < 0 ? "\u2212" : "";
        setText(element.children[0], format.price(last.close));
        setText(element.children[1], sign + format.percent(Math.abs(share), 2));
        element.children[1].className = format.direction(share);
        setText(element.children[2], this.chart.fromTrades ? "from trades" : "");
    }

    reveal(at) {
        this.chart.reveal(at);
    }
}
