// What to do with a snapshot: the server's newest rows, which it sends to whoever joins.
//
// After a short absence the page holds most of them.  Where the snapshot goes on from what is
// here, only what was missed is added, and older rows than the server sends stay; otherwise
// the page begins anew with the snapshot.

const sameRow = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// The rows of the snapshot that are not here yet; null where the two do not fit together.
// `seen` counts all rows of this kind that came here, `total` those that came to the server.
export function missing(rows, total, seen, last) {
    if (seen === 0)
        return rows;
    const behind = total - seen;
    const before = rows[rows.length - behind - 1];
    if (behind < 0 || before === undefined)
        return null;
    return sameRow(before, last) ? rows.slice(rows.length - behind) : null;
}

// {trades, market_data} to add, or null: begin anew.
export function goOn(snapshot, store) {
    if (store.totals.trades + store.totals.points === 0)
        return null;
    const trades = missing(snapshot.trades ?? [], snapshot.trades_count ?? 0,
        store.totals.trades, store.trades.rows.at(-1)?.row);
    const market = missing(snapshot.market_data ?? [], snapshot.market_data_count ?? 0,
        store.totals.points, store.market.rows.at(-1)?.row);
    if (trades === null || market === null)
        return null;
    return { ...snapshot, trades, market_data: market };
}
