import assert from "node:assert/strict";
import { test } from "node:test";
import { DecimalSum } from "../../../lib/server/dashboard/web/js/decimal.js";

const sumOf = (...numbers) => {
    const sum = new DecimalSum();
    for (const number of numbers)
        sum.add(number);
    return String(sum);
};

test("tenths add up to tenths", () => {
    assert.equal(sumOf(0.1, 0.2), "0.3");
    assert.equal(sumOf(37.2, -8.75), "28.45");
    assert.equal(sumOf(...Array(1000).fill(0.1)), "100");
});

test("nothing adds up to nothing, whatever is no number counts as nothing", () => {
    assert.equal(sumOf(), "0");
    assert.equal(sumOf(null, undefined, NaN, Infinity, "7"), "0");
    assert.equal(sumOf(5, -5), "0");
});

test("a sum beyond the exact doubles keeps every digit", () => {
    const large = Number.MAX_SAFE_INTEGER;
    assert.equal(sumOf(large, large, large, 0.5), "27021597764222973.5");
    assert.equal(sumOf(-large, -large), "-18014398509481982");
});

test("very small and very large numbers meet exactly", () => {
    assert.equal(sumOf(1e-15, 1e21), "1000000000000000000000.000000000000001");
    assert.equal(sumOf(1.5e-13, -1.5e-13), "0");
});

test("what is taken away again leaves what was there", () => {
    const sum = new DecimalSum();
    for (let i = 0; i < 1000; i++)
        sum.add(i * 0.07);
    const before = String(sum);
    for (let i = 0; i < 500; i++)
        sum.add(i * 1.1);
    for (let i = 0; i < 500; i++)
        sum.subtract(i * 1.1);
    assert.equal(String(sum), before);
});

test("products are exact", () => {
    const sum = new DecimalSum();
    sum.addProduct(100, 142.51);
    sum.addProduct(0.1, 0.2);
    assert.equal(String(sum), "14251.02");
    sum.addProduct(123456789.123, 987654321.987);
    sum.subtractProduct(123456789.123, 987654321.987);
    sum.subtractProduct(100, 142.51);
    assert.equal(String(sum), "0.02");
});

test("its double is the nearest", () => {
    const sum = new DecimalSum();
    sum.add(0.1);
    sum.add(0.2);
    assert.equal(Number(sum), 0.3);
});

// Each sum against one of whole hundredths, which cannot be wrong.
test("random cents add up as whole numbers do", () => {
    let seed = 12345;
    const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648);
    const sum = new DecimalSum();
    let cents = 0n;
    for (let i = 0; i < 20000; i++) {
        const count = next() % 20000001 - 10000000;
        cents += BigInt(count);
        sum.add(count / 100);
    }
    const words = String(sum);
    const [front, behind = ""] = words.replace("-", "").split(".");
    const back = BigInt(front + behind.padEnd(2, "0")) * (words.startsWith("-") ? -1n : 1n);
    assert.equal(back, cents);
});
