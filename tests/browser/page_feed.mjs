// What arrives: pushes, the totals, pause.

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { moment, push } from "./harness.mjs";
import { scene } from "./scene.mjs";

const line = (seconds, symbol, profit = 1, side = "BUY") =>
    `${moment(seconds)},${symbol},${side},10,100.5,${profit},s\n`;

scene("a script's push by Socket.IO is on the page", async ({ server, open }) => {
    const page = await open();
    const script = io(server.url, { transports: ["websocket"] });
    await new Promise((done) => script.on("connect", done));
    const received = new Promise((done) => script.on("data_received", done));
    script.emit("join_script");
    script.emit("send_trading_data", {
        trades_csv: "timestamp,symbol,side,quantity,price,profit_loss,strategy\n" + line(1, "WIRE"),
        market_data_csv: "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n",
        timestamp: moment(1),
    });
    assert.equal((await received).trades_processed, 1);
    await page.row("trades", "WIRE").waitFor();
    script.close();
});

scene("sums are exact and count on", async ({ server, open }) => {
    const page = await open();
    await push(server, { trades: line(1, "A", 0.1) + line(2, "A", 0.2) });
    await page.says("net-profit", "+0.30");
    await push(server, { trades: line(3, "A", -0.3) + line(4, "A", -8.75, "SELL") });
    await page.says("net-profit", "\u22128.75");
    await page.says("total-trades", "4");
    await page.says("win-rate", "50.0%");
    await page.says("turnover", "4,020.00");
    await page.says("max-drawdown", "\u22129.05");
    assert.match(await page.getByTestId("last-update").innerText(), /^\d\d:\d\d:\d\d$/);
    assert.match(await page.title(), /^\u22128\.75 /);
});

scene("who comes late sees what was pushed before", async ({ server, open }) => {
    await push(server, {
        trades: line(1, "EARLY", 2.5),
        market: `${moment(1)},EARLY,1,2,0.5,1.5,300,61.5,0.62\n`,
    });
    const page = await open();
    await page.row("trades", "EARLY").waitFor();
    await page.row("market", "61.5").waitFor();
    await page.says("total-trades", "1");
    await page.says("total-points", "1");
    await page.says("net-profit", "+2.50");
});

scene("pause holds what arrives, and says how much", async ({ server, open }) => {
    const page = await open();
    await push(server, { trades: line(1, "FIRST") });
    await page.row("trades", "FIRST").waitFor();
    await page.keyboard.press("Space");
    assert.equal(await page.getByTestId("pause").getAttribute("aria-pressed"), "true");
    await push(server, { trades: line(2, "HELD") + line(3, "HELD") });
    await page.says("held", "2");
    assert.equal(await page.row("trades", "HELD").count(), 0);
    await page.says("total-trades", "1");
    await page.getByTestId("pause").click();
    await page.says("total-trades", "3");
    assert.equal(await page.getByTestId("pause").getAttribute("aria-pressed"), "false");
});

scene("who comes very late fetches what the snapshot has no room for", async ({ server, open }) => {
    const rows = (from, count) => Array.from({ length: count }, (_, i) =>
        `${moment(from + i)},L${from + i},BUY,1,2,${i % 2 ? "-0.1" : "0.3"},${i % 2 ? "odd" : "even"}\n`).join("");
    await push(server, { trades: rows(0, 300) });
    await push(server, { trades: rows(300, 300) });
    const page = await open();
    await page.says("total-trades", "600");
    await page.says("net-profit", "+60.00");
    await page.waitForFunction(() => document.querySelector("[data-testid=trades]").getAttribute("aria-rowcount") === "601");
    await page.getByTestId("filter").fill("L7");
    await page.row("trades", "L7").first().waitFor();
}, { options: ["--snapshot", "50"] });

scene("sums are of all trades, also of those that the server keeps no more", async ({ server, open }) => {
    const rows = (from, count) => Array.from({ length: count }, (_, i) =>
        `${moment(from + i)},L${from + i},BUY,1,2,${i % 2 ? "-0.1" : "0.3"},${i % 2 ? "odd" : "even"}\n`).join("");
    await push(server, { trades: rows(0, 300) });
    await push(server, { trades: rows(300, 300) });
    const page = await open();
    await page.says("total-trades", "600");
    await page.says("net-profit", "+60.00");
    await page.says("win-rate", "50.0%");
    await page.waitForFunction(() => document.querySelector("[data-testid=trades]").getAttribute("aria-rowcount") === "101");
    await page.waitForFunction(() => /even\s*300\s*100%\s*\+90\.00/.test(document.querySelector("#groups").innerText));
    await push(server, { trades: rows(600, 2) });
    await page.says("total-trades", "602");
    await page.says("net-profit", "+60.20");
}, { options: ["--snapshot", "50", "--max-rows", "100"] });

scene("a server with keys is shown to who has one", async ({ server, open, browser }) => {
    const context = await browser.newContext();
    const stranger = await context.newPage();
    await stranger.goto(server.url + "/");
    await stranger.waitForFunction(() => document.querySelector("#status-text").textContent === "Key needed");
    const page = await open(undefined, "/#key=watching-12345678901234567890");
    assert.doesNotMatch(page.url(), /watching/);
    await page.reload();
    await page.waitForSelector("[data-testid=status][data-state=connected]");
}, { environment: { MARKETSIM_KEYS: "watching-12345678901234567890 role=viewer" } });
