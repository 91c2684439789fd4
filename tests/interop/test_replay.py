"""The replay server and the client as their users have them: real processes, real sockets, a foreign
client (Debian's python3-websockets), and every mistake that has a line of its own.

Arguments: the folder of the built tools, the make-sample program.
"""

import asyncio
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.request
from datetime import datetime

from processes import Server, fresh_folder, read, run, skip, write

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

TOOLS, MAKE_SAMPLE = sys.argv[1], sys.argv[2]
SERVER = os.path.join(TOOLS, "replay-server")
CLIENT = os.path.join(TOOLS, "market-client")


async def receive(url, limit=None, **options):
    """All messages of a connection and how it closed."""
    messages = []
    async with websockets.connect(url, max_size=None, **options) as feed:
        try:
            async for message in feed:
                messages.append(message)
                if limit and len(messages) == limit:
                    break
        except websockets.ConnectionClosedError:
            pass
        await feed.close()
        return messages, feed.close_code, feed.close_reason


def resident_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def no_file_beyond_a_mebibyte():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def listen(url, **options):
    return asyncio.run(receive(url, **options))


class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = fresh_folder()
        cls.sample = os.path.join(cls.folder.name, "trades_sample.parquet")
        code, _, words = run(MAKE_SAMPLE, cls.sample, "--rows", 3000)
        assert code == 0, words

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    # ---- the feed ----

    def test_a_foreign_client_gets_the_original_dialogue(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            messages, code, _ = listen(server.url)
        self.assertEqual(messages[0], '{"status": "Data loaded. Starting replay."}')
        self.assertEqual(messages[-1], '{"status": "Replay finished."}')
        self.assertEqual(code, 1000)
        self.assertEqual(len(messages), 3002)
        last = ""
        for text in messages[1:-1]:
            trade = json.loads(text)
            self.assertEqual(list(trade), ["timestamp", "price", "volume", "ticker"])
            self.assertEqual(json.dumps(trade), text)
            self.assertGreaterEqual(trade["timestamp"], last)
            last = trade["timestamp"]

    def test_our_client_prints_what_a_foreign_one_receives(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            messages, _, _ = listen(server.url)
            code, printed, words = run(CLIENT, "--json", server.url)
        self.assertEqual(code, 0)
        self.assertEqual(printed.splitlines(), messages)
        self.assertIn("3000 trades", words)

    def test_every_client_has_a_replay_of_its_own_from_the_start(self):
        async def many(url):
            return await asyncio.gather(*(receive(url) for _ in range(8)))

        with Server(SERVER, "--speed", "max", self.sample) as server:
            answers = asyncio.run(many(server.url))
        self.assertEqual(len({tuple(messages) for messages, _, _ in answers}), 1)

    def test_both_loopback_addresses_answer(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            port = server.url.rsplit(":", 1)[1]
            for host in ("127.0.0.1", "[::1]"):
                if host == "[::1]" and not socket.has_ipv6:
                    continue
                messages, _, _ = listen(f"ws://{host}:{port}/any/path")
                self.assertEqual(len(messages), 3002)

    def test_a_window_and_tickers_choose_trades_and_keep_their_order(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            everything = [json.loads(text) for text in listen(server.url)[0][1:-1]]
        middle = everything[len(everything) // 2]["timestamp"]
        ticker = everything[0]["ticker"]
        options = ("--speed", "max", "--from", middle.replace(" ", "T") + "Z", "--ticker", ticker)
        with Server(SERVER, *options, self.sample) as server:
            chosen = [json.loads(text) for text in listen(server.url)[0][1:-1]]
        wanted = [t for t in everything if t["timestamp"] >= middle and t["ticker"] == ticker]
        self.assertEqual(chosen, wanted)

    def test_two_files_become_one_order(self):
        other = self.path("other.parquet")
        self.assertEqual(run(MAKE_SAMPLE, other, "--rows", 2000, "--seed", 7)[0], 0)
        feeds = []
        for files in ([self.sample], [other], [self.sample, other]):
            with Server(SERVER, "--speed", "max", *files) as server:
                feeds.append([json.loads(text) for text in listen(server.url)[0][1:-1]])
        merged = sorted(feeds[0] + feeds[1], key=lambda trade: trade["timestamp"])
        self.assertEqual(feeds[2], merged)

    def test_the_pace_is_never_ahead_of_the_originals(self):
        options = ("--to", "2022-07-01T00:00:02Z", self.sample)
        with Server(SERVER, *options) as server:
            began = time.monotonic()
            code, printed, words = run(CLIENT, "--pace", "1", "--json", server.url)
            took = time.monotonic() - began
        self.assertEqual(code, 0)
        self.assertIn("lateness p50", words)
        trades = [json.loads(line) for line in printed.splitlines()][1:-1]
        first, last = (datetime.fromisoformat(trades[i]["timestamp"]) for i in (0, -1))
        self.assertLess(trades[-1]["timestamp"], "2022-07-01 00:00:02")
        self.assertGreater((last - first).total_seconds(), 1)
        self.assertGreaterEqual(took, (last - first).total_seconds())

    def test_long_gaps_are_shortened(self):
        early = self.path("early.parquet")
        self.assertEqual(run(MAKE_SAMPLE, early, "--rows", 20)[0], 0)
        options = ("--speed", "1000", "--max-gap", "1ms")
        with Server(SERVER, *options, early, self.sample) as server:
            messages, code, _ = listen(server.url)
        self.assertEqual((len(messages), code), (3022, 1000))

    # ---- what a client may ask for ----

    def test_a_foreign_client_steers_its_replay(self):
        async def steer(url):
            async with websockets.connect(url + "/?speed=0.000001&timestamps=iso") as feed:
                async def ask(**command):
                    await feed.send(json.dumps(command))
                    trades = []
                    while True:
                        message = json.loads(await feed.recv())
                        if message.get("status") == "ok" or "error" in message:
                            return message, trades
                        trades.append(message)

                async def step():
                    self.assertEqual((await ask(op="step"))[0], {"status": "ok", "op": "step"})
                    return json.loads(await feed.recv())

                self.assertEqual((await ask(op="pause"))[0], {"status": "ok", "op": "pause"})
                first = (await ask(op="seek", to="1970-01-01"))[0]
                self.assertEqual(first, {"status": "ok", "op": "seek"})
                begin = await step()
                await ask(op="seek", to="2022-07-01T00:00:10Z")
                later = await step()
                await ask(op="seek", to="2022-07-01T00:00:05Z")
                earlier = await step()
                self.assertLess(begin["timestamp"], earlier["timestamp"])
                self.assertGreaterEqual(earlier["timestamp"], "2022-07-01T00:00:05")
                self.assertGreaterEqual(later["timestamp"], "2022-07-01T00:00:10")
                self.assertLess(earlier["timestamp"], later["timestamp"])
                for wrong in ('{"op":"rewind"}', '{"op":"seek"}', "pause", '{"op":"step","count":0}'):
                    await feed.send(wrong)
                    self.assertEqual(list(json.loads(await feed.recv())), ["error"])
                stats, _ = await ask(op="stats")
                self.assertTrue(stats["paused"])
                await ask(op="seek", to="1970-01-01")
                await ask(op="speed", value="max")
                await feed.send('{"op":"resume"}')
                rest = [json.loads(text) async for text in feed]
                return rest, feed.close_code

        with Server(SERVER, self.sample) as server:
            rest, code = asyncio.run(steer(server.url))
        self.assertEqual(code, 1000)
        self.assertEqual(rest[0], {"status": "ok", "op": "resume"})
        self.assertEqual(rest[-1], {"status": "Replay finished."})
        self.assertEqual(len(rest), 3002)

    def test_bundles_hold_what_single_trades_say(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            trades = [json.loads(text) for text in listen(server.url)[0][1:-1]]
            messages, code, _ = listen(server.url + "/?format=bundle")
            bundles = [json.loads(text) for text in messages[1:-1]]
            self.assertEqual(json.dumps(bundles[0]), messages[1])
            shown, printed, words = run(CLIENT, server.url + "/?format=bundle")
        self.assertEqual(code, 1000)
        unpacked = [{"timestamp": bundle["timestamp"], **trade}
                    for bundle in bundles for trade in bundle["trades"]]
        self.assertEqual(unpacked, trades)
        self.assertEqual(len({bundle["timestamp"] for bundle in bundles}), len(bundles))
        self.assertEqual(shown, 0)
        self.assertEqual(len(printed.splitlines()), 3002)
        self.assertIn(f"3000 trades in {len(bundles)} bundles", words)

    def test_moments_are_written_as_they_were_asked_for(self):
        forms = {}
        with Server(SERVER, "--speed", "max", self.sample) as server:
            for form in ("pandas", "iso", "ns", "us", "ms"):
                messages, _, _ = listen(f"{server.url}/?timestamps={form}&to=2022-07-01T00:00:01Z")
                forms[form] = [json.loads(text)["timestamp"] for text in messages[1:-1]]
        self.assertGreater(len(forms["ns"]), 10)
        for pandas, iso, ns, us, ms in zip(*forms.values()):
            moment = datetime.fromisoformat(pandas + "+00:00")
            self.assertEqual(datetime.fromisoformat(iso.replace("Z", "+00:00")), moment)
            self.assertEqual(us, round(moment.timestamp() * 1e6))
            self.assertEqual((ns // 1000, us // 1000), (us, ms))

    def test_a_mistake_in_the_url_closes_1008_and_says_what_would_be_right(self):
        with Server(SERVER, self.sample) as server:
            for query, words in (("speed=0", "max"), ("from=noon", "2022-"), ("format=csv", "bundle"),
                                 ("sped=1", "speed"), ("extra=nope", "nope"), ("loop=x", "loop"),
                                 ("from=2022-07-02&to=2022-07-01", "from"), ("ticker=", "ticker")):
                messages, code, reason = listen(f"{server.url}/?{query}")
                self.assertEqual((messages, code), ([], 1008), query)
                self.assertIn(words, reason)

    def test_a_query_that_no_trade_matches_is_told_so_in_the_last_words(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            for query, keys in (("ticker=NOPE", "ticker"), ("from=2030-01-01T00:00:00Z", "from"),
                                ("to=2020-01-01T00:00:00Z&ticker=*", "to, ticker")):
                messages, code, reason = listen(f"{server.url}/?{query}")
                self.assertEqual((len(messages), code), (2, 1000), query)
                last = json.loads(messages[1])
                self.assertEqual((last["status"], last["trades"]), ("Replay finished.", 0))
                self.assertIn(f"({keys})", last["reason"])
                self.assertIn("from 2022-07-01T", last["reason"])
                self.assertIn("no trade", reason)
            self.assertEqual(run(CLIENT, "--quiet", server.url + "/?ticker=NOPE")[0], 0)
            code, told, totals = run(CLIENT, server.url + "/?ticker=NOPE")
            self.assertEqual(code, 0)
            self.assertRegex(told, r"-- Replay finished. \(no trade matches the query \(ticker\)")
            self.assertRegex(totals, r"Total: 0 trades .*, 0/s")

    def test_our_client_steers_from_stdin(self):
        with Server(SERVER, "--speed", "0.000001", self.sample) as server:
            script = "pause\nseek 2022-07-01T00:00:05Z\nstep 2\nstats\nspeed max\nresume\n"
            done = subprocess.run([CLIENT, "--control", server.url], input=script, text=True,
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('{"status":"ok","op":"step"}', done.stdout)
            self.assertIn("-- Replay finished.", done.stdout)
            done = subprocess.run([CLIENT, "--control", server.url], input="rewind\nquit\n",
                                  text=True, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("market-client: -:1: 'rewind' is not understood", done.stderr)

    def test_our_client_leaves_a_replay_that_it_asked_as_an_exchange(self):
        with fresh_folder() as folder, Server(SERVER, self.sample) as server:
            script = write(os.path.join(folder, "script"), b'{"expect": {"type": "ORDER_ACK"}}\n')
            for way in (("--protocol", "exchange"), ("--session", "me"), ("--view", "book", "BTC"),
                        ("--view", "ticker"), ("--script", script),
                        ("--orders-per-second", "5", "--load", "3")):
                code, _, said = run(CLIENT, *way, server.url, input=b"")
                words = f"market-client: {server.url} is no exchange, and looks like a replay: connect "
                self.assertEqual((code, words in said, "no such parameter" in said),
                                 (1, True, False), said)

    def control(self, server, script, *options):
        return subprocess.run([CLIENT, "--control", *options, server.url], input=script, text=True,
                              capture_output=True, timeout=60)

    def test_our_client_quits_with_the_last_answer(self):
        with Server(SERVER, "--speed", "0.000001", self.sample) as server:
            for _ in range(5):
                done = self.control(server, "pause\nstep 3\nstats\nseek 2022-07-01\nstats\nquit\n")
                self.assertEqual((done.returncode, done.stdout.count('"status":"ok"')), (0, 5),
                                 done.stdout)
                self.assertRegex(done.stdout, r'"bundles":4,(.*\n)*.*"op":"seek".*\n.*"stats"')

    def test_a_pause_waits_behind_what_waits_for_steps(self):
        with Server(SERVER, "--speed", "0.000001", self.sample) as server:
            done = self.control(server, "pause\nstep 3\nstats\nresume\npause\nstep 2\nstats\nquit\n")
            self.assertEqual((done.returncode, done.stdout.count('"status":"ok"')), (0, 7),
                             done.stdout)
            self.assertRegex(done.stdout, r'"bundles":4,(.*\n)*.*"resume".*\n.*"pause".*\n'
                                          r'(.*\n)*.*"bundles":6,')

    def test_our_client_skips_the_rest_of_a_line_that_is_too_long(self):
        with Server(SERVER, "--speed", "0.000001", self.sample) as server:
            done = self.control(server, "pause\n" + "x" * 4095 + "step 3\nfrob\nquit\n")
            self.assertEqual((done.returncode, done.stdout.count('"status":"ok"')), (1, 1),
                             done.stdout)
            self.assertIn("-:2: a line of more than 4095 bytes", done.stderr)
            self.assertIn("-:3: 'frob' is not understood", done.stderr)

    def test_our_client_tells_where_nobody_answers(self):
        async def deaf(websocket):
            await websocket.wait_closed()

        async def talk():
            async with websockets.serve(deaf, "127.0.0.1", 0) as server:
                url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                client = await asyncio.create_subprocess_exec(
                    CLIENT, "--control", url, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
                _, said = await client.communicate(b"stats\nquit\n")
                return client.returncode, said.decode()

        code, said = asyncio.run(talk())
        self.assertEqual(code, 1)
        self.assertIn("not everything was answered within 5 s", said)

    def test_a_replay_that_was_paused_goes_on_at_the_end_of_stdin(self):
        with Server(SERVER, "--speed", "max", "--loop", self.sample) as server:
            for script in ("pause\n", "pause\nstep 2", '{"op": "pause"}\nspeed max\n'):
                done = self.control(server, script, "--exit-after", "100000", "--quiet")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("1000", done.stderr)

    def test_our_client_sends_no_number_that_was_not_said(self):
        with Server(SERVER, "--speed", "0.000001", self.sample) as server:
            for line, words in (
                ("speed fast", "'fast' is no speed"), ("speed 0", "'0' is no speed"),
                ("speed", "speed max"), ("speed 1e3", "'1e3' is no speed"),
                ("step x", "'x' is no count"), ("step 2 3", "'2 3' is no count"),
                ("step 0", "'0' is no count"), ("step -1", "'-1' is no count"),
                ("step 99999999999999999999", "is no count"), ("seek", "is no moment"),
                ("pause now", "'now' is too much"),
            ):
                done = subprocess.run([CLIENT, "--control", server.url], text=True, timeout=60,
                                      input=f"pause\n{line}\nspeed max\nresume\n",
                                      capture_output=True)
                self.assertEqual(done.returncode, 1, line)
                self.assertIn(words, done.stderr)
                self.assertIn("Replay finished", done.stdout)
                self.assertEqual(done.stdout.count('"status":"ok"'), 3, line)
                self.assertNotIn('"error"', done.stdout, line)

    def test_our_client_passes_moments_and_speeds_as_they_were_said(self):
        with Server(SERVER, "--speed", "0.000001", self.sample) as server:
            script = ("pause\nspeed 2.5\nstats\nspeed max\nstats\nseek 0\nstep\nstep 02\n"
                      "seek tomorrow\nresume\n")
            done = subprocess.run([CLIENT, "--control", server.url], input=script, text=True,
                                  capture_output=True, timeout=60)
            self.assertIn('"speed":2.5,', done.stdout)
            self.assertIn('"speed":"max",', done.stdout)
            self.assertIn('{"status":"ok","op":"seek"}', done.stdout)
            self.assertEqual(done.stdout.count('{"status":"ok","op":"step"}'), 2)
            self.assertIn("seek: to is no moment such as", done.stderr)

    # ---- one replay for all ----

    def test_a_broadcast_is_one_stream_that_late_comers_join(self):
        async def crowd(url):
            feeds = await asyncio.gather(*(websockets.connect(url) for _ in range(20)))

            async def read(feed):
                return [text async for text in feed]

            return await asyncio.gather(*(read(feed) for feed in feeds))

        options = ("--mode", "broadcast", "--wait-for-clients", 20, "--speed", "max")
        with Server(SERVER, *options, self.sample) as server:
            streams = asyncio.run(crowd(server.url))
            late, code, _ = listen(server.url)
            refused = listen(server.url + "/?ticker=BTC*")
            with urllib.request.urlopen(server.url.replace("ws:", "http:") + "/stats") as answer:
                stats = json.load(answer)
        self.assertEqual(len({tuple(stream) for stream in streams}), 1)
        self.assertEqual(len(streams[0]), 3002)
        self.assertEqual((late, code), ([streams[0][0], streams[0][-1]], 1000))
        self.assertEqual(refused[:2], ([], 1008))
        self.assertEqual(stats["mode"], "broadcast")
        self.assertEqual(stats["messages_encoded"], 3000)
        self.assertEqual(stats["messages_delivered"], 60000)
        self.assertEqual(stats["history"]["trades"], 3000)

    def test_what_befalls_messages_is_counted_at_the_end(self):
        plan = write(self.path("plan.json"), json.dumps(
            [{"id": "half", "kind": "drop", "p": 0.5, "select": {"dir": "out"}}]).encode())
        feeds = []
        for _ in range(2):
            with Server(SERVER, "--speed", "max", "--faults", plan, "--seed", 7,
                        self.sample) as server:
                feeds.append(listen(server.url)[0])
                address = server.url.replace("ws:", "http:") + "/metrics"
                with urllib.request.urlopen(address) as answer:
                    page = answer.read().decode()
                _, words = server.stop()
            self.assertIn('"half"', words)
            self.assertIn('marketsim_fault_hits_total{strategy="half"} ', page)
        self.assertEqual(feeds[0], feeds[1])
        self.assertTrue(1000 < len(feeds[0]) < 2000)
        wrong = write(self.path("wrong.json"), b'[{"kind": "reject"}]')
        code, _, words = run(SERVER, "--port", "0", "--faults", wrong, self.sample, timeout=30)
        self.assertEqual(code, 2)
        self.assertIn("a replay server does", words)

    # ---- bounds ----

    def test_a_client_that_reads_nothing_stops_only_its_own_replay(self):
        """The feed is 240 MB: a server that queued it all would be found out."""
        big = self.path("big.parquet")
        self.assertEqual(run(MAKE_SAMPLE, big, "--rows", 2000000)[0], 0)
        # A sanitizer keeps freed memory for a while: not that much of it.
        quarantine = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
        options = ("--speed", "max", "--max-backlog", "256K", big)
        with Server(SERVER, *options, environment={"ASAN_OPTIONS": quarantine}) as server:
            before = resident_kib(server)
            port = int(server.url.rsplit(":", 1)[1])
            stalled = socket.create_connection(("127.0.0.1", port))
            stalled.sendall(
                b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                b"Sec-WebSocket-Version: 13\r\n\r\n"
            )
            self.assertTrue(stalled.recv(12).startswith(b"HTTP/1.1 101"))
            code, _, words = run(CLIENT, "--quiet", server.url, timeout=120)
            self.assertEqual(code, 0)
            self.assertIn("2000000 trades", words)
            grown = resident_kib(server) - before
            stalled.close()
        self.assertLess(grown, 100_000)

    def test_one_bundle_in_the_queue_is_enough_to_finish(self):
        with Server(SERVER, "--speed", "max", "--max-queue-size", 1, self.sample) as server:
            messages, code, _ = listen(server.url)
        self.assertEqual((len(messages), code), (3002, 1000))

    def test_more_clients_than_allowed_are_refused(self):
        async def two(url):
            async with websockets.connect(url) as first:
                await first.recv()
                with self.assertRaises(websockets.InvalidStatusCode) as refused:
                    await websockets.connect(url)
                return refused.exception.status_code

        with Server(SERVER, "--max-clients", 1, self.sample) as server:
            self.assertEqual(asyncio.run(two(server.url)), 503)

    def test_garbage_is_closed_and_disturbs_nobody(self):
        async def both(url):
            port = int(url.rsplit(":", 1)[1])
            honest = asyncio.create_task(receive(url))
            answers = []
            for garbage in (b"\x00\x01\x02 not http\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(garbage)
                answers.append(await reader.read())
                writer.close()
            async with websockets.connect(url) as feed:
                await feed.recv()
                feed.transport.write(b"\x81\x03abc")  # a frame that is not masked
                try:
                    while True:
                        await feed.recv()
                except websockets.ConnectionClosed:
                    pass
                answers.append(feed.close_code)
            return answers, await honest

        with Server(SERVER, "--speed", "50", self.sample) as server:
            answers, (messages, code, _) = asyncio.run(both(server.url))
        self.assertTrue(answers[0].startswith(b"HTTP/1.1 400"), answers[0])
        self.assertTrue(answers[1].startswith(b"HTTP/1.1 "), answers[1])
        self.assertEqual(answers[2], 1002)
        self.assertEqual((len(messages), code), (3002, 1000))

    # ---- ends ----

    def test_a_signal_ends_the_server_and_tells_its_clients(self):
        async def end(server):
            async with websockets.connect(server.url) as feed:
                await feed.recv()
                loop = asyncio.get_running_loop()
                stopped = loop.run_in_executor(None, server.stop, signal.SIGINT)
                try:
                    while True:
                        await feed.recv()
                except websockets.ConnectionClosed:
                    pass
                return feed.close_code, await stopped

        with Server(SERVER, self.sample) as server:
            code, (status, words) = asyncio.run(end(server))
        self.assertEqual((code, status), (1001, 0))
        self.assertIn("trades sent", words)

    def test_a_signal_ends_the_client_with_its_totals(self):
        with Server(SERVER, self.sample) as server:
            client = subprocess.Popen(
                [CLIENT, server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            client.stdout.readline()
            client.send_signal(signal.SIGINT)
            _, words = client.communicate(timeout=60)
        self.assertEqual(client.returncode, 0)
        self.assertIn("Total: ", words)

    def test_a_signal_ends_tools_whose_output_nobody_takes(self):
        with Server(SERVER, "--speed", "max", self.sample) as server:
            client = subprocess.Popen([CLIENT, "--json", server.url], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
            time.sleep(0.3)  # the pipe is full by then, or the signal comes even earlier
            client.send_signal(signal.SIGTERM)
            client.wait(timeout=30)
            client.stdout.close()
        # The server's log goes into a pipe that nobody reads after the first lines.
        with Server(SERVER, "--speed", "max", "--log-level", "debug", self.sample) as server:
            for _ in range(400):
                socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))).close()
            messages, code, _ = listen(server.url)
            self.assertEqual((len(messages), code), (3002, 1000))
            self.assertEqual(server.stop()[0], 0)

    def test_a_client_comes_again_where_it_was_told_to(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        client = subprocess.Popen(
            [CLIENT, "--json", "--reconnect", "always", f"ws://127.0.0.1:{port}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("Connection refused", client.stderr.readline())
        with Server(SERVER, "--speed", "max", self.sample, port=port):
            printed, _ = client.communicate(timeout=60)
        self.assertEqual(client.returncode, 0)
        self.assertEqual(len(printed.splitlines()), 3002)

    # ---- mistakes: one clear line, and a non-zero exit ----

    def refused(self, *arguments):
        code, _, words = run(SERVER, "--port", "0", *arguments, timeout=30)
        self.assertNotEqual(code, 0, words)
        self.assertEqual(len(words.strip().splitlines()), 1, words)
        return words

    def test_a_missing_file_is_named(self):
        self.assertIn("nowhere.parquet", self.refused(self.path("nowhere.parquet")))

    def test_a_folder_without_parquet_is_named(self):
        os.makedirs(self.path("empty-folder"), exist_ok=True)
        self.assertIn("empty-folder", self.refused(self.path("empty-folder")))

    def test_an_empty_a_truncated_and_a_foreign_file_are_named(self):
        whole = read(self.sample)
        for name, data in (
            ("empty.parquet", b""),
            ("cut.parquet", whole[: len(whole) // 2]),
            ("text.parquet", b"timestamp,price\n" * 100),
        ):
            self.assertIn(name, self.refused(write(self.path(name), data)))

    def test_a_column_that_is_not_there_is_named_with_those_that_are(self):
        words = self.refused("--columns", "price=px", self.sample)
        for name in ("px", "price", "volume", "ticker"):
            self.assertIn(name, words)

    def test_files_of_one_symbol_each_are_merged_by_the_names_they_are_given(self):
        for name, rows in (("btc", b"2022-07-01,1,2\n2022-07-03,3,4\n"), ("eth", b"2022-07-02,5,6\n")):
            for path in (f"{name}.csv", f"tree/ticker={name}/{name}.csv"):
                os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
                write(self.path(path), b"timestamp,price,volume\n" + rows)
        btc, eth, tree = (self.path(name) for name in ("btc.csv", "eth.csv", "tree"))
        self.assertIn("ticker==NAME", self.refused(btc))
        self.assertIn("ticker==NAME", self.refused("--columns", "price==1", btc))
        for options, expected in (
            ((f"btc=={btc}", f"eth=={eth}"), ["btc", "eth", "btc"]),
            (("--trade-file", f"btc=={btc}", f"eth=={eth}"), ["btc", "eth", "btc"]),
            (("--columns", "ticker==X", f"btc=={btc}", eth), ["btc", "X", "btc"]),
            ((tree,), ["btc", "eth", "btc"]),
        ):
            with Server(SERVER, "--speed", "max", *options) as server:
                messages, code, _ = listen(server.url)
            heard = [json.loads(message) for message in messages[1:-1]]
            self.assertEqual([trade["ticker"] for trade in heard], expected)
            self.assertEqual([trade["price"] for trade in heard], [1, 5, 3])
            self.assertEqual(code, 1000)

    def test_a_check_tells_tickers_and_defects_as_text_and_as_json(self):
        trades = write(self.path("checked.csv"),
                       b"timestamp,price,volume,ticker\n2022-07-01,1,2,B\n2022-07-01,x,2,A\n"
                       b'2022-07-02,1,2,B\n2022-07-03,1,2,"A\nC"\n2022-07-03,1,2,\n')
        code, said, words = run(SERVER, "--check", trades)
        self.assertEqual(code, 1)
        self.assertIn("1 row is no trade", words)
        self.assertIn("--skip-bad-rows", words)
        for line in ('ticker: "B", 2 rows', 'ticker: "A\\nC", 1 row', "tickers: 2",
                     "rows without a ticker: 1", "rows: 5", "defects: 1"):
            self.assertIn(line, said.splitlines())
        # What a replay with the same options passes over is told, and no failure.
        self.assertEqual(run(SERVER, "--check", "--skip-bad-rows", trades), (0, said, ""))
        code, said, _ = run(SERVER, "--check", "--json", trades)
        self.assertEqual(code, 1)
        defect, most, other, whole = map(json.loads, said.splitlines())
        self.assertIn("line 3, column price: 'x' is not a number", defect["defect"])
        self.assertEqual((most, other), ({"ticker": "B", "rows": 2}, {"ticker": "A\nC", "rows": 1}))
        self.assertEqual({key: whole[key] for key in ("rows", "bad_rows", "tickers", "defects",
                                                      "rows_without_ticker", "first", "last")},
                         {"rows": 5, "bad_rows": 1, "tickers": 2, "defects": 1,
                          "rows_without_ticker": 1, "first": "2022-07-01T00:00:00.000000Z",
                          "last": "2022-07-03T00:00:00.000000Z"})
        self.assertIn("--check", self.refused("--json", trades))

    def test_a_plan_tells_what_further_columns_may_take(self):
        trades = write(self.path("further.csv"),
                       b"timestamp,price,volume,ticker,note\n2022-07-01,1,2,B,x\n")
        self.assertNotIn("further columns", run(SERVER, "--explain", trades)[1])
        code, said, _ = run(SERVER, "--explain", "--extra-columns", "note", trades)
        self.assertEqual(code, 0)
        self.assertIn("further columns: sorted on disk as well", said)
        self.assertIn("about 1 MiB beside the columns as text", said)
        self.assertIn("1 row in 1 row group of 1 file, 2022-07-01 00:00:00", said)

    def test_a_further_column_that_is_not_there_is_named_by_all_ways(self):
        for way in ("--explain", "--check", "--speed=max"):
            self.assertIn("nope", self.refused(way, "--extra-columns", "nope", self.sample))

    def test_a_full_folder_for_what_does_not_fit_is_named_with_the_remedies(self):
        rows = "".join(f"{100000 - i},1,1,T\n" for i in range(100000))
        trades = write(self.path("full.csv"), ("timestamp,price,volume,ticker\n" + rows).encode())
        code, _, words = run(SERVER, "--port", "0", "--timestamp-unit", "ms", "--memory", "4M",
                             "--temp-dir", self.folder.name, trades,
                             preexec_fn=no_file_beyond_a_mebibyte)
        self.assertEqual(code, 1, words)
        self.assertIn(f"replay-server: {self.folder.name}: no space left after ", words)
        self.assertIn("make room, name another folder (temp_directory, --temp-dir), or raise memory "
                      "(--memory)\n", words)

    def test_a_file_that_changes_while_it_is_read_ends_its_replays_alone(self):
        async def hear(url, change):
            heard = []
            async with websockets.connect(url, max_size=None) as feed:
                heard += [await feed.recv(), await feed.recv()]
                change()
                try:
                    async for message in feed:
                        heard.append(message)
                except websockets.ConnectionClosedError:
                    pass
                return heard, feed.close_code

        # More than the sockets between them hold: most of it is not read yet.
        trades = self.path("changing.parquet")
        self.assertEqual(run(MAKE_SAMPLE, trades, "--rows", 300000)[0], 0)
        whole = read(trades)
        for sizes, change in (
            ("", lambda: write(trades, whole)),
            (f", from {len(whole)} bytes to 9000", lambda: os.truncate(trades, 9000)),
        ):
            with Server(SERVER, "--speed", "max", trades) as server:
                heard, code = asyncio.run(hear(server.url, change))
                ended, said = server.stop()
            expected = (f"{trades}: changed while it was being read{sizes}: wait until its writer "
                        "is done, and start again")
            self.assertEqual(json.loads(heard[-1]), {"error": expected})
            self.assertLess(len(heard), 300000)
            self.assertEqual((code, ended), (1011, 0), said)
            self.assertIn(expected, said)

    def test_csv_that_does_not_fit_in_memory_gives_the_same_bytes(self):
        rows = "".join(f"{i * 7919 % 100003},{i}.50,{i % 9},T{i % 50}\n" for i in range(100000))
        trades = write(self.path("many.csv"),
                       ("timestamp,price,volume,ticker\n" + rows).encode())
        said = []
        for memory in ("1G", "16M"):
            with Server(SERVER, "--timestamp-unit", "ms", "--memory", memory, "--speed", "max",
                        trades) as server:
                code, text, words = run(CLIENT, "--json", server.url)
            self.assertEqual(code, 0, words)
            said.append(text)
        self.assertEqual(len(said[0].splitlines()), 100002)
        self.assertEqual(said[0] == said[1], True)

    def test_replays_in_many_places_take_turns_on_the_disk(self):
        """Blocks behind one another, each backwards: one fits in memory, those of all do not."""
        blocks, rows, window = 10, 40000, 2000
        trades = write(self.path("blocks.csv"), ("timestamp,price,volume,ticker\n" + "".join(
            f"{block * rows + rows - 1 - at},{at},1,T{at % 7}\n"
            for block in range(blocks) for at in range(rows))).encode())
        temporary = self.path("temporary")
        os.makedirs(temporary)

        def moment(milliseconds):
            return f"1970-01-01T00:{milliseconds // 60000:02}:{milliseconds % 60000 / 1000:06.3f}Z"

        def files_in_use(server):
            folder = f"/proc/{server.process.pid}/fd"
            return sum(os.readlink(f"{folder}/{name}").startswith(temporary)
                       for name in os.listdir(folder))

        async def hear_all(server, starts):
            heard = [asyncio.create_task(receive(
                f"{server.url}/?from={moment(start)}&to={moment(start + window)}&timestamps=ms"))
                for start in starts]
            files = 0
            while not all(task.done() for task in heard):
                files = max(files, files_in_use(server))
                await asyncio.sleep(0.05)
            return [task.result()[0] for task in heard], files

        # At the original pace each stays in its block for two seconds.
        starts = [block * rows + 5000 for block in range(blocks)]
        with Server(SERVER, "--timestamp-unit", "ms", "--memory", "16M", "--temp-dir", temporary,
                    trades) as server:
            heard, files = asyncio.run(hear_all(server, starts))
        for start, messages in zip(starts, heard):
            self.assertEqual(len(messages), window + 2, messages[-1])
            for at, message in enumerate(messages[1:-1], start % rows):
                number = rows - 1 - at
                self.assertEqual(json.loads(message),
                                 {"timestamp": start - start % rows + at, "price": number,
                                  "volume": 1, "ticker": f"T{number % 7}"})
        # The rows of the CSV file, and at least three row groups that were sorted.
        self.assertGreaterEqual(files, 4)

    def test_a_selection_without_trades_is_refused_with_what_there_is(self):
        for options in (("--ticker", "NOPE"), ("--from", "2030-01-01"), ("--to", "2022-07-01")):
            said = self.refused(*options, self.sample)
            self.assertIn(f"no trade is left by {options[0]}", said)
            self.assertRegex(said, r"there are trades from 2022-07-01T00:00:00\S* to 2022-07-01T00:")
        said = self.refused("--from", "2022-07-01", "--to", "2022-07-02", "--ticker", "btc-*",
                            self.sample)
        self.assertIn("by --from, --to, --ticker (case counts; --check lists", said)
        trades = write(self.path("no-rows.csv"), b"timestamp,price,volume,ticker\n")
        self.assertIn("there is none at all", self.refused("--from", "2022-07-01", trades))
        self.assertIn("--from", self.refused("--from", "2022-07-02", "--to", "2022-07-01",
                                             self.sample))
        self.assertIn("such as 2022-07-01", self.refused("--from", "2030", self.sample))

    def test_make_sample_counts_the_tickers_that_trade(self):
        for rows in (1, 3000):
            path = self.path("counted.parquet")
            said = run(MAKE_SAMPLE, path, "--rows", rows)[1]
            count = len({line.rsplit(",", 1)[1] for line in
                         run(os.path.join(TOOLS, "parquet-cat"), path)[1].splitlines()[1:]})
            self.assertRegex(said, f"{rows} trades? of {count} tickers?$")

    def test_an_address_of_its_own_is_announced_as_a_url(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6 here")
        with Server(SERVER, "--host", "::1", "--speed", "max", self.sample) as server:
            self.assertTrue(server.url.startswith("ws://[::1]:"))
            self.assertEqual(run(CLIENT, "--quiet", server.url)[0], 0)

    def test_a_port_in_use_is_named_with_the_remedy(self):
        with Server(SERVER, self.sample) as server:
            port = server.url.rsplit(":", 1)[1]
            code, _, words = run(SERVER, "--port", port, self.sample)
        self.assertNotEqual(code, 0)
        self.assertIn(port, words)
        self.assertIn("--port", words)

    def test_an_unreachable_server_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
            code, _, words = run(CLIENT, url)
        self.assertNotEqual(code, 0)
        self.assertEqual(len(words.strip().splitlines()), 1, words)
        self.assertIn(url, words)

    def test_a_wrong_option_is_named_with_what_would_be_right(self):
        for program, arguments, expected in (
            (SERVER, ("--sped", "2", self.sample), "--speed"),
            (SERVER, ("--speed", "fast", self.sample), "max"),
            (SERVER, ("--max-gap", "5", self.sample), "5s"),
            (SERVER, ("--mode", "shared", self.sample), "broadcast"),
            (SERVER, ("--slow-client", "drop", self.sample), "--mode broadcast"),
            (SERVER, ("--timestamps", "seconds", self.sample), "pandas"),
            (CLIENT, ("--control", "--load", "2"), "--load"),
            (SERVER, ("--port", "65536", self.sample), "65535"),
            (SERVER, (), "--help"),
            (CLIENT, ("--reconnect", "often"), "always"),
            (CLIENT, ("http://localhost",), "ws://"),
        ):
            code, _, words = run(program, *arguments)
            self.assertNotEqual(code, 0)
            self.assertIn(expected, words)

    def test_help_and_version_are_answers(self):
        for program in (SERVER, CLIENT):
            code, text, _ = run(program, "--help")
            self.assertEqual(code, 0)
            self.assertIn("Examples:", text)
            self.assertEqual(run(program, "--version")[0], 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
