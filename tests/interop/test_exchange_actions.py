"""What a session action leaves of a connection to the exchange, seen from a raw socket: each row of the
table of actions, with the order that was sent meanwhile.

Argument: the folder of the built tools.
"""

import base64
import json
import os
import re
import socket
import struct
import sys
import unittest
import urllib.error
import urllib.request

from processes import Server

EXCHANGE = os.path.join(sys.argv[1], "exchange-server")
PATIENCE = 30  # seconds for what must come
QUIET = 0.3  # seconds in which nothing may come
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
ORDER = {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY", "order_type": "LIMIT",
         "price": "30000", "quantity": "1"}


class Raw:
    """A WebSocket by hand: frames as they come, and how the link ends."""

    def __init__(self, url, session="robot", path="/ws"):
        host, port = url.split("//")[1].split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        key = base64.b64encode(b"0123456789abcdef").decode()
        self.socket.sendall(
            f"GET {path}?session={session} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            .encode())
        self.bytes = b""

    def handshake(self):
        while b"\r\n\r\n" not in self.bytes:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self.bytes += piece
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1])

    def send(self, kind, payload):
        mask = b"abcd"
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        length = (bytes([0x80 | len(payload)]) if len(payload) < 126
                  else bytes([0x80 | 126]) + struct.pack(">H", len(payload)))
        self.socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def say(self, message):
        self.send(TEXT, json.dumps(message).encode())

    def frame(self, patience=PATIENCE):
        """(fin, kind, payload); None in silence; "FIN" or "RST" where the link has ended."""
        while True:
            if len(self.bytes) >= 2:
                size, at = self.bytes[1] & 127, 2
                if size == 126 and len(self.bytes) >= 4:
                    size, at = struct.unpack(">H", self.bytes[2:4])[0], 4
                elif size == 127 and len(self.bytes) >= 10:
                    size, at = struct.unpack(">Q", self.bytes[2:10])[0], 10
                elif size >= 126:
                    size = 1 << 62
                if len(self.bytes) >= at + size:
                    first, payload = self.bytes[0], self.bytes[at:at + size]
                    self.bytes = self.bytes[at + size:]
                    return bool(first & 0x80), first & 15, payload
            self.socket.settimeout(patience)
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                return None
            except ConnectionResetError:
                return "RST"
            if not piece:
                return "FIN"
            self.bytes += piece

    def wait_for(self, wanted):
        """The next message of that type, or the next frame of that kind."""
        while True:
            frame = self.frame()
            assert isinstance(frame, tuple), (wanted, frame)
            if wanted == frame[1] or frame[1] == TEXT and json.loads(frame[2])["type"] == wanted:
                return frame

    def kinds(self):
        """What comes until it is quiet: the types of messages, "PONG", "CLOSE"; how it ends."""
        heard = []
        while (frame := self.frame(QUIET)) is not None:
            if isinstance(frame, str):
                return [*heard, frame]
            names = {CLOSE: "CLOSE", PING: "PING", PONG: "PONG"}
            heard.append(names.get(frame[1]) or json.loads(frame[2])["type"])
        return heard


class Actions(unittest.TestCase):
    def setUp(self):
        self.server = Server(EXCHANGE, "--log-level", "error", "--admin-port", "0", "--set",
                             "exchange.liquidity.enabled=false")
        self.addCleanup(self.server.__exit__)
        self.admin = re.search(r"Admin API on (\S+)", "".join(self.server.lines)).group(1).replace(
            "localhost", "127.0.0.1")
        self.http = self.server.url.replace("ws://", "http://")

    def ask(self, url, body=None):
        request = urllib.request.Request(
            url, body and json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Session-ID": "robot"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def fire(self, action, **more):
        whom = {} if "scope" in more else {
            "select": {"channel": "ws_private", "label": "robot/*"}}
        self.ask(self.admin + "/faults/fire",
                 {"kind": "session", "action": action, **whom, **more})

    def come(self):
        raw = Raw(self.server.url)
        self.addCleanup(raw.socket.close)
        self.assertEqual(raw.handshake(), 101)
        raw.say({"type": "PING"})
        raw.wait_for("PONG")
        return raw

    def orders(self):
        return len(self.ask(self.http + "/api/v1/orders")["orders"])

    def try_all(self, raw):
        """An order and a ping are sent: what comes, and whether the order is there."""
        raw.say(ORDER)
        raw.send(PING, b"")
        return raw.kinds(), self.orders()

    def test_without_one_all_is_answered(self):
        self.assertEqual(self.try_all(self.come()), (["ORDER_ACK", "PONG"], 1))

    def test_close_says_its_code(self):
        raw = self.come()
        self.fire("close", code=4001, reason="enough")
        _, kind, payload = raw.frame()
        self.assertEqual((kind, payload), (CLOSE, struct.pack(">H", 4001) + b"enough"))
        raw.send(CLOSE, payload)
        self.assertEqual(raw.frame(), "FIN")

    def test_fin_says_nothing(self):
        raw = self.come()
        self.fire("fin")
        self.assertEqual(raw.frame(), "FIN")

    def test_rst_resets(self):
        raw = self.come()
        self.fire("rst")
        self.assertEqual(raw.frame(), "RST")

    def test_freeze_stops_both_ways_and_goes_on_where_it_stood(self):
        raw = self.come()
        self.fire("freeze")
        self.assertEqual(self.try_all(raw), ([], 0))
        self.ask(self.admin + "/faults/heal", {})
        raw.wait_for("ORDER_ACK")
        raw.wait_for(PONG)
        self.assertEqual(self.orders(), 1)

    def test_freeze_out_processes_and_is_silent(self):
        raw = self.come()
        self.fire("freeze_out")
        self.assertEqual(self.try_all(raw), ([], 1))
        self.ask(self.admin + "/faults/heal", {})
        raw.wait_for("ORDER_ACK")

    def test_freeze_in_discards_what_comes_and_answers_pings(self):
        raw = self.come()
        self.fire("freeze_in")
        self.assertEqual(self.try_all(raw), (["PONG"], 0))
        self.ask(self.http + "/api/v1/orders", {**ORDER, "type": "LIMIT"})
        raw.wait_for("ORDER_ACK")  # what goes out goes on
        self.ask(self.admin + "/faults/heal", {})
        raw.say({"type": "GET_ORDERS"})
        answer = json.loads(raw.wait_for("ORDERS")[2])
        self.assertEqual(len(answer["orders"]), 1)

    def test_zombie_answers_pings_alone(self):
        raw = self.come()
        self.fire("zombie")
        self.assertEqual(self.try_all(raw), (["PONG"], 1))
        self.ask(self.admin + "/faults/heal", {})
        raw.say({"type": "PING"})
        self.assertEqual(json.loads(raw.frame()[2])["type"], "PONG")  # the rest was never sent

    def test_half_open_is_a_black_hole(self):
        raw = self.come()
        self.fire("half_open")
        self.assertEqual(self.try_all(raw), ([], 0))

    def test_half_open_may_end_with_a_reset(self):
        raw = self.come()
        self.fire("half_open", rst_after="500ms")
        self.assertEqual(raw.frame(), "RST")

    def test_after_an_order_it_is_there_and_nothing_was_said(self):
        raw = self.come()
        self.ask(self.admin + "/faults", {
            "kind": "session", "action": "rst", "when": "after",
            "select": {"dir": "in", "type": "order.new"}})
        raw.say(ORDER)
        self.assertEqual(raw.frame(), "RST")
        self.assertEqual(self.orders(), 1)

    def test_before_an_order_it_is_not_there(self):
        raw = self.come()
        self.ask(self.admin + "/faults", {
            "kind": "session", "action": "fin", "when": "before",
            "select": {"dir": "in", "type": "order.new"}})
        raw.say(ORDER)
        self.assertEqual(raw.frame(), "FIN")
        self.assertEqual(self.orders(), 0)

    def test_new_connections_are_refused_stalled_or_answered_with_an_error(self):
        for action, more in ("refuse", {}), ("stall", {}), ("http_error", {"status": 502}):
            self.fire(action, scope="client", client="robot", **more)
            raw = Raw(self.server.url)
            self.addCleanup(raw.socket.close)
            if action == "refuse":
                self.assertEqual(raw.frame(), "RST")
            elif action == "stall":
                self.assertIsNone(raw.frame(QUIET))
            else:
                self.assertEqual(raw.handshake(), 502)
            other = Raw(self.server.url, "other")
            self.addCleanup(other.socket.close)
            self.assertEqual(other.handshake(), 101)
            self.ask(self.admin + "/faults/heal", {})
            self.come()

    def test_who_takes_a_frame_for_a_message_reads_nonsense_from_fragments(self):
        self.ask(self.admin + "/presets/ws_fragments", {})
        raw = Raw(self.server.url)
        self.addCleanup(raw.socket.close)
        raw.handshake()
        raw.say({"type": "GET_BALANCE", "request_id": "q"})
        frames = []
        while not frames or not frames[-1][0]:
            frames.append(raw.frame())
        self.assertGreater(len(frames), 1)
        with self.assertRaises(ValueError):
            json.loads(frames[0][2])  # a naive client
        message = json.loads(b"".join(frame[2] for frame in frames))  # a careful one
        self.assertEqual(message["request_id"], "q")
        self.assertEqual([frame[1] for frame in frames], [TEXT] + [0] * (len(frames) - 1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
