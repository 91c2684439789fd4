// Candles with volume and the trades on them; below, RSI and the signal's strength.
//
// The chart shows one symbol.  Bars that come in their order are put on one by one; anything
// else is drawn anew.

import {
    CandlestickSeries, ColorType, CrosshairMode, HistogramSeries, LineSeries, LineStyle,
    createChart, createSeriesMarkers, createTextWatermark,
} from "../vendor/lightweight-charts.js";
import { Candles } from "./candles.js";
import * as format from "./format.js";
import { setText } from "./table.js";

const MAX_BARS = 20000; // of one symbol on the chart; the newest
const MAX_DIGITS = 8;

const seconds = (bar) => bar.start / 1000;

// The digits behind the point that the newest prices need.
function digitsOf(bars) {
    let digits = 2;
    for (const bar of bars.slice(-200)) {
        const behind = String(bar.close).split(".")[1] ?? "";
        digits = Math.max(digits, Math.min(behind.length, MAX_DIGITS));
    }
    return digits;
}

export class PriceChart {
    constructor(container, legend, theme) {
        this.legend = legend;
        this.theme = theme;
        this.chart = createChart(container, {
            autoSize: true,
            // The attribution that its licence asks for stands at the foot of the page.
            layout: { attributionLogo: false },
            crosshair: { mode: CrosshairMode.Normal },
            timeScale: { timeVisible: true, secondsVisible: true, rightOffset: 4, minBarSpacing: 0.2 },
        });
        this.#addSeries();
        this.candles = new Candles(0);
        this.symbol = "";
        this.chart.subscribeCrosshairMove((move) => this.#hover(move));
        theme.onChange(() => this.#paint());
        this.#paint();
    }

    #addSeries() {
        const quiet = { priceLineVisible: false, lastValueVisible: false };
        this.price = this.chart.addSeries(CandlestickSeries, { borderVisible: false });
        this.volume = this.chart.addSeries(HistogramSeries, {
            ...quiet, priceScaleId: "volume", priceFormat: { type: "volume" },
        });
        this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
        this.price.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: 0.2 } });
        this.marks = createSeriesMarkers(this.price, []);
        this.#addPanes();
    }

    // RSI and signal, below.
    #addPanes() {
        const quiet = { priceLineVisible: false, lastValueVisible: false };
        const whole = { type: "custom", minMove: 0.1, formatter: (value) => value.toFixed(0) };
        this.rsi = this.chart.addSeries(LineSeries, {
            ...quiet, lineWidth: 1.5, priceFormat: whole,
            autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }),
        }, 1);
        this.signal = this.chart.addSeries(HistogramSeries, {
            ...quiet, base: 0, priceFormat: { type: "price", precision: 2, minMove: 0.01 },
        }, 2);
        this.bounds = [70, 30].map((price) => this.rsi.createPriceLine({
            price, lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: false,
        }));
        this.chart.panes().forEach((pane, i) => pane.setStretchFactor([5, 1.15, 1][i]));
        this.names = ["RSI", "Signal"].map((name, i) => ({
            name,
            mark: createTextWatermark(this.chart.panes()[i + 1], { horzAlign: "left", vertAlign: "top" }),
        }));
    }

    // Bars of a live market have neither: then the price has all the room.
    #fitPanes(bars) {
        const isWanted = !document.documentElement.hasAttribute("data-live") || bars.length === 0 ||
            bars.some((bar) => Number.isFinite(bar.rsi) || Number.isFinite(bar.signal));
        if (isWanted === Boolean(this.rsi))
            return;
        if (isWanted) {
            this.#addPanes();
            this.#paintPanes();
            return;
        }
        for (const series of [this.signal, this.rsi])
            this.chart.removeSeries(series);
        this.rsi = this.signal = null;
        this.bounds = this.names = [];
    }

    #paint() {
        const colour = this.theme.colour;
        this.chart.applyOptions({
            layout: {
                background: { type: ColorType.Solid, color: colour("panel") },
                textColor: colour("muted"),
                fontFamily: colour("font"),
                fontSize: 11,
                panes: { separatorColor: colour("line"), separatorHoverColor: colour("raised") },
            },
            grid: { vertLines: { color: colour("grid") }, horzLines: { color: colour("grid") } },
            crosshair: {
                vertLine: { color: colour("faint"), labelBackgroundColor: colour("raised") },
                horzLine: { color: colour("faint"), labelBackgroundColor: colour("raised") },
            },
            rightPriceScale: { borderColor: colour("line") },
            timeScale: { borderColor: colour("line") },
        });
        this.price.applyOptions({
            upColor: colour("up"), wickUpColor: colour("up"),
            downColor: colour("down"), wickDownColor: colour("down"),
        });
        this.#paintPanes();
        this.#draw();
        this.#mark();
    }

    #paintPanes() {
        const colour = this.theme.colour;
        this.rsi?.applyOptions({ color: colour("rsi") });
        for (const bound of this.bounds)
            bound.applyOptions({ color: colour("faint") });
        for (const { name, mark } of this.names)
            mark.applyOptions({
                lines: [{
                    text: " " + name, color: colour("muted"), fontSize: 10, lineHeight: 18,
                    fontFamily: colour("font"),
                }],
            });
    }

    // Another symbol or interval: all of it.  Without market data its trades make the bars.
    show(symbol, interval, market, trades) {
        const isOther = symbol !== this.symbol || interval !== this.candles.interval;
        this.symbol = symbol;
        this.fromTrades = market.length === 0;
        this.trades = trades;
        this.candles = new Candles(interval, this.fromTrades);
        this.candles.add(this.fromTrades ? trades : market);
        this.#draw();
        this.#mark();
        if (isOther)
            this.fit();
        this.#tell(this.candles.bars.at(-1));
    }

    // What has arrived for the symbol that is shown.
    add(market, trades) {
        if (this.fromTrades && market.length > 0) {
            this.show(this.symbol, this.candles.interval, market, this.trades.concat(trades));
            this.fit();
            return;
        }
        this.trades = this.trades.concat(trades).slice(-MAX_BARS);
        const rows = this.fromTrades ? trades : market;
        if (rows.length > 0)
            this.#grow(this.candles.add(rows));
        if (trades.length > 0)
            this.#mark();
        this.#tell(this.candles.bars.at(-1));
    }

    #grow(changed) {
        const bars = this.candles.bars;
        const hasMore = !this.rsi && bars.slice(changed).some((bar) =>
            Number.isFinite(bar.rsi) || Number.isFinite(bar.signal));
        if (hasMore || changed < this.drawn - 1 || this.drawn === 0 || bars.length - changed > 64) {
            this.#draw();
            return;
        }
        for (const bar of bars.slice(changed)) {
            this.price.update(this.#candle(bar));
            this.volume.update(this.#volumeBar(bar));
            this.rsi?.update(this.#point(bar, bar.rsi));
            this.signal?.update(this.#signalBar(bar));
        }
        this.drawn = bars.length;
    }

    #draw() {
        if (!this.candles)
            return;
        const bars = this.candles.bars.slice(-MAX_BARS);
        this.#fitPanes(bars);
        const digits = digitsOf(bars);
        this.price.applyOptions({
            priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits },
        });
        this.digits = digits;
        this.price.setData(bars.map((bar) => this.#candle(bar)));
        this.volume.setData(bars.map((bar) => this.#volumeBar(bar)));
        this.rsi?.setData(bars.map((bar) => this.#point(bar, bar.rsi)));
        this.signal?.setData(bars.map((bar) => this.#signalBar(bar)));
        this.drawn = this.candles.bars.length;
    }

    #candle(bar) {
        return { time: seconds(bar), open: bar.open, high: bar.high, low: bar.low, close: bar.close };
    }

    #volumeBar(bar) {
        const side = bar.close >= bar.open ? "up" : "down";
        return { time: seconds(bar), value: bar.volume, color: this.theme.faint(side, 0.38) };
    }

    #point(bar, value) {
        return Number.isFinite(value) ? { time: seconds(bar), value } : { time: seconds(bar) };
    }

    #signalBar(bar) {
        const point = this.#point(bar, bar.signal);
        const strength = Math.min(1, 0.35 + Math.abs(bar.signal ?? 0) * 0.6);
        point.color = this.theme.faint(bar.signal < 0 ? "down" : "signal", strength);
        return point;
    }

    // One arrow for each bar and side, with the number of its trades where there are more.
    #mark() {
        if (!this.trades)
            return;
        const arrows = new Map();
        for (const { at, row } of this.trades) {
            const side = format.side(row.side);
            const bar = side && this.candles.barAt(at);
            if (!bar)
                continue;
            const key = bar.start + side;
            const arrow = arrows.get(key);
            if (arrow)
                arrow.count++;
            else
                arrows.set(key, { bar, side, count: 1 });
        }
        const marks = [...arrows.values()].map(({ bar, side, count }) => ({
            time: seconds(bar),
            position: side === "buy" ? "belowBar" : "aboveBar",
            shape: side === "buy" ? "arrowUp" : "arrowDown",
            color: this.theme.colour(side),
            text: count > 1 ? "\u00d7" + count : "",
        }));
        this.arrows = marks.length;
        this.marks.setMarkers(marks.sort((a, b) => a.time - b.time));
    }

    #hover(move) {
        const bar = move.time === undefined ? null : this.candles.barAt(move.time * 1000);
        this.#tell(bar ?? this.candles.bars.at(-1));
    }

    #tell(bar) {
        const values = bar ? [
            ["O", format.price(bar.open)], ["H", format.price(bar.high)],
            ["L", format.price(bar.low)], ["C", format.price(bar.close)],
            ["Vol", format.compact(bar.volume)], ["RSI", format.text(bar.rsi)],
            ["Signal", format.text(bar.signal)],
        ] : [];
        while (this.legend.children.length < values.length) {
            const item = document.createElement("span");
            item.append(document.createElement("i"), document.createElement("b"));
            this.legend.append(item);
        }
        [...this.legend.children].forEach((item, i) => {
            item.hidden = !values[i] || values[i][1] === format.NOTHING;
            setText(item.children[0], values[i]?.[0] ?? "");
            setText(item.children[1], values[i]?.[1] ?? "");
        });
        this.legend.className = "legend " + (bar ? format.direction(bar.close - bar.open) : "");
    }

    // What the page is about has changed: some panes may be of no use, or of use.
    layOut() {
        this.#draw();
    }

    fit() {
        this.chart.timeScale().fitContent();
        const bars = this.candles.bars.length;
        if (bars > 0 && bars < 40)
            this.chart.timeScale().setVisibleLogicalRange({ from: bars - 40, to: bars + 3 });
        else if (bars > 400)
            this.chart.timeScale().setVisibleLogicalRange({ from: bars - 300, to: bars + 6 });
    }

    // Brings a moment into sight.
    reveal(at) {
        const bar = this.candles.barAt(at);
        const index = this.candles.bars.indexOf(bar) - Math.max(0, this.candles.bars.length - MAX_BARS);
        const range = this.chart.timeScale().getVisibleLogicalRange();
        if (!bar || !range || (index >= range.from && index <= range.to))
            return;
        const half = (range.to - range.from) / 2;
        this.chart.timeScale().setVisibleLogicalRange({ from: index - half, to: index + half });
    }
}
