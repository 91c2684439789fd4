// The order book as a ladder: asks above, bids below, the spread between them; behind each level
// a bar of all that stands up to it.

import { depth, fixed } from "./depth.js";
import * as format from "./format.js";
import { setText } from "./table.js";

const byId = (id) => document.getElementById(id);
const LEVEL_HEIGHT = 19; // pixels, as in the style sheet
const MOST_LEVELS = 25; // of a side, as the server's

function makeLevel(side) {
    const row = document.createElement("div");
    row.className = "level " + side;
    row.setAttribute("role", "row");
    const bar = document.createElement("i");
    bar.setAttribute("aria-hidden", "true");
    const cells = ["level-price", "level-size", "level-total"].map((name) => {
        const cell = document.createElement("span");
        cell.className = name;
        cell.setAttribute("role", "cell");
        return cell;
    });
    row.append(bar, ...cells);
    return { row, bar, cells };
}

export class Ladder {
    constructor() {
        this.element = byId("ladder");
        this.sides = { asks: byId("ladder-asks"), bids: byId("ladder-bids") };
        this.levels = { asks: [], bids: [] };
        this.most = 10;
        new ResizeObserver(() => this.#resized()).observe(this.element);
    }

    #resized() {
        const room = this.element.clientHeight - byId("spread-line").offsetHeight;
        const most = Math.max(1, Math.min(MOST_LEVELS, Math.floor(room / 2 / LEVEL_HEIGHT)));
        if (most === this.most)
            return;
        this.most = most;
        if (this.book)
            this.show(this.book, this.last, this.lastSide);
    }

    show(book, last, lastSide) {
        this.book = book;
        this.last = last;
        this.lastSide = lastSide;
        const shown = depth(book, this.most);
        for (const side of ["asks", "bids"])
            this.#side(side, shown);
        const line = byId("spread-line");
        setText(byId("ladder-last"), fixed(last, Math.max(shown.priceDigits, 2)));
        byId("ladder-last").className = format.side(lastSide) === "sell" ? "down" : lastSide ? "up" : "";
        setText(byId("spread"), Number.isFinite(shown.spread)
            ? fixed(shown.spread, shown.priceDigits) : format.NOTHING);
        setText(byId("spread-share"), Number.isFinite(shown.share)
            ? (shown.share * 10000).toFixed(1) + " bp" : "");
        line.classList.toggle("crossed", shown.spread < 0);
        byId("book-empty").hidden = shown.asks.length + shown.bids.length > 0;
    }

    #side(side, shown) {
        const levels = shown[side];
        const made = this.levels[side];
        while (made.length < levels.length) {
            const level = makeLevel(side);
            made.push(level);
            this.sides[side][side === "asks" ? "prepend" : "append"](level.row);
        }
        while (made.length > levels.length)
            made.pop().row.remove();
        levels.forEach(({ price, size, total, part }, i) => {
            const { row, bar, cells } = made[i];
            row.classList.toggle("best", i === 0);
            setText(cells[0], fixed(price, Math.max(shown.priceDigits, 2)));
            setText(cells[1], size === null ? format.NOTHING : fixed(size, shown.sizeDigits));
            setText(cells[2], size === null ? format.NOTHING : fixed(total, shown.sizeDigits));
            bar.style.transform = `scaleX(${part.toFixed(4)})`;
        });
    }
}
