#!/usr/bin/env python3
"""Updates that front ends are given: dashboard-server beside a Flask-SocketIO server.

    dashboard_rate.py DASHBOARD-SERVER [CLIENTS [ROUNDS]]

Front ends by WebSocket, which read and count.  `flood`: a script pushes ten trades at a time and
waits for each receipt but the last few; what is told is updates delivered a second, both in turn.
`paced`: 1,000 front ends, ten updates a second; what is told is the server's share of a processor.
"""
import json
import os
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 3
AHEAD = 4
HEAD = "timestamp,symbol,side,quantity,price,profit_loss,strategy\n"
MARKET = "timestamp,symbol,open,high,low,close,volume,rsi,signal_strength\n"
ROW = "2024-03-04T10:00:00,ACME,BUY,100,142.5,1.5,Breakout\n"
PUSH = "42" + json.dumps(["send_trading_data", {"trades_csv": HEAD + ROW * 10, "market_data_csv": MARKET,
                                                "timestamp": "2024-03-04T10:00:00"}])


def frame(text):
    data = text.encode()
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + data


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost:%d\r\n"
                            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % port)
        self.seen = b""
        self.wait(b'"sid"')
        self.say("40")
        self.wait(b"Connected to")

    def say(self, text):
        self.socket.sendall(frame(text))

    def wait(self, words):
        """Reads up to what ends with these words' message."""
        while words not in self.seen:
            piece = self.socket.recv(65536)
            assert piece, "the server has gone"
            self.seen += piece
        self.seen = self.seen[self.seen.index(words) + len(words):]


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, command):
        self.port = free_port()
        self.process = subprocess.Popen([*command, str(self.port)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Crowd:
    """Front ends, read by the bytes: all updates are of one size."""

    def __init__(self, port, count):
        self.selector = selectors.DefaultSelector()
        self.room = bytearray(1 << 20)
        self.bytes = 0
        self.clients = [Client(port) for _ in range(count)]
        for client in self.clients:
            client.say('42["join_frontend"]')
            client.wait(b"Joined")
        time.sleep(1)
        for client in self.clients:
            client.socket.setblocking(False)
            self.selector.register(client.socket, selectors.EVENT_READ, self.count)
        self.read(1)  # the rest of snapshots
        self.bytes = 0

    def count(self, link):
        self.bytes += link.recv_into(self.room)

    def read(self, seconds):
        for key, _ in self.selector.select(seconds):
            key.data(key.fileobj)


def measure(command, count, rate):
    """(updates delivered a second, the server's processors) after a warm-up."""
    with Server(command) as server:
        crowd = Crowd(server.port, count)
        script = Client(server.port)
        script.say(PUSH)
        script.wait(b"data_received")
        crowd.read(1)
        time.sleep(0.5)
        for _ in range(20):
            crowd.read(0.02)
        size = crowd.bytes / count
        assert size == int(size) and size > 500, size
        return flow(server, crowd, script, size, rate)


def flow(server, crowd, script, size, rate):
    crowd.bytes = receipts = pushes = 0
    script.socket.setblocking(False)

    def hear(link):
        nonlocal receipts
        receipts += link.recv(65536).count(b"data_received")

    crowd.selector.register(script.socket, selectors.EVENT_READ, hear)
    used, start = processor_seconds(server.process.pid), time.monotonic()
    while (now := time.monotonic() - start) < SECONDS:
        if pushes - receipts < AHEAD and (rate == 0 or pushes <= now * rate):
            script.say(PUSH)
            pushes += 1
        crowd.read(0.002)
    now = time.monotonic() - start
    used = processor_seconds(server.process.pid) - used
    return crowd.bytes / size / now, used / now


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    ours = [sys.argv[1], "--port"]
    theirs = ["/usr/bin/python3", os.path.join(HERE, "flask_dashboard.py")]
    rates = {"ours": [], "theirs": []}
    for _ in range(rounds):
        for name, command in (("ours", ours), ("theirs", theirs)):
            rate, used = measure(command, count, 0)
            rates[name].append(rate)
            print(f"{name}: {rate:.0f} updates/s to {count} front ends, {used:.2f} processors", flush=True)
    medians = [statistics.median(rates[name]) for name in ("ours", "theirs")]
    print(f"medians {medians[0]:.0f} and {medians[1]:.0f}: {medians[0] / medians[1]:.1f} times")
    for _ in range(rounds):
        rate, used = measure(ours, 1000, 10)
        print(f"ours, paced: {rate:.0f} updates/s to 1000 front ends, {used:.3f} processors", flush=True)


main()
