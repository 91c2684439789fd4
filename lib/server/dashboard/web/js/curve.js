// Profit and loss over time: the sum of all trades up to each moment, how far it stands below
// its highest, and the same for each strategy or symbol.

import { DecimalSum } from "./decimal.js";

export const MAX_GROUPS = 10000; // with sums of their own; the others have one together
export const OTHERS = "(others)";

// What trades that have left the page leave behind: their sum, its highest, its deepest fall.
export const NOTHING_LEFT = Object.freeze({ sum: 0, peak: 0, deepest: 0 });

function step(state, profit) {
    state.sum += profit;
    state.peak = Math.max(state.peak, state.sum);
    state.deepest = Math.min(state.deepest, state.sum - state.peak);
}

const profitOf = ({ row }) => (Number.isFinite(row.profit_loss) ? row.profit_loss : 0);

// Points that are drawn: of each run of trades the lowest and the highest.
export function drawdownCurve(records, base, points) {
    const curve = { times: [], sums: [], depths: [], deepest: base.deepest, sum: base.sum };
    const state = { ...base };
    const run = Math.max(1, Math.ceil(records.length / Math.max(1, points / 2)));
    for (let from = 0; from < records.length; from += run)
        putRun(curve, state, records, from, Math.min(from + run, records.length));
    curve.deepest = state.deepest;
    curve.sum = state.sum;
    return curve;
}

function putRun(curve, state, records, from, to) {
    let low = null;
    let high = null;
    for (let i = from; i < to; i++) {
        step(state, profitOf(records[i]));
        const point = { i, sum: state.sum, depth: state.sum - state.peak };
        if (!low || point.sum < low.sum)
            low = point;
        if (!high || point.sum >= high.sum)
            high = point;
        if (i === to - 1 && to === records.length)
            put(curve, records, ...inOrder(low, high, point));
    }
    if (to !== records.length)
        put(curve, records, ...inOrder(low, high));
}

function inOrder(...points) {
    const unique = new Map(points.map((point) => [point.i, point]));
    return [...unique.values()].sort((a, b) => a.i - b.i);
}

// A chart looks for its edges by time, and would not see the later ones of equal moments: each
// point stands a thousandth of a second behind the one before it at least.
const MOMENT_S = 0.001;

function putTime(times, at) {
    const least = times.length ? times[times.length - 1] + MOMENT_S : -Infinity;
    times.push(Math.max(at / 1000, least));
}

function put(curve, records, ...points) {
    for (const point of points) {
        putTime(curve.times, records[point.i].at);
        curve.sums.push(point.sum);
        curve.depths.push(point.depth);
    }
}

// The sum of each group ({name, profit}) at the same `points` moments, for lines that are laid
// over one another.  They begin with what trades made that have left.
export function groupCurves(records, key, groups, points) {
    const wanted = new Map(groups.map(({ name }, at) => [name, at]));
    const sums = groups.map(({ profit }) => Number(profit));
    for (const record of records) {
        const at = wanted.get(groupOf(record, key));
        if (at !== undefined)
            sums[at] -= profitOf(record);
    }
    const lines = groups.map(() => []);
    const times = [];
    const run = Math.max(1, Math.ceil(records.length / points));
    records.forEach((record, i) => {
        const at = wanted.get(groupOf(record, key));
        if (at !== undefined)
            sums[at] += profitOf(record);
        if (i % run === run - 1 || i === records.length - 1) {
            putTime(times, record.at);
            sums.forEach((sum, line) => lines[line].push(sum));
        }
    });
    return { times, lines };
}

export const groupOf = (record, key) => String(record.row[key] ?? "");

const newGroup = (name) => ({ name, trades: 0, wins: 0, decided: 0, profit: new DecimalSum() });

// Sums of each group that count on when old trades leave: {trades, wins, decided, profit}.
export class Groups {
    constructor(key) {
        this.key = key;
        this.all = new Map();
    }

    // Goes on from sums of trades that are not here.
    goOn(groups) {
        for (const { name, trades, wins, losses, profit } of groups.slice(0, MAX_GROUPS)) {
            const group = newGroup(name);
            group.trades = trades;
            group.wins = wins;
            group.decided = wins + losses;
            group.profit.addText(profit);
            this.all.set(name, group);
        }
    }

    add(records) {
        for (const record of records) {
            let name = groupOf(record, this.key);
            let group = this.all.get(name);
            if (!group && this.all.size >= MAX_GROUPS)
                group = this.all.get((name = OTHERS));
            if (!group)
                this.all.set(name, group = newGroup(name));
            const profit = profitOf(record);
            group.trades++;
            group.wins += profit > 0 ? 1 : 0;
            group.decided += profit !== 0 ? 1 : 0;
            group.profit.add(profit);
        }
    }

    // The first `count` by what they have won or lost.
    largest(count) {
        return [...this.all.values()]
            .sort((a, b) => Math.abs(b.profit) - Math.abs(a.profit) || (a.name < b.name ? -1 : 1))
            .slice(0, count);
    }
}

// What trades that have left the page, in the order of time, add to what left before.
export function leave(base, gone) {
    const state = { ...base };
    for (const record of gone)
        step(state, profitOf(record));
    return state;
}
