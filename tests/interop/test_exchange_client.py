"""market-client at exchange-server: commands, views, scripts, a load of orders, and a connection that breaks.

Argument: the folder of the built tools.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

from processes import Server, fresh_folder, run, write

TOOLS = sys.argv[1]
EXCHANGE = os.path.join(TOOLS, "exchange-server")
CLIENT = os.path.join(TOOLS, "market-client")
QUIET = ["--log-level", "error"]
LONELY = QUIET + ["--set", "exchange.liquidity.enabled=false"]
SCRIPTED = LONELY + ["--set", "exchange.scripted_outcomes=true"]
UUID = r"[0-9a-f-]{36}"


def client(server, *arguments, commands=""):
    return run(CLIENT, *arguments, server.url, input=commands.encode())


class Commands(unittest.TestCase):
    def test_orders_are_placed_shown_and_cancelled(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, out, err = client(
                server, "--protocol", "exchange", "--session", "alice",
                commands="# a comment\nbuy 1.5 BTC/USD @ 40000 id mine\norders\nreplace mine 1\n"
                         "book BTC/USD 1\nbalance\ncancel mine\norders BTC/USD\n",
            )
            self.assertEqual(code, 0, err)
            self.assertRegex(out, f"order    {UUID}  BUY 1.5 BTC/USD @ 40000  OPEN, filled 0  \\(mine\\)")
            self.assertRegex(out, f"order    {UUID}  BUY 1 BTC/USD @ 40000  OPEN")
            self.assertIn("book     BTC/USD  bids 40000 x 1  asks none", out)
            self.assertIn("USD 100000 (60000 free)", out)
            self.assertRegex(out, f"cancel   {UUID}  BTC/USD, left 1  REQUESTED")
            self.assertTrue(out.endswith("orders   none\n"), out)

    def test_fills_balances_and_positions_come_by_themselves(self):
        with Server(EXCHANGE, *QUIET) as server:
            code, out, err = client(
                server, "--protocol", "exchange", commands="buy 0.5 BTC/USD\nposition BTC/USD\n"
            )
            self.assertEqual(code, 0, err)
            self.assertRegex(out, f"fill     {UUID}  BUY 0.5 BTC/USD @ [0-9.]+  fee 0 USD  FILLED, left 0")
            self.assertIn("balance  BTC 10.5", out)
            self.assertRegex(out, r"position BTC/USD 0\.5 @ [0-9.]+")

    def test_a_refusal_is_told_with_its_reason(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, out, _ = client(
                server, "--session", "a", commands="buy 1 BTC/USD @ 1.0001\ncancel nobody\n"
            )
            self.assertEqual(code, 1)
            self.assertIn("refused  OFF_TICK: price", out)
            self.assertIn("error    ORDER_NOT_FOUND:", out)

    def test_each_refusal_of_a_piped_command_fails_it(self):
        with Server(EXCHANGE, *LONELY) as server:
            for line, words in {
                "cancel nosuch": "ORDER_NOT_FOUND",
                "buy 1 NO/SUCH @ 1": "UNKNOWN_SYMBOL",
                "buy 1 BTC/USD @ 1.0001": "OFF_TICK",
                "buy 1000000 BTC/USD @ 40000": "INSUFFICIENT_BALANCE",
            }.items():
                for form in ([], ["--json"]):
                    code, out, _ = client(server, "--protocol", "exchange", *form, commands=line)
                    self.assertEqual(code, 1, line)
                    self.assertIn(words, out)
                code, out, _ = client(server, "--protocol", "exchange", "--quiet", commands=line)
                self.assertEqual((code, out), (1, ""), line)

    def test_a_late_answer_is_waited_for(self):
        with Server(EXCHANGE, *SCRIPTED) as server:
            code, out, err = client(
                server, "--protocol", "exchange",
                commands="buy 1 BTC/USD @ 40000 id sim-delay700-1\nbalance\n",
            )
            self.assertEqual(code, 0, err)
            self.assertRegex(out, f"order    {UUID}  BUY 1 BTC/USD @ 40000  OPEN.*sim-delay700-1")

    def test_an_order_without_an_answer_is_named_and_fails_it(self):
        with Server(EXCHANGE, *SCRIPTED) as server:
            raw = {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY", "order_type": "LIMIT",
                   "price": "40000", "quantity": "1", "client_order_id": "sim-lostack-2",
                   "request_id": "mine"}
            code, out, err = client(
                server, "--protocol", "exchange",
                commands="buy 1 BTC/USD @ 40000 id sim-lostack-1\nbalance\n" + json.dumps(raw),
            )
            self.assertEqual(code, 1)
            self.assertIn("order 'buy 1 BTC/USD @ 40000 id sim-lostack-1' was not answered", err)
            self.assertEqual(err.count("was not answered"), 2, err)
            self.assertIn("balance ", out)

    def test_every_kind_of_command_has_its_answer(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, out, err = client(
                server, "--protocol", "exchange",
                commands="subscribe trades BTC/USD\nunsubscribe trades BTC/USD\nping\nbalance\n"
                         "position BTC/USD\nbuy 1 BTC/USD @ 40000 id a\norder a\nreplace a @ 40001\n"
                         "orders\nbook BTC/USD\ntrades BTC/USD\ncancel a\ncancel all\n",
            )
            self.assertEqual(code, 0, err)
            self.assertNotIn("not answered", err)

    def test_more_commands_than_may_be_under_way_are_all_sent(self):
        with fresh_folder() as folder, Server(EXCHANGE, *LONELY) as server:
            lines = b"".join(b"order n%d\n" % i for i in range(1999)) + b"balance"
            path = write(os.path.join(folder, "commands"), lines)
            code, out, err = client(server, "--protocol", "exchange", commands=lines.decode())
            self.assertEqual((code, out.count("ORDER_NOT_FOUND")), (1, 1999), err)
            with open(path, "rb") as file:
                code, out, err = run(CLIENT, "--protocol", "exchange", server.url, stdin=file)
            self.assertEqual((code, out.count("ORDER_NOT_FOUND")), (1, 1999), err)
            self.assertIn("balance ", out)

    def test_what_goes_wrong_with_a_piped_command_names_its_line(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, _, said = client(server, "--protocol", "exchange", commands=(
                "# orders\nbalance\n\nbuy x BTC/USD\nbuy 1 XRP/USD @ 5\nfrob\n"
                "buy 1 BTC/USD @ 0.001\n"))
            self.assertEqual(code, 1)
            for words in ("-:4: 'x' is no quantity", "-:6: 'frob' is no command",
                          "-:5: 'buy 1 XRP/USD @ 5' was refused (UNKNOWN_SYMBOL)",
                          "-:7: 'buy 1 BTC/USD @ 0.001' was refused (OFF_TICK)"):
                self.assertIn("market-client: " + words, said)

    def test_what_is_no_command_is_not_sent_and_named(self):
        with Server(EXCHANGE, *LONELY) as server:
            for line, words in {
                "frobnicate": "'frobnicate' is no command",
                "buy": "quantity is missing",
                "buy much BTC/USD": "'much' is no quantity",
                "sell 1": "a symbol is missing",
                "buy 1 BTC/USD @": "price is missing",
                "buy 1 BTC/USD soon": "'soon' is not known here",
                "cancel": "an order's id is missing",
                "balance now": "'now' is too much",
                "book BTC/USD 0": "'0' is no number from 1 to 1000",
            }.items():
                code, out, err = client(server, "--protocol", "exchange", "--json", commands=line)
                self.assertEqual(code, 1, line)
                self.assertIn(words, err)
                self.assertNotIn("PLACE_ORDER", out)

    def test_a_line_of_ones_own_that_is_refused_is_named_without_an_id(self):
        with Server(EXCHANGE, *LONELY) as server:
            for commands, words in (
                ("balance\n{bad\n", "-:2: '{bad' was refused (INVALID_JSON)"),
                ('{"type":"PING","request_id":7}\n', "-:1: '{\"type\":\"PING\",\"request_id\":7}' was refused"),
                ('{"type":"PING"}\n{bad\n', "-:2: this line, or one before it"),
            ):
                code, out, said = client(server, "--protocol", "exchange", commands=commands)
                self.assertEqual((code, words in said), (1, True), said + out)

    def test_a_refused_upgrade_is_told_with_the_servers_words(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, _, said = client(server, "--protocol", "exchange", "--session", "a/b")
            self.assertEqual(code, 1)
            self.assertIn("400 Bad Request instead of opening a WebSocket", said)
            code, _, said = run(CLIENT, "--reconnect", "never", server.url + "/wss")
            self.assertEqual(code, 1)
            self.assertRegex(said, "404 Not Found instead of opening a WebSocket: .*/ws")

    def test_json_goes_and_comes_as_it_is(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, out, _ = client(
                server, "--protocol", "exchange", "--json",
                commands='{"type":"PING","request_id":"mine"}',
            )
            self.assertEqual(code, 0)
            answers = [json.loads(line) for line in out.splitlines()]
            self.assertIn("mine", [answer.get("request_id") for answer in answers])

    def test_commands_may_stand_in_a_file(self):
        with fresh_folder() as folder, Server(EXCHANGE, *LONELY) as server:
            path = write(os.path.join(folder, "commands"), b"buy 1 BTC/USD @ 40000\ncancel all")
            with open(path, "rb") as file:
                code, out, err = run(CLIENT, "--protocol", "exchange", server.url, stdin=file)
            self.assertEqual(code, 0, err)
            self.assertIn("cancel   1 orders", out)


class Views(unittest.TestCase):
    def lines(self, server, count, *arguments):
        process = subprocess.Popen([CLIENT, *arguments, server.url], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with process:
            lines = [process.stdout.readline() for _ in range(count)]
            process.terminate()
        self.assertEqual(process.returncode, 0)
        return lines

    def test_a_view_is_a_line_each_where_there_is_no_terminal(self):
        with Server(EXCHANGE, *QUIET) as server:
            for line in self.lines(server, 3, "--view", "ticker"):
                self.assertRegex(line, r"^ticker   (BTC|ETH)/USD [0-9.]+  bid [0-9.]+ x ")
            for line in self.lines(server, 2, "--view", "book", "BTC/USD"):
                self.assertRegex(line, r"^book     BTC/USD  bids [0-9.]+ x [0-9.]+ .* asks [0-9.]+ x ")

    def test_a_feed_of_an_exchange_that_says_nothing_is_told_how_to_ask(self):
        with Server(EXCHANGE, *QUIET) as server:
            feed = subprocess.Popen([CLIENT, server.url], stderr=subprocess.PIPE)
            said = feed.stderr.readline() + feed.stderr.readline()
            feed.send_signal(signal.SIGINT)
            said += feed.communicate(timeout=60)[1]
            self.assertEqual((feed.returncode, b"--view ticker" in said), (0, True), said)

    def test_a_feed_that_is_left_before_its_first_event_is_told_of_no_exchange(self):
        with Server(os.path.join(TOOLS, "mock-quotes"), *QUIET, "--interval", "1h") as server:
            feed = subprocess.Popen([CLIENT, server.url], stderr=subprocess.PIPE)
            feed.stderr.readline()
            feed.send_signal(signal.SIGINT)
            said = feed.communicate(timeout=60)[1]
            self.assertEqual((feed.returncode, b"exchange" in said), (0, False), said)

    def test_a_price_without_its_sign_is_told_what_it_lacks(self):
        with Server(EXCHANGE, *QUIET) as server:
            done = client(server, "--protocol", "exchange", commands="buy 1 BTC/USD 40000\n")
            self.assertIn("'40000' is not known here: @ PRICE", " ".join(map(str, done)))

    def test_a_view_of_what_is_not_traded_ends(self):
        with Server(EXCHANGE, *QUIET) as server:
            for view in "book", "ticker":
                code, told, _ = run(CLIENT, "--view", view, "XRP/USD", server.url)
                self.assertEqual((code, "UNKNOWN_SYMBOL" in told), (1, True), told)

    def test_a_book_needs_a_symbol_and_a_feed_takes_none(self):
        for arguments in (["--view", "book"], ["--view", "lamp"], ["BTC/USD"],
                          ["--script", "x", "--view", "ticker"], ["--order", "buy 1 BTC/USD"],
                          ["--session", "a", "--view", "table"],
                          ["--protocol", "polygon", "--session", "a"]):
            self.assertEqual(run(CLIENT, *arguments)[0], 2, arguments)


class Scripts(unittest.TestCase):
    def script(self, *lines):
        with fresh_folder() as folder, Server(EXCHANGE, *LONELY) as server:
            text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
            path = write(os.path.join(folder, "script"), text.encode())
            code, out, err = run(CLIENT, "--script", path, server.url)
            return code, err.replace(path, "SCRIPT")

    PLACE = {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY", "order_type": "LIMIT",
             "price": "40000", "quantity": "1"}

    def test_a_script_that_is_kept_ends_with_0(self):
        code, err = self.script(
            "# what it takes", "",
            {"send": self.PLACE, "expect": {"type": "ORDER_ACK", "status": "OPEN"},
             "save": {"order": "order_id"}},
            {"never": {"type": "ORDER_FILL"}, "within": "50ms"},
            {"send": {"type": "GET_ORDERS"},
             "expect": {"type": "ORDERS", "orders": [{"order_id": "${order}", "quantity": "1"}]}},
            {"wait": "10ms"},
            {"send": {"type": "CANCEL_ORDER", "order_id": "${order}"},
             "expect": {"type": "ORDER_CANCEL", "order_id": "${order}"}},
            {"send": "no json", "expect": {"type": "ERROR", "code": "INVALID_JSON"}},
        )
        self.assertEqual((code, err), (0, ""))

    def test_the_line_that_is_not_kept_is_named(self):
        code, err = self.script(
            {"send": {"type": "PING"}, "expect": {"type": "PONG"}},
            {"send": self.PLACE, "expect": {"type": "ORDER_ACK", "quantity": "2"}, "within": "100ms"},
        )
        self.assertEqual(code, 1)
        self.assertIn("SCRIPT:2: what was expected did not come in time", err)
        self.assertIn('"quantity": "2"', err)
        code, err = self.script(
            {"send": self.PLACE}, {"never": {"type": "ORDER_ACK"}, "within": "20s"}
        )
        self.assertEqual(code, 1)
        self.assertIn("SCRIPT:2: what should never come has come", err)

    def test_a_folder_is_no_script(self):
        with fresh_folder() as folder:
            code, _, said = run(CLIENT, "--script", folder)
            self.assertEqual((code, folder in said), (2, True), said)

    def test_a_line_that_means_nothing_is_refused(self):
        for line, words in {
            "[]": "a line is an object",
            '{"sent": {}}': "a line has send, expect",
            '{"expect": "PONG"}': "expect, never and save are objects",
            '{"expect": {}, "never": {}}': "need a line each",
            '{"save": {"a": "b"}}': "save takes fields",
            '{"wait": "soon"}': "lengths of time",
            '{"send": {"order_id": "${lost}"}}': "no line before has saved",
            '{"send": {}': "line 1, column",
        }.items():
            code, err = self.script(line)
            self.assertEqual(code, 1, line)
            self.assertIn("SCRIPT:1: ", err)
            self.assertIn(words, err)

    def test_the_script_in_the_manual_can_be_copied(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(root, "docs", "man", "market-client.1.scd"), encoding="utf-8") as page:
            lines = page.read().split("A script:\n\n```\n")[1].split("```")[0].splitlines()
        self.assertGreater(len(lines), 2)
        self.assertEqual(self.script(*lines)[0], 0)

    def test_a_script_that_is_not_there_is_a_usage_error(self):
        self.assertEqual(run(CLIENT, "--script", "/nonexistent/script", "ws://localhost:1")[0], 2)


class Load(unittest.TestCase):
    def test_it_leaves_with_a_close_frame(self):
        for arguments in (["--load", "3"], ["--load", "3", "--orders-per-second", "100"]):
            with Server(EXCHANGE, "--log-level", "debug") as server:
                code, _, err = client(server, *arguments, "--duration", "100ms")
                self.assertEqual(code, 0, err)
                said = server.stop()[1]
                self.assertEqual(said.count("left (1000)"), 3, said)
                self.assertNotIn("1006", said)

    def test_orders_are_sent_acknowledged_and_timed(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, out, err = client(server, "--orders-per-second", "400", "--load", "4",
                                    "--duration", "500ms", "--json")
            self.assertEqual(code, 0, err)
            told = json.loads(out)
            self.assertGreater(told["orders"], 0)
            self.assertEqual((told["connections"], told["acks"]), (4, told["orders"]))
            self.assertEqual((told["missing"], told["rejects"], told["errors"]), (0, 0, 0))
            self.assertEqual(told["ack_us"]["count"], told["orders"])
            self.assertLessEqual(told["ack_us"]["p50"], told["ack_us"]["p99"])

    def test_each_order_that_was_acknowledged_is_cancelled(self):
        with Server(EXCHANGE, *LONELY) as server:
            for connections in "1", "3":
                code, out, err = client(server, "--orders-per-second", "100", "--load", connections,
                                        "--duration", "200ms", "--json")
                told = json.loads(out)
                self.assertGreater(told["acks"], 0)
                self.assertEqual((code, told["cancels"]), (0, told["acks"]), err)

    def test_connections_that_a_server_closed_are_told(self):
        with Server(EXCHANGE, *LONELY) as server:
            process = subprocess.Popen(
                [CLIENT, "--orders-per-second", "10", "--load", "2", "--duration", "60s",
                 server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            with process:
                while self.clients(server) < 2:
                    time.sleep(0.01)
                server.stop()
                out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 1)
            self.assertIn("of 2 connections 0 failed, 2 were closed", out)
            # An order may have been under way.
            self.assertRegex(err, "not every (connection|order) .*; first: the server is stopping")

    @staticmethod
    def clients(server):
        with urllib.request.urlopen(server.url.replace("ws:", "http:") + "/health") as answer:
            return json.load(answer)["clients"]

    def test_orders_that_are_refused_are_counted_and_fail_it(self):
        with Server(EXCHANGE, *LONELY) as server:
            code, out, err = client(server, "--orders-per-second", "100", "--duration", "200ms",
                                    "--json", "--order", "buy 1 BTC/USD @ 0.001")
            told = json.loads(out)
            self.assertEqual(code, 1)
            self.assertEqual((told["acks"], told["rejects"]), (0, told["orders"]))
            self.assertIn("OFF_TICK", err)
            self.assertEqual(client(server, "--orders-per-second", "1", "--order", "balance")[0], 2)


class Keys(unittest.TestCase):
    SETTINGS = {"server": {"api_keys": [{"key": "K1", "secret": "S1", "account": "alice"}]},
                "exchange": {"liquidity": {"enabled": False}}}

    def test_scripts_views_loads_and_commands_come_in_with_a_signed_key(self):
        with fresh_folder() as folder:
            config = write(os.path.join(folder, "config"), json.dumps(self.SETTINGS).encode())
            key = write(os.path.join(folder, "key"), b"# the robot's\n\nK1 secret=S1\n")
            wrong = write(os.path.join(folder, "wrong"), b"K1 secret=S2\n")
            script = write(os.path.join(folder, "script"), b"""
                {"send": {"type": "GET_BALANCE"}, "expect": {"balances": {"USD": "100000"}}}
            """.strip())
            with Server(EXCHANGE, *QUIET, "--config", config) as server:
                told = ["--api-key-file", key]
                for arguments, commands in (
                    (["--script", script], ""),
                    (["--load", "2", "--orders-per-second", "100", "--duration", "200ms"], ""),
                    (["--protocol", "exchange"], "buy 1 BTC/USD @ 40000 id mine\norders\n"),
                ):
                    with self.subTest(arguments):
                        code, out, err = client(server, *told, *arguments, commands=commands)
                        self.assertEqual(code, 0, out + err)
                        code, out, err = client(server, "--api-key-file", wrong, *arguments,
                                                "--reconnect", "never", commands=commands)
                        self.assertEqual(code, 1, out + err)
                        self.assertIn("401", err)
                line = Views.lines(self, server, 1, *told, "--view", "book", "BTC/USD")[0]
                self.assertIn("bids 40000 x 1", line)

    WAYS = {
        "commands": (["--protocol", "exchange"], "buy 1 BTC/USD @ 40000\n"),
        "book": (["--protocol", "exchange", "--view", "book", "BTC/USD"], ""),
        "ticker": (["--protocol", "exchange", "--view", "ticker"], ""),
        "orders": (["--protocol", "exchange"], "orders\n"),
        "script": (["--script", "SCRIPT"], ""),
        "load": (["--load", "1", "--orders-per-second", "100", "--duration", "100ms"], ""),
    }

    def test_who_has_no_key_or_not_the_right_one_is_told_what_is_wanted(self):
        with fresh_folder() as folder:
            keys = write(os.path.join(folder, "keys"), b"looker role=viewer\nsigner secret=S1\n")
            script = write(os.path.join(folder, "script"), json.dumps({
                "send": {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY",
                         "order_type": "LIMIT", "price": "1", "quantity": "1"},
                "expect": {"type": "ORDER_ACK"}}).encode())
            files = {name: write(os.path.join(folder, name), line) for name, line in (
                ("wrong", b"stranger\n"), ("secretless", b"signer\n"), ("viewer", b"looker\n"))}
            with Server(EXCHANGE, *QUIET, "--keys", keys) as server:
                for way, (arguments, commands) in self.WAYS.items():
                    arguments = [script if word == "SCRIPT" else word for word in arguments]
                    for options in ([], ["--api-key-file", files["wrong"]],
                                    ["--api-key-file", files["secretless"]]):
                        with self.subTest(way=way, options=options):
                            code, out, err = client(server, *options, "--reconnect", "never",
                                                    *arguments, commands=commands)
                            self.assertEqual(code, 1, out + err)
                            self.assertIn("401 Unauthorized", err)
                            self.assertIn("give a key that it knows", err)
                    if way in ("commands", "script", "load"):
                        code, out, err = client(server, "--api-key-file", files["viewer"],
                                                *arguments, commands=commands)
                        self.assertEqual(code, 1, out + err)
                        self.assertIn("use a trader's", out + err)

    def test_a_key_file_that_is_not_there_is_a_usage_error(self):
        code, _, err = run(CLIENT, "--protocol", "exchange", "--api-key-file", "/nonexistent/key",
                           "ws://localhost:1")
        self.assertEqual(code, 2)
        self.assertIn("/nonexistent/key", err)


class Relay:
    """TCP from a port of its own to the server; `cut` breaks what stands."""

    def __init__(self, url):
        self.target = re.match(r"ws://([^:]+):(\d+)", url).groups()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection((self.target[0], int(self.target[1])))
            self.sockets = [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    @staticmethod
    def carry(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass

    def cut(self):
        for one in self.sockets:
            one.shutdown(socket.SHUT_RDWR)


class Breaks(unittest.TestCase):
    def test_after_a_break_the_account_is_resumed_where_it_was(self):
        with Server(EXCHANGE, *LONELY) as server:
            relay = Relay(server.url)
            process = subprocess.Popen(
                [CLIENT, "--protocol", "exchange", "--session", "alice", relay.url],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            with process:
                def await_line(start):
                    while not (line := process.stdout.readline()).startswith(start):
                        self.assertNotEqual(line, "", start)
                    return line

                process.stdin.write("buy 1 BTC/USD @ 40000 id one\n")
                process.stdin.flush()
                await_line("order ")
                relay.cut()
                # What happens meanwhile is told afterwards.
                self.assertEqual(client(server, "--session", "alice",
                                        commands="buy 1 BTC/USD @ 41000 id two\n")[0], 0)
                self.assertIn("(two)", await_line("order "))
                process.stdin.write("cancel all\n")
                process.stdin.close()
                await_line("cancel   2 orders")
                self.assertEqual(process.wait(timeout=60), 0)
                self.assertNotIn("missing", process.stderr.read())
            relay.listener.close()

    # The link breaks with the order's fill, which the account hears before anything else of it.
    CUT = {"format": 1, "name": "cut-at-the-fill", "timeline": [
        {"on": {"type": "exec.fill", "account": "bot1", "count": 1}, "do": "fire",
         "fault": {"kind": "session", "action": "rst", "scope": "account", "account": "bot1"}},
        {"at": "1h", "do": "mark"}]}

    def test_what_a_break_took_of_the_first_order_is_told_behind_it(self):
        order = {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY", "order_type": "MARKET",
                 "quantity": "0.10", "request_id": "mine"}
        for line in "buy 0.10 BTC/USD", "buy 0.1 BTC/USD id a", json.dumps(order):
            with self.subTest(line), fresh_folder() as folder:
                path = write(os.path.join(folder, "scenario"), json.dumps(self.CUT).encode())
                with Server(EXCHANGE, *QUIET, "--scenario", path) as server:
                    process = subprocess.Popen(
                        [CLIENT, "--protocol", "exchange", "--session", "bot1", server.url],
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                        text=True)
                    patience = threading.Timer(30, process.kill)
                    patience.start()
                    with process:
                        process.stdin.write(line + "\n")
                        process.stdin.flush()
                        while (told := process.stdout.readline()) and "fill " not in told:
                            pass
                        self.assertIn("BUY 0.1 BTC/USD", told)
                        process.stdin.write("position BTC/USD\n")
                        process.stdin.close()
                        out, err = process.stdout.read(), process.stderr.read()
                    patience.cancel()
                    self.assertIn("position BTC/USD 0.1", out)
                    self.assertEqual(process.returncode, 0, err)
                    self.assertIn("trying again", err)
                    self.assertNotIn("not answered", err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
