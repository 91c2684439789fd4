// The charts: bars, trades on them, RSI and signal, curves and the results of each group.

import assert from "node:assert/strict";
import { moment, push, sampleDay } from "./harness.mjs";
import { scene } from "./scene.mjs";

// How many pixels of a chart are of a colour of the style sheet, or nearly.
const pixels = (page, chart, name) => page.evaluate(([id, colour]) => {
    const value = getComputedStyle(document.documentElement).getPropertyValue("--" + colour).trim();
    const wanted = [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16));
    let count = 0;
    for (const canvas of document.querySelectorAll(`#${id} canvas`)) {
        if (!canvas.width || !canvas.height)
            continue;
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4)
            count += wanted.every((part, k) => Math.abs(data[i + k] - part) < 24) && data[i + 3] > 200 ? 1 : 0;
    }
    return count;
}, [chart, name]);

const until = async (what, good) => {
    for (let i = 0; i < 60; i++) {
        const value = await what();
        if (good(value))
            return value;
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`never: ${good}, last ${JSON.stringify(await what())}`);
};

// "O 100.00 H 101.00 ..."
const legend = (page) => page.locator("#price-legend").evaluate((element) => [...element.children]
    .filter((item) => !item.hidden).map((item) => [...item.children].map((part) => part.textContent).join(" ")).join(" "));

scene("candles, RSI and signal of the symbol that is chosen", async ({ server, open }) => {
    const page = await open();
    await push(server, sampleDay());
    for (const colour of ["up", "down", "rsi", "signal"])
        await until(() => pixels(page, "price-chart", colour), (count) => count > 20);
    assert.equal(await page.getByTestId("symbol").inputValue(), "AAPL");
    assert.match(await legend(page), /^O [\d.]+ H [\d.]+ L [\d.]+ C [\d.]+ Vol [\d.]+K RSI [\d.]+ Signal [\d.]+$/);
    const before = await page.getByTestId("quote").innerText();
    await page.row("market", "NVDA").click();
    await page.waitForFunction((words) => document.querySelector("[data-testid=quote]").innerText !== words, before);
    assert.equal(await page.getByTestId("symbol").inputValue(), "NVDA");
    assert.match(page.url(), /symbol=NVDA/);
    await page.keyboard.press("]");
    assert.equal(await page.getByTestId("symbol").inputValue(), "AMZN");
});

scene("a new bar moves the quote, a bar sent again takes its own place", async ({ server, open }) => {
    const page = await open();
    const bar = (minute, close) => `${moment(minute * 60)},BAR,100,${close + 1},99,${close},500,50,0.5\n`;
    await push(server, { market: bar(0, 100) + bar(1, 101) });
    await until(() => legend(page), (text) => text.includes("C 101.00"));
    await push(server, { market: bar(1, 103.5) });
    await until(() => legend(page), (text) => text.includes("C 103.50"));
    assert.match(await page.getByTestId("quote").innerText(), /103\.50\s+\+3\.50%/);
    await push(server, { market: bar(2, 99) });
    await until(() => legend(page), (text) => text.includes("C 99.00"));
    await page.getByTestId("intervals").getByRole("button", { name: "5m" }).click();
    await until(() => legend(page), (text) => /^O 100\.00 H 104\.50 L 99\.00 C 99\.00 Vol 1\.5K/.test(text));
    assert.match(page.url(), /interval=5m/);
});

scene("trades are arrows on the bars", async ({ server, open }) => {
    const page = await open();
    const market = Array.from({ length: 12 }, (_, i) => `${moment(i * 60)},ARR,100,100,100,100,0,,\n`).join("");
    await push(server, { market });
    await page.row("market", "ARR").waitFor();
    await until(() => pixels(page, "price-chart", "up"), (count) => count > 0);
    const before = await pixels(page, "price-chart", "down");
    await push(server, { trades: `${moment(125)},ARR,SELL,1,100,1,s\n${moment(305)},ARR,SELL,1,100,1,s\n` });
    await until(() => pixels(page, "price-chart", "down"), (count) => count > before + 40);
});

scene("a symbol that only trades has bars made of its trades", async ({ server, open }) => {
    const page = await open();
    await push(server, { trades: `${moment(1)},ONLY,BUY,10,5,1,s\n${moment(70)},ONLY,BUY,10,7,1,s\n` });
    await until(() => legend(page), (text) => text.includes("C 7.00"));
    assert.match(await page.getByTestId("quote").innerText(), /from trades/);
    await push(server, { market: `${moment(80)},ONLY,8,8,8,8,1,50,0.5\n` });
    await until(() => legend(page), (text) => text.includes("C 8.00"));
    assert.doesNotMatch(await page.getByTestId("quote").innerText(), /from trades/);
});

scene("curves of all, of strategies, of symbols", async ({ server, open }) => {
    const page = await open();
    await push(server, sampleDay());
    await until(() => pixels(page, "curve-chart", "curve"), (count) => count > 100);
    await until(() => pixels(page, "curve-chart", "down"), (count) => count > 40);
    const choose = (name) => page.getByTestId("curves").getByRole("button", { name }).click();
    await choose("Strategy");
    for (const colour of ["group-1", "group-2", "group-3"])
        await until(() => pixels(page, "curve-chart", colour), (count) => count > 40);
    assert.equal(await page.getByTestId("groups").locator("tbody tr").count(), 3);
    await choose("Symbol");
    await page.waitForFunction(() => document.querySelectorAll("#groups tr").length === 6);
    assert.match(page.url(), /curve=symbol/);
    await choose("All");
    // A strategy's name filters the trades by it.
    await page.waitForFunction(() => document.querySelectorAll("#groups tr").length === 3);
    await page.getByTestId("groups").getByRole("button", { name: "Mean Reversion" }).click();
    assert.equal(await page.getByTestId("strategy-filter").inputValue(), "Mean Reversion");
});

scene("the results of the groups are exact", async ({ server, open }) => {
    const page = await open();
    await push(server, { trades: Array.from({ length: 30 }, (_, i) => `${moment(i)},Q,BUY,1,1,${i % 3 ? "0.1" : "-0.1"},${i % 2 ? "odd" : "even"}\n`).join("") });
    await until(() => page.getByTestId("groups").locator("tbody").innerText(),
        (text) => /even\s+15\s+67%\s+\+0\.50\s+odd\s+15\s+67%\s+\+0\.50/.test(text));
});
