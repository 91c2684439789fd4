"""mock-quotes as its users have it: the plain feed and a vendor's dialect, real processes, a foreign
client (Debian's python3-websockets).

Arguments: the folder of the built tools.
"""

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import unittest
from decimal import Decimal

from processes import Server, fresh_folder, run, skip

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

TOOLS = sys.argv[1]
QUOTES = os.path.join(TOOLS, "mock-quotes")
CLIENT = os.path.join(TOOLS, "market-client")
REPLAY = os.path.join(TOOLS, "replay-server")
EXCHANGE = os.path.join(TOOLS, "exchange-server")


async def receive(url, count=None):
    messages = []
    async with websockets.connect(url) as feed:
        try:
            while count is None or len(messages) < count:
                messages.append(await feed.recv())
        except websockets.ConnectionClosed:
            pass
        await feed.close()
        return messages, feed.close_code


def listen(url, count=None):
    return asyncio.run(receive(url, count))


def no_file_beyond_64_kib():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


SIMULATED = ("--clock", "simulated", "--rate", "2000", "--duration", "250ms")


class Plain(unittest.TestCase):
    def test_an_event_has_the_documented_keys_in_their_order(self):
        with Server(QUOTES, "--interval", "1ms") as server:
            messages, _ = listen(server.url, 200)
        seen = {}
        for text in messages:
            event = json.loads(text, parse_float=Decimal)
            self.assertEqual(list(event), ["request_id", "results", "status"])
            self.assertRegex(event["request_id"], "^[0-9a-f]{32}$")
            self.assertEqual(event["status"], "OK")
            results = event["results"]
            self.assertEqual(list(results), ["P", "S", "T", "X", "p", "q", "s", "t", "x", "y", "z"])
            self.assertGreaterEqual(results["P"], results["p"])
            self.assertEqual(results["P"] * 100 % 1, 0)
            self.assertGreaterEqual(min(results["S"], results["s"]), 1)
            self.assertLessEqual(results["y"], results["t"])
            before = seen.get(results["T"])
            if before:
                self.assertGreater(results["q"], before["q"])
                self.assertGreaterEqual(results["t"], before["t"])
                self.assertEqual(results["z"], before["z"])
            seen[results["T"]] = results
        self.assertEqual(len({json.loads(text)["request_id"] for text in messages}), 200)
        self.assertLessEqual(set(seen), set("AAPL GOOGL MSFT AMZN TSLA META NVDA AMD".split()))

    def test_two_simulated_runs_with_faults_send_the_same_bytes(self):
        plan = {"strategies": [
            {"id": "t", "kind": "throttle", "select": {"dir": "out"}, "rate": 900, "burst": 3,
             "queue": 50},
            {"id": "d", "kind": "delay", "select": {"dir": "out"}, "p": 0.3, "order": "none",
             "dist": {"type": "uniform", "min": "1ms", "max": "20ms"}},
            {"id": "x", "kind": "duplicate", "select": {"dir": "out"}, "p": 0.1, "copies": 2,
             "gap": "5ms"},
        ]}
        runs = []
        with fresh_folder() as folder:
            path = os.path.join(folder, "faults.json")
            with open(path, "w") as file:
                json.dump(plan, file)
            for _ in range(2):
                with Server(QUOTES, *SIMULATED, "--seed", "5", "--faults", path) as server:
                    runs.append(listen(server.url)[0])
        self.assertGreater(len(runs[0]), 100)
        self.assertEqual(runs[0], runs[1])

    def test_two_simulated_runs_send_the_same_bytes(self):
        feeds = []
        for seed in ("7", "7", "8"):
            with Server(QUOTES, *SIMULATED, "--seed", seed) as server:
                messages, code = listen(server.url)
                self.assertEqual(code, 1001)
                self.assertEqual(server.process.wait(timeout=30), 0)
            feeds.append(messages)
        self.assertEqual(len(feeds[0]), 500)
        self.assertEqual(feeds[0], feeds[1])
        self.assertNotEqual(feeds[0], feeds[2])

    def test_every_client_gets_every_event(self):
        async def both(url):
            return await asyncio.gather(receive(url), receive(url))

        with Server(QUOTES, *SIMULATED, "--wait-for-clients", "2") as server:
            (first, _), (second, _) = asyncio.run(both(server.url))
        self.assertEqual(len(first), 500)
        self.assertEqual(first, second)

    def test_one_more_symbol_changes_nothing_for_the_others(self):
        feeds = []
        for symbols in ("AAPL,TSLA", "AAPL,TSLA,XYZ=12.5@jump"):
            options = ("--clock", "simulated", "--interval", "1ms", "--duration", "100ms", "-a")
            with Server(QUOTES, *options, "--symbols", symbols) as server:
                feeds.append([m for m in listen(server.url)[0] if '"T":"XYZ"' not in m])
        self.assertEqual(len(feeds[0]), 200)
        self.assertEqual(feeds[0], feeds[1])

    def test_a_recorded_day_replays(self):
        with fresh_folder() as folder:
            trades = os.path.join(folder, "day.parquet")
            quotes = os.path.join(folder, "quotes.parquet")
            with Server(QUOTES, *SIMULATED, "--record", trades, "--record-quotes", quotes) as server:
                events = [json.loads(m, parse_float=Decimal) for m in listen(server.url)[0]]
                self.assertEqual(server.process.wait(timeout=30), 0)
            self.assertGreater(os.path.getsize(quotes), 1000)
            with Server(REPLAY, "--speed", "max", trades) as server:
                replayed = [json.loads(m, parse_float=Decimal) for m in listen(server.url)[0]]
        self.assertEqual(
            [(t["ticker"], t["price"]) for t in replayed[1:-1]],
            [(e["results"]["T"], e["results"]["P"]) for e in events],
        )

    def test_our_client_prints_an_event_field_by_field(self):
        with Server(QUOTES, *SIMULATED) as server:
            code, printed, words = run(CLIENT, "--reconnect", "never", "-n", 3, server.url)
        self.assertEqual(code, 1, words)  # the market ended, and the client was not to come again
        self.assertEqual(printed.count("[Trading Event Received at "), 3)
        for field in ("Request ID", "Status: OK", "Symbol", "Last Price: $", "Bid Price: $",
                      "Bid Size", "Ask Size"):
            self.assertIn(field, printed)
        self.assertIn("500 events", words)

    def test_our_client_leaves_after_as_many_events_as_it_was_told(self):
        with Server(QUOTES, "--interval", "1ms") as server:
            code, printed, words = run(CLIENT, "--exit-after", 3, server.url)
        self.assertEqual((code, printed.count("[Trading Event Received at ")), (0, 3), words)
        self.assertIn("Total: 3 events", words)

    def test_a_simulated_day_at_full_speed_is_the_same_day(self):
        options = ("--clock", "simulated", "--rate", "200", "--duration", "5s")
        with Server(QUOTES, *options, "--speed", "10") as server:
            paced, _ = listen(server.url)
        with Server(QUOTES, *options, "--speed", "max") as server:
            unpaced, code = listen(server.url)
            self.assertEqual((code, server.process.wait(timeout=30)), (1001, 0))
        self.assertEqual(len(paced), 1000)
        self.assertEqual(unpaced, paced)

    def test_at_full_speed_a_slow_reader_is_waited_for(self):
        async def read_late(url):
            async with websockets.connect(url, max_queue=1) as feed:
                await asyncio.sleep(0.3)  # far more than its backlog is due by then
                count = 0
                try:
                    async for _ in feed:
                        count += 1
                except websockets.ConnectionClosed:
                    pass
                return count
        with Server(QUOTES, "--clock", "simulated", "--speed", "max", "--rate", "10000",
                    "--duration", "6s", "--max-backlog", "128K") as server:
            self.assertEqual(asyncio.run(read_late(server.url)), 60000)

    def test_a_recording_without_room_is_told_once_with_its_path_and_left_away(self):
        with fresh_folder() as folder:
            trades = os.path.join(folder, "day.parquet")
            code, _, said = run(QUOTES, "--port", 0, "--clock", "simulated", "--speed", "max",
                                "--rate", 1000, "--duration", "1h", "--record", trades,
                                preexec_fn=no_file_beyond_64_kib)
            self.assertEqual((code, said.count("mock-quotes: ")), (1, 1), said)
            self.assertIn(f"mock-quotes: {trades}: cannot be written: File too large", said)
            self.assertEqual(os.listdir(folder), [])

    def test_a_day_is_recorded_at_full_speed_without_any_client(self):
        with fresh_folder() as folder:
            trades = os.path.join(folder, "day.parquet")
            code, _, words = run(QUOTES, "--port", 0, "--clock", "simulated", "--speed", "max",
                                 "--rate", 10, "--duration", "1h", "--record", trades)
            self.assertEqual(code, 0, words)
            with Server(REPLAY, "--speed", "max", trades) as server:
                code, _, words = run(CLIENT, "--quiet", server.url)
            self.assertEqual(code, 0, words)
            self.assertIn("Total: 36000 trades", words)

    def test_full_speed_is_refused_where_it_could_not_be(self):
        for options, words in (
            ((), "--clock simulated"),
            (("--clock", "simulated", "--wait-for-clients", "0"), "--duration"),
            (("--clock", "simulated", "--protocol", "polygon"), "--protocol seed"),
        ):
            code, _, said = run(QUOTES, "--port", 0, "--speed", "max", *options)
            self.assertEqual((code, "--speed" in said, words in said), (2, True, True), said)

    def test_our_client_comes_back_to_a_live_feed(self):
        with Server(QUOTES, "--interval", "5ms") as server:
            port = int(server.url.rsplit(":", 1)[1])
            client = subprocess.Popen([CLIENT, "--json", server.url], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
            client.stdout.readline()
            server.stop(signal.SIGKILL)
        self.assertIn("Connected", client.stderr.readline())
        self.assertIn("broke", client.stderr.readline())
        self.assertIn("trying again", client.stderr.readline())
        with Server(QUOTES, "--interval", "5ms", port=port):
            self.assertIn("Connected", client.stderr.readline())
            client.send_signal(signal.SIGINT)
            client.communicate(timeout=30)
        self.assertEqual(client.returncode, 0)

    # ---- the failure layer on the way out ----

    def with_faults(self, strategies, *options):
        """The feed through the strategies, and what the server said at its end."""
        with fresh_folder() as folder:
            plan = os.path.join(folder, "faults.json")
            with open(plan, "w", encoding="ascii") as file:
                json.dump(strategies, file)
            with Server(QUOTES, *SIMULATED, "--faults", plan, *options) as server:
                messages, code = listen(server.url)
                said = server.process.stderr.read().decode()
                server.process.wait(timeout=30)
        return messages, code, json.loads(said.strip().splitlines()[-1])["strategies"]

    def test_messages_are_lost_and_doubled_as_the_statistics_say(self):
        with Server(QUOTES, *SIMULATED) as server:
            honest, _ = listen(server.url)
        strategies = [
            {"id": "lost", "kind": "drop", "select": {"dir": "out", "symbol": "AAPL"}, "p": 0.5},
            {"id": "twice", "kind": "duplicate", "select": {"dir": "out"}, "p": 0.1, "copies": 1},
        ]
        runs = [self.with_faults(strategies) for _ in range(2)]
        messages, _, statistics = runs[0]
        self.assertEqual(messages, runs[1][0])
        dropped, copies = statistics["lost"]["dropped"], statistics["twice"]["copies"]
        self.assertGreater(dropped, 5)
        self.assertGreater(copies, 20)
        self.assertEqual(len(messages), 500 - dropped + copies)
        self.assertEqual(len(honest) - len(set(messages)), dropped)
        self.assertEqual(set(honest) - set(messages),
                         {m for m in honest if '"T":"AAPL"' in m} - set(messages))

    def test_a_strategy_that_never_hits_changes_nothing(self):
        with Server(QUOTES, *SIMULATED) as server:
            honest, _ = listen(server.url)
        messages, _, _ = self.with_faults(
            [{"kind": "drop", "select": {"dir": "out"}, "p": 0},
             {"kind": "delay", "select": {"dir": "out"}, "p": 0,
              "dist": {"type": "const", "value": "1s"}}])
        self.assertEqual(messages, honest)

    def test_late_messages_keep_their_order_and_a_session_is_reset(self):
        messages, code, statistics = self.with_faults(
            [{"id": "late", "kind": "delay", "select": {"dir": "out"},
              "dist": {"type": "uniform", "min": "1ms", "max": "9ms"}},
             {"id": "cut", "kind": "session", "action": "rst", "select": {"dir": "out"},
              "when": "after", "skip": 100, "max_hits": 1}])
        self.assertEqual(code, 1006)
        self.assertEqual(statistics["cut"]["hits"], 1)
        stamps = [json.loads(m)["results"]["t"] for m in messages]
        self.assertEqual(stamps, sorted(stamps))
        self.assertLessEqual(len(messages), 101)

    def test_faults_that_cannot_be_done_here_are_refused_by_name(self):
        for strategy, words in (
            ({"kind": "phantom_fill"}, "/0/kind"),
            ({"kind": "session", "action": "close", "at": "1m",
              "notice": {"before": "30s", "type": "maintenance"}}, "/0/notice"),
            ({"kind": "drop", "select": {"dir": "in"}}, "/0/select/dir"),
            ({"kind": "drop", "select": {"dir": "out"}, "p": 2}, "/0/p"),
            ({"kind": "dorp", "select": {"dir": "out"}}, "/0/kind"),
        ):
            with fresh_folder() as folder:
                plan = os.path.join(folder, "faults.json")
                with open(plan, "w", encoding="ascii") as file:
                    json.dump([strategy], file)
                code, _, said = run(QUOTES, "--port", "0", "--faults", plan)
            self.assertEqual(code, 2, said)
            self.assertIn(words, said)

    def test_mistakes_are_named_with_the_remedy(self):
        for arguments, words in (
            (("--model", "gmb"), "gbm"),
            (("--symbols", "AAPL=x"), "AAPL"),
            (("--clock", "moon"), "simulated"),
            (("--rate", "5", "--interval", "1s"), "either"),
            (("--start", "2024-01-02"), "simulated"),
            (("--api-key-file", "/nowhere"), "polygon"),
            (("--protocol", "polygon", "--api-key-file", "/nowhere/keys"), "/nowhere/keys"),
            (("--correlation", "/nowhere/matrix"), "/nowhere/matrix"),
            (("--scenario", "boom:at=1s"), "scenario"),
            (("--market", "1"), "below 1"),
            (("--duration", "2190000h"), "2262"),
            (("--record", "/nowhere/day.parquet"), "/nowhere"),
        ):
            code, _, said = run(QUOTES, "--port", "0", *arguments)
            self.assertNotEqual(code, 0, arguments)
            self.assertEqual(len(said.strip().splitlines()), 1, said)
            self.assertIn(words, said)


class Polygon(unittest.TestCase):
    def setUp(self):
        self.folder = fresh_folder()
        self.keys = os.path.join(self.folder.name, "keys.txt")
        with open(self.keys, "w", encoding="ascii") as file:
            file.write("# of the test\nsecret-1\nsecret-2\n")

    def tearDown(self):
        self.folder.cleanup()

    def server(self, *arguments):
        return Server(QUOTES, "--protocol", "polygon", "--rate", "500", "--api-key-file", self.keys,
                      *arguments)

    @staticmethod
    async def dialogue(url, *requests, events=0, path="/stocks"):
        """Says the requests, one after each status it gets; statuses and events."""
        statuses, seen = [], []
        async with websockets.connect(url + path) as feed:
            try:
                statuses += json.loads(await feed.recv())
                for request in requests:
                    await feed.send(json.dumps(request) if isinstance(request, dict) else request)
                    while True:
                        batch = json.loads(await feed.recv())
                        if batch[0]["ev"] == "status":
                            statuses += batch
                            break
                        seen += batch
                while len(seen) < events:
                    seen += [e for e in json.loads(await feed.recv()) if e["ev"] != "status"]
            except websockets.ConnectionClosed:
                pass
            await feed.close()
            return statuses, seen, feed.close_code

    def talk(self, url, *requests, **options):
        return asyncio.run(self.dialogue(url, *requests, **options))

    def test_more_channels_than_can_be_answered_cost_the_message_and_not_the_link(self):
        async def ask(url):
            async with websockets.connect(url, max_size=None) as feed:
                await feed.recv()
                await feed.send(json.dumps({"action": "auth", "params": "any"}))
                await feed.recv()
                said = []
                for count, answers in (20000, 1), (4000, 4000), (1, 1):
                    names = ",".join(f"T.S{i}" for i in range(count))
                    await feed.send(json.dumps({"action": "subscribe", "params": names}))
                    told = [json.loads(await feed.recv())[0] for _ in range(answers)]
                    said.append((told[0]["status"], told[-1]["message"]))
                return said
        with Server(QUOTES, "--protocol", "polygon", "--interval", "1h") as server:
            said = asyncio.run(ask(server.url))
        self.assertEqual(said[0][0], "error")
        self.assertIn("too many channels", said[0][1])
        self.assertEqual(said[1:], [("success", "subscribed to: T.S3999"),
                                    ("success", "subscribed to: T.S0")])

    def test_a_client_says_its_key_subscribes_and_gets_what_it_asked_for(self):
        with self.server() as server:
            statuses, events, _ = self.talk(
                server.url,
                {"action": "auth", "params": "secret-1"},
                {"action": "subscribe", "params": "T.AAPL"},
                {"action": "subscribe", "params": "Q.AAPL"},
                events=60,
            )
        self.assertEqual(
            [(s["status"], s["message"]) for s in statuses],
            [("connected", "Connected Successfully"), ("auth_success", "authenticated"),
             ("success", "subscribed to: T.AAPL"), ("success", "subscribed to: Q.AAPL")],
        )
        self.assertEqual({e["sym"] for e in events}, {"AAPL"})
        self.assertEqual({e["ev"] for e in events}, {"T", "Q"})
        trade = next(e for e in events if e["ev"] == "T")
        self.assertLessEqual({"ev", "sym", "x", "i", "z", "p", "s", "c", "t", "q"}, set(trade))
        self.assertIsInstance(trade["i"], str)
        numbers = [e["q"] for e in events if e["ev"] == "T"]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_a_wrong_key_is_told_so_and_closed(self):
        with self.server() as server:
            statuses, _, code = self.talk(server.url, {"action": "auth", "params": "secret"},
                                          {"action": "subscribe", "params": "T.*"})
        self.assertEqual(statuses[1]["status"], "auth_failed")
        self.assertEqual(code, 1008)

    def test_nothing_comes_before_the_key(self):
        with self.server() as server:
            statuses, events, _ = self.talk(server.url, {"action": "subscribe", "params": "T.*"})
        self.assertEqual(statuses[1]["message"], "not authorized")
        self.assertEqual(events, [])

    def test_a_further_connection_of_a_key_closes_the_oldest(self):
        async def both(url):
            async with websockets.connect(url) as first:
                await first.recv()
                await first.send('{"action":"auth","params":"secret-1"}')
                self.assertIn("auth_success", await first.recv())
                await self.dialogue(url, {"action": "auth", "params": "secret-2"})
                await self.dialogue(url, {"action": "auth", "params": "secret-1"})
                said = await first.recv()
                with self.assertRaises(websockets.ConnectionClosed):
                    await first.recv()
                return said

        with self.server() as server:
            self.assertIn("max_connections", asyncio.run(both(server.url)))

    def test_bad_requests_are_answered_and_the_connection_stays(self):
        with self.server() as server:
            statuses, events, _ = self.talk(
                server.url,
                {"action": "auth", "params": "secret-1"},
                "not json",
                {"action": "dance", "params": "T.*"},
                {"action": "subscribe", "params": "Z.AAPL"},
                {"action": "subscribe", "params": "T.*"},
                {"action": "unsubscribe", "params": "T.*"},
                {"action": "subscribe", "params": "T." + "X" * 100},
                {"action": "subscribe", "params": "T.MSFT"},
                events=3,
            )
        self.assertEqual([s["status"] for s in statuses[2:5]], ["error"] * 3)
        self.assertEqual(statuses[6]["message"], "unsubscribed to: T.*")
        self.assertEqual(statuses[7]["status"], "error")
        self.assertEqual(events[-1]["sym"], "MSFT")

    def test_crypto_has_its_own_events(self):
        with self.server("--cluster", "crypto", "--symbols", "BTC-USD=60000") as server:
            _, events, _ = self.talk(server.url, {"action": "auth", "params": "secret-1"},
                                     {"action": "subscribe", "params": "XT.BTC-USD"}, events=5,
                                     path="/crypto")
        self.assertEqual({(e["ev"], e["pair"]) for e in events}, {("XT", "BTC-USD")})

    def test_our_client_speaks_it_too(self):
        with self.server("--duration", "300ms", "--clock", "simulated") as server:
            _, printed, words = run(CLIENT, "--protocol", "polygon", "--reconnect", "never",
                                    "--api-key-file", self.key_alone(), "--subscribe", "T.*, Q.TSLA",
                                    server.url)
        self.assertIn("subscribed to: Q.TSLA", printed)
        self.assertTrue(re.search(r"  T   AAPL +[0-9.]+ x [0-9]+", printed), printed)
        self.assertTrue(re.search(r"  Q   TSLA +[0-9.]+ / [0-9.]+", printed), words)

    def test_our_client_is_told_where_it_does_not(self):
        with self.server("--duration", "300ms", "--clock", "simulated") as server:
            words = run(CLIENT, "--reconnect", "never", server.url)[2]
        self.assertIn("try --protocol polygon", words)

    def test_a_channel_that_is_none_is_named_with_those_that_are(self):
        for cluster, bad, good in (("stocks", "XT.AAPL", "T., Q., A. and AM."),
                                   ("crypto", "T.AAPL", "XT., XQ., XAS. and XA.")):
            with self.server("--cluster", cluster) as server:
                options = ("--protocol", "polygon", "--api-key-file", self.key_alone())
                code, printed, words = run(CLIENT, *options, "--subscribe", bad, server.url)
                self.assertEqual(code, 1, words)
                self.assertIn(f"error: '{bad}' is not a channel of this cluster: {good} with a "
                              "symbol or * are", printed)
                self.assertIn(f"no channel of --subscribe {bad} is served", words)
                words = run(CLIENT, *options, "--quiet", "--subscribe", bad, server.url)[2]
                self.assertIn(f"the server says: '{bad}' is not a channel", words)

    def test_our_client_leaves_a_server_of_another_kind(self):
        polygon, exchange = ("--protocol", "polygon"), ("--protocol", "exchange")
        orders = ("--orders-per-second", "5")
        for kind, program, ways in (
            ("looks like an exchange", (EXCHANGE,), (polygon,)),
            ("looks like mock-quotes", (QUOTES, "--interval", "1ms"),
             (polygon, exchange, orders, ("--view", "ticker"))),
            ("speaks Polygon's dialect", (QUOTES, *polygon),
             (exchange, orders, ("--view", "book", "X"), (), ("--json",), ("--view", "table"))),
        ):
            with Server(*program) as server:
                for way in ways:
                    code, _, words = run(CLIENT, *way, server.url, input=b"")
                    self.assertEqual((code, kind in words), (1, True), (way, words))

    def test_our_client_steers_no_server_that_is_no_replay(self):
        for kind, program in (("looks like an exchange", (EXCHANGE, "--log-level", "error")),
                              ("looks like mock-quotes", (QUOTES, "--interval", "1ms")),
                              ("speaks Polygon's dialect", (QUOTES, "--protocol", "polygon"))):
            with Server(*program) as server:
                for options in ((), ("--json",), ("--send", '{"type":"PING"}')):
                    code, _, words = run(CLIENT, "--control", *options, server.url,
                                         input=b"stats\npause\n")
                    self.assertEqual(code, 1, words)
                    self.assertIn(f"{server.url} is no replay, and {kind}", words)

    def key_alone(self):
        path = os.path.join(self.folder.name, "key.txt")
        with open(path, "w", encoding="ascii") as file:
            file.write("secret-2\n")
        return path


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
