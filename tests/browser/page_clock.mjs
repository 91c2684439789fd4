// What time brings: the countdown, stale data, an absence.

import assert from "node:assert/strict";
import { moment, push, sleep } from "./harness.mjs";
import { scene } from "./scene.mjs";

const line = (seconds, symbol, profit = 1) => `${moment(seconds)},${symbol},BUY,10,100.5,${profit},s\n`;

scene("the pill shows the way's time, the ring the next refresh", async ({ open }) => {
    const page = await open(undefined, "/?refresh=2");
    await page.waitForFunction(() => /^\d+(\.\d)? ms$/.test(document.querySelector("[data-testid=latency]").textContent));
    const seen = new Set();
    for (let i = 0; i < 24; i++) {
        seen.add(await page.getByTestId("countdown").innerText());
        await sleep(100);
    }
    assert.ok(seen.has("1 s") && seen.has("2 s"), [...seen].join());
});

scene("data that stop coming are called stale", async ({ server, open }) => {
    const page = await open(undefined, "/?refresh=1");
    await push(server, { trades: line(1, "A") });
    await page.row("trades", "A").waitFor();
    assert.equal(await page.getByTestId("stale").isVisible(), false);
    await page.waitForSelector("[data-testid=stale]:not([hidden])", { timeout: 6000 });
    assert.match(await page.getByTestId("stale").innerText(), /^No data for \d s$/);
    await push(server, { trades: line(2, "A") });
    await page.waitForSelector("[data-testid=stale]", { state: "hidden" });
});

scene("a short absence loses nothing and doubles nothing", async ({ server, way: makeWay, open }) => {
    const way = await makeWay();
    const page = await open(way);
    await push(server, { trades: line(1, "ONE", 0.1) + line(2, "TWO", 0.2) });
    await page.says("total-trades", "2");
    way.cut();
    await page.waitForSelector("[data-testid=status][data-state=disconnected]");
    await push(server, { trades: line(3, "MISSED", 0.4) });
    way.mend();
    await page.waitForSelector("[data-testid=status][data-state=connected]", { timeout: 12000 });
    await page.row("trades", "MISSED").waitFor();
    await page.says("total-trades", "3");
    await page.says("net-profit", "+0.70");
    assert.equal(await page.row("trades", "ONE").count(), 1);
}, { ignore: /ERR_|WebSocket connection/ });
