// Pushes sample trades to dashboard-server: what a script of your own begins with.
//
//     npm install socket.io-client
//     node examples/push_trades.mjs [URL] [SECONDS between two pushes] [how many]
//
// Every ten seconds a table of trades and one of market data; it prints what the server confirms
// and disconnects after five.  A server that was started with --keys: KEY=... in the environment.
import { io } from "socket.io-client";

const [url = "http://localhost:5000", every = "10", count = "5"] = process.argv.slice(2);
const key = process.env.KEY;
const prices = new Map([["AAPL", 190], ["MSFT", 410], ["TSLA", 240]]);
const strategies = ["Breakout", "Mean reversion"];

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const pick = (list) => list[Math.floor(Math.random() * list.length)];

// One more step of a random walk, as the two tables that the dashboard takes.
function tables() {
    const now = new Date().toISOString();
    const trades = ["timestamp,symbol,side,quantity,price,profit_loss,strategy"];
    const market = ["timestamp,symbol,open,high,low,close,volume,rsi,signal_strength"];
    for (const [symbol, before] of prices) {
        const close = +(before * (1 + (Math.random() - 0.5) / 200)).toFixed(2);
        const high = (Math.max(before, close) * 1.001).toFixed(2);
        const low = (Math.min(before, close) * 0.999).toFixed(2);
        const volume = 1000 * Math.ceil(9 * Math.random());
        market.push([now, symbol, before, high, low, close, volume,
            (30 + 40 * Math.random()).toFixed(1), Math.random().toFixed(2)].join());
        trades.push([now, symbol, pick(["BUY", "SELL"]), 10 * Math.ceil(10 * Math.random()), close,
            (40 * Math.random() - 18).toFixed(2), pick(strategies)].join());
        prices.set(symbol, close);
    }
    const text = (lines) => lines.join("\n") + "\n";
    return { trades_csv: text(trades), market_data_csv: text(market), timestamp: now };
}

const socket = io(url, key ? { query: { api_key: key }, extraHeaders: { "X-API-Key": key } } : {});
socket.on("connect", () => socket.emit("join_script"));
socket.on("connect_error", (error) => console.error("not connected:", error.message));
socket.on("status", ({ msg }) => console.log("status:", msg));
socket.on("data_received", (receipt) => {
    if (receipt.status === "success")
        console.log(`confirmed: ${receipt.trades_processed} trades, ` +
            `${receipt.market_data_processed} rows of market data`);
    else
        console.log("refused:", receipt.message);
});

for (let number = 0; number < +count; number++) {
    if (number > 0)
        await sleep(+every);
    // Resolves once the server has handled the event.
    await socket.emitWithAck("send_trading_data", tables());
}
socket.disconnect();
