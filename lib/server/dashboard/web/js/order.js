// Lists that stay in order while rows arrive in batches.

// By moment, and by arrival where two moments are the same.
export const byTime = (a, b) => a.at - b.at || a.seq - b.seq;

// Puts the batch, which is in no order, into the list, which is in order.  Gives the lowest
// index that has changed: what is before it stands as it stood.  Rows that come in their
// order, which is nearly always, are appended without looking at the rest.
export function mergeSorted(list, batch, compare) {
    if (batch.length === 0)
        return list.length;
    const added = [...batch].sort(compare);
    let from = list.length - 1;
    let take = added.length - 1;
    let to = list.length + added.length - 1;
    if (from < 0 || compare(list[from], added[0]) <= 0) {
        for (const item of added)
            list.push(item);
        return from + 1;
    }
    list.length = to + 1;
    while (take >= 0) {
        if (from >= 0 && compare(list[from], added[take]) > 0)
            list[to--] = list[from--];
        else
            list[to--] = added[take--];
    }
    return to + 1;
}

// Takes out what has left the store: rows are numbered in the order of their arrival.
export function dropBefore(list, oldest) {
    if (list.length === 0)
        return [];
    const gone = [];
    let kept = 0;
    for (const item of list) {
        if (item.seq < oldest)
            gone.push(item);
        else
            list[kept++] = item;
    }
    list.length = kept;
    return gone;
}
