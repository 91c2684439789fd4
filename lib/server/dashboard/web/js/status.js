// The line at the top: the connection, the countdown to the next refresh, and a warning when
// no data come any more.

import * as format from "./format.js";
import { setText } from "./table.js";
import { duration } from "./time.js";

const byId = (id) => document.getElementById(id);

export class Status {
    constructor(freshness) {
        this.freshness = freshness;
        this.pill = byId("status");
        this.announce = byId("announce");
        this.isConnected = false;
    }

    state(name, words) {
        this.isConnected = name === "connected";
        this.pill.dataset.state = name;
        setText(byId("status-text"), words);
        document.documentElement.dataset.connection = name;
    }

    latency(ms) {
        const words = ms === null ? "" : ms < 10 ? ms.toFixed(1) + " ms" : Math.round(ms) + " ms";
        setText(byId("latency"), words);
    }

    tick(now) {
        const { refreshIn, share, age, stale } = this.freshness.at(now);
        setText(byId("countdown"), this.isConnected ? Math.ceil(refreshIn / 1000) + " s" : "\u2013");
        byId("ring").setAttribute("stroke-dashoffset", this.isConnected ? 100 - share * 100 : 100);
        setText(byId("last-age"), age === null ? "waiting"
            : age < 1000 ? "just now" : duration(age) + " ago");
        const pill = byId("stale");
        const words = stale ? "No data for " + duration(age) : "";
        setText(pill, words);
        pill.hidden = !stale;
        document.documentElement.toggleAttribute("data-stale", stale);
    }

    say(words) {
        setText(this.announce, words);
    }
}

// The row of totals below it.
export function showTotals(totals, deepest) {
    const money = (id, sum, plus) => {
        const element = byId(id);
        setText(element, format.exactShort(sum, 2, plus));
        element.title = format.exact(sum);
    };
    setText(byId("total-trades"), format.count(totals.trades));
    setText(byId("total-points"), format.count(totals.points));
    money("net-profit", totals.profit, "+");
    byId("net-profit").className = "big " + format.direction(Number(totals.profit));
    setText(byId("win-rate"), format.percent(totals.winRate));
    byId("win-meter").style.transform = `scaleX(${totals.winRate || 0})`;
    const factor = totals.profitFactor;
    setText(byId("profit-factor"), Number.isFinite(factor) ? factor.toFixed(2) : format.NOTHING);
    const partly = totals.isPartial ? "Of the trades on this page. " : "";
    byId("profit-factor").title = partly;
    money("turnover", totals.notional, "");
    byId("turnover").title = partly + byId("turnover").title;
    const fall = byId("max-drawdown");
    setText(fall, deepest < 0 ? format.exactShort(deepest.toFixed(2), 2) : format.NOTHING);
    const result = format.exactShort(totals.profit, 2, "+");
    document.title = (totals.trades ? result + " \u00b7 " : "") + "Trading dashboard";
    fall.className = deepest < 0 ? "down" : "";
}
