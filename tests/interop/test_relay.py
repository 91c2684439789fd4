"""dashboard-server --connect: the project's own servers shown on it, and others that are no good.

Arguments: the folder of the built tools, the program that makes a sample of trades.
"""

import asyncio
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

from processes import Server, fresh_folder, skip

try:
    import socketio
    import websockets
except ImportError:
    skip("python3-socketio or python3-websockets is not there")

TOOLS = sys.argv[1]
MAKE_SAMPLE = sys.argv[2]
PATIENCE = 30  # seconds, for what must come


def tool(name):
    return os.path.join(TOOLS, name)


class Watcher:
    """A page, as far as the server can tell: what came, by the name of the event."""

    def __init__(self, dashboard, **options):
        self.client = socketio.Client(reconnection=False)
        self.events = []
        self.came = threading.Condition()
        self.client.on("*", self.take)
        self.client.connect(dashboard.url, wait_timeout=PATIENCE, **options)
        self.client.emit("join_frontend")
        self.client.emit("join_live")

    def take(self, name, *arguments):
        with self.came:
            self.events.append((name, arguments[0] if arguments else None))
            self.came.notify_all()

    def wait(self, names, holds=lambda message: True, since=0):
        """The first event of this name, or of one of these, for which that holds."""
        until = time.monotonic() + PATIENCE
        at = since
        with self.came:
            while True:
                for known, message in self.events[at:]:
                    if known in names.split() and holds(message):
                        return message
                at = len(self.events)
                left = until - time.monotonic()
                if left <= 0:
                    kinds = {known for known, _ in self.events}
                    raise AssertionError(f"no {names} as wanted; there came {kinds}, "
                                         f"at last {self.events[-3:]}")
                self.came.wait(left)

    def feed(self, holds, number=0):
        state = self.wait("live_state", lambda state: holds(state["feeds"][number]))
        return state["feeds"][number]

    def ticker(self, symbol, holds=lambda ticker: True):
        def has(message):
            return any(ticker["symbol"] == symbol and holds(ticker)
                       for ticker in message["tickers"])
        message = self.wait("live live_tick", has)
        return next(each for each in message["tickers"] if each["symbol"] == symbol)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()


class Upstream:
    """A server of our own making: `serve` is given each link that comes."""

    def __init__(self, serve):
        self.serve = serve
        self.links = 0
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def take(link, *_):
            self.links += 1
            try:
                await self.serve(link, self.links)
            except websockets.ConnectionClosed:
                pass

        async def run():
            self.server = await websockets.serve(take, "127.0.0.1", 0, max_size=None)
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()

        self.loop.create_task(run())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        ready.wait()
        self.url = f"ws://127.0.0.1:{self.port}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        async def end():
            self.server.close()
            await self.server.wait_closed()
            self.loop.stop()
        asyncio.run_coroutine_threadsafe(end(), self.loop)
        self.thread.join(PATIENCE)


class Admin:
    """An admin API of our own making: `answer(path)` gives the status and the body; None: nothing
    is said until `let_go`."""

    def __init__(self, answer):
        self.let_go = threading.Event()
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append(self.command + " " + self.path)
                told = answer(self.path)
                if told is None:
                    outer.let_go.wait(PATIENCE)
                    return
                status, body = told
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # who went before the answer
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(PATIENCE)


def connected(*urls, options=(), environment=None):
    arguments = [word for url in urls for word in ("--connect", url)]
    return Server(tool("dashboard-server"), *arguments, *options, environment=environment)


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


class OurServers(unittest.TestCase):
    def test_an_exchange_is_shown_with_tickers_trades_and_the_book_that_is_watched(self):
        with Server(tool("exchange-server")) as exchange, connected(exchange.url) as dashboard, \
                Watcher(dashboard) as page:
            self.assertEqual(page.feed(lambda feed: feed["kind"])["kind"], "exchange")
            ticker = page.ticker("BTC/USD", lambda ticker: "bid" in ticker and "last" in ticker)
            self.assertLess(ticker["bid"], ticker["ask"])
            page.wait("live_tick", lambda tick: any(
                trade["symbol"] == "ETH/USD" and trade["size"] > 0 for trade in tick["trades"]))
            self.assertFalse([name for name, _ in page.events if name == "live_book"])
            page.client.emit("watch_book", "ETH/USD")
            book = page.wait("live_book")
            self.assertEqual(book["symbol"], "ETH/USD")
            prices = [price for price, _ in book["bids"]]
            self.assertEqual(prices, sorted(prices, reverse=True))
            self.assertGreater(len(prices), 3)
            page.wait("live_book", lambda later: later != book)
            page.client.emit("unwatch_book", "ETH/USD")
            page.client.emit("watch_book", "BTC/USD")
            page.wait("live_book", lambda other: other["symbol"] == "BTC/USD")

    def test_public_trades_are_bars_of_the_market_data(self):
        with Server(tool("exchange-server")) as exchange, connected(exchange.url) as dashboard, \
                Watcher(dashboard) as page:
            update = page.wait("trading_update", lambda update: update["market_data"])
            bar = update["market_data"][0]
            self.assertLessEqual(bar["low"], bar["open"])
            self.assertLessEqual(bar["open"], bar["high"])
            self.assertGreater(bar["volume"], 0)
            self.assertEqual(update["trades"], [])
            rows = get(dashboard.url + "/api/market-data?symbol=" + bar["symbol"].replace("/", "%2F"))
            self.assertGreater(rows["total"], 0)

    def test_quotes_are_shown_in_both_protocols(self):
        options = ("--interval", "20ms")
        with Server(tool("mock-quotes"), *options) as plain, \
                Server(tool("mock-quotes"), *options, "--protocol", "polygon") as polygon, \
                connected(plain.url, polygon.url) as dashboard, Watcher(dashboard) as page:
            self.assertEqual(page.feed(lambda feed: feed["kind"], 0)["kind"], "quotes")
            self.assertEqual(page.feed(lambda feed: feed["kind"], 1)["kind"], "polygon")
            names = set()

            def both(tick):
                names.update(ticker["symbol"] for ticker in tick["tickers"])
                return any("@" in name for name in names) and any("@" not in name for name in names)
            page.wait("live_tick", both)
            symbol = next(name for name in names if "@" in name)
            page.client.emit("watch_book", symbol)
            self.assertTrue(page.wait("live_book")["is_quote"])

    def test_a_replay_is_shown_to_its_end_and_not_begun_again(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.parquet")
            subprocess.run([MAKE_SAMPLE, path], check=True, stdout=subprocess.DEVNULL)
            with Server(tool("replay-server"), "--speed", "max", path) as replay, \
                    connected(replay.url) as dashboard, Watcher(dashboard) as page:
                feed = page.feed(lambda feed: feed["state"] == "finished")
                self.assertEqual((feed["kind"], feed["links"]), ("replay", 1))
                self.assertGreater(get(dashboard.url + "/api/market-data")["total"], 0)

    def test_an_exchange_that_goes_away_is_found_again(self):
        with Server(tool("exchange-server")) as exchange, connected(exchange.url) as dashboard, \
                Watcher(dashboard) as page:
            page.ticker("BTC/USD")
            port = exchange.url.rsplit(":", 1)[1]
            exchange.stop()
            page.feed(lambda feed: feed["state"] == "lost")
            with Server(tool("exchange-server"), port=port):
                page.feed(lambda feed: feed["state"] == "connected" and feed["links"] == 2)
                place = len(page.events)
                page.wait("live_tick", lambda tick: tick["tickers"], since=place)

    def test_an_exchange_that_loses_messages_is_asked_until_it_answers(self):
        lossy = ("--set", "failures.enabled=true", "--set",
                 'failures.modes.drop_messages={"enabled":true,"probability":0.6}')
        with Server(tool("exchange-server"), *lossy) as exchange, \
                connected(exchange.url) as dashboard, Watcher(dashboard) as page:
            page.ticker("BTC/USD")
            page.client.emit("watch_book", "BTC/USD")
            page.wait("live_book", lambda book: not book["is_quote"])

    def test_only_the_symbols_that_are_wanted_and_with_the_key_that_is_needed(self):
        with fresh_folder() as folder:
            keys = os.path.join(folder, "keys")
            with open(keys, "w", encoding="ascii") as file:
                file.write("watching-0123456789 secret=quiet role=viewer\n")
            with Server(tool("exchange-server"), "--keys", keys) as exchange, \
                    connected(exchange.url, options=("--connect-symbols", "ETH/USD",
                                                     "--api-key-file", keys)) as dashboard, \
                    Watcher(dashboard) as page:
                page.ticker("ETH/USD")
                page.wait("trading_update")
                symbols = {ticker["symbol"] for name, message in page.events
                           if name in ("live", "live_tick") for ticker in message["tickers"]}
                self.assertEqual(symbols, {"ETH/USD"})

    def test_without_connect_nothing_is_said_of_markets(self):
        with Server(tool("dashboard-server")) as dashboard, Watcher(dashboard) as page:
            page.client.emit("watch_book", "BTC/USD")
            page.client.emit("ping_server")
            page.wait("pong")
            self.assertFalse([name for name, _ in page.events if name.startswith("live")])


class Bounds(unittest.TestCase):
    def test_sessions_of_one_address_are_bounded(self):
        with Server(tool("dashboard-server"), "--max-sessions-per-address", "2") as dashboard:
            path = dashboard.url + "/socket.io/?EIO=4&transport=polling"
            for _ in range(2):
                with urllib.request.urlopen(path, timeout=PATIENCE) as answer:
                    self.assertEqual(answer.status, 200)
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(path, timeout=PATIENCE)
            self.assertEqual(refused.exception.code, 503)
            refused.exception.close()


class Switches(unittest.TestCase):
    """The failure layer of an exchange, by its admin API."""

    def setUp(self):
        self.exchange = Server(
            tool("exchange-server"), "--admin-port", "0", "--set", "failures.enabled=true", "--set",
            'failures.modes.drop_messages={"enabled":true,"probability":0.01}')
        self.addCleanup(self.exchange.__exit__)
        words = "".join(self.exchange.lines)
        self.admin = next(word for word in words.split() if word.startswith("http://"))
        self.admin = self.admin.replace("localhost", "127.0.0.1")

    def dashboard(self, *options, **more):
        return connected(self.exchange.url, options=("--connect-admin", *(options or (self.admin,))),
                         **more)

    def result(self, page, **command):
        place = len(page.events)
        page.client.emit("faults_command", command)
        return page.wait("faults_result", since=place)

    @staticmethod
    def strategy(name, holds=lambda strategy: True):
        return lambda faults: any(each["id"] == name and holds(each)
                                  for each in faults["strategies"])

    def test_strategies_are_shown_switched_added_and_healed(self):
        with self.dashboard() as dashboard, Watcher(dashboard) as page:
            self.assertTrue(page.wait("faults_may")["may"])
            drop = "DropMessageStrategy_0.inbound"
            page.wait("faults", self.strategy(drop, lambda each: each["enabled"]))
            page.wait("faults", lambda faults: "forced_24h" in faults["presets"])
            done = self.result(page, do="disable", name=drop)
            self.assertEqual((done["do"], done["status"]), ("disable", "success"))
            page.wait("faults", self.strategy(drop, lambda each: not each["enabled"]))
            self.assertEqual(self.result(page, do="enable", name=drop)["status"], "success")
            body = {"id": "late", "kind": "delay", "select": {"dir": "out", "type": "md.*"},
                    "dist": "5ms"}
            self.assertEqual(self.result(page, do="add", body=body)["status"], "success")
            late = page.wait("faults", self.strategy("late", lambda each: each["hits"] > 0))
            strategy = next(each for each in late["strategies"] if each["id"] == "late")
            self.assertEqual(strategy["kind"], "delay")
            self.assertEqual(self.result(page, do="heal")["status"], "success")
            self.assertEqual(self.result(page, do="remove", name="late")["status"], "success")
            self.assertEqual(self.result(page, do="preset", name="md_gap")["status"], "success")
            self.assertEqual(self.result(page, do="reset")["status"], "success")
            page.wait("faults", lambda faults: faults["strategies"] == [],
                      since=len(page.events) - 1)

    def test_a_fault_is_fired(self):
        with self.dashboard() as dashboard, Watcher(dashboard) as page:
            page.ticker("BTC/USD")
            body = {"kind": "session", "action": "close", "scope": "all",
                    "select": {"dir": "out"}}
            done = self.result(page, do="fire", body=body)
            self.assertEqual(done["status"], "success", done)
            # It befalls the dashboard as any client; it comes back.
            page.feed(lambda feed: feed["links"] >= 2)

    def test_what_is_wrong_is_told_with_words(self):
        with self.dashboard() as dashboard, Watcher(dashboard) as page:
            page.wait("faults", lambda faults: faults["state"] == "connected")
            for command, words in (
                    ({"do": "explode"}, "enable, disable"),
                    ({"do": "enable"}, "no strategy"),
                    ({"do": "enable", "name": "../accounts"}, "no strategy"),
                    ({"do": "enable", "name": ".."}, "no strategy"),
                    ({"do": "disable", "name": "nobody"}, "nobody"),
                    ({"do": "fire"}, "body"),
                    ({"do": "fire", "body": {"kind": "nonsense"}}, "one of these"),
                    ({"do": "x" * 1000}, "enable, disable")):
                done = self.result(page, **command)
                self.assertEqual(done["status"], "error", command)
                self.assertIn(words, done["message"])
            place = len(page.events)
            page.client.emit("faults_command", "heal")
            self.assertEqual(page.wait("faults_result", since=place)["status"], "error")

    def test_who_may_look_on_may_not_throw_switches(self):
        keys = {"MARKETSIM_KEYS": "watching-0123456789 role=viewer;pushing-0123456789 role=trader"}
        with self.dashboard(environment=keys) as dashboard:
            with Watcher(dashboard, headers={"X-API-Key": "watching-0123456789"}) as page:
                self.assertFalse(page.wait("faults_may")["may"])
                page.wait("faults", lambda faults: faults["strategies"])
                done = self.result(page, do="reset")
                self.assertEqual(done["status"], "error")
                self.assertIn("look on", done["message"])
            with Watcher(dashboard, headers={"X-API-Key": "pushing-0123456789"}) as page:
                self.assertTrue(page.wait("faults_may")["may"])
                self.assertEqual(self.result(page, do="heal")["status"], "success")

    def test_an_admin_api_that_is_no_good_leaves_the_rest_standing(self):
        async def serve(link, _):
            await link.wait_closed()
        with Upstream(serve) as stranger:  # it wants WebSockets
            with self.dashboard(stranger.url.replace("ws:", "http:")) as dashboard, \
                    Watcher(dashboard) as page:
                lost = page.wait("faults", lambda faults: faults["state"] == "lost")
                self.assertIn("426", lost["words"])
                page.ticker("BTC/USD")
                self.assertEqual(self.result(page, do="heal")["status"], "error")

    def test_answers_that_are_no_good_are_told_and_bounded(self):
        many = {f"s{i}": {"kind": "delay", "enabled": True, "hits": i} for i in range(5000)}
        for body in (b"{", b"[]", b"{}", b'{"strategies":[]}', b"[" * 100000, b"\xff",
                     b'{"strategies":' + b" " * (5 << 20) + b"{}}"):
            with Admin(lambda path, told=body: (200, told)) as admin, \
                    self.dashboard(admin.url) as dashboard, Watcher(dashboard) as page:
                lost = page.wait("faults", lambda faults: faults["state"] == "lost")
                self.assertTrue(lost["words"], body[:20])
        many["<img src=x onerror=alert(1)>"] = {"kind": "<b>", "enabled": "yes", "hits": "many"}
        told = json.dumps({"strategies": many}).encode()
        with Admin(lambda path: (200, told) if path.endswith("/faults") else (404, b"")) as admin, \
                self.dashboard(admin.url) as dashboard, Watcher(dashboard) as page:
            faults = page.wait("faults", lambda faults: faults["strategies"])
            self.assertEqual(len(faults["strategies"]), 200)
            # Presets are an extra: without them the rest stays as it is.
            for _ in range(3):
                place = len(page.events)
                faults = page.wait("faults", since=place)
                self.assertEqual((faults["state"], faults["presets"]), ("connected", []))
            self.assertEqual(sum(path.endswith("/presets") for path in admin.asked), 1)

    def test_who_goes_while_a_command_is_on_its_way_is_not_waited_for(self):
        def answer(path):
            return (200, b'{"strategies":{},"presets":[]}') if "heal" not in path else None
        with Admin(answer) as admin, self.dashboard(admin.url) as dashboard:
            with Watcher(dashboard) as page:
                page.wait("faults", lambda faults: faults["state"] == "connected")
                for _ in range(12):
                    page.client.emit("faults_command", {"do": "heal"})
                busy = page.wait("faults_result")
                self.assertIn("try again", busy["message"])
            # The page has gone, then the API goes in the middle; another's commands are answered.
            admin.let_go.set()
            with Watcher(dashboard) as page:
                done = self.result(page, do="reset")
                self.assertIn(done["status"], ("success", "error"))
        with Admin(answer) as admin, self.dashboard(admin.url) as dashboard, \
                Watcher(dashboard) as page:
            page.wait("faults", lambda faults: faults["state"] == "connected")
            page.client.emit("faults_command", {"do": "heal"})
            page.client.emit("ping_server")
            page.wait("pong")
            admin.let_go.set()
            self.assertEqual(page.wait("faults_result")["status"], "error")
            page.client.emit("faults_command", {"do": "heal"})
            code, _ = dashboard.stop()  # with one on its way
            self.assertEqual(code, 0)

    def test_names_leave_as_they_are_and_what_a_path_would_take_for_its_own_does_not(self):
        told = b'{"strategies":{},"presets":[]}'
        with Admin(lambda path: (200, told)) as admin, self.dashboard(admin.url) as dashboard, \
                Watcher(dashboard) as page:
            self.assertEqual(self.result(page, do="remove", name="a.b-c_1")["status"], "success")
            self.assertIn("DELETE /admin/v1/faults/a.b-c_1", admin.asked)
            for name in ("a/b", "a?b", "a#b", "a%2Fb", "a b", "a\r\nX: y", "\u00e9", "a\0b", ".",
                         "..", "", "x" * 65):
                self.assertEqual(self.result(page, do="remove", name=name)["status"], "error",
                                 repr(name))
            self.assertEqual([path for path in admin.asked if path.startswith("DELETE")],
                             ["DELETE /admin/v1/faults/a.b-c_1"])

    def test_a_page_of_another_site_throws_no_switches(self):
        with self.dashboard() as dashboard:
            with Watcher(dashboard, headers={"Origin": dashboard.url}) as page:
                self.assertEqual(self.result(page, do="heal")["status"], "success")
            for origin in ("http://evil.example", "null"):
                for transport in ("polling", "websocket"):
                    with self.assertRaises(socketio.exceptions.ConnectionError):
                        Watcher(dashboard, headers={"Origin": origin}, transports=[transport])
            # Nor does it put words into a session whose id it has come to know.
            path = dashboard.url + "/socket.io/?EIO=4&transport=polling"
            with urllib.request.urlopen(path, timeout=PATIENCE) as answer:
                path += "&sid=" + json.loads(answer.read()[1:])["sid"]
            for origin, status in ((dashboard.url, 200), ("http://evil.example", 403)):
                request = urllib.request.Request(path, b"40", {"Origin": origin,
                                                               "Content-Type": "text/plain"})
                try:
                    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                        self.assertEqual(answer.status, status)
                except urllib.error.HTTPError as refused:
                    self.assertEqual(refused.code, status)
                    refused.close()

    def test_bad_urls_are_refused_at_once(self):
        for url in ("localhost:1", "ws://localhost:1", "http://localhost:1/?x"):
            done = subprocess.run([tool("dashboard-server"), "--port", "0", "--connect-admin", url],
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, url)
            self.assertIn(b"admin API", done.stderr)


GOOD = '{"type":"TRADE","symbol":"GOOD","price":"7","quantity":"1","side":"BUY"}'


class Strangers(unittest.TestCase):
    """Whatever is at the other end, the dashboard stands and the next one is shown."""

    def check(self, serve, holds=lambda feed: True):
        with Upstream(serve) as upstream, connected(upstream.url) as dashboard, \
                Watcher(dashboard) as page:
            page.ticker("GOOD")
            page.feed(holds)
            with urllib.request.urlopen(dashboard.url + "/healthz", timeout=PATIENCE) as answer:
                self.assertEqual(answer.status, 200)
            with open(f"/proc/{dashboard.process.pid}/status", encoding="ascii") as status:
                resident = next(line for line in status if line.startswith("VmRSS"))
            self.assertLess(int(resident.split()[1]), 256 * 1024)
            code, _ = dashboard.stop()
            self.assertEqual(code, 0)

    def test_broken_messages_are_counted(self):
        async def serve(link, _):
            for text in ("", "{", "not json", "[" * 5000, '{"type":7}', '{"results":[]}',
                         '{"type":"ORDERBOOK_UPDATE","symbol":"GOOD","channel":"ORDERBOOK",'
                         '"bids":{"price":"x"},"asks":[[1,2],"x",null]}',
                         '{"type":"TRADE","symbol":"' + "x" * 1000 + '","price":"1e999"}'):
                await link.send(text)
            await link.send(b"\x00\xff\xfe")
            await link.send(GOOD)
            await link.wait_closed()
        self.check(serve, lambda feed: feed["unread"] >= 5)

    def test_messages_beyond_the_bound_cost_the_link_and_nothing_else(self):
        async def serve(link, number):
            if number == 1:
                await link.send("[" + "0," * (4 << 20) + "0]")
                await link.wait_closed()
            await link.send(GOOD)
            await link.wait_closed()
        self.check(serve, lambda feed: feed["links"] >= 2)

    def test_one_who_says_nothing_is_waited_for(self):
        async def serve(link, number):
            asked = 0
            async for _ in link:
                asked += 1
                if asked == 2:  # it is asked again
                    await link.send(GOOD)
        self.check(serve)

    def test_one_who_hangs_up_is_called_again(self):
        async def serve(link, number):
            if number < 4:
                await link.close(1011 if number % 2 else 1000, "go away")
                return
            await link.send(GOOD)
            await link.wait_closed()
        self.check(serve, lambda feed: feed["links"] >= 4)

    def test_a_flood_of_markets_is_bounded(self):
        async def serve(link, _):
            await link.send(GOOD)
            for number in range(5000):
                await link.send(GOOD.replace("GOOD", f"S{number}"))
            while True:
                await link.send(GOOD)
                await asyncio.sleep(0.05)
        with Upstream(serve) as upstream, connected(upstream.url) as dashboard, \
                Watcher(dashboard) as page:
            page.wait("live_state", lambda state: state["left_aside"] > 0)

    def test_words_that_change_all_the_time_are_told_now_and_then(self):
        async def serve(link, _):
            await link.send(GOOD)
            number = 0
            while True:
                for _ in range(50):
                    number += 1
                    await link.send(json.dumps({"type": "ERROR", "message": f"no {number}"}))
                await asyncio.sleep(0.005)
        with Upstream(serve) as upstream, connected(upstream.url) as dashboard, \
                Watcher(dashboard) as page:
            states = []

            def look(state):
                states.append(state["feeds"][0]["messages"])
                return states[-1] > 2000
            page.wait("live_state", look)
            self.assertLess(len(states), 200)

    def test_words_of_a_stranger_are_text(self):
        words = "<img src=x onerror=alert(1)>\r\n\x1b[31m\u0000"

        async def serve(link, number):
            await link.send(GOOD)
            await link.send(GOOD.replace("GOOD", "<b>\\r\\n\\u001b\\\""))
            if number == 1:
                await link.close(1011, words)
            await link.wait_closed()
        with Upstream(serve) as upstream, connected(upstream.url) as dashboard, \
                Watcher(dashboard) as page:
            page.ticker("<b>\r\n\x1b\"")
            page.feed(lambda feed: feed["links"] >= 2)
            update = page.wait("trading_update", lambda update: any(
                row["symbol"].startswith("<b>") for row in update["market_data"]))
            self.assertTrue(update["market_data"])
            _, said = dashboard.stop()
            self.assertIn("img", said)
            self.assertNotRegex(said, "[\x00-\x09\x0b-\x1f]")

    def test_nobody_at_all_is_there(self):
        with Upstream(None) as upstream:
            url = upstream.url
        with connected(url) as dashboard, Watcher(dashboard) as page:
            feed = page.feed(lambda feed: feed["state"] == "lost")
            self.assertIn("server running there", feed["words"])
            _, said = dashboard.stop()
            self.assertEqual(said.count("trying again"), 1, said)


class Mistakes(unittest.TestCase):
    def test_a_url_that_is_none_is_refused_at_once(self):
        for url in ("localhost:8765", "http://localhost", "ws://", "nothing+ws://localhost"):
            done = subprocess.run([tool("dashboard-server"), "--port", "0", "--connect", url],
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, url)
            self.assertIn(b"WebSocket URL", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
