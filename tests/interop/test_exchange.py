"""exchange-server as a robot sees it: real processes, a foreign client (Debian's python3-websockets), and
REST with Python's own library.

Arguments: the folder of the built tools, the folder of the examples.
"""

import asyncio
import hmac
import http.client
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

from processes import Server, fresh_folder, run, skip, write

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

TOOLS = sys.argv[1]
EXAMPLES = sys.argv[2]
EXCHANGE = os.path.join(TOOLS, "exchange-server")
QUIET = ["--log-level", "error"]
LONELY = QUIET + ["--set", "exchange.liquidity.enabled=false"]


class Robot:
    """One WebSocket; `ask` gives the direct answer, passing over what is told in between."""

    def __init__(self, socket):
        self.socket = socket
        self.count = 0
        self.passed = []

    async def ask(self, **message):
        self.count += 1
        message["request_id"] = f"q{self.count}"
        await self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
            if answer.get("request_id") == message["request_id"]:
                return answer
            self.passed.append(answer)

    async def next(self, kind):
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
            if message["type"] == kind:
                return message

    def order(self, **fields):
        order = {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY", "order_type": "LIMIT",
                 "price": "40000", "quantity": "1.5"}
        return self.ask(**{**order, **fields})


def with_robots(server, talk, *sessions):
    async def go():
        sockets = [await websockets.connect(server.url + "/ws" + session) for session in sessions]
        try:
            await talk(*[Robot(socket) for socket in sockets])
        finally:
            for socket in sockets:
                await socket.close()

    asyncio.run(go())


class Rest:
    def __init__(self, server, session=None):
        self.base = server.url.replace("ws://", "http://")
        self.headers = {"Content-Type": "application/json"}
        if session:
            self.headers["X-Session-ID"] = session

    def __call__(self, method, path, body=None, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
        request = urllib.request.Request(
            self.base + path, data, {**self.headers, **(headers or {})}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def shake_hands(server, path, **headers):
    """A WebSocket's opening handshake: the status, and the words of a refusal."""
    link = http.client.HTTPConnection(server.url.split("/")[-1], timeout=20)
    link.request("GET", path, headers={"Upgrade": "websocket", "Connection": "Upgrade",
                                       "Sec-WebSocket-Version": "13",
                                       "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", **headers})
    answer = link.getresponse()
    words = "" if answer.status == 101 else json.loads(answer.read())["detail"]
    link.close()
    return answer.status, words


class WebSocket(unittest.TestCase):
    def test_a_refused_handshake_says_why(self):
        two = {"X-Session-ID": "bob"}
        with Server(EXCHANGE, *QUIET, "--max-clients", 1) as server:
            for path, headers, words in (
                ("/ws?session=" + 64 * "a", {}, "has 1 to 63 bytes, without '/' and '|'"),
                ("/ws?session=a%2Fb", {}, "has 1 to 63 bytes, without '/' and '|'"),
                ("/ws?session=alice", two, "name two accounts: send one of them"),
                ("/ws?client=" + 64 * "a", {}, "?client= has at most 63 bytes"),
            ):
                status, said = shake_hands(server, path, **headers)
                self.assertEqual((status, words in said), (400, True), (path, said))
            self.assertEqual(shake_hands(server, "/ws?session=bob", **two)[0], 101)

            async def go():
                async with websockets.connect(server.url + "/ws"):
                    return await asyncio.to_thread(shake_hands, server, "/ws")

            status, said = asyncio.run(go())
            self.assertEqual((status, "--max-clients" in said), (503, True), said)

    def test_what_the_python_simulators_clients_do(self):
        async def talk(robot):
            await robot.socket.send('{"type":"SUBSCRIBE","channel":"TICKER","symbol":"BTC/USD"}')
            ticker = await robot.next("MARKET_DATA")
            self.assertGreater(Decimal(ticker["last_price"]), 0)
            self.assertEqual(ticker["symbol"], "BTC/USD")
            self.assertGreater(Decimal((await robot.next("MARKET_DATA"))["last_price"]), 0)
            await robot.socket.send(
                '{"type":"PLACE_ORDER","symbol":"BTC/USD","side":"BUY",'
                '"order_type":"LIMIT","price":"40000","quantity":"1.5"}'
            )
            ack = await robot.next("ORDER_ACK")
            self.assertEqual(len(ack["order_id"]), 36)
            self.assertEqual((ack["status"], ack["remaining_quantity"]), ("OPEN", "1.5"))
            await robot.socket.send(
                json.dumps({"type": "CANCEL_ORDER", "order_id": ack["order_id"]})
            )
            cancel = await robot.next("ORDER_CANCEL")
            self.assertEqual(cancel["order_id"], ack["order_id"])
            self.assertEqual((cancel["remaining_quantity"], cancel["reason"]), ("1.5", "REQUESTED"))

        with Server(EXCHANGE, *QUIET) as server:
            with_robots(server, talk, "")

    def test_a_lone_robot_finds_a_book_to_trade_against(self):
        async def talk(robot):
            book = await robot.ask(type="GET_ORDERBOOK", symbol="BTC/USD", depth=1)
            ack = await robot.order(order_type="MARKET", quantity="0.5", price=None)
            self.assertEqual(ack["type"], "ORDER_ACK")
            fill = await robot.next("ORDER_FILL")
            self.assertEqual(fill["filled_quantity"], "0.5")
            self.assertAlmostEqual(
                float(fill["price"]), float(book["asks"][0]["price"]), delta=500
            )
            position = await robot.ask(type="GET_POSITION", symbol="BTC/USD")
            self.assertEqual((position["quantity"], position["average_price"]), ("0.5", fill["price"]))
            balance = await robot.ask(type="GET_BALANCE")
            self.assertEqual(balance["balances"]["BTC"], "10.5")
            spent = Decimal(100000) - Decimal(balance["balances"]["USD"])
            self.assertEqual(spent, Decimal(fill["price"]) / 2)

        with Server(EXCHANGE, *QUIET) as server:
            with_robots(server, talk, "")

    def test_two_robots_trade_and_every_connection_of_an_account_hears_it(self):
        async def talk(alice, again, bob):
            ask = await alice.order(side="SELL", price="45000.5", client_order_id="a-1")
            self.assertEqual((await again.next("ORDER_ACK"))["client_order_id"], "a-1")
            await bob.ask(type="SUBSCRIBE", channel="TRADES", symbol="*")
            await bob.order(price="45000.5", quantity="2")
            for robot in (alice, again):
                fill = await robot.next("ORDER_FILL")
                self.assertEqual(fill["order_id"], ask["order_id"])
                self.assertEqual((fill["is_maker"], fill["status"]), (True, "FILLED"))
            trade = await bob.next("TRADE")
            self.assertEqual((trade["price"], trade["quantity"], trade["side"]),
                             ("45000.5", "1.5", "BUY"))
            rest = await bob.ask(type="GET_ORDERS")
            self.assertEqual([order["filled_quantity"] for order in rest["orders"]], ["1.5"])
            done = await alice.ask(type="GET_ORDER", client_order_id="a-1")
            self.assertEqual(done["orders"][0]["status"], "FILLED")

        with Server(EXCHANGE, *LONELY) as server:
            with_robots(server, talk, "?session=alice", "?session=alice", "?session=bob")

    def test_deltas_add_up_to_the_book(self):
        async def talk(robot, other):
            await robot.ask(type="SUBSCRIBE", channel="ORDERBOOK_L2", symbol="BTC/USD")
            book, sequence = {}, None
            orders = []
            for i in range(40):
                ack = await other.order(price=str(40000 + i % 7), quantity=f"0.{i % 3 + 1}")
                orders.append(ack["order_id"])
                if i % 3 == 2:
                    await other.ask(type="CANCEL_ORDER", order_id=orders.pop(0))
            truth = await other.ask(type="GET_ORDERBOOK", symbol="BTC/USD")
            wanted = {level["price"]: level["quantity"] for level in truth["bids"]}
            while book != wanted:
                update = await robot.next("ORDERBOOK_UPDATE")
                if sequence is not None:
                    self.assertEqual(update["sequence"], sequence + 1)
                    self.assertNotIn("snapshot", update)
                else:
                    self.assertTrue(update["snapshot"])
                sequence = update["sequence"]
                for level in update["bids"]:
                    book[level["price"]] = level["quantity"]
                book = {price: quantity for price, quantity in book.items() if quantity != "0"}

        with Server(EXCHANGE, *LONELY) as server:
            with_robots(server, talk, "", "")

    def test_who_comes_back_gets_what_it_missed(self):
        async def go(server):
            url = server.url + "/ws?session=carol"
            async with websockets.connect(url) as socket:
                robot = Robot(socket)
                await robot.ask(type="SUBSCRIBE", channel="TRADES", symbol="BTC/USD")
                first = await robot.order(price="41000")
            async with websockets.connect(server.url + "/ws?session=dave") as socket:
                dave = Robot(socket)
                for _ in range(3):
                    await dave.order(side="SELL", price="41000", quantity="0.5")
            async with websockets.connect(url) as socket:
                robot = Robot(socket)
                answer = await robot.ask(
                    type="RESUME", channel="ORDERS", from_sequence=first["sequence"] + 1
                )
                self.assertEqual(answer["type"], "SUBSCRIBED")
                fills = [await robot.next("ORDER_FILL") for _ in range(3)]
                self.assertEqual([fill["filled_quantity"] for fill in fills], ["0.5", "1", "1.5"])
                self.assertEqual(
                    [fill["sequence"] for fill in fills],
                    [first["sequence"] + i for i in (1, 2, 3)],
                )
                await robot.ask(
                    type="RESUME", channel="TRADES", symbol="BTC/USD", from_sequence=2
                )
                trades = [await robot.next("TRADE") for _ in range(3)]
                self.assertEqual([trade["sequence"] for trade in trades], [2, 3, 4])

        with Server(EXCHANGE, *LONELY) as server:
            asyncio.run(go(server))

    def test_who_missed_more_than_is_kept_gets_a_fresh_state_of_every_channel(self):
        async def go(server):
            async with websockets.connect(server.url + "/ws?session=erin") as socket:
                robot = Robot(socket)
                for symbol in ("BTC/USD", "ETH/USD"):
                    await robot.ask(type="SUBSCRIBE", channel="TRADES", symbol=symbol)
                await robot.order(price="41000", quantity="2")
                for _ in range(3):
                    await robot.order(side="SELL", price="41000", quantity="0.5",
                                      self_trade_prevention="NONE")
                told = [told["sequence"] for told in robot.passed if told["type"] == "TRADE"]
                self.assertEqual(told, list(range(2, 2 + len(told))))
                answers = {}
                for channel, kind in {"TRADES": "TRADES", "TICKER": "MARKET_DATA",
                                      "ORDERBOOK_L2": "ORDERBOOK_UPDATE",
                                      "ORDERBOOK": "ORDERBOOK_UPDATE",
                                      "ORDERBOOK_L3": "BOOK_EVENT", "CANDLES": "CANDLE"}.items():
                    # A sequence that has not been: of a server that ran before, say.
                    answer = await robot.ask(
                        type="RESUME", channel=channel, symbol="BTC/USD", from_sequence=1000
                    )
                    self.assertEqual(answer["type"], "SUBSCRIBED")
                    answers[channel] = await robot.next(kind)
                trades = answers["TRADES"]
                self.assertEqual(trades["sequence"], 4)
                self.assertEqual([trade["quantity"] for trade in trades["trades"]], ["0.5"] * 3)
                self.assertTrue(answers["ORDERBOOK_L2"]["snapshot"])
                await robot.ask(
                    type="RESUME", channel="TRADES", symbol="ETH/USD", from_sequence=1000
                )
                self.assertEqual((await robot.next("TRADES"))["trades"], [])

        with Server(EXCHANGE, *LONELY) as server:
            asyncio.run(go(server))

    def test_an_expiry_that_has_passed_is_refused_with_that_reason(self):
        async def talk(robot):
            answer = await robot.order(time_in_force="GTD", expires_at="2009-01-01T00:00:00Z")
            self.assertEqual((answer["type"], answer["code"]), ("ORDER_REJECT", "OUT_OF_RANGE"))
            self.assertIn("expires_at has passed", answer["reason"])

        with Server(EXCHANGE, *LONELY) as server:
            with_robots(server, talk, "")

    def test_no_text_closes_the_connection_and_each_is_answered(self):
        bad = ["", "{", "[]", "null", "{}", '{"type":"X"}', '{"type":"PING","type":"PING"}', "\u0000",
               "[" * 5000, '{"a":' * 100, '{"type":"PLACE_ORDER","symbol":{}}', "\ufeff{}",
               '{"type":"CANCEL_ORDER","order_id":"' + "x" * 70000 + '"}']

        async def talk(robot):
            for text in bad:
                await robot.socket.send(text)
                answer = json.loads(await asyncio.wait_for(robot.socket.recv(), 20))
                self.assertEqual(answer["type"], "ERROR", text[:40])
                self.assertTrue(answer["code"] and answer["message"])
            await robot.socket.send(b"{}")
            self.assertEqual(json.loads(await robot.socket.recv())["code"], "INVALID_JSON")
            self.assertEqual((await robot.ask(type="PING"))["type"], "PONG")

        with Server(EXCHANGE, *LONELY) as server:
            with_robots(server, talk, "")


class Http(unittest.TestCase):
    def test_answers_have_the_shapes_that_clients_read(self):
        with Server(EXCHANGE, *QUIET) as server:
            rest = Rest(server, "bot")
            self.assertEqual(rest("GET", "/health")[1]["status"], "ok")
            self.assertEqual(
                rest("GET", "/api/v1/symbols")[1]["symbols"], ["BTC/USD", "ETH/USD"]
            )
            status, ticker = rest("GET", "/api/v1/ticker?symbol=BTC%2FUSD")
            self.assertEqual(status, 200)
            for key in ("symbol", "last_price", "bid", "ask", "high_24h", "low_24h", "volume_24h",
                        "timestamp"):
                self.assertIn(key, ticker)
            order = {"symbol": "BTC/USD", "side": "BUY", "type": "LIMIT", "price": "40000",
                     "quantity": "1.5"}
            status, placed = rest("POST", "/api/v1/orders", order)
            self.assertEqual(status, 201)
            for key in ("order_id", "symbol", "side", "type", "status", "price", "quantity",
                        "filled_quantity", "created_at", "updated_at"):
                self.assertIn(key, placed)
            path = "/api/v1/orders/" + placed["order_id"]
            self.assertIsNone(placed["average_price"])
            self.assertEqual(rest("GET", path), (200, placed))
            self.assertEqual(rest("GET", "/api/v1/orders")[1]["orders"], [placed])
            self.assertEqual(rest("PATCH", path, {"price": "41000"})[1]["price"], "41000")
            self.assertEqual(
                rest("DELETE", path), (200, {"order_id": placed["order_id"], "status": "cancelled"})
            )
            self.assertEqual(rest("GET", path)[1]["status"], "CANCELLED")
            self.assertEqual(rest("GET", "/api/v1/balance")[1]["balances"],
                             {"BTC": "10", "USD": "100000"})
            position = rest("GET", "/api/v1/position?symbol=BTC/USD")[1]
            self.assertEqual((position["symbol"], position["asset"], position["quantity"]),
                             ("BTC/USD", "BTC", "0"))

    def test_a_filled_order_says_what_it_cost_in_the_mean(self):
        with Server(EXCHANGE, *QUIET) as server:
            rest = Rest(server, "bot")
            status, placed = rest("POST", "/api/v1/orders",
                                  {"symbol": "BTC/USD", "side": "SELL", "type": "MARKET",
                                   "quantity": "9"})
            self.assertEqual((status, placed["status"]), (201, "FILLED"))
            fills = rest("GET", "/api/v1/fills")[1]["fills"]
            self.assertGreater(len({fill["price"] for fill in fills}), 1)
            cost = sum(Decimal(fill["price"]) * Decimal(fill["quantity"]) for fill in fills)
            self.assertAlmostEqual(Decimal(placed["average_price"]), cost / 9, delta=Decimal("0.005"))

    def test_errors_say_what_and_why(self):
        order = {"symbol": "BTC/USD", "side": "BUY", "type": "LIMIT", "price": "40000",
                 "quantity": "1", "client_order_id": "once"}
        with Server(EXCHANGE, *LONELY) as server:
            rest = Rest(server)
            self.assertEqual(rest("POST", "/api/v1/orders", order)[0], 201)
            cases = [
                (409, "DUPLICATE_CLIENT_ID", "POST", "orders", {**order, "quantity": "2"}),
                (400, "INSUFFICIENT_BALANCE", "POST", "orders",
                 {**order, "client_order_id": "x", "quantity": "99"}),
                (400, "OFF_TICK", "POST", "orders", {**order, "price": "1.001"}),
                (400, "MISSING_FIELD", "POST", "orders", {"symbol": "BTC/USD"}),
                (400, "INVALID_JSON", "POST", "orders", b"{"),
                (404, "UNKNOWN_SYMBOL", "GET", "ticker?symbol=NIX", None),
                (400, "MISSING_FIELD", "GET", "ticker", None),
                (404, "ORDER_NOT_FOUND", "GET", "orders/nobody", None),
                (404, "ORDER_NOT_FOUND", "DELETE", "orders/nobody", None),
                (400, "INVALID_FIELD", "GET", "trades?symbol=BTC/USD&limit=0", None),
            ]
            for status, code, method, path, body in cases:
                answer = rest(method, "/api/v1/" + path, body)
                self.assertEqual((answer[0], answer[1]["code"]), (status, code), path)
                self.assertTrue(answer[1]["error"])
            interval = rest("GET", "/api/v1/candles?symbol=BTC/USD&interval=3m")
            self.assertEqual((interval[0], interval[1]["details"]), (400, {"field": "interval"}))
            self.assertIn("none of 1s, 1m", interval[1]["error"])
            self.assertIn("GET /api/v1/orders", rest("GET", "/api/v1/orders/nobody")[1]["error"])
            slashed = {**order, "price": "1", "client_order_id": "a/b c"}
            self.assertEqual(rest("POST", "/api/v1/orders", slashed)[0], 201)
            self.assertEqual(rest("GET", "/api/v1/orders/a%2Fb%20c")[1]["client_order_id"], "a/b c")
            self.assertEqual(rest("DELETE", "/api/v1/orders/a%2Fb%20c")[0], 200)
            wrong = rest("POST", "/api/v1/orders", order, {"Content-Type": "text/plain"})
            self.assertEqual(wrong[0], 415)
            self.assertEqual(rest("PUT", "/api/v1/orders", order)[0], 405)
            self.assertEqual(rest("DELETE", "/api/v1/orders"), (200, {"count": 1}))

    def test_a_query_names_the_account_as_the_header_does(self):
        with Server(EXCHANGE, *QUIET) as server:
            rest = Rest(server)
            body = {"symbol": "BTC/USD", "side": "BUY", "type": "LIMIT", "price": "40000",
                    "quantity": "0.5"}
            self.assertEqual(rest("POST", "/api/v1/orders?session=grace", body)[0], 201)
            for of, count in ((rest("GET", "/api/v1/orders"), 0),
                              (rest("GET", "/api/v1/orders?symbol=*&session=grace"), 1),
                              (Rest(server, "grace")("GET", "/api/v1/orders?session=grace"), 1),
                              (Rest(server, "grace")("GET", "/api/v1/orders?session="), 1)):
                self.assertEqual((of[0], len(of[1]["orders"])), (200, count))
            for path in ("orders?session=heidi", "orders?session=" + 64 * "x", "orders?session=%zz"):
                self.assertEqual(Rest(server, "grace")("GET", "/api/v1/" + path)[0], 400, path)

            async def disagree():
                headers = {"X-Session-ID": "heidi"}
                try:
                    options = {"additional_headers": headers}
                    await websockets.connect(server.url + "/ws?session=grace", **options)
                except TypeError:
                    options = {"extra_headers": headers}
                    await websockets.connect(server.url + "/ws?session=grace", **options)

            with self.assertRaisesRegex(Exception, "400"):
                asyncio.run(disagree())

    def test_a_session_is_one_account_over_both(self):
        async def talk(robot):
            rest = Rest(self.server, "erin")
            placed = rest("POST", "/api/v1/orders",
                          {"symbol": "BTC/USD", "side": "SELL", "type": "LIMIT", "price": "60000",
                           "quantity": "1"})[1]
            ack = await robot.next("ORDER_ACK")
            self.assertEqual(ack["order_id"], placed["order_id"])
            await robot.ask(type="CANCEL_ALL")
            self.assertEqual(robot.passed[-1]["type"], "ORDER_CANCEL")
            self.assertEqual(rest("GET", "/api/v1/orders")[1]["orders"], [])

        with Server(EXCHANGE, *LONELY) as self.server:
            with_robots(self.server, talk, "?session=erin")


class Settings(unittest.TestCase):
    def test_an_option_for_a_key_wins_over_the_setting(self):
        # Server asks for a free port with --port.
        with Server(EXCHANGE, *QUIET, "--set", "server.port=1", "--set", "server.host=localhost",
                    "--host", "127.0.0.1") as server:
            self.assertRegex(server.lines[-1], r"ws://127\.0\.0\.1:\d\d+ ")

    def test_the_python_simulators_configuration_works_as_it_is(self):
        config = os.path.join(EXAMPLES, "config.json")
        with Server(EXCHANGE, *QUIET, "--config", config) as server:
            code, _ = server.stop()
            self.assertEqual(code, 0)

    def test_an_unknown_key_is_answered_with_the_nearest(self):
        code, _, words = run(EXCHANGE, "--set", "exchange.tick_intervall=1")
        self.assertEqual(code, 2)
        self.assertIn("exchange.tick_interval", words.replace("tick_intervall", ""))
        code, _, words = run(EXCHANGE, "--set", "failures.modes.drop_message.enabled=true")
        self.assertEqual(code, 2)
        self.assertIn("drop_messages", words)

    def test_a_viewers_key_looks_and_changes_nothing(self):
        order = {"symbol": "BTC/USD", "side": "BUY", "type": "LIMIT", "price": "1", "quantity": "1"}

        async def go(server):
            for key, code in ("looker", "UNAUTHORIZED"), ("trader", None):
                async with websockets.connect(server.url + "/ws?api_key=" + key) as socket:
                    robot = Robot(socket)
                    answer = await robot.order()
                    self.assertEqual(answer.get("code"), code, answer)
                    self.assertEqual((await robot.ask(type="GET_ORDERS"))["type"], "ORDERS")

        with fresh_folder() as folder:
            keys = write(os.path.join(folder, "keys"), b"looker role=viewer\ntrader\n")
            with Server(EXCHANGE, *LONELY, "--keys", keys) as server:
                asyncio.run(go(server))
                rest = Rest(server)
                for key, made in ("looker", 403), ("trader", 201):
                    key = {"X-API-Key": key}
                    self.assertEqual(rest("POST", "/api/v1/orders", order, key)[0], made)
                    self.assertEqual(rest("GET", "/api/v1/orders", None, key)[0], 200)
                for method, path in ("DELETE", ""), ("DELETE", "/x"), ("PATCH", "/x"):
                    self.assertEqual(rest(method, "/api/v1/orders" + path, {"price": "2"},
                                          {"X-API-Key": "looker"})[0], 403)

    def test_a_wrong_clock_judges_signatures_too(self):
        def signed(server, ahead):
            stamp = str(int((time.time() + ahead) * 1000))
            digest = hmac.new(b"s", (stamp + "GET/api/v1/balance").encode(), "sha256").hexdigest()
            return Rest(server)("GET", "/api/v1/balance", None, {
                "X-API-Key": "k", "X-Timestamp": stamp, "X-Signature": digest})[0]

        with fresh_folder() as folder:
            scenario = write(os.path.join(folder, "s.json"), json.dumps({
                "format": 1, "name": "clock",
                "strategies": [{"id": "c", "kind": "clock", "offset": "60s"}],
                "timeline": [{"at": "60s", "do": "mark"}]}).encode())
            keys = write(os.path.join(folder, "keys"), b"k secret=s\n")
            for how in (("--keys", keys),
                        ("--set", 'server.api_keys=[{"key":"k","secret":"s","account":"a"}]')):
                with Server(EXCHANGE, *LONELY, *how, "--scenario", scenario) as server:
                    self.assertEqual((signed(server, 0), signed(server, 60)), (401, 200))

    def test_a_session_ends_its_orders_where_it_is_told_to(self):
        async def go(server):
            async with websockets.connect(server.url + "/ws?session=frank") as socket:
                await Robot(socket).order()
            rest = Rest(server, "frank")
            for _ in range(200):
                if rest("GET", "/api/v1/orders")[1]["orders"] == []:
                    return
                await asyncio.sleep(0.02)
            self.fail("the order is still there")

        with Server(EXCHANGE, *LONELY, "--set", "server.cancel_on_disconnect=true") as server:
            asyncio.run(go(server))


class Faults(unittest.TestCase):
    """The modes of the Python simulator's configuration, with probabilities that leave no doubt."""

    def faulty(self, *settings):
        options = [part for setting in settings for part in ("--set", "failures.modes." + setting)]
        return Server(EXCHANGE, *LONELY, *options)

    def test_what_goes_out_is_doubled(self):
        async def talk(robot):
            await robot.socket.send('{"type":"PING","request_id":"once"}')
            first, second = [await robot.socket.recv() for _ in range(2)]
            self.assertEqual(first, second)

        with self.faulty("duplicate_messages={\"probability\":1,\"max_duplicates\":1}") as server:
            with_robots(server, talk, "")

    def test_too_many_http_requests_are_refused(self):
        with self.faulty("rate_limit={\"enabled\":true,\"baseline_rps\":5}") as server:
            rest = Rest(server, "eager")
            answers = [rest("GET", "/api/v1/balance") for _ in range(50)]
            self.assertEqual({status for status, _ in answers}, {200, 429})
            refused = [body for status, body in answers if status == 429]
            self.assertEqual(refused[0]["code"], "RATE_LIMITED")

    def test_the_connection_dies(self):
        async def talk(robot):
            with self.assertRaises(websockets.ConnectionClosed):
                await robot.ask(type="PING")

        with self.faulty("disconnect={\"enabled\":true,\"probability\":1}") as server:
            with_robots(server, talk, "")

    def test_a_fill_that_never_was_leaves_no_trace_in_the_truth(self):
        async def talk(robot):
            ack = await robot.order()
            fill = await robot.next("ORDER_FILL")
            self.assertEqual(fill["order_id"], ack["order_id"])
            position = await robot.ask(type="GET_POSITION", symbol="BTC/USD")
            self.assertEqual(position["quantity"], "0")
            orders = (await robot.ask(type="GET_ORDERS"))["orders"]
            self.assertEqual([order["filled_quantity"] for order in orders], ["0"])
            trades = await robot.ask(type="GET_TRADES", symbol="BTC/USD")
            self.assertEqual(trades["trades"], [])

        with self.faulty("phantom_fills={\"enabled\":true,\"probability\":1}") as server:
            with_robots(server, talk, "")

    def test_late_messages_keep_their_order_and_none_is_lost(self):
        async def talk(robot):
            for i in range(50):
                await robot.socket.send(json.dumps({"type": "PING", "request_id": str(i)}))
            answers = [json.loads(await robot.socket.recv()) for _ in range(50)]
            self.assertEqual([answer["request_id"] for answer in answers],
                             [str(i) for i in range(50)])

        with self.faulty("delay_messages={\"min_ms\":1,\"max_ms\":20}") as server:
            with_robots(server, talk, "")


class Examples(unittest.TestCase):
    def test_the_first_client_in_python(self):
        with Server(EXCHANGE, *QUIET) as server:
            done = subprocess.run(
                [sys.executable, os.path.join(EXAMPLES, "simple_client.py"), server.url + "/ws"],
                capture_output=True, text=True, timeout=60,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"last price [\d.]+\norder \S{36} OPEN\ncancelled 1.5\n")

    def test_the_first_client_asks_again_where_a_fault_took_its_message(self):
        losses = [{"id": f"{way}-{i}", "kind": "drop", "select": {"dir": way, "type": kind},
                   "max_hits": 1}
                  for i, (way, kind) in enumerate((
                      ("in", "sub"), ("in", "order.new"), ("out", "ack.new"),
                      ("in", "order.cancel"), ("out", "ack.cancel")))]
        with fresh_folder() as folder:
            path = write(os.path.join(folder, "plan.json"), json.dumps(
                {"format": 1, "strategies": losses, "timeline": []}).encode())
            with Server(EXCHANGE, *QUIET, "--scenario", path, "--scenario-time", "2m") as server:
                done = subprocess.run(
                    [sys.executable, os.path.join(EXAMPLES, "simple_client.py"), server.url + "/ws"],
                    capture_output=True, text=True, timeout=60,
                )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr.count("again"), 5, done.stderr)
            self.assertRegex(done.stdout, r"last price [\d.]+\norder \S{36} OPEN\ncancelled before\n")


unittest.main(argv=sys.argv[:1], verbosity=2)
