// Profit and loss over time: one curve with its drawdown below, or a curve for each group.

import uPlot from "../vendor/uplot.js";
import * as format from "./format.js";
import { axisMoment } from "./time.js";

const SPACE = 5; // pixels beyond the highest and lowest point

export const GROUP_COLOURS = 7; // --group-1 ... in the style sheet

export class CurveChart {
    constructor(container, theme) {
        this.container = container;
        this.theme = theme;
        this.names = null; // of the groups; null: one curve with its drawdown
        this.data = [[], [], []];
        this.plot = null;
        new ResizeObserver(() => this.#resize()).observe(container);
        theme.onChange(() => this.#build());
    }

    #resize() {
        const { clientWidth: width, clientHeight: height } = this.container;
        if (this.plot && width && height)
            this.plot.setSize({ width, height });
        else if (width && height)
            this.#build();
    }

    // curve: {times, sums, depths}
    showCurve(curve) {
        this.#show(null, [curve.times, curve.sums, curve.depths]);
    }

    // groups: {times, lines}, a line for each name
    showGroups(names, groups) {
        this.#show(names, [groups.times, ...groups.lines]);
    }

    #show(names, data) {
        const isOther = String(names) !== String(this.names);
        this.names = names;
        this.data = data;
        if (isOther || !this.plot)
            this.#build();
        else
            this.plot.setData(data);
    }

    #build() {
        const { clientWidth: width, clientHeight: height } = this.container;
        this.plot?.destroy();
        this.plot = null;
        if (!width || !height || this.data[0].length === 0)
            return;
        this.plot = new uPlot(this.#options(width, height), this.data, this.container);
    }

    #options(width, height) {
        return {
            width,
            height,
            padding: [12, 10, 0, 18],
            legend: { show: false },
            cursor: { points: { size: 7 }, drag: { x: true, y: false } },
            tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
            scales: this.#scales(),
            axes: this.#axes(),
            series: this.names ? this.#groupSeries() : this.#curveSeries(),
            hooks: { drawClear: [(plot) => this.#zeroLine(plot)] },
        };
    }

    #scales() {
        return {
            x: { time: true, range: (plot, low, high) => (low === high ? [low - 30, high + 30] : [low, high]) },
            y: { range: (plot, low, high) => this.#range(low ?? 0, high ?? 0) },
            // The drawdown has the lowest quarter for itself.
            depth: { range: (plot, low) => [Math.min(low ?? 0, -1e-9), -4 * Math.min(low ?? 0, -1e-9)] },
        };
    }

    #range(low, high) {
        const bottom = Math.min(low, 0);
        const top = Math.max(high, 0);
        const span = top - bottom || 1;
        return [bottom - span * (this.names ? 0.06 : 0.3), top + span * 0.06];
    }

    #axes() {
        const { colour } = this.theme;
        const common = {
            stroke: colour("muted"),
            font: "11px " + colour("font"),
            grid: { stroke: colour("grid"), width: 1 },
            ticks: { show: false },
        };
        return [
            {
                ...common, size: 26, gap: 6, space: 72,
                values: (plot, splits, axis, space, step) =>
                    splits.map((at, i) => axisMoment(at, step, splits[i - 1] ?? plot.scales.x.max)),
            },
            {
                ...common, side: 1, size: 58, gap: 6, space: 34,
                // None beside the drawdown, which has a scale of its own.
                values: (plot, splits) => splits.map((value) =>
                    (this.names || value >= plot.scales.y.min * 0.4 ? format.compact(value) : "")),
            },
        ];
    }

    #curveSeries() {
        const { colour } = this.theme;
        return [
            {},
            {
                label: "P&L", stroke: colour("curve"), width: 1.8, points: { show: false },
                fill: (plot) => this.#shade(plot),
            },
            {
                label: "Drawdown", scale: "depth", stroke: colour("down"), width: 1,
                fill: this.theme.faint("down", 0.22), fillTo: 0, points: { show: false },
            },
        ];
    }

    #shade(plot) {
        const zero = plot.valToPos(0, "y", true);
        const top = plot.bbox.top;
        const shade = plot.ctx.createLinearGradient(0, top, 0, Math.max(top + 1, zero));
        shade.addColorStop(0, this.theme.faint("curve", 0.32));
        shade.addColorStop(1, this.theme.faint("curve", 0.02));
        return shade;
    }

    #groupSeries() {
        return [{}, ...this.names.map((name, i) => ({
            label: name,
            stroke: this.theme.colour("group-" + (i % GROUP_COLOURS + 1)),
            width: 1.6,
            points: { show: false },
        }))];
    }

    #zeroLine(plot) {
        const y = Math.round(plot.valToPos(0, "y", true)) + 0.5;
        const { left, width, top, height } = plot.bbox;
        if (!(y >= top - SPACE && y <= top + height + SPACE))
            return;
        plot.ctx.save();
        plot.ctx.strokeStyle = this.theme.colour("faint");
        plot.ctx.setLineDash([3, 3]);
        plot.ctx.beginPath();
        plot.ctx.moveTo(left, y);
        plot.ctx.lineTo(left + width, y);
        plot.ctx.stroke();
        plot.ctx.restore();
    }
}
