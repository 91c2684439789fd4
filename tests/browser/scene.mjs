// A test of the page: one behaviour, before a server of its own.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startBrowser, startServer, startWay } from "./harness.mjs";

const program = process.argv[2];
let shared = null; // the browser of all scenes of a file

// One behaviour of the page, before a server of its own.  No scene may leave an error in the
// browser's console, but what `ignore` says that it provokes.  `options` and `environment`
// are the server's; `before` starts what it is to show and gives further options, `after` ends it.
export function scene(name, play, { ignore, options = [], environment, before, after: end } = {}) {
    test(name, async () => {
        shared ??= await startBrowser();
        const more = before ? await before(program) : [];
        const server = await startServer(program, [...options, ...more], environment);
        const ways = [];
        const way = async () => {
            ways.push(await startWay(server));
            return ways.at(-1);
        };
        shared.errors.length = 0;
        try {
            await play({ server, way, browser: shared.browser, open: (other, ...more) => shared.open(other ?? server, ...more) });
            assert.deepEqual(shared.errors.filter((error) => !ignore?.test(error)), []);
        } finally {
            for (const context of shared.browser.contexts())
                await context.close();
            await Promise.all(ways.map((each) => each.stop()));
            await server.stop();
            await end?.();
        }
    });
}

after(() => shared?.browser.close());
