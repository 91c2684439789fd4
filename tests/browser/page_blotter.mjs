// The blotter: order, filter, sums, very many rows, export, and what strangers may write.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { HEADS, moment, push } from "./harness.mjs";
import { scene } from "./scene.mjs";

const symbols = (page) => page.getByTestId("trades").locator("tbody tr td:nth-child(2)").allInnerTexts();

const mixed =
    `${moment(1)},AAA,BUY,10,5,1.1,alpha\n` +
    `${moment(3)},CCC,SELL,30,5,-2.2,beta\n` +
    `${moment(2)},BBB,BUY,20,5,3.3,alpha\n`;

scene("newest first, and any column sorts", async ({ server, open }) => {
    const page = await open();
    await push(server, { trades: mixed });
    await page.row("trades", "CCC").waitFor();
    assert.deepEqual(await symbols(page), ["CCC", "BBB", "AAA"]);
    const head = page.getByTestId("trades").getByRole("columnheader", { name: "P&L" });
    await head.getByRole("button").click();
    await page.waitForFunction(() => document.querySelector("[data-testid=trades] tbody tr td:nth-child(2)").innerText === "BBB");
    assert.deepEqual(await symbols(page), ["BBB", "AAA", "CCC"]);
    assert.equal(await head.getAttribute("aria-sort"), "descending");
    await head.getByRole("button").click();
    await page.waitForFunction(() => document.querySelector("[data-testid=trades] tbody tr td:nth-child(2)").innerText === "CCC");
    assert.match(page.url(), /sort=profit_loss/);
});

scene("a long symbol is shown whole, in the market and in its field, and told in the trades", async ({ server, open }) => {
    const name = "10000NFT-USDT-SWAP@BYBIT";
    const page = await open();
    await push(server, {
        trades: `${moment(1)},${name},BUY,10,5,1.1,alpha\n`,
        market: `${moment(1)},${name},1,1,1,1,1,,\n`,
    });
    for (const table of ["trades", "market"]) {
        const cell = page.row(table, name).locator("td", { hasText: name });
        await cell.waitFor();
        assert.equal(await cell.getAttribute("title"), name);
    }
    await page.waitForFunction((text) => [...document.querySelectorAll("[data-testid=market] td")]
        .some((td) => td.textContent === text && td.scrollWidth <= td.clientWidth), name);
    await page.waitForFunction((text) => {
        const input = document.querySelector("#symbol");
        return input.value === text && input.scrollWidth <= input.clientWidth;
    }, name);
});

scene("filters, with the sums of what they let through", async ({ server, open }) => {
    const page = await open();
    await push(server, { trades: mixed });
    const totals = page.getByTestId("filtered-totals");
    await page.getByTestId("filter").fill("pnl>0");
    await page.waitForFunction(() => /Filtered2/.test(document.querySelector("[data-testid=filtered-totals]").textContent));
    assert.match(await totals.textContent(), /P&L\+4\.40/);
    assert.match(await totals.textContent(), /Quantity30/);
    await page.getByTestId("filter").fill("");
    await page.getByTestId("side-filter").selectOption("SELL");
    await page.waitForFunction(() => /Filtered1/.test(document.querySelector("[data-testid=filtered-totals]").textContent));
    assert.deepEqual(await symbols(page), ["CCC"]);
    await page.getByTestId("side-filter").selectOption("");
    await page.getByTestId("strategy-filter").selectOption("alpha");
    await page.waitForFunction(() => /P&L\+4\.40/.test(document.querySelector("[data-testid=filtered-totals]").textContent));
    // What comes is filtered too.
    await push(server, { trades: `${moment(4)},DDD,BUY,1,1,0.05,alpha\n${moment(5)},EEE,BUY,1,1,9,beta\n` });
    await page.waitForFunction(() => /P&L\+4\.45/.test(document.querySelector("[data-testid=filtered-totals]").textContent));
    assert.deepEqual(await symbols(page), ["DDD", "BBB", "AAA"]);
    assert.match(page.url(), /strategy=alpha/);
});

scene("a hundred thousand rows in a small document", async ({ server, open }) => {
    const page = await open();
    for (let part = 0; part < 5; part++) {
        const rows = [];
        for (let i = 0; i < 20000; i++) {
            const number = part * 20000 + i;
            rows.push(`${moment(number)},N${number},${i % 2 ? "BUY" : "SELL"},1,2,0.01,s${number % 7}\n`);
        }
        await push(server, { trades: rows.join("") });
    }
    await page.row("trades", "N99999").waitFor({ timeout: 10000 });
    await page.says("total-trades", "100,000");
    await page.says("net-profit", "+1,000.00");
    const elements = await page.evaluate(() => document.getElementsByTagName("*").length);
    assert.ok(elements < 3000, `${elements} elements`);
    assert.equal(await page.getByTestId("trades").getAttribute("aria-rowcount"), "100001");
    await page.locator("#trades-rows").evaluate((rows) => rows.scrollTo(0, rows.scrollHeight));
    await page.row("trades", "N0").waitFor();
    await page.locator("#trades-rows").evaluate((rows) => rows.scrollTo(0, rows.scrollHeight / 2));
    await page.waitForFunction(() => {
        const rows = document.querySelector("#trades-rows").getBoundingClientRect();
        const cells = document.elementsFromPoint(rows.left + 20, rows.top + rows.height / 2);
        return cells.some((cell) => cell.tagName === "TR");
    });
    // Beyond the bound the oldest leave; the sums stay.
    await push(server, { trades: Array.from({ length: 2000 }, (_, i) => `${moment(200000 + i)},X${i},BUY,1,2,0.01,s\n`).join("") });
    await page.says("total-trades", "102,000");
    await page.says("net-profit", "+1,020.00");
    await page.waitForFunction(() => document.querySelector("[data-testid=trades]").getAttribute("aria-rowcount") === "100001");
});

scene("who reads further down keeps the place", async ({ server, open }) => {
    const page = await open();
    const rows = (from, count) => Array.from({ length: count }, (_, i) =>
        `${moment(from + i)},R${from + i},BUY,1,1,1,s\n`).join("");
    await push(server, { trades: rows(0, 300) });
    await page.row("trades", "R299").waitFor();
    const scroller = page.locator("#trades-rows");
    await scroller.evaluate((element) => element.scrollTo({ top: 100 * 27, behavior: "instant" }));
    await page.row("trades", "R199").waitFor();
    const place = () => page.row("trades", "R195").evaluate((row) =>
        Math.round(row.getBoundingClientRect().top - row.closest(".rows").getBoundingClientRect().top));
    const before = await place();
    await push(server, { trades: rows(300, 7) });
    await page.says("newer", "\u2191 7 new");
    assert.equal(await place(), before);
    await page.getByTestId("newer").click();
    await page.row("trades", "R306").waitFor();
    assert.equal(await page.getByTestId("newer").isVisible(), false);
});

scene("what strangers write is shown as text", async ({ server, open }) => {
    const page = await open();
    const evil = '<img src=x onerror=alert(1)>';
    await push(server, {
        trades: `${moment(1)},${evil},BUY,1,1,1,"<script>alert(2)</script>"\n` +
            `${moment(2)},__proto__,SELL,1,1,1,constructor\n`,
        market: `${moment(1)},${evil},1,1,1,1,1,50,0.5\n`,
    });
    await page.row("trades", evil).waitFor();
    await page.row("trades", "__proto__").waitFor();
    await page.row("market", evil).waitFor();
    assert.equal(await page.locator("main img, main script").count(), 0);
    // The groups are drawn in a turn of their own.
    await page.locator("#groups button").filter({ hasText: "<script>" }).waitFor();
    await page.row("trades", evil).click();
    await page.waitForFunction((name) => document.querySelector("[data-testid=symbol]").value === name, evil);
});

scene("columns of a script's own are shown and exported", async ({ server, open }) => {
    const page = await open();
    await push(server, {
        heads: { trades: HEADS.trades.trim() + ",note,fee\n" },
        trades: `${moment(1)},A,BUY,1,1,-8.75,s,=1+2,0.25\n${moment(2)},B,SELL,1,1,1,s,"a ""b"", c",0.5\n`,
    });
    await page.row("trades", "=1+2").waitFor();
    await page.getByTestId("trades").getByRole("columnheader", { name: "note" }).waitFor();
    await page.getByTestId("filter").fill("fee<=1");
    const download = page.waitForEvent("download");
    await page.getByTestId("export").click();
    const file = await readFile(await (await download).path(), "utf8");
    assert.equal(file, "\ufefftimestamp,symbol,side,quantity,price,profit_loss,strategy,note,fee\r\n" +
        `${moment(2)},B,SELL,1,1,1,s,"a ""b"", c",0.5\r\n` +
        `${moment(1)},A,BUY,1,1,-8.75,s,'=1+2,0.25\r\n`);
});
