// The columns of both tables.  A column is one entry: its key in the row, its name, its
// narrowest width, and how a cell is filled (text where nothing else is said).

import * as format from "./format.js";
import { setText } from "./table.js";
import { dayAndTime } from "./time.js";
import { change } from "./view.js";

const filled = (how) => (cell, record, key) => setText(cell, how(record.row[key]));

// Two texts in one cell, each in an element of its own that is made once.
function pair(cell, first, second) {
    if (cell.children.length !== 2)
        cell.replaceChildren(document.createElement("i"), document.createElement("span"));
    setText(cell.children[0], first);
    setText(cell.children[1], second);
}

function fillTime(cell, { row }) {
    const [day, time] = dayAndTime(row.timestamp);
    pair(cell, day, time);
    cell.title = String(row.timestamp ?? "");
}

const ARROWS = { buy: "\u25b2", sell: "\u25bc", "": "\u25cf" };

function fillSide(cell, { row }) {
    const side = format.side(row.side);
    cell.className = "side " + (side || "other");
    pair(cell, ARROWS[side], format.text(row.side));
}

function fillProfit(cell, { row }) {
    cell.className = "num " + format.direction(row.profit_loss);
    setText(cell, format.signed(row.profit_loss));
}

function fillStrategy(cell, { row }) {
    setText(cell, format.text(row.strategy));
    cell.title = format.text(row.strategy);
}

function fillChange(cell, record) {
    const share = change(record);
    const sign = share > 0 ? "+" : share < 0 ? "\u2212" : "";
    cell.className = "num " + format.direction(share);
    setText(cell, Number.isFinite(share) ? sign + format.percent(Math.abs(share), 2) : format.NOTHING);
}

// A number with a bar behind it, from 0 to 1 of the cell.
function fillMeter(cell, value, share, kind) {
    if (cell.children.length !== 2)
        cell.replaceChildren(document.createElement("b"), document.createElement("span"));
    const width = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0));
    cell.className = "num metered " + kind;
    cell.children[0].style.transform = `scaleX(${width})`;
    setText(cell.children[1], typeof value === "number" ? String(value) : format.text(value));
}

function fillRsi(cell, { row }) {
    const kind = row.rsi >= 70 ? "high" : row.rsi <= 30 ? "low" : "";
    fillMeter(cell, row.rsi, row.rsi / 100, kind);
}

function fillSignal(cell, { row }) {
    const strength = row.signal_strength;
    fillMeter(cell, strength, Math.abs(strength) > 1 ? Math.abs(strength) / 100 : Math.abs(strength), "signal");
}

const column = (key, label, width, more = {}) => ({ key, label, width, ...more });

// Whole, also where the column is not wide enough for it.
function fillSymbol(cell, { row }) {
    const words = format.text(row.symbol);
    setText(cell, words);
    cell.title = words;
}

const SYMBOL_LETTER = 8.5; // pixels of a wide one
const SYMBOL_EDGES = 24; // of its cell
const MOST_SYMBOL_WIDTH = 240;
const MOST_BESIDE_TRADES = 144; // whose other columns are wanted more

// What a column takes for symbols of so many letters, in steps: it is not laid out for each one.
export const symbolWidth = (letters) =>
    Math.min(MOST_SYMBOL_WIDTH, Math.ceil((SYMBOL_EDGES + letters * SYMBOL_LETTER) / 24) * 24);

const extraColumns = (names) => names.map((name) => column(name, name, 96, {
    fill: filled((value) => (typeof value === "number" ? format.quantity(value) : format.text(value))),
}));

// A fill is told its column's key.
const ready = (columns) => columns.map((entry) => ({
    ...entry,
    fill: (cell, record) => entry.fill(cell, record, entry.key),
}));

export const tradeColumns = (extra, letters = 0) => ready([
    column("timestamp", "Time", 164, { fill: fillTime, grow: 1.3, narrow: 76 }),
    column("symbol", "Symbol", Math.min(MOST_BESIDE_TRADES, Math.max(80, symbolWidth(letters))), { fill: fillSymbol, narrow: 70 }),
    column("side", "Side", 72, { fill: fillSide, grow: 0.8, narrow: 66 }),
    column("quantity", "Quantity", 84, { number: true, narrow: 66, fill: filled(format.quantity) }),
    column("price", "Price", 92, { number: true, narrow: 76, fill: filled(format.price) }),
    column("profit_loss", "P&L", 92, { number: true, narrow: 76, fill: fillProfit }),
    column("strategy", "Strategy", 130, { fill: fillStrategy, grow: 1.6 }),
    ...extraColumns(extra),
]);

export const marketColumns = (extra, letters = 0) => ready([
    column("symbol", "Symbol", Math.max(84, symbolWidth(letters)), { fill: fillSymbol, narrow: 84 }),
    column("close", "Close", 74, { number: true, fill: filled(format.price) }),
    column("change", "Change", 76, { number: true, fill: fillChange, title: "Close against open" }),
    column("rsi", "RSI", 58, { number: true, fill: fillRsi }),
    column("signal_strength", "Signal", 62, { number: true, fill: fillSignal, title: "Signal strength" }),
    column("open", "Open", 74, { number: true, fill: filled(format.price) }),
    column("high", "High", 74, { number: true, fill: filled(format.price) }),
    column("low", "Low", 74, { number: true, fill: filled(format.price) }),
    column("volume", "Volume", 76, { number: true, fill: filled(format.compact) }),
    column("timestamp", "Time", 164, { fill: fillTime, grow: 1.3 }),
    ...extraColumns(extra),
]);
