// The strip of tickers: one for each symbol, with its last price, how far it has come, and the
// quote.  A click shows the symbol below.

import { moved } from "./markets.js";
import * as format from "./format.js";
import { setText } from "./table.js";

const MOST_CHIPS = 100; // any other symbol can be typed, or clicked in a table
const FLASH_MS = 450;

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function span(name, tag = "span") {
    const element = document.createElement(tag);
    element.className = name;
    return element;
}

export class Tickers {
    constructor(onPick) {
        this.onPick = onPick;
        this.element = byId("tickers");
        this.chips = new Map();
    }

    #make(symbol) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "chip";
        button.dataset.symbol = symbol;
        const parts = {
            button,
            name: span("chip-name"),
            last: span("chip-last", "b"),
            change: span("chip-change"),
            quote: span("chip-quote"),
            price: NaN,
        };
        button.append(parts.name, parts.last, parts.change, parts.quote);
        button.addEventListener("click", () => this.onPick(symbol));
        setText(parts.name, symbol);
        this.element.append(button);
        this.chips.set(symbol, parts);
        return parts;
    }

    show(tickers, chosen) {
        if ([...this.chips.keys()].some((symbol) => !tickers.has(symbol))) {
            this.element.replaceChildren();
            this.chips.clear();
        }
        for (const [symbol, ticker] of tickers) {
            const chip = this.chips.get(symbol) ??
                (this.chips.size < MOST_CHIPS || symbol === chosen ? this.#make(symbol) : null);
            if (chip)
                this.#fill(chip, ticker, symbol === chosen);
        }
    }

    #fill(chip, ticker, isChosen) {
        const share = moved(ticker);
        const sign = share > 0 ? "+" : share < 0 ? "\u2212" : "";
        const { bid, ask } = ticker;
        setText(chip.last, format.price(ticker.last));
        setText(chip.change, Number.isFinite(share) ? sign + format.percent(Math.abs(share), 2) : "");
        chip.change.className = "chip-change " + format.direction(share);
        setText(chip.quote, bid === undefined && ask === undefined
            ? (ticker.volume === undefined ? "" : "Vol " + format.compact(ticker.volume))
            : `${format.price(bid)} / ${format.price(ask)}`);
        chip.button.setAttribute("aria-pressed", String(isChosen));
        if (Number.isFinite(chip.price) && ticker.last !== chip.price && !calm.matches)
            this.#flash(chip, ticker.last > chip.price);
        chip.price = ticker.last;
    }

    #flash(chip, isUp) {
        const colour = getComputedStyle(document.documentElement).getPropertyValue(isUp ? "--up" : "--down");
        chip.last.animate([{ color: colour.trim() }, {}], { duration: FLASH_MS, easing: "ease-out" });
    }
}
