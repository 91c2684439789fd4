// The live part of the page, there when the dashboard is connected to running servers: their
// pills, the strip of tickers, the order book and the tape of the symbol that is shown.

import { commonDigits } from "./depth.js";
import { Faults } from "./faults.js";
import { Feeds } from "./feeds.js";
import { Ladder } from "./ladder.js";
import { Markets } from "./markets.js";
import { setText } from "./table.js";
import { MOST_LINES, Tape } from "./tape.js";
import { Tickers } from "./tickers.js";

const byId = (id) => document.getElementById(id);

export class Live {
    // `price` is the panel that knows the symbol; `watch(symbol, before)` asks for a book,
    // `command(command)` has something done to the exchange's faults.
    constructor({ state, frames, store, price, watch, command }) {
        this.markets = new Markets();
        this.price = price;
        this.state = state;
        this.isOpen = false;
        this.frames = frames;
        this.watch = watch;
        this.watched = "";
        this.isHeld = false;
        this.ladder = new Ladder();
        this.tape = new Tape();
        this.feeds = new Feeds();
        this.faults = new Faults(command);
        this.tickers = new Tickers((symbol) => price.choose(symbol));
        frames.job("live-book", () => this.#drawBook(), 50);
        frames.job("live-tape", () => this.#drawTape(), 100);
        frames.job("live-tickers", () => this.#drawTickers(), 100);
        frames.job("live-feeds", () => this.#drawFeeds(), 250);
        this.markets.onChange((name) => this.#changed(name));
        state.onChange((name) => name === "symbol" && this.markets.isThere && this.#all());
        // Whose trades nobody pushes has no use for an empty list of them.
        const bare = () => document.documentElement.toggleAttribute("data-bare", store.totals.trades === 0);
        store.onChange(bare);
        bare();
    }

    // What the connection hands over; while the reader pauses nothing moves.
    get events() {
        const unlessHeld = (take) => (message) => {
            if (!this.isHeld)
                take(message ?? {});
        };
        return {
            live: unlessHeld((message) => this.markets.all(message)),
            live_tick: unlessHeld((message) => this.markets.tick(message)),
            live_book: unlessHeld((message) => this.markets.takeBook(message)),
            live_state: (message) => this.markets.state(message ?? {}),
            faults: (message) => this.faults.show(message ?? {}),
            faults_may: (message) => this.faults.setMay(message ?? {}),
            faults_result: (message) => this.faults.said(message ?? {}),
        };
    }

    // The connection is a new one: nothing is watched any more.
    reconnected() {
        this.watched = "";
    }

    // To a panel by its key: of the faults to the first switch that can be thrown.
    focus(id) {
        const panel = byId(id);
        const target = panel.querySelector("button:enabled") ?? panel;
        target.focus();
        target.scrollIntoView({ block: "nearest" });
    }

    #changed(name) {
        if (this.markets.isThere && !document.documentElement.hasAttribute("data-live")) {
            document.documentElement.setAttribute("data-live", "");
            this.price.chart.layOut();
        }
        if (name === "book")
            this.frames.want("live-book");
        else if (name === "tape")
            this.frames.want("live-tape");
        else if (name === "feeds")
            this.frames.want("live-feeds");
        else
            this.frames.want("live-tickers");
    }

    #all() {
        this.frames.want("live-book", "live-tape", "live-tickers");
    }

    get symbol() {
        return this.markets.nearest(this.price.symbol);
    }

    // The book of the symbol that is shown is the one that comes.
    #follow() {
        const { symbol } = this;
        if (symbol === this.watched || !symbol)
            return;
        this.watch(symbol, this.watched);
        this.watched = symbol;
        this.#all();
    }

    // The page opens on a market that has something to show, once, unless the reader named one.
    #open() {
        const better = this.isOpen || this.state.get("symbol") ? null : this.markets.better(this.price.symbol);
        if (better)
            this.price.open(better);
        this.isOpen ||= better !== "";
    }

    #drawTickers() {
        this.#open();
        this.#follow();
        this.tickers.show(this.markets.tickers, this.symbol);
        setText(byId("book-symbol"), this.symbol);
        this.#drawBook();
    }

    #drawBook() {
        const { symbol, markets } = this;
        const ticker = markets.tickers.get(symbol);
        const book = markets.book?.symbol === symbol ? markets.book : null;
        const feed = markets.feedOf(symbol);
        byId("live").toggleAttribute("data-lost", feed !== null && feed.state === "lost");
        setText(byId("book-title"), book?.is_quote ? "Quote" : "Order book");
        this.ladder.show(book, ticker?.last, ticker?.side);
    }

    #drawTape() {
        const trades = this.markets.tradesOf(this.symbol, MOST_LINES);
        const digits = Math.max(2, commonDigits(trades.map(({ price }) => price)));
        this.tape.show(trades, digits);
        byId("tape-empty").hidden = trades.length > 0;
    }

    #drawFeeds() {
        this.feeds.show(this.markets.feeds, performance.now());
        byId("left-aside").hidden = !this.markets.leftAside;
    }
}
