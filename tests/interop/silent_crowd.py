"""A crowd that connects from many addresses and says nothing; honest clients are served all the while.

Arguments: the folder of the built tools, how many connect.
"""

import os
import selectors
import socket
import struct
import sys
import time

from processes import Server

TOOLS, CROWD = sys.argv[1], int(sys.argv[2])
ADDRESSES = [f"127.0.0.{i}" for i in range(2, 10)]
PER_ADDRESS = 50  # that the server lets one address have
AT_ONCE = 2000  # silent ones that are held open on this side
HONEST = 10
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


class Honest:
    """Opens a WebSocket, then pings and waits for the answer."""

    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          b"Sec-WebSocket-Key: " + KEY + b"\r\n\r\n")
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self.more()
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.count = 0

    def more(self):
        piece = self.link.recv(65536)
        assert piece, "an honest client was let go"
        self.bytes += piece

    def frame(self):
        """The next one's (first byte, payload)."""
        while True:
            if len(self.bytes) >= 2:
                length, head = self.bytes[1] & 127, 2
                if length == 126 and len(self.bytes) >= 4:
                    length, head = struct.unpack(">H", self.bytes[2:4])[0], 4
                if length < 126 or head == 4:
                    if len(self.bytes) >= head + length:
                        first, payload = self.bytes[0], self.bytes[head:head + length]
                        self.bytes = self.bytes[head + length:]
                        return first, payload
            self.more()

    def ping(self):
        """In seconds, there and back, past the events of the feed."""
        self.count += 1
        wanted = str(self.count).encode()
        began = time.monotonic()
        self.link.sendall(bytes((0x89, 0x80 | len(wanted), 0, 0, 0, 0)) + wanted)
        while self.frame() != (0x8A, wanted):
            pass
        return time.monotonic() - began


def describe(what, times):
    times = sorted(times)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1e6
    print(f"{what}: {len(times)} pings, p50 {at(0.5):.0f} us, p99 {at(0.99):.0f} us, "
          f"max {times[-1] * 1e6:.0f} us")


class Crowd:
    def __init__(self, port):
        self.port = port
        self.links = []
        self.waiting = selectors.DefaultSelector()
        self.connected = 0
        self.refused = 0

    def connect_one(self):
        link = socket.socket()
        link.setblocking(False)
        link.bind((ADDRESSES[self.connected % len(ADDRESSES)], 0))
        try:
            link.connect(("127.0.0.1", self.port))
        except BlockingIOError:
            pass
        self.connected += 1
        self.links.append(link)
        if len(self.links) > AT_ONCE:
            self.links.pop(0).close()

    def turned_away(self):
        """How many of those that are still held here were ended by the server."""
        count = 0
        for link in self.links:
            try:
                count += link.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                count += 1
        return count

    def close(self):
        for link in self.links:
            link.close()


def main():
    with Server(os.path.join(TOOLS, "mock-quotes"), "--max-connections-per-address", PER_ADDRESS,
                "--interval", "20ms") as server:
        port = int(server.url.rsplit(":", 1)[1])
        honest = [Honest(port) for _ in range(HONEST)]
        before = [client.ping() for _ in range(20) for client in honest]
        crowd = Crowd(port)
        during = []
        while crowd.connected < CROWD:
            for _ in range(20):
                crowd.connect_one()
            during.append(honest[crowd.connected // 20 % HONEST].ping())
        # Who comes while they stand there is let in.
        late = [Honest(port) for _ in range(HONEST)]
        during += [client.ping() for client in late + honest]
        away = crowd.turned_away()
        held = len(crowd.links) - away
        crowd.close()
        after = [client.ping() for _ in range(20) for client in late + honest]
        code, said = server.stop()
        assert code == 0, said
    describe("before", before)
    describe(f"while {CROWD} from {len(ADDRESSES)} addresses connected", during)
    describe("after", after)
    print(f"of the last {len(crowd.links)}, {away} were turned away and {held} held until they speak")
    assert held <= PER_ADDRESS * len(ADDRESSES), "the crowd holds more than its share"
    assert away > 0, "nobody was turned away"


main()
