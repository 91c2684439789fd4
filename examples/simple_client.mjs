// What a first client of exchange-server does: hears prices, places an order, cancels it.
//
//     node simple_client.mjs [ws://localhost:8765/ws]
//
// Where Node has no WebSocket of its own (before version 22), it takes the package ws.
//
// An exchange with faults loses messages, late ones come twice: what gets no answer is asked
// again, and an order keeps its client_order_id, so that it is placed once.

import { randomUUID } from "node:crypto";

const { WebSocket } = globalThis.WebSocket
    ? globalThis
    : await import("ws").catch(() => {
          console.error("simple_client: this Node has no WebSocket; `npm install ws` brings one");
          process.exit(2);
      });

const TRY_MS = 2000;
const TRIES = 15;
const url = process.argv[2] ?? "ws://localhost:8765/ws";
const exchange = new WebSocket(url);
let waiting = null; // for what; one thing at a time

function fail(words) {
    console.error(words);
    process.exit(1);
}

function parse(text) {
    try {
        return JSON.parse(text) ?? {};
    } catch {
        return {}; // a fault spoiled it
    }
}

// The answer of that kind, or null where an error has the code `done`: an earlier try was heard
// and only its answer was lost.
function ask(request, kind, done) {
    const text = JSON.stringify({ ...request, request_id: request.type });
    let tries = 0;
    const send = () => {
        if (tries++ === TRIES) fail(`no ${kind} after ${TRIES} tries`);
        if (tries > 1) console.error(`no ${kind} within ${TRY_MS / 1000} s: again`);
        exchange.send(text);
    };
    return new Promise((resolve) => {
        const timer = setInterval(send, TRY_MS);
        const settle = (message) => {
            clearInterval(timer);
            waiting = null;
            resolve(message);
        };
        waiting = { name: request.type, kind, done, settle };
        send();
    });
}

exchange.onmessage = ({ data }) => {
    const message = parse(data);
    if (!waiting) return;
    if (message.type === waiting.kind) return waiting.settle(message);
    const refused = message.type === "ERROR" || message.type === "ORDER_REJECT";
    if (!refused || message.request_id !== waiting.name) return;
    if (waiting.done && message.code === waiting.done) return waiting.settle(null);
    fail(`${message.code}: ${message.message ?? message.reason}`);
};
exchange.onerror = ({ message }) => fail(message ?? `${url}: no connection`);
exchange.onclose = () => waiting && fail("the exchange hung up");

await new Promise((resolve) => (exchange.onopen = resolve));

const ticker = await ask(
    { type: "SUBSCRIBE", channel: "TICKER", symbol: "BTC/USD" },
    "MARKET_DATA",
);
console.log("last price", ticker.last_price);

const client_order_id = randomUUID();
const order = {
    type: "PLACE_ORDER",
    symbol: "BTC/USD",
    side: "BUY",
    order_type: "LIMIT",
    price: "40000",
    quantity: "1.5",
    client_order_id,
};
const ack =
    (await ask(order, "ORDER_ACK", "DUPLICATE_CLIENT_ID")) ??
    (await ask({ type: "GET_ORDER", client_order_id }, "ORDERS")).orders[0];
console.log("order", ack.order_id, ack.status);

const cancel = await ask(
    { type: "CANCEL_ORDER", client_order_id },
    "ORDER_CANCEL",
    "CANCEL_FAILED",
);
console.log("cancelled", cancel ? cancel.remaining_quantity : "before");
exchange.close();
