// The panel of results: the curve of profit and loss with its drawdown, or one for each
// strategy or symbol; below it the sums of each.

import { CurveChart, GROUP_COLOURS } from "./curve-chart.js";
import { Groups, NOTHING_LEFT, drawdownCurve, groupCurves, leave } from "./curve.js";
import * as format from "./format.js";
import { segments } from "./segments.js";
import { setText } from "./table.js";

const POINTS = 1200; // that a curve is drawn with
const GROUP_POINTS = 400;
const MAX_LINES = 50; // in the table; the largest results

const byId = (id) => document.getElementById(id);

export class Results {
    constructor({ store, state, frames, theme }) {
        this.store = store;
        this.state = state;
        this.#begin();
        this.deepest = 0;
        this.names = [];
        this.chart = new CurveChart(byId("curve-chart"), theme);
        this.frames = frames;
        segments(byId("curves"), [
            { name: "all", label: "All", title: "all trades, with the drawdown" },
            { name: "strategy", label: "Strategy", title: "a curve for each strategy" },
            { name: "symbol", label: "Symbol", title: "a curve for each symbol" },
        ], state, "curve");
        frames.job("results", () => this.#draw(), 250);
        store.onChange((change) => this.#changed(change));
        state.onChange((name) => name === "curve" && frames.want("results"));
        byId("groups").addEventListener("click", (event) => this.#pick(event));
        frames.want("results");
    }

    #begin() {
        const { before } = this.store;
        const sum = Number(before.profit);
        this.left = { ...NOTHING_LEFT, sum, peak: Math.max(0, sum), deepest: Math.min(0, sum) };
        this.groups = { strategy: new Groups("strategy"), symbol: new Groups("symbol") };
        this.groups.strategy.goOn(before.groups.strategy);
        this.groups.symbol.goOn(before.groups.symbol);
    }

    #changed({ cleared, trades, gone }) {
        if (cleared)
            this.#begin();
        if (gone.length > 0)
            this.left = leave(this.left, gone);
        this.groups.strategy.add(trades);
        this.groups.symbol.add(trades);
        if (cleared || trades.length > 0)
            this.frames.want("results");
    }

    #draw() {
        const records = this.store.tradesByTime;
        const mode = this.state.get("curve");
        const all = drawdownCurve(records, this.left, POINTS);
        this.deepest = all.deepest;
        this.frames.want("totals");
        byId("curve-empty").hidden = records.length > 0;
        if (mode === "all") {
            this.names = [];
            this.chart.showCurve(all);
        } else {
            const groups = this.groups[mode].largest(GROUP_COLOURS);
            this.names = groups.map(({ name }) => name);
            this.chart.showGroups(this.names, groupCurves(records, mode, groups, GROUP_POINTS));
        }
        this.#table(mode === "symbol" ? "symbol" : "strategy");
    }

    #table(key) {
        this.key = key;
        const groups = this.groups[key].largest(MAX_LINES)
            .sort((a, b) => Number(b.profit) - Number(a.profit));
        const most = Math.max(1e-9, ...groups.map(({ profit }) => Math.abs(Number(profit))));
        setText(byId("group-name"), key === "symbol" ? "Symbol" : "Strategy");
        const body = byId("groups");
        while (body.rows.length > groups.length)
            body.rows[body.rows.length - 1].remove();
        while (body.rows.length < groups.length)
            body.append(newLine());
        groups.forEach((group, i) => this.#fill(body.rows[i], group, most));
    }

    #fill(line, group, most) {
        const [name, trades, win, profit] = line.cells;
        const button = name.firstChild;
        const colour = this.names.indexOf(group.name);
        line.dataset.colour = colour < 0 ? "" : colour + 1;
        setText(button, group.name === "" ? "(none)" : group.name);
        button.value = group.name;
        button.title = group.name;
        setText(trades, format.count(group.trades));
        setText(win, group.decided ? format.percent(group.wins / group.decided, 0) : format.NOTHING);
        const sum = Number(group.profit);
        profit.className = "num metered " + format.direction(sum);
        profit.children[0].style.transform = `scaleX(${Math.abs(sum) / most})`;
        setText(profit.children[1], format.exactShort(group.profit, 2, "+"));
        profit.title = format.exact(group.profit, 2, "+");
    }

    #pick(event) {
        const button = event.target.closest("button");
        if (!button)
            return;
        const chosen = this.state.get(this.key);
        this.state.set(this.key, chosen === button.value ? "" : button.value);
    }
}

function newLine() {
    const line = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    const button = document.createElement("button");
    button.type = "button";
    name.append(button);
    line.append(name);
    for (let i = 0; i < 3; i++) {
        const cell = document.createElement("td");
        cell.className = "num";
        line.append(cell);
    }
    line.lastChild.append(document.createElement("b"), document.createElement("span"));
    return line;
}
