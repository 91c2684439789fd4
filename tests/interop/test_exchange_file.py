"""A robot against the trades of a Parquet file: in a backtest, and at exchange-server.

Arguments: the folder of the built tools, make-sample, backtest-file.
"""

import asyncio
import csv
import io
import json
import os
import sys
import unittest
import urllib.request
from datetime import datetime, timezone
from decimal import Decimal
from itertools import groupby

from processes import Server, fresh_folder, run, skip, write

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

TOOLS, MAKE_SAMPLE, BACKTEST = sys.argv[1:4]
EXCHANGE = os.path.join(TOOLS, "exchange-server")
CAT = os.path.join(TOOLS, "parquet-cat")
TICKER = "BTC-USDT@BYBIT"
WAYS = ["touch", "through", "queue"]
BUY, SELL = 1, 2
TICK = 5  # prices are in tenths, quantities in thousandths
QUANTITY = 30
SPEED = 150  # the file's twelve minutes take five seconds


def read_trades(path):
    """(nanoseconds, price, quantity) of each trade of the ticker."""
    code, out, said = run(CAT, path)
    assert code == 0, said
    trades = []
    for row in csv.DictReader(io.StringIO(out)):
        if row["ticker"] == TICKER:
            moment = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=timezone.utc)
            trades.append((nanoseconds(moment), int(Decimal(row["price"]) * 10),
                           int(Decimal(row["volume"]) * 1000)))
    return trades


def nanoseconds(moment):
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86400 + since.seconds) * 10**6 + since.microseconds) * 1000


class Naive:
    """One order against history, as docs/venue.md says it: too plain to be wrong."""

    def __init__(self, way):
        self.way = way
        self.last = self.bid = self.ask = self.shown = None
        self.went = BUY  # which way the last trade went that moved the price
        self.side = None  # no order

    def crosses(self, side, price):
        return price >= self.ask if side == BUY else price <= self.bid

    def place(self, side, price, quantity):
        self.side, self.price, self.leaves = side, price, quantity
        mine = self.bid if side == BUY else self.ask
        self.ahead = self.shown if mine == price else 0
        self.mine = mine

    def fill(self, quantity):
        quantity = min(quantity, self.leaves)
        self.leaves -= quantity
        if self.leaves == 0:
            self.side = None
        return quantity

    def beyond(self, price):
        """Whether the order's price is better than this: it is filled whole."""
        return self.price > price if self.side == BUY else self.price < price

    def meet_trade(self, price, quantity):
        if self.beyond(price):
            return self.fill(self.leaves)
        if price != self.price or self.way == "through":
            return 0
        if self.way == "queue":
            before = min(self.ahead, quantity)
            self.ahead -= before
            quantity -= before
        return self.fill(quantity)

    def meet_quote(self, quantity):
        mine, theirs = (self.bid, self.ask) if self.side == BUY else (self.ask, self.bid)
        if mine != self.price:
            self.ahead = 0
        elif self.mine == self.price:
            self.ahead = min(self.ahead, quantity)
        self.mine = mine
        if self.beyond(theirs):
            return self.fill(self.leaves)
        if theirs != self.price or self.way == "through":
            return 0
        return self.fill(quantity)

    def trade(self, price, quantity):
        """What the order gets of one trade of the file."""
        filled = self.meet_trade(price, quantity) if self.side else 0
        if self.last is not None and price != self.last:
            self.went = BUY if price > self.last else SELL
        self.last, self.shown = price, quantity
        self.bid, self.ask = (price, price + TICK) if self.went == SELL else (price - TICK, price)
        return filled + (self.meet_quote(quantity) if self.side else 0)


def naive_backtest(trades, way):
    """The robot of examples/backtest-file.c: (time, side, quantity, price) of its fills."""
    naive = Naive(way)
    position = 0
    fills = []
    for time, burst in groupby(trades, key=lambda trade: trade[0]):
        wishes = []  # prices of trades that the robot saw without an order of its own
        for _, price, quantity in burst:
            side, at = naive.side, naive.side and naive.price
            filled = naive.trade(price, quantity)
            if filled:
                position += filled if side == BUY else -filled
                fills.append((time, side, filled, at))
            if not naive.side:
                wishes.append(price)
        for price in wishes:
            side = SELL if position > 0 else BUY
            price += TICK if side == SELL else -TICK
            if not naive.side and not naive.crosses(side, price):
                naive.place(side, price, QUANTITY)
    return fills


def by_moment(fills):
    """Several fills of an order at one moment are one."""
    return [(*key, sum(fill[2] for fill in group))
            for key, group in groupby(fills, key=lambda fill: (fill[0], fill[1], fill[3]))]


class Backtest(unittest.TestCase):
    def test_its_fills_are_the_naive_ones(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            self.assertEqual(run(MAKE_SAMPLE, path, "--plain")[0], 0)
            trades = read_trades(path)
            counts = []
            for number, way in enumerate(WAYS):
                code, out, said = run(BACKTEST, path, str(number))
                self.assertEqual(code, 0, said)
                *lines, won = out.splitlines()
                self.assertRegex(won, r"^won -?\d+\.\d{6} USDT$")
                found = by_moment([tuple(map(int, line.split())) for line in lines])
                self.assertEqual(found, by_moment(naive_backtest(trades, way)), way)
                counts.append(len(found))
            self.assertTrue(counts[0] > counts[2] > counts[1] > 4, counts)

    def test_it_says_where_no_trade_met_its_orders(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            # Fixed point at 1e9 is not what the robot's instrument counts in.
            self.assertEqual(run(MAKE_SAMPLE, path)[0], 0)
            code, out, said = run(BACKTEST, path)
        self.assertEqual(code, 0, said)
        self.assertIn("won 0.000000 USDT: no trade of BTC-USDT@BYBIT met an order", out)

    def test_a_file_that_is_not_there_is_told(self):
        code, _, said = run(BACKTEST, "/nonexistent.parquet")
        self.assertEqual(code, 1)
        self.assertIn("/nonexistent.parquet", said)


async def trade_to_the_end(server, ends):
    """Bids at the best bid, and follows it: [[ack, [fill, ...], None or cancel], ...]."""
    orders = []
    async with websockets.connect(server.url + "/ws?session=robot") as socket:

        async def ask(**message):
            await socket.send(json.dumps({**message, "request_id": "mine"}))
            while True:
                answer = json.loads(await socket.recv())
                if answer["type"] == "ORDER_FILL":
                    orders[-1][1].append(answer)
                if answer.get("request_id") == "mine":
                    return answer

        while True:
            book = await ask(type="GET_ORDERBOOK", symbol="BTC/USD", depth=1)
            if moment_of(book) > ends:
                # What was due by then is told before the answer to what is asked now.
                await asyncio.sleep(0.1)
                await ask(type="PING")
                return orders
            is_open = orders and not orders[-1][2] and Decimal("0.03") > sum(
                Decimal(fill["quantity"]) for fill in orders[-1][1])
            if is_open and book["bids"]:
                ack = orders[-1][0]
                if abs(Decimal(ack["price"]) - Decimal(book["bids"][0]["price"])) > 1:
                    answer = await ask(type="CANCEL_ORDER", order_id=ack["order_id"])
                    if answer["type"] == "ORDER_CANCEL":
                        orders[-1][2] = answer
            elif book["bids"]:
                ack = await ask(type="PLACE_ORDER", symbol="BTC/USD", side="BUY",
                                order_type="LIMIT", post_only=True, quantity="0.03",
                                price=book["bids"][0]["price"])
                if ack["type"] == "ORDER_ACK":
                    orders.append([ack, [], None])
            await asyncio.sleep(0.005)


def moment_of(message):
    return nanoseconds(datetime.fromisoformat(message["timestamp"].replace("Z", "+00:00")))


def naive_order(trades, way, ack, cancel):
    """What the naive model fills of the order that was acknowledged and cancelled so."""
    naive = Naive(way)
    fills = []
    for time, price, quantity in trades:
        if cancel and time > moment_of(cancel):
            break
        if time > moment_of(ack) and not naive.side and not fills:
            naive.place(BUY, int(Decimal(ack["price"]) * 10), QUANTITY)
        filled = naive.trade(price, quantity)
        if filled:
            fills.append((time, BUY, filled, int(Decimal(ack["price"]) * 10)))
    return by_moment(fills)


def settings(path, way):
    pairs = {
        "exchange.history.file": path,
        "exchange.history.tickers.BTC/USD": TICKER,
        "exchange.history.fills": way,
        "exchange.instruments.BTC/USD.tick_size": "0.5",
        "exchange.instruments.BTC/USD.lot_size": "0.001",
    }
    return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]


class AtTheServer(unittest.TestCase):
    def trade(self, path, way, *options):
        trades = read_trades(path)
        with Server(EXCHANGE, *settings(path, way), "--speed", str(SPEED), "--log-level", "error",
                    *options) as server:
            orders = asyncio.run(trade_to_the_end(server, trades[-1][0]))
            self.assertEqual(server.stop()[0], 0)
        filled = 0
        for ack, fills, cancel in orders:
            found = [(moment_of(fill), BUY, int(Decimal(fill["quantity"]) * 1000),
                      int(Decimal(fill["price"]) * 10)) for fill in fills]
            self.assertTrue(all(fill["is_maker"] for fill in fills))
            self.assertEqual(by_moment(found), naive_order(trades, way, ack, cancel),
                             (way, ack))
            filled += len(found)
        return filled

    def test_its_fills_are_the_naive_ones(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            self.assertEqual(run(MAKE_SAMPLE, path, "--plain")[0], 0)
            for way in WAYS:
                self.assertGreater(self.trade(path, way), 0, way)

    def test_whole_numbers_are_read_with_decimals_and_a_session_is_replayed(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            session = os.path.join(folder, "session")
            self.assertEqual(run(MAKE_SAMPLE, path, "--rows", "4000")[0], 0)
            with Server(EXCHANGE, *settings(path, "touch"), "--speed", str(SPEED),
                        "--set", "exchange.history.price_decimals=9", "--set",
                        "exchange.history.volume_decimals=9", "--record-session", session) as server:
                async def look():
                    async with websockets.connect(server.url + "/ws") as socket:
                        await socket.send('{"type":"SUBSCRIBE","channel":"TICKER","symbol":"*"}')
                        heard = {}
                        while len(heard) < 2:
                            message = json.loads(await socket.recv())
                            if message["type"] == "MARKET_DATA" and message["bid"]:
                                heard[message["symbol"]] = message
                        return heard

                heard = asyncio.run(look())
                self.assertAlmostEqual(float(heard["BTC/USD"]["last_price"]), 19325, delta=20)
                # What the file does not drive has its model.
                self.assertAlmostEqual(float(heard["ETH/USD"]["bid"]), 3000, delta=100)
                trade = json.load(urllib.request.urlopen(
                    server.url.replace("ws://", "http://") + "/api/v1/trades?symbol=BTC/USD"))
                self.assertIn("2022-07-01T00:", trade["trades"][0]["timestamp"])
                server.stop()
            code, _, said = run(EXCHANGE, "replay", session, timeout=60)
            self.assertEqual(code, 0, said)

    def test_the_log_says_what_lies_ahead_and_when_it_is_past(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            self.assertEqual(run(MAKE_SAMPLE, path, "--rows", "2000", "--plain")[0], 0)
            with Server(EXCHANGE, *settings(path, "touch"), "--speed", "1000") as server:
                self.assertIn("exchange.history.file: 2022-07-01 00:00:", server.lines[0])
                self.assertIn("its last trade is past", server.line())

    def test_a_file_of_one_symbol_needs_no_column_of_tickers(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "BTCUSD.csv")
            write(path, b"timestamp,price,volume\n2022-07-01 00:00:01,20000.5,0.25\n")
            said = ("--set", "exchange.history.file=" + path)
            code, _, words = run(EXCHANGE, "--port", "0", *said)
            self.assertEqual(code, 2, words)
            self.assertIn("exchange.history.ticker names that of all", words)
            self.assertNotIn("--columns", words)
            with Server(EXCHANGE, *said, "--set", "exchange.history.ticker=BTC/USD") as server:
                self.assertIn("exchange.history.file: 2022-07-01 00:00:01", "".join(server.lines))

    def test_rows_that_are_no_trades_are_counted_at_the_end(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "BTCUSD.csv")
            write(path, b"timestamp,price,volume,ticker\n2022-07-01 00:00:01,20000.5,0.25,BTC/USD\n"
                        b"2022-07-01 00:00:02,lamp,0.25,BTC/USD\n")
            with Server(EXCHANGE, "--set", "exchange.history.file=" + path) as server:
                said = server.line() + server.line()
                self.assertIn("its last trade is past", said)
                self.assertIn("passed over: 1;", said)

    def test_a_column_that_is_not_there_is_told_without_foreign_options(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "BTCUSD.csv")
            write(path, b"time,price,volume,ticker\n2022-07-01 00:00:01,20000.5,0.25,BTC/USD\n")
            code, _, words = run(EXCHANGE, "--port", "0", "--set", "exchange.history.file=" + path)
            self.assertEqual((code, "write it with the columns timestamp" in words,
                              "--columns" in words), (2, True, False), words)

    def test_what_cannot_be_is_told_with_its_remedy(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            self.assertEqual(run(MAKE_SAMPLE, path, "--rows", "2000")[0], 0)
            mapped = ["exchange.history.file=" + path,
                      "exchange.history.tickers.BTC/USD=" + TICKER]
            for pairs, words in (
                (["exchange.history.fills=queue"], "goes with exchange.history.file"),
                (["exchange.history.file=/nonexistent.parquet"], "/nonexistent.parquet"),
                (["exchange.history.file=" + path], "exchange.history.tickers.BTC/USD"),
                (mapped, "exchange.history.price_decimals"),
                (mapped + ["exchange.history.price_decimals=12"],
                 "exchange.instruments.BTC/USD.tick_size"),
                (mapped + ["exchange.history.price_decimals=9",
                           "exchange.history.volume_decimals=18"],
                 "exchange.instruments.BTC/USD.lot_size"),
                (mapped + ["exchange.history.fills=luck"], "touch, through or queue"),
                (["exchange.history.file=" + path, "exchange.history.tickers.SOL/USD=X"],
                 "not among exchange.symbols"),
            ):
                with self.subTest(pairs):
                    options = [word for pair in pairs for word in ("--set", pair)]
                    code, _, said = run(EXCHANGE, "--port", "0", *options)
                    self.assertEqual(code, 2, said)
                    self.assertIn(words, said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
