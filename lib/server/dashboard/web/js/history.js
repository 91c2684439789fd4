// The rows before a snapshot: those who come late are sent the newest rows at once, and fetch
// the older ones in pages while they look at these already.
//
// A row's place is its number since the server began; the server says how many there ever were
// (`total`) and how many it still has (`matched`), so the pages fit together while new rows come
// and old ones leave.

import { groupOf } from "./curve.js";
import { Totals } from "./store.js";

const PAGE_ROWS = 10000;
const MOST_PAGES = 200;
const SLACK = 1000; // rows asked for again, where some have left between two pages

// Rows of one kind, oldest first, that end right before the row at `place`; at most `most`.
// `get` fetches a page: ({order, limit, offset}) -> {total, matched, [name]: rows}.
export async function olderRows(name, place, most, get) {
    let rows = [];
    let next = Math.max(0, place - most); // the place of the next row that is wanted
    let offset = 0;
    let slack = 0;
    for (let pages = 0; next < place; pages++) {
        if (pages === MOST_PAGES)
            throw new Error("the server's rows do not end");
        const page = await get({ order: "asc", limit: PAGE_ROWS, offset });
        const kept = page.total - page.matched; // the place of the oldest row there is
        if (kept > next) {
            // What was wanted has left meanwhile, and what came before it is no use.
            rows = [];
            next = kept;
        }
        const from = next - (kept + offset);
        if (from < 0)
            slack += SLACK;
        const part = from < 0 || next >= place ? [] : page[name].slice(from, from + place - next);
        for (const row of part)
            rows.push(row);
        next += part.length;
        offset = Math.max(0, next - kept - slack);
    }
    return rows;
}

const sumOf = (sum) => ({
    trades: sum.trades,
    wins: sum.winners,
    losses: sum.losers,
    quantity: sum.quantity,
    profit: sum.profit_loss,
});

// A sum less these trades: what came before them.
function less(sum, records) {
    const totals = new Totals();
    totals.goOn(sum);
    for (const record of records)
        totals.subtract(record);
    const { trades, wins, losses, quantity, profit } = totals;
    return { trades, wins, losses, quantity: String(quantity), profit: String(profit) };
}

function groupsLess(list, key, records) {
    const mine = new Map();
    for (const record of records) {
        const name = groupOf(record, key);
        if (!mine.has(name))
            mine.set(name, []);
        mine.get(name).push(record);
    }
    return list.map((sum) => ({ name: sum[key], ...less(sumOf(sum), mine.get(sum[key]) ?? []) }))
        .filter(({ trades }) => trades > 0);
}

// What the server sums up less the trades that are here: the sums of all before them.
export function sumsBefore(summary, records) {
    return {
        ...less(sumOf(summary), records),
        groups: {
            symbol: groupsLess(summary.symbols, "symbol", records),
            strategy: groupsLess(summary.strategies, "strategy", records),
        },
    };
}
