// The pictures of docs/images, and that nothing is cut off in them.
//
//     node page_pictures.mjs DASHBOARD_SERVER [FOLDER]

import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { push, sampleDay, sleep } from "./harness.mjs";
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
