// The tape: the latest public trades of the symbol that is shown, newest first.

import { fixed } from "./depth.js";
import * as format from "./format.js";
import { setText } from "./table.js";

export const MOST_LINES = 60;

const byId = (id) => document.getElementById(id);

export class Tape {
    constructor() {
        this.element = byId("tape-lines");
        this.lines = [];
    }

    #make() {
        const row = document.createElement("div");
        row.setAttribute("role", "row");
        const cells = ["print-time", "print-price", "print-size"].map((name) => {
            const cell = document.createElement("span");
            cell.className = name;
            cell.setAttribute("role", "cell");
            row.append(cell);
            return cell;
        });
        this.element.append(row);
        this.lines.push({ row, cells });
    }

    show(trades, digits) {
        while (this.lines.length < trades.length)
            this.#make();
        while (this.lines.length > trades.length)
            this.lines.pop().row.remove();
        trades.forEach((trade, i) => {
            const { row, cells } = this.lines[i];
            const side = format.side(trade.side);
            row.className = "print " + side;
            setText(cells[0], new Date(trade.at).toISOString().slice(11, 19)); // as the bars: UTC
            setText(cells[1], (side === "buy" ? "\u25b2 " : side === "sell" ? "\u25bc " : "") + fixed(trade.price, digits));
            setText(cells[2], trade.size === undefined ? format.NOTHING : format.quantity(trade.size));
        });
    }
}
