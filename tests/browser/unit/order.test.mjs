import assert from "node:assert/strict";
import { test } from "node:test";
import { byTime, dropBefore, mergeSorted } from "../../../lib/server/dashboard/web/js/order.js";
import { Queue } from "../../../lib/server/dashboard/web/js/queue.js";

const records = (...ats) => ats.map((at, seq) => ({ at, seq }));

test("a batch behind the list is appended", () => {
    const list = records(1, 2);
    assert.equal(mergeSorted(list, [{ at: 3, seq: 9 }], byTime), 2);
    assert.deepEqual(list.map(({ at }) => at), [1, 2, 3]);
});

test("an empty batch changes nothing", () => {
    const list = records(1, 2);
    assert.equal(mergeSorted(list, [], byTime), 2);
    assert.equal(mergeSorted([], [], byTime), 0);
});

test("ties stay in the order of their arrival", () => {
    const list = [{ at: 5, seq: 0 }];
    mergeSorted(list, [{ at: 5, seq: 2 }, { at: 5, seq: 1 }], byTime);
    assert.deepEqual(list.map(({ seq }) => seq), [0, 1, 2]);
});

// Against sorting everything, on random batches.
test("merging is sorting, and what is before the place it names stands", () => {
    let seed = 99;
    const next = (limit) => (seed = (seed * 1103515245 + 12345) % 2147483648) % limit;
    const list = [];
    let seq = 0;
    for (let round = 0; round < 300; round++) {
        const before = list.slice();
        const batch = Array.from({ length: next(6) }, () => ({ at: next(60), seq: seq++ }));
        const first = mergeSorted(list, batch, byTime);
        assert.deepEqual(list, [...before, ...batch].sort(byTime));
        assert.deepEqual(list.slice(0, first), before.slice(0, first));
        if (batch.length > 0)
            assert.ok(batch.includes(list[first]));
    }
});

test("what has left the store leaves the list", () => {
    const list = [{ at: 1, seq: 5 }, { at: 2, seq: 3 }, { at: 3, seq: 6 }];
    assert.deepEqual(dropBefore(list, 5).map(({ seq }) => seq), [3]);
    assert.deepEqual(list.map(({ seq }) => seq), [5, 6]);
    assert.deepEqual(dropBefore(list, 0), []);
});

test("a queue keeps its order over thousands that come and go", () => {
    const queue = new Queue();
    let first = 0;
    for (let i = 0; i < 10000; i++) {
        queue.push(i);
        if (queue.length > 100)
            assert.equal(queue.shift(), first++);
    }
    assert.equal(queue.length, 100);
    assert.equal(queue.at(0), 9900);
    assert.equal(queue.at(-1), 9999);
    assert.deepEqual(queue.toArray(), Array.from({ length: 100 }, (_, i) => 9900 + i));
    while (queue.length)
        queue.shift();
    assert.equal(queue.shift(), undefined);
});
