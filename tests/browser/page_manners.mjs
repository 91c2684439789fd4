// How the page behaves: keys, themes, its address, a phone, who cannot see it, strict policy.

import assert from "node:assert/strict";
import { push, sampleDay } from "./harness.mjs";
import { scene } from "./scene.mjs";

const day = sampleDay(40);

scene("everything is done by keys too", async ({ server, open }) => {
    const page = await open();
    await push(server, day);
    await page.row("trades", "AAPL").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("sell");
    assert.equal(await page.getByTestId("filter").inputValue(), "sell");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    assert.equal(await page.getByTestId("filter").inputValue(), "");
    await page.keyboard.press("3");
    await page.keyboard.press("c");
    await page.keyboard.press("m");
    assert.match(page.url(), /interval=5m/);
    assert.match(page.url(), /curve=strategy/);
    assert.match(page.url(), /market=all/);
    await page.keyboard.press("?");
    await page.getByTestId("dialog").waitFor();
    assert.match(await page.getByTestId("dialog").innerText(), /Space\s+pause/);
    await page.keyboard.press("Escape");
    await page.getByTestId("dialog").waitFor({ state: "hidden" });
    // By Tab to every control, and each shows where one is.
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => {
            const element = document.activeElement;
            const ring = getComputedStyle(element);
            const seen = ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) > 0;
            return (element.id || element.textContent) + (seen ? "" : " without a ring");
        }));
    }
    for (const id of ["pause", "theme", "help", "symbol", "filter", "side", "strategy", "export", "trades-rows", "market-rows"])
        assert.ok(reached.has(id), id + " is not reached: " + [...reached].join());
});

scene("what was set stands in the address and is there after a reload", async ({ server, open }) => {
    await push(server, day);
    const address = "/?symbol=META&interval=1h&curve=symbol&q=buy&side=BUY&sort=price&market=all&theme=light&sides=classic&refresh=5";
    const page = await open(undefined, address);
    await page.row("trades", "BUY").first().waitFor();
    const set = () => page.evaluate(() => ({
        symbol: document.querySelector("#symbol").value,
        filter: document.querySelector("#filter").value,
        theme: document.documentElement.dataset.theme,
        sides: document.documentElement.dataset.sides,
        pressed: [...document.querySelectorAll(".segments [aria-pressed=true]")].map((button) => button.textContent),
        sort: document.querySelector("#trades [aria-sort=ascending]").textContent,
    }));
    const before = await set();
    assert.deepEqual(before, {
        symbol: "META", filter: "buy", theme: "light", sides: "classic",
        pressed: ["1h", "Symbol", "All rows"], sort: "Price",
    });
    await page.reload();
    await page.row("trades", "BUY").first().waitFor();
    assert.deepEqual(await set(), before);
    assert.ok(page.url().endsWith(address));
});

// The contrast of all text that is seen with what is behind it, as WCAG counts it.
const faintTexts = (page) => page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const bytes = (colour, below) => {
        canvas.fillStyle = below;
        canvas.fillRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement)
            layers.push(getComputedStyle(at).backgroundColor);
        return layers.reverse().reduce((below, layer) => `rgb(${bytes(layer, below).join()})`, "#fff");
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.closest("datalist, noscript, .skip, option, kbd, .sr"))
            continue;
        const ground = behind(element);
        const a = light(bytes(getComputedStyle(element).color, ground));
        const b = light(bytes(ground, "#fff"));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5)
            faint.push(`${element.className || element.id || element.tagName} "${element.textContent.slice(0, 20)}" ${ratio.toFixed(2)}`);
    }
    return [...new Set(faint)];
});

scene("dark and light, each with text that can be read", async ({ server, open }) => {
    const page = await open();
    await push(server, day);
    await page.row("trades", "AAPL").first().waitFor();
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    const dark = await ground();
    assert.deepEqual(await faintTexts(page), []);
    await page.keyboard.press("t");
    assert.match(page.url(), /theme=light/);
    assert.notEqual(await ground(), dark);
    assert.deepEqual(await faintTexts(page), []);
    await page.emulateMedia({ colorScheme: "light" });
    await page.keyboard.press("t");
    await page.keyboard.press("t");
    assert.doesNotMatch(page.url(), /theme=/);
});

scene("sides are told apart by more than a colour", async ({ server, open }) => {
    const page = await open();
    await push(server, day);
    await page.row("trades", "BUY").first().waitFor();
    const side = async (word) => (await page.row("trades", word).first().locator("td.side").textContent());
    assert.equal(await side("BUY"), "\u25b2BUY");
    assert.equal(await side("SELL"), "\u25bcSELL");
    // Blue and orange, not green and red: one has more blue than red, the other less.
    const parts = (name) => page.evaluate((colour) => {
        const value = getComputedStyle(document.documentElement).getPropertyValue("--" + colour).trim();
        return { red: parseInt(value.slice(1, 3), 16), blue: parseInt(value.slice(5, 7), 16) };
    }, name);
    const buy = await parts("up");
    const sell = await parts("down");
    assert.ok(buy.blue > buy.red && sell.red > sell.blue);
});

scene("who cannot see it hears names and roles", async ({ server, open }) => {
    const page = await open();
    await push(server, day);
    await page.row("trades", "AAPL").first().waitFor();
    const tree = await page.locator("body").ariaSnapshot();
    for (const part of [/status/, /button "Pause"/, /table "Trades"/, /table "Market data"/, /columnheader "Symbol/,
        /cell "AAPL"/, /combobox "Symbol"|combobox "Symbol/, /searchbox "Filter trades"/, /combobox "Side"/,
        /combobox "Strategy"/, /heading "Trades"/, /img "Candles/, /contentinfo|banner/])
        assert.match(tree, part);
    const nameless = await page.evaluate(() => [...document.querySelectorAll("button, input, select, a")]
        .filter((element) => element.checkVisibility())
        .filter((element) => !(element.textContent.trim() || element.getAttribute("aria-label") || element.labels?.length))
        .map((element) => element.outerHTML));
    assert.deepEqual(nameless, []);
    const counts = await page.getByTestId("trades").evaluate((table) => ({
        said: Number(table.getAttribute("aria-rowcount")),
        first: table.tBodies[0].rows[0].getAttribute("aria-rowindex"),
    }));
    assert.equal(counts.first, "2");
    assert.ok(counts.said > 2);
});

scene("a phone has all of it, and nothing to push sideways", async ({ server, open }) => {
    const phone = { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true };
    const page = await open(undefined, "/", phone);
    await push(server, { ...day, trades: day.trades + "2024-03-04T12:00:00,A-VERY-LONG-SYMBOL-NAME,BUY,123456789,123456.789,-123456.789,a rather long name of a strategy\n" });
    await page.row("trades", "A-VERY").waitFor();
    for (const id of ["price", "curve", "blotter", "market-panel"]) {
        await page.getByRole("link", { name: { price: "Price", curve: "P&L", blotter: "Trades", "market-panel": "Market" }[id], exact: true }).tap();
        await page.waitForFunction((target) => {
            const { top } = document.getElementById(target).getBoundingClientRect();
            return top >= 0 && top < innerHeight / 2 || scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
        }, id);
    }
    for (const width of [320, 375, 414, 620, 768, 900, 1024, 1180, 1440, 2560]) {
        await page.setViewportSize({ width, height: 800 });
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${width}: ${over}`);
    }
});

scene("no script and no style but the page's own", async ({ server, open }) => {
    const page = await open();
    const answer = await fetch(server.url + "/");
    const policy = answer.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = 1";
        document.body.append(script);
        const part = document.createElement("p");
        part.setAttribute("style", "color: rgb(1, 2, 3)");
        document.body.append(part);
        return [globalThis.ran ?? 0, getComputedStyle(part).color].join();
    }).then((got) => got.includes("rgb(1, 2, 3)") || got.startsWith("1")), false);
}, { ignore: /Content Security Policy|against the policy/ });
