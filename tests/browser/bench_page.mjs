// How quick the page is: push to pixel, 5,000 trades in one push, frames while 1,000 rows come
// each second.
//
//     node bench_page.mjs DASHBOARD_SERVER

import { io } from "socket.io-client";
import { moment, sleep, startBrowser, startServer } from "./harness.mjs";

const PUSHES = 60;
const SECONDS = 8;
const HEAD = "timestamp,symbol,side,quantity,price,profit_loss,strategy\n";
const MARKET = "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n";

const now = () => performance.timeOrigin + performance.now();
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const share = (list, part) => [...list].sort((a, b) => a - b)[Math.floor(list.length * part)];

const server = await startServer(process.argv[2]);
const { browser, open, errors } = await startBrowser();
const page = await open(server, "/", { viewport: { width: 1440, height: 900 } });
const script = io(server.url, { transports: ["websocket"] });
await new Promise((done) => script.on("connect", done));

const send = (trades, market = "") =>
    script.emit("send_trading_data", { trades_csv: HEAD + trades, market_data_csv: MARKET + market });

// The moment at which the frame with this symbol in the blotter has been handed on: the page
// draws within a frame's callback, and a message that is posted there comes after its paint.
const shown = (symbol) => page.evaluate((wanted) => new Promise((done) => {
    const body = document.querySelector("[data-testid=trades] tbody");
    const look = () => {
        if (!body.textContent.includes(wanted))
            return;
        observer.disconnect();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done(performance.timeOrigin + performance.now());
        port2.postMessage(0);
    };
    const observer = new MutationObserver(look);
    observer.observe(body, { subtree: true, childList: true, characterData: true });
    look();
}), symbol);

async function timed(symbol, trades) {
    const seen = shown(symbol);
    await sleep(30 + Math.random() * 40);
    const sent = now();
    send(trades);
    return await seen - sent;
}

const singles = [];
for (let i = 0; i < PUSHES; i++)
    singles.push(await timed(`P${i}x`, `${moment(i)},P${i}x,BUY,1,1.5,0.1,s\n`));
singles.sort((a, b) => a - b);
console.log(`push to pixel: median ${median(singles).toFixed(1)} ms, 90 % ${share(singles, 0.9).toFixed(1)} ms`);

const larges = [];
for (let round = 0; round < 5; round++) {
    let trades = "";
    for (let i = 0; i < 5000; i++)
        trades += `${moment(1000 + round)},R${round}n${i},BUY,${i % 90 + 1},${100 + i / 100},${(i % 41) - 20}.25,s${i % 5}\n`;
    larges.push(await timed(`R${round}n4999`, trades));
    await sleep(700);
}
const elements = await page.evaluate(() => document.getElementsByTagName("*").length);
console.log(`5,000 trades in one push: median ${median(larges).toFixed(0)} ms, largest ${Math.max(...larges).toFixed(0)} ms, ${elements} elements`);

// Processor time of the page's process and of the whole browser, in seconds.
const inspector = await browser.newBrowserCDPSession();
async function processorTime() {
    const { processInfo } = await inspector.send("SystemInfo.getProcessInfo");
    const sum = (list) => list.reduce((total, { cpuTime }) => total + cpuTime, 0);
    return { page: sum(processInfo.filter(({ type }) => type === "renderer")), all: sum(processInfo) };
}

const usedBefore = await processorTime();
const frames = page.evaluate((ms) => new Promise((done) => {
    const gaps = [];
    const begun = performance.now();
    let last = begun;
    const tick = (at) => {
        gaps.push(at - last);
        last = at;
        if (at - begun < ms)
            requestAnimationFrame(tick);
        else
            done(gaps.slice(2));
    };
    requestAnimationFrame(tick);
}), SECONDS * 1000);
let row = 0;
const begun = now();
while (now() - begun < SECONDS * 1000) {
    const due = Math.floor((now() - begun) / 1000 * 1000);
    let trades = "";
    let market = "";
    for (; row < due; row++)
        if (row % 2)
            trades += `${moment(2000 + row / 100)},S${row % 12},${row % 4 === 1 ? "BUY" : "SELL"},${row % 9 + 1},${100 + row % 7},${row % 13 - 6}.5,s${row % 5}\n`;
        else
            market += `${moment(2000 + row / 10)},S${row % 12},100,${101 + row % 5},99,${100 + row % 3},${row % 1000},${row % 100},0.${row % 100}\n`;
    send(trades, market);
    await sleep(20);
}
const gaps = await frames;
const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
const late = gaps.filter((gap) => gap > 20).length;
console.log(`${row} rows in ${SECONDS} s: ${(1000 / mean).toFixed(1)} frames a second, ` +
    `median gap ${median(gaps).toFixed(1)} ms, 99 % ${share(gaps, 0.99).toFixed(1)} ms, ${late} of ${gaps.length} over 20 ms`);
const usedAfter = await processorTime();
const share100 = (name) => ((usedAfter[name] - usedBefore[name]) / SECONDS * 100).toFixed(0) + " %";
console.log(`of one processor: the page's process ${share100("page")}, the whole browser ${share100("all")}`);
for (const error of errors)
    console.log("error: " + error);
script.close();
await browser.close();
await server.stop();
