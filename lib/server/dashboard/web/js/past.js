// Beginning with a snapshot: its rows at once, then, from the server, those that came before
// them, and the sums of those that even the server has no longer.

import { olderRows, sumsBefore } from "./history.js";
import { NOTHING_BEFORE } from "./store.js";

const TRIES = 40; // for sums that are of just the trades that have come here
const BETWEEN_MS = 50;

async function get(headers, path, parameters) {
    const address = path + "?" + new URLSearchParams(parameters);
    const answer = await fetch(address, { cache: "no-store", headers });
    if (!answer.ok)
        throw new Error(`${path}: ${answer.status}`);
    return answer.json();
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Past {
    #turn = 0; // of the newest snapshot: what an older one still fetches is no use

    constructor(store, headers = {}) {
        this.store = store;
        this.get = (path, parameters) => get(headers, path, parameters);
    }

    begin(snapshot) {
        const turn = ++this.#turn;
        const trades = (snapshot.trades_count ?? 0) - (snapshot.trades ?? []).length;
        const points = (snapshot.market_data_count ?? 0) - (snapshot.market_data ?? []).length;
        this.store.clear({ ...NOTHING_BEFORE, trades: Math.max(0, trades), points: Math.max(0, points) });
        this.store.add(snapshot);
        if (trades > 0 || points > 0)
            this.#fetch(turn, trades, points).catch((error) => console.warn("older rows:", error.message));
    }

    async #fetch(turn, trades, points) {
        const { limits } = this.store;
        const [oldTrades, oldPoints] = await Promise.all([
            olderRows("trades", trades, limits.trades, (page) => this.get("api/trades", page)),
            olderRows("market_data", points, limits.market, (page) => this.get("api/market-data", page)),
        ]);
        if (turn === this.#turn)
            this.#put(oldTrades, oldPoints, trades, points);
        if (this.store.before.trades > 0)
            await this.#sum(turn);
    }

    // Everything anew: the older rows, and behind them those that are here.
    #put(oldTrades, oldPoints, trades, points, sums = {}) {
        const { store } = this;
        const rows = (table) => table.rows.toArray().map(({ row }) => row);
        const update = {
            trades: oldTrades.concat(rows(store.trades)),
            market_data: oldPoints.concat(rows(store.market)),
            timestamp: store.updatedAt,
        };
        store.clear({
            ...NOTHING_BEFORE,
            ...sums,
            trades: trades - oldTrades.length,
            points: points - oldPoints.length,
        });
        store.add(update);
    }

    async #sum(turn) {
        const { store } = this;
        for (let tries = 0; tries < TRIES && turn === this.#turn; tries++) {
            const summary = await this.get("api/summary", {});
            if (turn === this.#turn && summary.trades === store.totals.trades) {
                const points = store.totals.points - store.market.rows.length;
                const sums = sumsBefore(summary, store.trades.rows.toArray());
                this.#put([], [], sums.trades, points, sums);
                return;
            }
            await sleep(BETWEEN_MS);
        }
    }
}
