#!/usr/bin/env python3
"""Pushes sample trades to dashboard-server: what a script of your own begins with.

    pip install "python-socketio[client]"        (Debian: python3-socketio python3-requests)
    python3 examples/push_trades.py [URL] [--every SECONDS] [--count N] [--key KEY]

Every ten seconds a table of trades and one of market data; it prints what the server confirms and
disconnects after five.
"""
import argparse
import random
import time
from datetime import datetime

import socketio

TRADES = "timestamp,symbol,side,quantity,price,profit_loss,strategy"
MARKET = "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength"
SYMBOLS = {"AAPL": 190.0, "MSFT": 410.0, "TSLA": 240.0}
STRATEGIES = ["Breakout", "Mean reversion"]


def tables(prices):
    """One more step of a random walk, as the two tables that the dashboard takes."""
    now = datetime.now().isoformat(timespec="seconds")
    trades, market = [TRADES], [MARKET]
    for symbol, before in prices.items():
        close = round(before * (1 + random.gauss(0, 0.002)), 2)
        high = round(max(before, close) * 1.001, 2)
        low = round(min(before, close) * 0.999, 2)
        market.append(f"{now},{symbol},{before:.2f},{high},{low},{close},{random.randint(1, 9)}000,"
                      f"{random.uniform(30, 70):.1f},{random.random():.2f}")
        side = random.choice(["BUY", "SELL"])
        trades.append(f"{now},{symbol},{side},{random.randint(1, 10) * 10},{close},"
                      f"{random.gauss(2, 20):.2f},{random.choice(STRATEGIES)}")
        prices[symbol] = close
    return {"trades_csv": "\n".join(trades) + "\n", "market_data_csv": "\n".join(market) + "\n",
            "timestamp": now}


def main():
    parser = argparse.ArgumentParser(description="Pushes sample trades to dashboard-server.")
    parser.add_argument("url", nargs="?", default="http://localhost:5000")
    parser.add_argument("--every", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--count", type=int, default=5, metavar="N")
    parser.add_argument("--key", help="of a server that was started with --keys")
    options = parser.parse_args()

    client = socketio.Client()

    @client.event
    def connect():
        client.emit("join_script")

    @client.on("status")
    def status(message):
        print("status:", message["msg"])

    @client.on("data_received")
    def data_received(receipt):
        if receipt["status"] == "success":
            print(f"confirmed: {receipt['trades_processed']} trades, "
                  f"{receipt['market_data_processed']} rows of market data")
        else:
            print("refused:", receipt["message"])

    client.connect(options.url, headers={"X-API-Key": options.key} if options.key else {})
    prices = dict(SYMBOLS)
    for number in range(options.count):
        if number > 0:
            time.sleep(options.every)
        # The callback is called once the server has handled the event.
        handled = []
        client.emit("send_trading_data", tables(prices), callback=lambda *_: handled.append(True))
        for _ in range(100):
            if handled:
                break
            time.sleep(0.05)
    client.disconnect()


if __name__ == "__main__":
    main()
