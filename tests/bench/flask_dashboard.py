#!/usr/bin/env python3
"""The dashboard's events as a Flask-SocketIO server has them, to measure against.

    flask_dashboard.py PORT

On Debian's python3-flask-socketio with eventlet, its fastest way of serving; the tables are read by
Python's own csv module, numbers by float.
"""
import csv
import io
import sys

import eventlet

eventlet.monkey_patch()

from flask import Flask
from flask_socketio import SocketIO, emit, join_room

NUMBERS = {"quantity", "price", "profit_loss", "open", "high", "low", "close", "volume", "rsi",
           "signal_strength"}

app = Flask(__name__)
server = SocketIO(app, async_mode="eventlet", max_http_buffer_size=16 << 20)


def rows(text):
    return [{name: (float(cell) if cell else None) if name in NUMBERS else cell
             for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


@server.on("connect")
def on_connect():
    emit("status", {"msg": "Connected to trading data server"})


@server.on("join_frontend")
def on_join_frontend():
    join_room("frontend")
    emit("status", {"msg": "Joined frontend room"})


@server.on("send_trading_data")
def on_data(data):
    trades, market = rows(data["trades_csv"]), rows(data["market_data_csv"])
    server.emit("trading_update", {
        "trades": trades, "market_data": market, "timestamp": data["timestamp"],
        "trades_count": len(trades), "market_data_count": len(market)}, to="frontend")
    emit("data_received", {"status": "success", "trades_processed": len(trades),
                           "market_data_processed": len(market)})


server.run(app, host="127.0.0.1", port=int(sys.argv[1]))
