import assert from "node:assert/strict";
import { test } from "node:test";
import { Frames } from "../../../lib/server/dashboard/web/js/frames.js";

// A window whose time is ours.
function stillWindow() {
    const window = {
        now: 0,
        frame: null,
        timer: null,
        performance: { now: () => window.now },
        requestAnimationFrame: (run) => {
            window.frame = run;
            return 1;
        },
        setTimeout: (run, after) => {
            window.timer = { run, at: window.now + after };
            return 1;
        },
        step(ms = 16) {
            window.now += ms;
            if (window.timer && window.timer.at <= window.now) {
                const { run } = window.timer;
                window.timer = null;
                run();
            }
            const run = window.frame;
            window.frame = null;
            run?.(window.now);
        },
    };
    return window;
}

function jobsOf(window, jobs) {
    const frames = new Frames(window);
    const ran = [];
    for (const [name, { every = 0, takes = 0 }] of Object.entries(jobs))
        frames.job(name, () => {
            ran.push(name);
            window.now += takes;
        }, every);
    return { frames, ran };
}

test("what is wanted often is drawn once in a frame", () => {
    const window = stillWindow();
    const { frames, ran } = jobsOf(window, { a: {} });
    frames.want("a");
    frames.want("a");
    assert.deepEqual(ran, []);
    window.step();
    window.step();
    assert.deepEqual(ran, ["a"]);
});

test("what is costly waits for its time, and is not forgotten", () => {
    const window = stillWindow();
    const { frames, ran } = jobsOf(window, { a: { every: 100 } });
    frames.want("a");
    window.step();
    frames.want("a");
    for (let i = 0; i < 5; i++)
        window.step();
    assert.equal(ran.length, 1);
    for (let i = 0; i < 5; i++)
        window.step();
    assert.equal(ran.length, 2);
});

test("what a frame has no time for is drawn in the next, the longest waiting first", () => {
    const window = stillWindow();
    const { frames, ran } = jobsOf(window, { a: { takes: 10 }, b: { takes: 10 }, c: {} });
    frames.wantAll();
    window.step();
    assert.deepEqual(ran, ["a"]);
    frames.want("a");
    window.step();
    assert.deepEqual(ran, ["a", "b"]);
    window.step();
    assert.deepEqual(ran, ["a", "b", "c", "a"]);
});
