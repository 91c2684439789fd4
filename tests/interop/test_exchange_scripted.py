"""exchange-server --scenario, and outcomes by the name of an order.

Argument: the folder of the built tools.
"""

import json
import os
import signal
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

from processes import Server, fresh_folder, run, write

TOOLS = sys.argv[1]
EXCHANGE = os.path.join(TOOLS, "exchange-server")
QUIET = ["--log-level", "error", "--set", "exchange.liquidity.enabled=false"]
SCENARIO = {
    "format": 1, "name": "slow", "seed": 7,
    "strategies": [{"id": "slow", "kind": "delay", "select": {"dir": "out"}, "dist": "1ms"}],
    "timeline": [{"at": "30s", "do": "disable", "id": "slow"}],
    "expect": [{"strategy": "slow", "hits_min": 1}],
}


def rest(server, method, path, body=None, timeout=20):
    request = urllib.request.Request(
        server.url.replace("ws://", "http://") + path,
        json.dumps(body).encode() if body else None,
        {"Content-Type": "application/json", "X-Session-ID": "alice"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def order(server, name, side="BUY", price="40000", quantity="1", timeout=20):
    return rest(server, "POST", "/api/v1/orders", {
        "symbol": "BTC/USD", "side": side, "type": "LIMIT", "price": price, "quantity": quantity,
        "client_order_id": name}, timeout)


def orders(server):
    return {o["client_order_id"]: o for o in rest(server, "GET", "/api/v1/orders")[1]["orders"]}


class Scenarios(unittest.TestCase):
    def run_scenario(self, folder, scenario, *options):
        path = write(os.path.join(folder, "scenario.json"), json.dumps(scenario).encode())
        return run(EXCHANGE, "--port", "0", "--scenario", path, *QUIET, *options)

    def test_nobody_comes_and_the_expectation_is_not_met(self):
        with fresh_folder() as folder:
            code, out, _ = self.run_scenario(folder, SCENARIO, "--speed", "1000")
            verdict = json.loads(out)
            self.assertEqual((code, verdict["met"]), (1, False))
            self.assertEqual(verdict["reasons"], ["an expectation does not hold: slow: hits: 0, wanted: at least 1"])
            self.assertEqual(verdict["report"]["seed"], 7)

    def test_what_comes_true_ends_with_zero(self):
        with fresh_folder() as folder:
            scenario = {**SCENARIO, "expect": [{"strategy": "slow", "hits_max": 0}]}
            code, out, _ = self.run_scenario(folder, scenario, "--scenario-time", "10ms")
            self.assertEqual((code, json.loads(out)["reasons"]), (0, []))

    def test_a_step_that_fails_is_a_reason(self):
        with fresh_folder() as folder:
            step = {"at": "1s", "do": "remove", "id": "slow"}
            scenario = {**SCENARIO, "timeline": [step, step], "expect": []}
            code, out, _ = self.run_scenario(folder, scenario, "--speed", "100")
            self.assertEqual(code, 1)
            self.assertIn("a step failed: remove", json.loads(out)["reasons"][0])
            self.assertEqual(json.loads(out)["report"]["failures"], 1)

    def test_what_is_cut_short_says_so(self):
        with fresh_folder() as folder:
            scenario = {**SCENARIO, "timeline": [{"at": "50ms", "do": "mark"}], "expect": []}
            for options, early in (((), False), (("--scenario-time", "10ms"), True),
                                   (("--scenario-time", "60ms"), False)):
                code, out, _ = self.run_scenario(folder, scenario, *options)
                self.assertEqual((code, json.loads(out)["ended_early"]), (0, early), options)

    def test_ctrl_c_ends_it_early(self):
        with fresh_folder() as folder:
            scenario = {**SCENARIO, "timeline": [{"at": "1h", "do": "mark"}], "expect": []}
            path = write(os.path.join(folder, "s.json"), json.dumps(scenario).encode())
            process = subprocess.Popen([EXCHANGE, "--port", "0", "--scenario", path, *QUIET],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
            self.assertTrue(json.loads(out)["ended_early"])

    def test_a_robot_comes_and_the_expectation_is_met(self):
        with fresh_folder() as folder:
            path = write(os.path.join(folder, "s.json"), json.dumps(SCENARIO).encode())
            process = subprocess.Popen(
                [EXCHANGE, "--port", "0", "--scenario", path, "--speed", "10", *QUIET],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            url = process.stderr.readline().split()[3].replace("localhost", "127.0.0.1")
            with urllib.request.urlopen(url.replace("ws:", "http:") + "/health", timeout=20):
                pass
            out, _ = process.communicate(timeout=60)
            self.assertEqual((process.returncode, json.loads(out)["met"]), (0, True))

    def test_a_bad_file_is_told_with_its_place(self):
        with fresh_folder() as folder:
            bad = {**SCENARIO, "timeline": [{"at": "1s", "do": "sing"}]}
            code, out, said = self.run_scenario(folder, bad)
            self.assertEqual((code, out), (2, ""))
            self.assertIn("/timeline/0/do", said)
            endless = {**SCENARIO, "timeline": []}
            code, _, said = self.run_scenario(folder, endless)
            self.assertEqual(code, 2)
            self.assertIn("how long", said)
            self.assertEqual(run(EXCHANGE, "--scenario", os.path.join(folder, "none"))[0], 2)


class Scripted(unittest.TestCase):
    ON = [*QUIET, "--set", "exchange.scripted_outcomes=true"]

    def test_a_name_is_a_name_where_it_is_not_switched_on(self):
        with Server(EXCHANGE, *QUIET) as server:
            for name in "sim-reject-1", "sim-partial50-1", "sim-lostack-1", "sim-delay500-1":
                status, answer = order(server, name, quantity="0.1")
                self.assertEqual((status, answer["status"]), (201, "OPEN"))

    def test_an_order_is_refused_by_its_name(self):
        with Server(EXCHANGE, *self.ON) as server:
            status, answer = order(server, "sim-reject-1")
            self.assertEqual((status // 100, answer["code"]), (4, "LIMIT"))
            self.assertEqual(order(server, "other-1")[0], 201)
            self.assertEqual(list(orders(server)), ["other-1"])

    def test_half_of_an_order_is_filled(self):
        with Server(EXCHANGE, *self.ON) as server:
            order(server, "other-1", price="39999")
            status, answer = order(server, "sim-partial50-1")
            self.assertEqual(status, 201)
            found = orders(server)
            self.assertEqual(found["sim-partial50-1"]["filled_quantity"], "0.5")
            self.assertEqual(found["sim-partial50-1"]["status"], "PARTIALLY_FILLED")
            self.assertEqual(found["other-1"]["filled_quantity"], "0")
            self.assertEqual(order(server, "sim-partial25-2", "SELL", "60000")[0], 201)
            self.assertEqual(orders(server)["sim-partial25-2"]["filled_quantity"], "0.25")

    def test_half_of_an_order_that_would_trade_at_once_is_filled_too(self):
        with Server(EXCHANGE, "--log-level", "error", "--set", "exchange.scripted_outcomes=true"
                    ) as server:
            deadline = time.monotonic() + 20
            while not rest(server, "GET", "/api/v1/ticker?symbol=BTC/USD")[1]["ask"]:
                self.assertLess(time.monotonic(), deadline)
            order(server, "sim-partial40-1", price="60000", quantity="0.01")
            placed = rest(server, "GET", "/api/v1/orders/sim-partial40-1")[1]
            self.assertGreaterEqual(float(placed["filled_quantity"]), 0.004)

    def test_an_acknowledgement_is_lost_and_the_order_is_there(self):
        with Server(EXCHANGE, *self.ON) as server:
            with self.assertRaises(OSError):
                order(server, "sim-lostack-1", timeout=0.5)
            self.assertEqual(list(orders(server)), ["sim-lostack-1"])
            self.assertEqual(order(server, "other-1")[0], 201)

    def test_an_order_comes_late(self):
        with Server(EXCHANGE, *self.ON) as server:
            begin = time.monotonic()
            self.assertEqual(order(server, "sim-delay300-1", quantity="0.1")[0], 201)
            self.assertGreaterEqual(time.monotonic() - begin, 0.3)

    def test_what_is_no_such_name_is_left_alone(self):
        with Server(EXCHANGE, *self.ON) as server:
            for name in ("sim-", "sim-reject", "sim-partial100-1", "sim-partial0-1", "sim-partial-1",
                         "sim-delay-1", "sim-delay99999999-1", "xsim-reject-1", "SIM-reject-1"):
                status, answer = order(server, name, quantity="0.1")
                self.assertEqual((status, answer["status"]), (201, "OPEN"), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
