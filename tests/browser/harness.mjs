// A dashboard-server of one's own, a script that pushes to it, and a browser over its page.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";

const SKIPPED = 77;
const OLDEST_NODE = 20; // that playwright-core runs on
const START_MS = 20000;

const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome"];

const browserPath = BROWSERS.find((path) => path && existsSync(path));

function skipWithout(what, isThere) {
    if (isThere)
        return;
    console.log("skipped: " + what);
    process.exit(SKIPPED);
}

skipWithout("chromium is not installed", browserPath);
skipWithout(`node is older than ${OLDEST_NODE}`, parseInt(process.versions.node, 10) >= OLDEST_NODE);
const { chromium } = await import("playwright-core");

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// The server as a child: {url, stop()}.
export async function startServer(program, options = [], environment = {}) {
    const child = spawn(program, ["--port", "0", ...options], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...environment },
    });
    const ended = new Promise((done) => child.once("exit", done));
    let words = "";
    const url = await new Promise((found, failed) => {
        const timer = setTimeout(() => failed(new Error("no server: " + words)), START_MS);
        const read = (piece) => {
            words += piece;
            const match = /http:\/\/([^\s/]+):(\d+)/.exec(words);
            if (match) {
                clearTimeout(timer);
                found(`http://localhost:${match[2]}`);
            }
        };
        child.stdout.on("data", read);
        child.stderr.on("data", read);
        child.once("error", failed);
        child.once("exit", () => failed(new Error("the server ended: " + words)));
    });
    return {
        url,
        port: new URL(url).port,
        async stop() {
            child.kill("SIGTERM");
            await ended;
        },
    };
}

// An exchange with its admin API, to be shown: {url, admin, stop()}.
export async function startExchange(dashboard, options = []) {
    const child = spawn(join(dirname(dashboard), "exchange-server"),
        ["--port", "0", "--admin-port", "0", ...options], { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((done) => child.once("exit", done));
    let words = "";
    const found = await new Promise((done, failed) => {
        const timer = setTimeout(() => failed(new Error("no exchange: " + words)), START_MS);
        child.stderr.on("data", (piece) => {
            words += piece;
            const admin = /http:\/\/\S+/.exec(words);
            const url = /ws:\/\/[^\s/]+:\d+/.exec(words);
            if (admin && url) {
                clearTimeout(timer);
                done({ admin: admin[0], url: url[0] });
            }
        });
        child.once("error", failed);
        child.once("exit", () => failed(new Error("the exchange ended: " + words)));
    });
    return {
        ...found,
        port: /\d+$/.exec(found.url)[0],
        async stop() {
            child.kill("SIGTERM");
            await ended;
        },
    };
}

// A way to the server that can be cut: {url, cut(), mend(), stop()}.
export async function startWay(server) {
    const links = new Set();
    let isCut = false;
    const way = createServer((near) => {
        if (isCut) {
            near.destroy();
            return;
        }
        const far = connect(server.port, "localhost");
        for (const [link, other] of [[near, far], [far, near]]) {
            links.add(link);
            link.pipe(other);
            link.on("error", () => other.destroy());
            link.on("close", () => {
                links.delete(link);
                other.destroy();
            });
        }
    });
    await new Promise((done) => way.listen(0, "localhost", done));
    return {
        url: `http://localhost:${way.address().port}`,
        cut() {
            isCut = true;
            for (const link of links)
                link.destroy();
        },
        mend() {
            isCut = false;
        },
        stop() {
            this.cut();
            return new Promise((done) => way.close(done));
        },
    };
}

export const HEADS = {
    trades: "timestamp,symbol,side,quantity,price,profit_loss,strategy\n",
    market: "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n",
};

// What curl would: two files to POST /api/trading-data.
export async function push(server, { trades = "", market = "", heads = HEADS }) {
    const form = new FormData();
    form.append("trades_csv", new Blob([heads.trades + trades]), "trades.csv");
    form.append("market_data_csv", new Blob([(heads.market ?? HEADS.market) + market]), "market.csv");
    const answer = await fetch(server.url + "/api/trading-data", { method: "POST", body: form });
    if (answer.status !== 200)
        throw new Error(`refused with ${answer.status}: ${await answer.text()}`);
}

export function moment(seconds) {
    return new Date(Date.UTC(2024, 2, 4, 9, 30) + seconds * 1000).toISOString().slice(0, 19);
}

// Numbers that look random and are the same in each run.
export function dice(seed) {
    let state = seed >>> 0;
    const next = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 4294967296;
    };
    next.bell = () => next() + next() + next() + next() + next() + next() - 3;
    return next;
}

// A day of six shares and three strategies: {trades, market} as CSV.
export function sampleDay(bars = 150) {
    const next = dice(7);
    const prices = { AAPL: 187.4, TSLA: 242.1, MSFT: 411.2, NVDA: 724.9, AMZN: 176.3, META: 486 };
    const strategies = ["Three Red Bodies", "Mean Reversion", "Breakout 20"];
    const rsi = {};
    let trades = "";
    let market = "";
    for (let bar = 0; bar < bars; bar++)
        for (const symbol of Object.keys(prices)) {
            const open = prices[symbol];
            const close = open * (1 + next.bell() * 0.0025);
            const high = Math.max(open, close) * (1 + next() * 0.0012);
            const low = Math.min(open, close) * (1 - next() * 0.0012);
            prices[symbol] = close;
            rsi[symbol] = Math.min(92, Math.max(8, (rsi[symbol] ?? 50) * 0.9 + 5 + (close / open - 1) * 2600));
            const cells = [open, high, low, close].map((price) => price.toFixed(2));
            market += `${moment(bar * 300)},${symbol},${cells},${Math.round(20000 + next() * 60000)},` +
                `${rsi[symbol].toFixed(1)},${next().toFixed(2)}\n`;
            if (next() < 0.16)
                trades += `${moment(bar * 300 + 60)},${symbol},${next() < 0.5 ? "BUY" : "SELL"},` +
                    `${Math.ceil(next() * 20) * 10},${close.toFixed(2)},${(next.bell() * 60 + 6).toFixed(2)},` +
                    `${strategies[Math.floor(next() * 3)]}\n`;
        }
    return { trades, market };
}

// A browser whose pages keep account of everything that went wrong in them.
export async function startBrowser() {
    const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
    const errors = [];

    async function open(server, address = "/", options = {}) {
        const context = await browser.newContext({
            viewport: { width: 1280, height: 800 },
            colorScheme: "dark",
            ...options,
        });
        const page = await context.newPage();
        page.setDefaultTimeout(20000);
        page.on("pageerror", (error) => errors.push(error.stack));
        page.on("console", (message) => {
            // A test that reads a canvas's pixels is told that there are quicker ways.
            if (["error", "warning"].includes(message.type()) && !/willReadFrequently/.test(message.text()))
                errors.push(message.text());
        });
        page.on("request", (request) => {
            if (!request.url().startsWith(server.url + "/") && !/^(data|blob):/.test(request.url()))
                errors.push("asked another host: " + request.url());
        });
        await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) =>
            console.error("against the policy: " + event.violatedDirective + " " + event.blockedURI)));
        page.row = (table, words) => page.getByTestId(table).locator("tbody tr").filter({ hasText: words });
        page.says = (id, words) => page.waitForFunction(([name, wanted]) =>
            document.querySelector(`[data-testid=${name}]`).innerText === wanted, [id, words], { timeout: 15000 });
        await page.goto(server.url + address);
        await page.waitForSelector("[data-testid=status][data-state=connected]");
        return page;
    }

    return { browser, errors, open };
}
