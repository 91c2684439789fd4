// What a first client of exchange-server does: hears prices, places an order, cancels it.
//
//     node simple_client.mjs [ws://localhost:8765/ws]
//
// Where Node has no WebSocket of its own (before version 22), it takes the package ws.

const { WebSocket } = globalThis.WebSocket
    ? globalThis
    : await import("ws").catch(() => {
          console.error("simple_client: this Node has no WebSocket; `npm install ws` brings one");
          process.exit(2);
      });

const url = process.argv[2] ?? "ws://localhost:8765/ws";
const exchange = new WebSocket(url);
const say = (message) => exchange.send(JSON.stringify(message));

const heard = {
    MARKET_DATA(ticker) {
        if (heard.placed) return;
        heard.placed = true;
        console.log("last price", ticker.last_price);
        say({
            type: "PLACE_ORDER",
            symbol: "BTC/USD",
            side: "BUY",
            order_type: "LIMIT",
            price: "40000",
            quantity: "1.5",
        });
    },
    ORDER_ACK(ack) {
        console.log("order", ack.order_id, ack.status);
        say({ type: "CANCEL_ORDER", order_id: ack.order_id });
    },
    ORDER_CANCEL(cancel) {
        console.log("cancelled", cancel.remaining_quantity);
        exchange.close();
    },
    ERROR(error) {
        console.error(`${error.code}: ${error.message}`);
        process.exitCode = 1;
        exchange.close();
    },
};

exchange.onopen = () => say({ type: "SUBSCRIBE", channel: "TICKER", symbol: "BTC/USD" });
exchange.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    heard[message.type]?.(message);
};
exchange.onerror = ({ message }) => {
    console.error(message ?? `${url}: no connection`);
    process.exitCode = 1;
};
