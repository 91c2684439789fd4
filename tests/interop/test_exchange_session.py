"""A recorded session of the exchange, replayed: the same bytes for everybody.

Argument: the folder of the built tools.
"""

import asyncio
import json
import os
import random
import re
import sys
import unittest
import urllib.error
import urllib.request
from collections import defaultdict

from processes import Server, fresh_folder, read, run, skip, write

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

TOOLS = sys.argv[1]
EXCHANGE = os.path.join(TOOLS, "exchange-server")
CLIENTS = 20
FAULTS = [
    {"id": "lost", "kind": "drop", "select": {"dir": "in"}, "p": 0.05},
    {"id": "twice", "kind": "duplicate", "select": {"dir": "both"}, "p": 0.05},
    {"id": "late", "kind": "delay", "select": {"dir": "out"}, "p": 0.3,
     "dist": {"type": "uniform", "min": "1ms", "max": "80ms"}},
    {"id": "mixed", "kind": "reorder", "select": {"dir": "out"}, "p": 0.1, "k": [1, 3],
     "max_wait": "200ms"},
    {"id": "spoilt", "kind": "corrupt", "select": {"dir": "out"}, "p": 0.05,
     "mode": "bitflip_text"},
    {"id": "phantom", "kind": "phantom_fill", "rate": 5},
    {"id": "doubled", "kind": "dup_fill", "p": 0.2, "after": "20ms"},
]


async def trade(url, number, heard, rounds):
    """One client: random orders, cancels and questions; all it hears, in order."""
    dice = random.Random(number)
    socket = await websockets.connect(f"{url}/ws?session=robot{number % 15}", compression=None)

    async def listen():
        try:
            async for message in socket:
                heard.append(message)
        except websockets.ConnectionClosed:
            pass

    listener = asyncio.create_task(listen())
    for channel in dice.sample(["TICKER", "TRADES", "ORDERBOOK_L2", "ORDERBOOK", "ORDERS"], 3):
        await socket.send(json.dumps({"type": "SUBSCRIBE", "channel": channel, "symbol": "*"}))
    for i in range(rounds):
        what = dice.random()
        name = f"o{number}-{i}"
        if what < 0.6:
            side = dice.choice(["BUY", "SELL"])
            message = {"type": "PLACE_ORDER", "symbol": dice.choice(["BTC/USD", "ETH/USD"]),
                       "side": side, "order_type": dice.choice(["LIMIT", "LIMIT", "MARKET"]),
                       "quantity": "0.01", "client_order_id": name, "request_id": name}
            if message["order_type"] == "LIMIT":
                message["price"] = str(dice.choice([2900, 3000, 3100, 49000, 50000, 51000]))
        elif what < 0.75:
            message = {"type": "CANCEL_ORDER", "client_order_id": f"o{number}-{i - 1}"}
        elif what < 0.9:
            message = {"type": dice.choice(["GET_ORDERS", "GET_BALANCE", "PING"])}
        else:
            message = {"type": "NONSENSE"}
        try:
            await socket.send(json.dumps(message))
        except websockets.ConnectionClosed:
            break
        await asyncio.sleep(dice.random() / 50)
    await asyncio.sleep(0.3)
    await socket.close()
    await listener


def ask(url, path, body=None, method=None):
    request = urllib.request.Request(url + path, body and json.dumps(body).encode(),
                                     {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=1) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.read()
    except OSError:
        return b""  # a fault has lost it, or its answer


def trade_all(server, rounds, meanwhile):
    heard = [[] for _ in range(CLIENTS)]

    async def go():
        tasks = [asyncio.create_task(trade(server.url, i, heard[i], rounds))
                 for i in range(CLIENTS)]
        await asyncio.to_thread(meanwhile)
        await asyncio.gather(*tasks)

    asyncio.run(go())
    return heard


def record(folder, meanwhile=lambda server: None, rounds=40, options=()):
    """A session with faults: (its file, what each client heard)."""
    path = os.path.join(folder, "session")
    with Server(EXCHANGE, "--record-session", path, "--log-level", "error", "--admin-port", "0",
                *options) as server:
        server.admin = re.search(r"Admin API on (\S+)", "".join(server.lines)).group(1).replace(
            "localhost", "127.0.0.1")
        server.http = server.url.replace("ws://", "http://")
        ask(server.admin, "/faults", FAULTS)
        heard = trade_all(server, rounds, lambda: meanwhile(server))
        server.stop()
    return path, heard


def replayed(path):
    code, out, said = run(EXCHANGE, "replay", "--print", path, timeout=120)
    told = defaultdict(list)
    for line in out.encode().split(b"\n")[:-1]:
        visit, _, message = line.partition(b" ")
        told[int(visit)].append(message)
    return code, told, said


CLOSE, END = 8, 14  # kinds of frames: lib/server/exchange/recording.h


async def ask_in_vain(url, count):
    """So many messages, of which the server need not hear all."""
    try:
        async with websockets.connect(url + "/ws") as socket:
            for _ in range(count):
                await socket.send('{"type":"GET_SYMBOLS"}')
    except (websockets.ConnectionClosed, OSError):
        pass


def frames(whole):
    """Where each frame begins, and its kind."""
    at = 16
    while at < len(whole):
        yield at, whole[at + 8]
        at += 8 + int.from_bytes(whole[at:at + 4], "little")


def another_value(whole, at):
    """The recording with another value in the frame that begins there, and a checksum for it."""
    size = int.from_bytes(whole[at:at + 4], "little")
    frame = bytearray(whole[at + 8:at + 8 + size])
    frame[17] ^= 1
    check = 0xcbf29ce484222325
    for byte in frame:
        check = (check ^ byte) * 0x100000001b3 & (1 << 64) - 1
    check = (check ^ check >> 32) & (1 << 32) - 1
    return whole[:at + 4] + check.to_bytes(4, "little") + bytes(frame) + whole[at + 8 + size:]


def as_bytes(messages):
    return [m.encode() if isinstance(m, str) else m for m in messages]


class Session(unittest.TestCase):
    def test_everybody_is_told_the_same_bytes_again(self):
        with fresh_folder() as folder:
            path, heard = record(folder)
            code, told, said = replayed(path)
            self.assertEqual(code, 0, said)
            self.assertIn("all were told the same", said)
            lives = sorted(as_bytes(messages) for messages in heard)
            again = sorted(messages for messages in told.values())
            self.assertEqual(len(lives), len(again))
            for live, replay in zip(lives, again):
                self.assertGreater(len(live), 10)
                # What was under way when it closed was handed over and not heard any more.
                self.assertEqual(live, replay[:len(live)])

    def test_requests_and_what_was_done_by_hand_are_in_it(self):
        def meanwhile(server):
            order = {"symbol": "BTC/USD", "side": "BUY", "type": "LIMIT", "price": "49000",
                     "quantity": "0.5"}
            for i in range(10):
                ask(server.http, "/api/v1/orders", {**order, "client_order_id": f"rest{i}"})
                ask(server.http, "/api/v1/balance")
            ask(server.http, "/api/v1/orders", method="DELETE")
            ask(server.admin, "/accounts/robot1/deposit", {"asset": "USD", "amount": "5"})
            ask(server.admin, "/price", {"symbol": "BTC/USD", "price": "49500"})
            ask(server.admin, "/faults/late", {"p": 0.9}, "PATCH")
            ask(server.admin, "/presets/ack_lost", {"p": 0.2})
            ask(server.admin, "/halt", {"symbol": "ETH/USD"})

        with fresh_folder() as folder:
            path, _ = record(folder, meanwhile, 20,
                             ["--set", "exchange.scripted_outcomes=true", "--seed", "9"])
            code, told, said = replayed(path)
            self.assertEqual(code, 0, said)
            first = [messages[0] for messages in told.values() if messages]
            self.assertTrue(any(b'"rest0"' in message for message in first))

    def test_a_change_in_it_is_noticed(self):
        with fresh_folder() as folder:
            path, _ = record(folder, rounds=3)
            whole = read(path)
            for at in 0, 20, len(whole) // 2, len(whole) - 1:
                spoilt = bytearray(whole)
                spoilt[at] ^= 1
                code, _, said = replayed(write(os.path.join(folder, "spoilt"), bytes(spoilt)))
                self.assertEqual(code, 2, said)
            code, _, said = replayed(write(os.path.join(folder, "short"), whole[:-3]))
            self.assertEqual(code, 2, said)
            self.assertIn("ends inside a frame", said)

    def test_the_commands_alone_make_the_same_engine(self):
        with fresh_folder() as folder:
            path, _ = record(folder, rounds=10)
            code, _, said = replayed(path)
            self.assertEqual(code, 0, said)
            market, commands, log = re.search(
                r"engine ([0-9a-f]{16}), (\d+) commands alone ([0-9a-f]{16})\n", said).groups()
            self.assertEqual(market, log)
            self.assertGreater(int(commands), 100)
            whole = read(path)
            recorded = [at for at, kind in frames(whole) if kind == END]
            self.assertEqual(len(recorded), 1)
            at = recorded[0] + 8 + 17
            self.assertEqual(int(market, 16), int.from_bytes(whole[at:at + 8], "little"))

    def test_what_differs_is_told_with_its_place(self):
        with fresh_folder() as folder:
            path, _ = record(folder, rounds=3)
            whole = read(path)
            end = [at for at, kind in frames(whole) if kind == END][0]
            other = write(os.path.join(folder, "other"), another_value(whole, end))
            code, _, said = replayed(other)
            self.assertEqual(code, 1, said)
            self.assertRegex(said, "the engine ended as [0-9a-f]{16} then")
            self.assertNotIn("told something else", said)
            close = [at for at, kind in frames(whole) if kind == CLOSE][0]
            number = int.from_bytes(whole[close + 17:close + 25], "little")
            code, _, said = replayed(write(other, another_value(whole, close)))
            self.assertEqual(code, 1, said)
            self.assertIn(f"{other}: byte {close}: number {number} was told something else than "
                          "then (1 in all)", said)

    def test_what_is_no_recording_is_refused(self):
        with fresh_folder() as folder:
            for content in b"", b"nonsense" * 10, b"msim session 1\n\n", b"msim session 2\n\n" * 9:
                path = write(os.path.join(folder, "bad"), content)
                self.assertEqual(run(EXCHANGE, "replay", path)[0], 2)
            self.assertEqual(run(EXCHANGE, "replay", os.path.join(folder, "none"))[0], 2)
            self.assertEqual(run(EXCHANGE, "replay")[0], 2)

    def test_a_full_disk_is_named_with_the_file(self):
        # At once, and where the recording's buffer is full: the exchange ends then.
        for rounds in 0, 2000:
            with Server(EXCHANGE, "--record-session", "/dev/full") as server:
                if rounds:
                    asyncio.run(ask_in_vain(server.url, rounds))
                    said = server.process.communicate(timeout=60)[1].decode()
                    code = server.process.returncode
                else:
                    code, said = server.stop()
            self.assertEqual(code, 1, said)
            self.assertIn("/dev/full: not all was written: No space left on device", said)

    def test_keys_are_not_in_it(self):
        with fresh_folder() as folder:
            path = os.path.join(folder, "session")
            key = '[{"key":"sesame-open","secret":"very-secret","account":"alice"}]'
            with Server(EXCHANGE, "--record-session", path, "--set", "server.api_keys=" + key
                        ) as server:
                server.stop()
            self.assertNotIn(b"sesame", read(path))
            self.assertNotIn(b"secret", read(path))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
