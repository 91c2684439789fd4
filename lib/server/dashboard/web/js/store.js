// What the page knows: the newest trades and market rows, and the exact totals of all that
// were ever pushed.
//
// The rows are bounded; the oldest leave.  The totals count on: they begin with what the
// server says of the rows before the first one here.

import { DecimalSum } from "./decimal.js";
import { byTime, dropBefore, mergeSorted } from "./order.js";
import { Queue } from "./queue.js";
import { instant } from "./time.js";

export const MAX_TRADES = 100000; // the oldest leave
export const MAX_MARKET_ROWS = 100000; // the oldest leave
export const MAX_EXTRA_COLUMNS = 16; // of columns that the page does not know; more stay unseen

export const TRADE_COLUMNS = ["timestamp", "symbol", "side", "quantity", "price", "profit_loss",
    "strategy"];
export const MARKET_COLUMNS = ["timestamp", "symbol", "open", "high", "low", "close", "volume",
    "rsi", "signal_strength"];

export const NOTHING_BEFORE = Object.freeze({
    trades: 0, points: 0, wins: 0, losses: 0, quantity: "0", profit: "0",
    groups: { symbol: [], strategy: [] },
});

// The newest rows of one kind, and of each symbol.
class Table {
    constructor(limit, known) {
        this.limit = limit;
        this.known = new Set(known);
        this.rows = new Queue();
        this.bySymbol = new Map();
        this.extra = [];
        this.longest = 0; // letters of a symbol
        this.next = 0;
    }

    get oldest() {
        return this.next - this.rows.length;
    }

    #record(row) {
        const before = this.rows.at(-1);
        let at = instant(row.timestamp);
        if (Number.isNaN(at))
            at = before ? before.at : 0;
        return { seq: this.next++, at, symbol: String(row.symbol ?? ""), row };
    }

    // Columns that a script sends beside the known ones, in the order of their coming.
    #notice(row) {
        for (const name in row)
            if (!this.known.has(name) && this.extra.length < MAX_EXTRA_COLUMNS) {
                this.known.add(name);
                this.extra.push(name);
            }
    }

    add(rows) {
        const added = [];
        for (const row of rows) {
            if (row === null || typeof row !== "object")
                continue;
            this.#notice(row);
            const record = this.#record(row);
            added.push(record);
            this.rows.push(record);
            let own = this.bySymbol.get(record.symbol);
            if (!own) {
                this.bySymbol.set(record.symbol, own = new Queue());
                this.longest = Math.max(this.longest, record.symbol.length);
            }
            own.push(record);
        }
        // A few more than the limit may stay, so that not every row costs a search for the oldest.
        if (this.rows.length > this.limit + (this.limit >> 6))
            while (this.rows.length > this.limit)
                this.#evict();
        return added;
    }

    #evict() {
        const record = this.rows.shift();
        const own = this.bySymbol.get(record.symbol);
        own.shift();
        if (own.length === 0)
            this.bySymbol.delete(record.symbol);
    }
}

export class Totals {
    constructor() {
        this.isPartial = false; // won, lost and turnover are of fewer trades than the rest
        this.trades = 0;
        this.points = 0;
        this.wins = 0;
        this.losses = 0;
        this.profit = new DecimalSum();
        this.won = new DecimalSum();
        this.lost = new DecimalSum();
        this.notional = new DecimalSum();
        this.quantity = new DecimalSum();
    }

    // Goes on from sums of trades that are not here.
    goOn(sums) {
        this.isPartial = sums.trades > 0;
        this.trades += sums.trades;
        this.wins += sums.wins;
        this.losses += sums.losses;
        this.profit.addText(sums.profit);
        this.quantity.addText(sums.quantity);
    }

    add({ row }) {
        this.trades++;
        this.#result(row.profit_loss, 1);
        this.quantity.add(row.quantity);
        this.notional.addProduct(row.quantity, row.price);
    }

    subtract({ row }) {
        this.trades--;
        this.#result(row.profit_loss, -1);
        this.quantity.subtract(row.quantity);
        this.notional.subtractProduct(row.quantity, row.price);
    }

    #result(profit, count) {
        const move = count > 0 ? "add" : "subtract";
        this.profit[move](profit);
        if (profit > 0) {
            this.wins += count;
            this.won[move](profit);
        } else if (profit < 0) {
            this.losses += count;
            this.lost[move](profit);
        }
    }

    get winRate() {
        const decided = this.wins + this.losses;
        return decided ? this.wins / decided : NaN;
    }

    // What was won for each unit that was lost.
    get profitFactor() {
        return this.losses ? Number(this.won) / -Number(this.lost) : NaN;
    }
}

export class Store {
    #listeners = [];

    constructor(limits = {}) {
        this.limits = { trades: MAX_TRADES, market: MAX_MARKET_ROWS, ...limits };
        this.clear();
    }

    // Empty; `before` are the sums of rows that were pushed and are not here (history.js), with
    // their numbers of trades and points.
    clear(before = NOTHING_BEFORE) {
        this.before = before;
        this.trades = new Table(this.limits.trades, TRADE_COLUMNS);
        this.market = new Table(this.limits.market, MARKET_COLUMNS);
        this.totals = new Totals();
        this.totals.goOn(before);
        this.totals.points = before.points;
        this.tradesByTime = [];
        this.updatedAt = "";
        this.#tell({ cleared: true, trades: [], market: [], gone: [] });
    }

    // Called after each change with {cleared, trades, market, gone}: the records that were
    // added, and the trades that have left, in the order of time.
    onChange(listen) {
        this.#listeners.push(listen);
    }

    #tell(change) {
        for (const listen of this.#listeners)
            listen(change);
    }

    // The symbols with market data first, then those that only trade.
    symbols(limit) {
        const names = new Set();
        for (const table of [this.market, this.trades])
            for (const name of table.bySymbol.keys()) {
                if (names.size >= limit)
                    return [...names];
                names.add(name);
            }
        return [...names];
    }

    add(update) {
        const trades = this.trades.add(Array.isArray(update.trades) ? update.trades : []);
        const market = this.market.add(Array.isArray(update.market_data) ? update.market_data : []);
        for (const record of trades)
            this.totals.add(record);
        this.totals.points += market.length;
        mergeSorted(this.tradesByTime, trades, byTime);
        const gone = this.tradesByTime.length === this.trades.rows.length ? []
            : dropBefore(this.tradesByTime, this.trades.oldest);
        if (update.timestamp)
            this.updatedAt = String(update.timestamp);
        this.#tell({ cleared: false, trades, market, gone });
    }
}
