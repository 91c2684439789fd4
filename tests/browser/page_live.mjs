// Running servers on the page: tickers, the ladder, the tape, and an exchange's faults.

import assert from "node:assert/strict";
import { push, startExchange } from "./harness.mjs";
import { scene } from "./scene.mjs";

const FAULTS = ["--set", "failures.enabled=true", "--set",
    'failures.modes.drop_messages={"enabled":true,"probability":0.001}'];

// A scene before a dashboard that shows an exchange of its own.
function live(name, play, { faults = FAULTS, environment } = {}) {
    const shown = { exchange: null };
    scene(name, (parts) => play({ ...parts, exchange: shown.exchange }), {
        environment,
        before: async (program) => {
            shown.exchange = await startExchange(program, faults);
            return ["--connect", shown.exchange.url, "--connect-admin", shown.exchange.admin];
        },
        after: () => shown.exchange?.stop(),
    });
}

const numbers = (page, selector) => page.evaluate((where) =>
    [...document.querySelectorAll(where)].map((cell) => Number(cell.textContent.replaceAll(",", ""))), selector);

live("tickers come, move, and choose the symbol", async ({ open }) => {
    const page = await open();
    const chip = page.getByTestId("tickers").locator("[data-symbol='ETH/USD']");
    await chip.waitFor();
    const first = await chip.innerText();
    await page.waitForFunction((before) => document.querySelector("[data-symbol='ETH/USD']").innerText !== before, first);
    await chip.click();
    await page.waitForSelector("[data-symbol='ETH/USD'][aria-pressed=true]");
    assert.match(page.url(), /symbol=ETH/);
    await page.says("book-symbol", "ETH/USD");
    assert.match(await page.getByTestId("feed").innerText(), /exchange/);
    assert.equal(await page.getByTestId("feed").getAttribute("data-state"), "connected");
});

live("the ladder has asks above bids, the best beside the spread, and goes on", async ({ open }) => {
    const page = await open(undefined, "/?symbol=BTC%2FUSD");
    await page.waitForFunction(() => document.querySelectorAll("#ladder-bids .level").length > 2);
    const asks = await numbers(page, "#ladder-asks .level-price");
    const bids = await numbers(page, "#ladder-bids .level-price");
    assert.deepEqual(asks, [...asks].sort((a, b) => b - a));
    assert.deepEqual(bids, [...bids].sort((a, b) => b - a));
    assert.ok(asks.at(-1) > bids[0]);
    const best = await numbers(page, ".level.best .level-price");
    assert.equal(best.length, 2);
    const totals = await numbers(page, "#ladder-bids .level-total");
    assert.deepEqual(totals, [...totals].sort((a, b) => a - b));
    assert.match(await page.getByTestId("spread").innerText(), /^[\d.]+$/);
    await page.waitForFunction((before) =>
        document.querySelector("#ladder-bids .level-price").textContent.replaceAll(",", "") !== String(before), bids[0].toFixed(2));
});

live("who named no symbol is shown one with a book", async ({ open, exchange }) => {
    const order = { symbol: "ETH/USD", side: "BUY", type: "LIMIT", price: "2900", quantity: "1" };
    const answer = await fetch(`http://localhost:${exchange.port}/api/v1/orders`,
        { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order) });
    assert.equal(answer.status, 201);
    const page = await open();
    await page.says("book-symbol", "ETH/USD");
    await page.waitForFunction(() => document.querySelectorAll("#ladder-bids .level").length === 1);
    await page.waitForFunction(() =>
        document.querySelector("[data-testid=symbol]").value === "ETH/USD");
    assert.doesNotMatch(page.url(), /symbol=/);
    const other = await open(undefined, "/?symbol=BTC%2FUSD");
    await other.says("book-symbol", "BTC/USD");
}, { faults: ["--set", "exchange.liquidity.enabled=false"] });

live("public trades are on the tape and make the bars of the chart", async ({ open }) => {
    const page = await open(undefined, "/?symbol=BTC%2FUSD");
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=tape] .print").length > 3);
    await page.waitForFunction(() => /Vol/.test(document.querySelector("#price-legend").innerText) &&
        document.querySelector("#quote").innerText !== "");
    await page.row("market", "BTC/USD").waitFor();
});

live("what scripts push has its place beside the market", async ({ server, open }) => {
    const page = await open();
    await page.getByTestId("ladder").waitFor();
    assert.equal(await page.locator("#blotter").isVisible(), false);
    await push(server, { trades: "2024-03-04T09:30:00,BTC/USD,BUY,1,50000,12.5,maker\n" });
    await page.row("trades", "maker").waitFor();
    assert.equal(await page.locator("#blotter").isVisible(), true);
    assert.equal(await page.getByTestId("ladder").isVisible(), true);
});

live("pause holds the market, and it goes on", async ({ open }) => {
    const page = await open();
    await page.waitForFunction(() => document.querySelectorAll("#ladder-bids .level").length > 2);
    await page.keyboard.press("Space");
    await page.waitForTimeout(300);
    const before = await page.getByTestId("ladder").innerText();
    await page.waitForTimeout(700);
    assert.equal(await page.getByTestId("ladder").innerText(), before);
    await page.keyboard.press("Space");
    await page.waitForFunction((held) => document.querySelector("#ladder").innerText !== held, before);
});

live("an exchange that goes away shows", async ({ open, exchange }) => {
    const page = await open();
    await page.waitForSelector("[data-testid=feed][data-state=connected]");
    await exchange.stop();
    await page.waitForSelector("[data-testid=feed][data-state=disconnected]");
    await page.waitForSelector("#faults[data-lost]");
    assert.match(await page.getByTestId("feed").innerText(), /reconnecting/);
});

live("faults are switched, added, fired, healed and reset", async ({ open }) => {
    const page = await open();
    const line = (id) => page.locator(`[data-testid=fault][data-id="${id}"]`);
    const own = line("DropMessageStrategy_0.inbound");
    const toggle = own.getByRole("switch");
    await own.waitFor();
    await page.says("faults-active", "1");
    await toggle.click();
    await page.waitForFunction(() => document.querySelector("[role=switch]").getAttribute("aria-checked") === "false");
    await toggle.press("Enter");
    await page.waitForFunction(() => document.querySelector("[role=switch]").getAttribute("aria-checked") === "true");
    await page.getByTestId("faults-preset").selectOption("md_gap");
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=fault]").length > 1);
    await own.getByTestId("fault-remove").click();
    await own.waitFor({ state: "detached" });
    await page.getByTestId("faults-heal").click();
    await page.says("faults-said", "heal: done");
    await page.getByTestId("faults-fire").selectOption({ label: "Halt trading" });
    await page.says("faults-said", "fire: done");
    await page.getByTestId("faults-reset").click();
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=fault]").length === 0);
});

live("the panels of the market have keys and names", async ({ open }) => {
    const page = await open();
    await page.locator("[data-testid=fault]").first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll("[data-testid=tape] .print").length > 0);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.testid);
    await page.keyboard.press("b");
    assert.equal(await focused(), "tape");
    await page.keyboard.press("x");
    assert.equal(await focused(), "fault-switch");
    await page.keyboard.press("Space");
    await page.waitForFunction(() => document.querySelector("[role=switch]").getAttribute("aria-checked") === "false");
    assert.equal(await page.getByTestId("pause").getAttribute("aria-pressed"), "false");
    assert.match(await page.locator("#keylist").innerHTML(), /public trades.*faults/s);
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        reached.add(await focused());
    }
    for (const id of ["tape", "faults-heal", "faults-reset", "faults-preset", "faults-fire", "faults-list", "fault-switch", "fault-remove"])
        assert.ok(reached.has(id), id + " is not reached: " + [...reached].join());
    const tree = await page.locator("body").ariaSnapshot();
    for (const part of [/complementary "Live market"/, /table "Order book, asks above bids"/, /rowgroup "Asks"/,
        /table "Public trades, newest first"/, /heading "Faults"/, /switch "DropMessageStrategy_0.inbound"/,
        /button "Remove DropMessageStrategy_0.inbound"/, /combobox "Add a preset"/, /combobox "Fire a fault once"/,
        /region "Tickers"/, /button "BTC\/USD/])
        assert.match(tree, part);
});

live("who may look on sees the faults and no switches to throw", async ({ open }) => {
    const page = await open(undefined, "/#key=watching-12345678901234567890");
    await page.locator("[data-testid=fault]").first().waitFor();
    assert.equal(await page.getByRole("switch").first().isDisabled(), true);
    assert.equal(await page.getByTestId("faults-reset").isVisible(), false);
    assert.equal(await page.getByTestId("fault-remove").first().isVisible(), false);
}, { environment: { MARKETSIM_KEYS: "watching-12345678901234567890 role=viewer" } });

scene("without servers to show the page is as it was", async ({ open }) => {
    const page = await open();
    for (const id of ["tickers", "ladder", "faults", "feeds"])
        assert.equal(await page.getByTestId(id).isVisible(), false);
    assert.equal(await page.locator("#blotter").isVisible(), true);
    await page.keyboard.press("x");
    await page.keyboard.press("?");
    assert.doesNotMatch(await page.locator("#keylist").innerText(), /faults|public trades/);
});
