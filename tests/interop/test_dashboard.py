"""dashboard-server as its users have it: real processes, Debian's python3-socketio, and bytes of our
own where a client would not go wrong by itself.

Arguments: the folder of the built tools, the folder of the examples.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

from processes import Server, skip

try:
    import socketio
except ImportError:
    skip("python3-socketio is not there")

DASHBOARD = os.path.join(sys.argv[1], "dashboard-server")
EXAMPLES = sys.argv[2]
HEAD = "timestamp,symbol,side,quantity,price,profit_loss,strategy\n"
MARKET = "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n"
TRADE = "2024-03-04T10:00:00,ACME,BUY,100,142.50,0.1,s\n"
SEPARATOR = "\x1e"


def push_packet(trades, stamp):
    data = {"trades_csv": trades, "market_data_csv": MARKET, "timestamp": stamp}
    return "42" + json.dumps(["send_trading_data", data])


class Link:
    """HTTP by hand: a connection for each request."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def request(self, method, path, body=None, headers=None):
        link = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            link.request(method, path, body, headers or {})
            answer = link.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            link.close()

    def json(self, path, **headers):
        status, text, _ = self.request("GET", path, headers=headers)
        assert status == 200, (status, text)
        return json.loads(text)


class Poller(Link):
    """A session of Engine.IO by polling."""

    def __init__(self, url, join=True):
        super().__init__(url)
        status, text, _ = self.request("GET", "/socket.io/?EIO=4&transport=polling")
        assert status == 200 and text[0] == "0", text
        self.path = "/socket.io/?transport=polling&EIO=4&sid=" + json.loads(text[1:])["sid"]
        if join:
            self.post("40")
            self.events(1)

    def post(self, text):
        return self.request("POST", self.path, text.encode())[0]

    def get(self):
        status, text, _ = self.request("GET", self.path)
        return status, text

    def poll(self):
        status, text = self.get()
        assert status == 200, text
        return text.split(SEPARATOR)

    def events(self, count):
        found = []
        while len(found) < count:
            for packet in self.poll():
                if packet.startswith("42"):
                    found.append(json.loads(packet[2:]))
                elif packet == "2":
                    self.post("3")
        return found


class Pushing(unittest.TestCase):
    def test_what_is_sent_right_before_the_end_counts(self):
        with Server(DASHBOARD) as server:
            for transports in (["polling"], ["websocket"], None):
                for _ in range(2):
                    client = socketio.Client()
                    client.connect(server.url, transports=transports, wait_timeout=10)
                    data = {"trades_csv": HEAD + TRADE, "market_data_csv": MARKET}
                    client.emit("send_trading_data", data)
                    client.sleep(0.1)  # its own thread has to write first
                    client.disconnect()
            counts = Link(server.url).json("/api/summary")
            self.assertEqual((counts["pushes"], counts["trades"]), (6, 6))
            self.assertEqual(counts["profit_loss"], "0.6")

    def test_an_event_and_farewells_in_one_segment_are_handled_in_order(self):
        with Server(DASHBOARD) as server:
            link = Link(server.url)
            with socket.create_connection((link.host, link.port)) as raw:
                raw.sendall(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
                            b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Version: 13\r\n"
                            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                raw.recv(4096)
                frames = b""
                for text in ("40", push_packet(HEAD + TRADE, "last"), "41", "1"):
                    payload = text.encode()
                    length = len(payload)
                    size = bytes([0x80 | length]) if length < 126 else \
                        bytes([0x80 | 126]) + length.to_bytes(2, "big")
                    head = b"\x81" + size
                    frames += head + bytes(4) + payload
                raw.sendall(frames + bytes([0x88, 0x80, 0, 0, 0, 0]))
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
            self.assertEqual(link.json("/api/summary")["timestamp"], "last")

    def test_the_example_script_is_confirmed_and_ends(self):
        with Server(DASHBOARD) as server:
            done = subprocess.run([sys.executable, os.path.join(EXAMPLES, "push_trades.py"),
                                   server.url, "--every", "0", "--count", "3"],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.count("confirmed: 3 trades, 3 rows"), 3, done.stdout)


class Polling(unittest.TestCase):
    def test_no_answer_has_more_than_sixteen_packets_and_none_is_lost(self):
        with Server(DASHBOARD) as server:
            front, script = Poller(server.url), Poller(server.url)
            front.post('42["join_frontend"]')
            front.events(2)
            packets = [push_packet(HEAD + TRADE, str(i)) for i in range(50)]
            self.assertEqual(script.post(SEPARATOR.join(packets)), 200)
            stamps = []
            while len(stamps) < 50:
                answer = front.poll()
                self.assertLessEqual(len(answer), 16)
                stamps += [json.loads(p[2:])[1]["timestamp"] for p in answer if p[:2] == "42"]
            self.assertEqual(stamps, [str(i) for i in range(50)])

    def test_a_poll_that_its_client_gives_up_ends_the_session(self):
        with Server(DASHBOARD) as server:
            poller = Poller(server.url)
            with socket.create_connection((poller.host, poller.port)) as raw:
                raw.sendall(f"GET {poller.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                # The end is seen, not a reset: it may be read with the request or after it.
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
            status, text = poller.get()
            self.assertEqual((status, json.loads(text)["code"]), (400, 1))

    def test_breaches_end_the_session(self):
        with Server(DASHBOARD) as server:
            self.break_all(server)

    def break_all(self, server):
        for bad in ("", "2", "4", "442", "42", "42[]", "42{}", "40", "41{}", "abc", "b!", "4\udcff",
                    "42[\"a\",NaN]", "451-[\"a\",{\"_placeholder\":true,\"num\":1}]", "bAQ=="):
            with self.subTest(bad):
                poller = Poller(server.url)
                body = bad.encode("utf-8", "surrogateescape")
                poller.request("POST", poller.path, body)
                self.assertEqual(poller.get()[0], 400)

    def test_a_body_beyond_the_payload_ends_the_session(self):
        with Server(DASHBOARD, "--max-payload", "1000") as server:
            poller = Poller(server.url)
            status, text, _ = poller.request("POST", poller.path, b"4" * 1001)
            self.assertEqual((status, "larger than 1000 bytes (max_payload_bytes, --max-payload)"
                              in json.loads(text)["message"]), (413, True), text)
            self.assertEqual(poller.get()[0], 400)

    def test_what_bounds_an_upload_and_where_a_websocket_is_are_named(self):
        with Server(DASHBOARD, "--max-upload", "1000") as server:
            link = Link(server.url)
            status, text, _ = link.request("POST", "/api/trading-data", b"x" * 1001)
            self.assertEqual((status, "(max_upload_bytes, --max-upload)" in text), (413, True), text)
            status, text, _ = link.request("GET", "/ws", headers={
                "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
            self.assertEqual((status, "a WebSocket is served at /socket.io/" in text), (404, True),
                             text)

    def test_errors_have_their_codes(self):
        with Server(DASHBOARD) as server:
            link = Link(server.url)
            for method, query, status, code in (
                    ("GET", "EIO=4", 400, 0), ("GET", "EIO=4&transport=x", 400, 0),
                    ("GET", "EIO=4&transport=polling&sid=no", 400, 1),
                    ("POST", "EIO=4&transport=polling", 400, 2),
                    ("GET", "EIO=4&transport=websocket", 400, 3),
                    ("GET", "EIO=3&transport=polling", 400, 5)):
                got, text, _ = link.request(method, "/socket.io/?" + query)
                self.assertEqual((got, json.loads(text)["code"]), (status, code), query)
            poller = Poller(server.url)
            self.assertEqual(poller.request("PUT", poller.path)[0], 405)

    def test_sessions_beyond_the_bound_are_refused(self):
        with Server(DASHBOARD, "--max-clients", "2") as server:
            Poller(server.url), Poller(server.url)
            status, _, _ = Link(server.url).request("GET", "/socket.io/?EIO=4&transport=polling")
            self.assertEqual(status, 503)


def form(**parts):
    text = "".join(f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="f"\r\n\r\n'
                   f"{content}\r\n" for name, content in parts.items())
    return text.encode() + b"--B--\r\n", {"Content-Type": "multipart/form-data; boundary=B"}


def post_tables(link, trades, market=MARKET, **headers):
    body, own = form(trades_csv=trades, market_data_csv=market)
    return link.request("POST", "/api/trading-data", body, {**own, **headers})


class Rest(unittest.TestCase):
    def test_late_joiners_get_a_snapshot_of_the_last_rows(self):
        with Server(DASHBOARD, "--snapshot", "2") as server:
            link = Link(server.url)
            rows = "".join(TRADE.replace("ACME", f"S{i}") for i in range(5))
            self.assertEqual(post_tables(link, HEAD + rows)[0], 200)
            front = Poller(server.url)
            front.post('42["join_frontend"]')
            name, snapshot = front.events(2)[1]
            self.assertEqual(name, "snapshot")
            self.assertEqual([row["symbol"] for row in snapshot["trades"]], ["S3", "S4"])
            self.assertEqual((snapshot["trades_count"], snapshot["market_data_count"]), (5, 0))

    def test_sums_go_on_exactly_when_rows_leave_and_over_a_kill(self):
        folder = tempfile.mkdtemp()
        try:
            arguments = ("--max-rows", "3", "--data", os.path.join(folder, "d.db"))
            with Server(DASHBOARD, *arguments) as server:
                for _ in range(10):
                    self.assertEqual(post_tables(Link(server.url), HEAD + TRADE)[0], 200)
                server.process.send_signal(signal.SIGKILL)
                server.process.wait()
            with Server(DASHBOARD, *arguments) as server:
                link = Link(server.url)
                self.assertEqual(post_tables(link, HEAD + TRADE)[0], 200)
                counts = link.json("/api/summary")
                self.assertEqual((counts["trades"], counts["profit_loss"]), (11, "1.1"))
                self.assertEqual(counts["trades_kept"], 3)
                self.assertEqual(link.json("/api/trades")["count"], 3)
        except AssertionError as failure:
            if "keeps no files" not in str(failure):
                raise
        finally:
            shutil.rmtree(folder)

    def test_formulas_of_strangers_are_neutralised_in_csv(self):
        with Server(DASHBOARD) as server:
            link = Link(server.url)
            rows = "".join(f't,"{cell}",BUY,-1,1,,s\n' for cell in ("=1+1", "+A1", "-x", "@SUM(A1)"))
            self.assertEqual(post_tables(link, HEAD + rows)[0], 200)
            _, text, headers = link.request("GET", "/api/trades?format=csv&order=asc")
            cells = [line.split(",")[1] for line in text.splitlines()[1:]]
            self.assertEqual(cells, ["'=1+1", "'+A1", "'-x", "'@SUM(A1)"])
            self.assertIn("attachment", headers["Content-Disposition"])
            self.assertEqual(text.splitlines()[1].split(",")[3], "-1")

    def test_pages_and_filters(self):
        with Server(DASHBOARD) as server:
            link = Link(server.url)
            rows = "".join(f"2024-03-04T10:00:{i:02},{'AB'[i % 2]},BUY,{i},1,1,s\n" for i in range(20))
            self.assertEqual(post_tables(link, HEAD + rows)[0], 200)
            page = link.json("/api/trades?symbol=B&limit=4&offset=8")
            self.assertEqual([row["quantity"] for row in page["trades"]], [3, 1])
            self.assertEqual((page["matched"], page["next_offset"]), (10, None))
            page = link.json("/api/trades?from=2024-03-04T10:00:05&to=2024-03-04T10:00:07&order=asc")
            self.assertEqual([row["quantity"] for row in page["trades"]], [5, 6])
            self.assertEqual(link.request("GET", "/api/trades?limit=0")[0], 400)
            self.assertEqual(link.request("GET", "/api/trades?nonsense=1")[0], 400)

    def test_an_upload_beyond_the_bound_takes_no_memory(self):
        with Server(DASHBOARD) as server:
            link = Link(server.url)
            post_tables(link, HEAD)
            before = self.memory(server)
            raw = socket.create_connection((link.host, link.port))
            raw.sendall(b"POST /api/trading-data HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                        b"Content-Type: multipart/form-data; boundary=B\r\n\r\n")
            try:
                piece = b"x" * 65536
                for _ in range(1600):
                    raw.sendall(b"10000\r\n" + piece + b"\r\n")
            except OSError:
                pass
            raw.close()
            self.assertEqual(post_tables(link, HEAD + TRADE)[0], 200)
            self.assertLess(self.memory(server) - before, 8 << 20)

    @staticmethod
    def memory(server):
        with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_keys_look_on_or_push(self):
        with tempfile.NamedTemporaryFile("w", suffix=".keys") as keys:
            keys.write("looker role=viewer\npusher role=trader\n")
            keys.flush()
            with Server(DASHBOARD, "--keys", keys.name) as server:
                link = Link(server.url)
                self.assertEqual(link.request("GET", "/api/trades")[0], 401)
                self.assertEqual(post_tables(link, HEAD, **{"X-API-Key": "looker"})[0], 403)
                self.assertEqual(post_tables(link, HEAD, **{"X-API-Key": "pusher"})[0], 200)
                for key, wanted in (("looker", "error"), ("pusher", "success")):
                    client = socketio.Client()
                    told = []
                    client.on("data_received", told.append)
                    client.connect(server.url, headers={"X-API-Key": key}, wait_timeout=10)
                    client.call("send_trading_data",
                                {"trades_csv": HEAD + TRADE, "market_data_csv": MARKET}, timeout=30)
                    for _ in range(200):
                        if told:
                            break
                        client.sleep(0.02)
                    client.disconnect()
                    self.assertEqual(told[0]["status"], wanted)


unittest.main(argv=[sys.argv[0], "-v"], warnings="ignore")
