// The pictures of docs/images, and that nothing is cut off in them.
//
//     node page_pictures.mjs DASHBOARD_SERVER [FOLDER]

import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { push, sampleDay, sleep, startExchange } from "./harness.mjs";
import { scene } from "./scene.mjs";

const folder = process.argv[3] ?? "pictures";
const MAX_BYTES = 512 * 1024;

mkdirSync(folder, { recursive: true });

// Texts that have no room: the ones that are meant to be cut say so by a title.
const cut = (page) => page.evaluate(() => [...document.querySelectorAll(".stat dd, .stat dt, .pill, .button, h2, th button, .num")]
    .filter((element) => element.checkVisibility() && !element.closest(".sr") && element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.className + " " + element.textContent));

async function take(page, name) {
    await sleep(1300);
    const path = join(folder, name + ".png");
    await page.screenshot({ path });
    assert.ok(statSync(path).size < MAX_BYTES, `${name}: ${statSync(path).size} bytes`);
    assert.deepEqual(await cut(page), []);
}

const pictures = [
    ["dashboard-dark", "/?interval=5m&symbol=NVDA", { viewport: { width: 1440, height: 900 } }],
    ["dashboard-light", "/?interval=5m&curve=strategy&symbol=TSLA",
        { viewport: { width: 1440, height: 900 }, colorScheme: "light" }],
    ["dashboard-phone", "/?interval=5m", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
];

for (const [name, address, options] of pictures)
    scene(name, async ({ server, open }) => {
        await push(server, sampleDay());
        const page = await open(undefined, address, options);
        await page.row("trades", "AAPL").first().waitFor();
        await push(server, { trades: "2024-03-04T22:05:00,NVDA,BUY,120,726.48,48.16,Mean Reversion\n" });
        await page.row("trades", "22:05:00").waitFor();
        await take(page, name);
    });

// An exchange with its faults, shown for a while.
const SHOWN_MS = 45000;
let exchange = null;
scene("dashboard-live", async ({ open }) => {
    const page = await open(undefined, "/?symbol=BTC%2FUSD", { viewport: { width: 1440, height: 900 } });
    await page.waitForFunction(() => document.querySelectorAll("#ladder-bids .level").length > 2);
    await page.locator("[data-testid=fault]").first().waitFor();
    if (process.argv[3])
        await sleep(SHOWN_MS);
    await page.keyboard.press("f");
    await take(page, "dashboard-live");
}, {
    before: async (program) => {
        exchange = await startExchange(program, ["--set", "failures.enabled=true",
            "--set", 'failures.modes.drop_messages={"enabled":true,"probability":0.01}',
            "--set", 'failures.modes.delay_messages={"enabled":true,"min_ms":2,"max_ms":20}',
            "--set", 'failures.modes.duplicate_messages={"enabled":true,"probability":0.02}']);
        return ["--connect", exchange.url, "--connect-admin", exchange.admin];
    },
    after: () => exchange?.stop(),
});
