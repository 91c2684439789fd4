"""The exchange's admin API: real processes, Python's own HTTP, curl where it is there.

Argument: the folder of the built tools.
"""

import http.client
import json
import os
import re
import signal
import socket
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from processes import Server, fresh_folder, run, write

TOOLS = sys.argv[1]
EXCHANGE = os.path.join(TOOLS, "exchange-server")
QUIET = ["--log-level", "error", "--set", "exchange.liquidity.enabled=false"]
SLOW = {"id": "slow", "kind": "delay", "select": {"dir": "out"}, "dist": "5ms"}


def call(url, method, body=None, headers=None):
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json", **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else text
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


class Exchange(Server):
    def __init__(self, *arguments):
        super().__init__(EXCHANGE, *arguments, "--admin-port", "0")
        found = re.search(r"Admin API on (http://\S+)", "".join(self.lines))
        self.admin_url = found.group(1).replace("localhost", "127.0.0.1")

    def admin(self, method, path, body=None, headers=None):
        return call(self.admin_url + path, method, body, headers)

    def rest(self, method, path, body=None, session="alice", headers=None):
        base = self.url.replace("ws://", "http://")
        return call(base + path, method, body, {"X-Session-ID": session, **(headers or {})})

    def balance(self, asset, session="alice"):
        return self.rest("GET", "/api/v1/balance", session=session)[1]["balances"].get(asset)

    def order(self, side, price, session="alice", **more):
        body = {"symbol": "BTC/USD", "side": side, "type": "LIMIT", "price": price,
                "quantity": "1", **more}
        return self.rest("POST", "/api/v1/orders", body, session)


class Faults(unittest.TestCase):
    def test_a_strategy_from_its_birth_to_its_end(self):
        with Exchange(*QUIET) as exchange:
            self.assertEqual(exchange.admin("POST", "/faults", SLOW), (201, {"id": "slow"}))
            status, problem = exchange.admin("POST", "/faults", SLOW)
            self.assertEqual((status, problem["status"]), (409, 409))
            exchange.balance("USD")
            counts = exchange.admin("GET", "/faults/slow")[1]
            self.assertEqual((counts["kind"], counts["enabled"], counts["hits"]), ("delay", True, 1))
            self.assertEqual(exchange.admin("POST", "/faults/slow/disable")[1]["enabled"], False)
            exchange.balance("USD")
            self.assertEqual(exchange.admin("POST", "/faults/slow/enable")[1]["hits"], 1)
            self.assertEqual(exchange.admin("PATCH", "/faults/slow", {"p": 0})[0], 200)
            exchange.balance("USD")
            self.assertEqual(exchange.admin("GET", "/faults")[1]["strategies"]["slow"]["hits"], 1)
            self.assertEqual(exchange.admin("DELETE", "/faults/slow"), (204, b""))
            self.assertEqual(exchange.admin("GET", "/faults/slow")[0], 404)

    def test_a_strategy_is_read_back_as_it_stands_and_can_be_sent_again(self):
        with Exchange(*QUIET) as exchange:
            added = {**SLOW, "dist": {"type": "uniform", "min": "1ms", "max": "5ms"}}
            self.assertEqual(exchange.admin("POST", "/faults", added)[0], 201)
            self.assertEqual(exchange.admin("GET", "/faults/slow")[1]["rule"],
                             {**added, "enabled": True})
            patched = exchange.admin("PATCH", "/faults/slow", {"dist": {"max": "9ms"}, "p": 0.5})
            self.assertEqual(patched[0], 200)
            wanted = {**added, "dist": {**added["dist"], "max": "9ms"}, "p": 0.5, "enabled": False}
            self.assertEqual(exchange.admin("POST", "/faults/slow/disable")[1]["rule"], wanted)
            self.assertEqual(exchange.admin("PATCH", "/faults/slow", {"priority": 1})[1]["rule"],
                             {**wanted, "priority": 1})
            rule = exchange.admin("GET", "/faults")[1]["strategies"]["slow"]["rule"]
            exchange.admin("DELETE", "/faults/slow")
            self.assertEqual(exchange.admin("POST", "/faults", rule)[0], 201)
            self.assertEqual(exchange.admin("GET", "/faults/slow")[1]["rule"], rule)

    def test_a_bad_patch_is_told_at_its_own_place(self):
        with Exchange(*QUIET) as exchange:
            exchange.admin("POST", "/faults", SLOW)
            for method, path, body, pointer, words in [
                ("PATCH", "/faults/slow", b'{"priority": 1,\n"dist": {"mix": 1}}', "#/dist",
                 "/dist (line 2, column 9): "),
                ("PATCH", "/faults/slow", b'{"dist": 5}', "#/dist", "/dist (line 1, column 10): "),
                ("PATCH", "/faults/slow", b'{"kind": "drop"}', "#",
                 "the value (line 1, column 1): as merged, /dist: "),
                ("POST", "/presets/md_gap", b'{"p": 7}', "#/p", "/p (line 1, column 7): "),
            ]:
                status, problem = exchange.admin(method, path, body)
                self.assertEqual((status, problem["errors"][0]["pointer"]), (400, pointer), problem)
                self.assertTrue(problem["detail"].startswith(words), problem)

    def test_a_mistake_is_told_with_its_place_and_changes_nothing(self):
        with Exchange(*QUIET) as exchange:
            for body, pointer in [
                ({"kind": "drop", "select": {"dir": "in"}, "p": 2}, "#/p"),
                ({"kind": "drop", "select": {"dir": "in", "tipe": "x"}}, "#/select/tipe"),
                ({"kind": "explode"}, "#/kind"),
                (b"{", "#"),
            ]:
                status, problem = exchange.admin("POST", "/faults", body)
                self.assertEqual((status, problem["errors"][0]["pointer"]), (400, pointer))
            self.assertEqual(exchange.admin("GET", "/faults")[1]["strategies"], {})
            self.assertEqual(exchange.admin("POST", "/faults", {
                "kind": "md_lie", "what": "crossed"})[0], 422)
            self.assertEqual(exchange.admin("GET", "/faultz")[0], 404)
            self.assertEqual(exchange.admin("PUT", "/faults")[0], 405)
            self.assertEqual(exchange.admin("POST", "/faults", b"x", {
                "Content-Type": "text/plain"})[0], 415)

    def test_an_unknown_key_and_symbol_are_told_with_the_remedy(self):
        with Exchange(*QUIET) as exchange:
            for body, words in (({"symbl": "BTC/USD"}, "this key is not known here: symbol"),
                                ({"symbol": "XRP/USD"}, "GET /api/v1/symbols")):
                status, problem = exchange.admin("POST", "/halt", body)[:2]
                self.assertEqual((status, words in problem["detail"]), (400, True), problem)

    def test_a_list_is_added_whole_or_not_at_all(self):
        with Exchange(*QUIET) as exchange:
            bad = [SLOW, {"kind": "drop", "p": 7}]
            self.assertEqual(exchange.admin("POST", "/faults", bad)[0], 400)
            self.assertEqual(exchange.admin("GET", "/faults")[1]["strategies"], {})
            good = [SLOW, {**SLOW, "id": "slower"}]
            self.assertEqual(list(exchange.admin("POST", "/faults", good)[1]["strategies"]),
                             ["slow", "slower"])
            self.assertEqual(exchange.admin("POST", "/faults/heal")[0], 204)
            enabled = exchange.admin("GET", "/faults")[1]["strategies"]
            self.assertEqual([s["enabled"] for s in enabled.values()], [False, False])
            self.assertEqual(exchange.admin("POST", "/faults/reset")[0], 204)
            self.assertEqual(exchange.admin("GET", "/faults")[1]["strategies"], {})

    def test_what_is_fired_acts_once(self):
        with Exchange(*QUIET) as exchange:
            fault = {"kind": "drop", "select": {"dir": "in", "type": "order.new"},
                     "http": "status", "status": 504, "body": "{}"}
            self.assertEqual(exchange.admin("POST", "/faults/fire", fault)[0], 204)
            self.assertEqual(exchange.order("BUY", "100")[0], 504)
            self.assertEqual(exchange.order("BUY", "100")[0], 201)

    def test_a_fault_that_would_befall_nobody_is_told_so(self):
        with Exchange(*QUIET) as exchange:
            exchange.balance("USD")
            rst = {"kind": "session", "action": "rst", "scope": "account", "account": "alcie"}
            status, problem = exchange.admin("POST", "/faults/fire", rst)
            self.assertEqual((status, problem["errors"][0]["pointer"]), (409, "#/account"))
            self.assertIn('account "alcie" is open', problem["detail"])
            self.assertIn('the nearest account is "alice", which is not connected',
                          problem["detail"])
            # Who only speaks REST has no connection between two calls.
            for action in ("rst", "freeze"):
                fault = {"kind": "session", "action": action, "scope": "account",
                         "account": "alice"}
                status, problem = exchange.admin("POST", "/faults/fire", fault)
                self.assertEqual(status, 409)
                self.assertNotIn("nearest", problem["detail"])
                self.assertIsNotNone(exchange.balance("USD"))
            for fault, pointer in (({"kind": "phantom_fill", "account": "alcie"}, "#/account"),
                                   ({"kind": "inject", "template": "{}",
                                     "to": {"account": "alcie"}}, "#/to/account")):
                status, problem = exchange.admin("POST", "/faults/fire", fault)
                self.assertEqual((status, problem["errors"][0]["pointer"]), (409, pointer))
                self.assertIn('no account "alcie"', problem["detail"])
                self.assertIn('the nearest one is "alice"', problem["detail"])
            lost = {"kind": "drop", "select": {"dir": "out", "symbol": "BTC/USDT"}}
            status, problem = exchange.admin("POST", "/faults", lost)
            self.assertEqual((status, problem["errors"][0]["pointer"]), (400, "#/select/symbol"))
            self.assertIn('the nearest one is "BTC/USD"', problem["detail"])
            # Who is not there yet may come.
            late = {"kind": "drop", "select": {"dir": "out", "account": "carol"}}
            self.assertEqual(exchange.admin("POST", "/faults", late)[0], 201)

    def test_the_trace_has_a_line_for_each_hit(self):
        with Exchange(*QUIET) as exchange:
            exchange.admin("POST", "/faults", SLOW)
            for _ in range(3):
                exchange.balance("USD")
            with urllib.request.urlopen(exchange.admin_url + "/faults/trace") as answer:
                self.assertEqual(answer.headers["Content-Type"], "application/x-ndjson")
                lines = [json.loads(line) for line in answer.read().splitlines()]
            self.assertEqual([(l["strategy"], l["n"], l["action"]) for l in lines],
                             [("slow", n, "hit") for n in range(3)])
            self.assertEqual(exchange.admin("DELETE", "/faults/trace")[0], 204)
            self.assertEqual(exchange.admin("GET", "/faults/trace"), (200, b""))

    def test_presets_are_listed_and_added_with_changes(self):
        with Exchange(*QUIET) as exchange:
            names = exchange.admin("GET", "/presets")[1]["presets"]
            self.assertIn("ack_lost", names)
            self.assertGreater(len(names), 50)
            self.assertEqual(exchange.admin("GET", "/presets/md_gap")[1][0]["kind"], "drop")
            self.assertEqual(exchange.admin("POST", "/presets/md_gap", {"p": 0.5})[0], 201)
            status, problem = exchange.admin("POST", "/presets/md_gap")
            self.assertEqual(status, 409)
            self.assertIn('"md_gap" was added already: DELETE /admin/v1/faults/md_gap.1',
                          json.dumps(problem).replace("\\", ""))
            status, problem = exchange.admin("POST", "/faults", {
                "kind": "venue", "do": "halt", "symbol": "BTC/USDT"})
            self.assertEqual(status, 400)
            self.assertIn('the nearest one is "BTC/USD"', json.dumps(problem).replace("\\", ""))
            self.assertEqual(problem["errors"][0]["pointer"], "#/symbol")
            status, problem = exchange.admin("POST", "/faults/fire", {
                "kind": "venue", "do": "halt", "symbol": "BTC/USDT"})
            self.assertEqual(status, 400)
            self.assertIn("md_gap.1", exchange.admin("GET", "/faults")[1]["strategies"])
            for method in "GET", "POST":
                status, problem = exchange.admin(method, "/presets/nonsense")
                self.assertEqual(status, 404)
                self.assertIn('"nonsense": GET /admin/v1/presets lists them', json.dumps(
                    problem).replace('\\"', '"'))
            self.assertEqual(exchange.admin("POST", "/presets/md_crossed")[0], 422)

    def test_one_of_a_kind_is_summed_up_as_one(self):
        with Exchange(*QUIET) as exchange:
            exchange.rest("GET", "/api/v1/balance")
            code, said = exchange.stop()
            self.assertEqual(code, 0)
            self.assertRegex(said, r"\n0 clients, 1 request \(0 refused\), ")

    def test_no_fault_touches_the_admin_api(self):
        with Exchange(*QUIET) as exchange:
            for direction in "in", "out":
                exchange.admin("POST", "/faults", {"kind": "drop", "select": {"dir": direction},
                                                   "http": "close"})
            exchange.admin("POST", "/faults", {"kind": "session", "action": "refuse",
                                               "scope": "all", "at": "0s"})
            self.assertEqual(exchange.admin("GET", "/health")[1]["status"], "ok")
            with self.assertRaises(OSError):
                exchange.rest("GET", "/api/v1/balance")
            self.assertEqual(exchange.admin("POST", "/faults/reset")[0], 204)
            self.assertEqual(exchange.balance("USD"), "100000")

    def test_the_ledger_knows_truth_and_takes_a_robots_view(self):
        with Exchange(*QUIET) as exchange:
            exchange.order("SELL", "100", "bob")
            exchange.order("BUY", "100", "alice", client_order_id="a1")
            ledger = exchange.admin("GET", "/faults/ledger/alice")[1]
            self.assertEqual(ledger["reconciled"], False)
            self.assertEqual(ledger["balance"], {"BTC": {"free": "11", "held": "0"},
                                                 "USD": {"free": "99900", "held": "0"}})
            view = {"position": {"BTC/USD": "1"}, "orders": {"a1": "1"}}
            self.assertTrue(exchange.admin("PUT", "/faults/ledger/alice", view)[1]["reconciled"])
            view["position"]["BTC/USD"] = "2"
            self.assertFalse(exchange.admin("PUT", "/faults/ledger/alice", view)[1]["reconciled"])
            self.assertEqual(exchange.admin("PUT", "/faults/ledger/alice", {"x": 1})[0], 400)

    def test_statistics_are_in_the_shape_of_the_python_simulator(self):
        with Exchange(*QUIET, "--set", "failures.modes.delay_messages.enabled=true",
                      "--set", "failures.modes.delay_messages.min_ms=1",
                      "--set", "failures.modes.delay_messages.max_ms=2") as exchange:
            exchange.balance("USD")
            statistics = exchange.admin("GET", "/statistics")[1]
            self.assertIs(statistics["enabled"], True)
            delay = statistics["outbound"]["DelayMessageStrategy_0"]
            self.assertEqual(delay["delayed_count"], 1)
            self.assertIn("average_delay_ms", delay)


class Scenarios(unittest.TestCase):
    def test_a_name_that_stands_for_nothing_is_told_with_the_nearest(self):
        with Exchange(*QUIET) as exchange:
            plan = {"format": 1, "name": "night-shift", "timeline": []}
            self.assertEqual(exchange.admin("POST", "/scenarios", plan)[0], 201)
            self.assertEqual(exchange.admin("POST", "/faults", SLOW)[0], 201)
            for method, path, words in (
                ("GET", "/presets/md_gapp", 'no preset "md_gapp"; the nearest one is "md_gap":'),
                ("POST", "/presets/md_gapp", 'no preset "md_gapp"; the nearest one is "md_gap":'),
                ("GET", "/presets/nonsense", 'no preset "nonsense": GET'),
                ("GET", "/faults/slw", 'no strategy "slw"; the nearest one is "slow":'),
                ("DELETE", "/faults/slwo1", 'no strategy "slwo1": GET'),
                ("DELETE", "/faults/slo", 'no strategy "slo"; the nearest one is "slow":'),
                ("POST", "/faults/slo/enable", '"slo"; the nearest one is "slow":'),
                ("GET", "/scenarios/nightshift", 'the nearest one is "night-shift": POST it'),
                ("POST", "/scenarios/nightshift/start", 'the nearest one is "night-shift":'),
                ("POST", "/scenarios/nightshift/stop", 'the nearest one is "night-shift":'),
            ):
                status, problem = exchange.admin(method, path)
                self.assertEqual(status, 404, path)
                self.assertIn(words, problem["detail"])

    def test_a_scenario_with_another_seed_is_told_how_to_start(self):
        with Exchange(*QUIET) as exchange:
            exchange.balance("USD")
            plan = {"format": 1, "name": "other", "seed": 42, "timeline": []}
            self.assertEqual(exchange.admin("POST", "/scenarios", plan)[0], 201)
            status, problem = exchange.admin("POST", "/scenarios/other/start")
            self.assertEqual(status, 400)
            self.assertIn("the seed 1 is in use already", problem["detail"])
            self.assertIn("exchange-server --seed 42", problem["detail"])

    def test_a_step_for_a_strategy_that_is_not_there_is_named_at_the_start(self):
        with Exchange(*QUIET) as exchange:
            plan = {"format": 1, "name": "lost", "timeline": [
                {"at": "0s", "do": "mark"}, {"at": "0s", "do": "enable", "id": "nobody"}]}
            self.assertEqual(exchange.admin("POST", "/scenarios", plan)[0], 201)
            status, problem = exchange.admin("POST", "/scenarios/lost/start")
            self.assertEqual((status, problem["errors"][0]["pointer"]), (400, "#/timeline/1/id"))
            self.assertIn('there is no strategy "nobody"', problem["detail"])

    SCENARIO = {
        "format": 1, "name": "slow-answers", "strategies": [SLOW], "timeline": [],
        "expect": [{"strategy": "slow", "hits_min": 1}],
    }

    def test_a_scenario_is_kept_started_judged_and_stopped(self):
        with Exchange(*QUIET) as exchange:
            self.assertEqual(exchange.admin("POST", "/scenarios", self.SCENARIO),
                             (201, {"name": "slow-answers"}))
            self.assertEqual(exchange.admin("POST", "/scenarios", self.SCENARIO)[0], 409)
            self.assertEqual(exchange.admin("GET", "/scenarios/slow-answers")[0], 409)
            status, report = exchange.admin("POST", "/scenarios/slow-answers/start")
            self.assertEqual((status, report["running"], report["failures"]), (200, True, 0))
            self.assertEqual(report["open"], 1)
            self.assertEqual(exchange.admin("POST", "/scenarios/slow-answers/start")[0], 409)
            self.assertEqual(exchange.admin("GET", "/scenarios")[1],
                             {"scenarios": ["slow-answers"], "running": "slow-answers"})
            exchange.balance("USD")
            self.assertEqual(exchange.admin("GET", "/scenarios/slow-answers")[1]["failures"], 0)
            report = exchange.admin("POST", "/scenarios/slow-answers/stop")[1]
            self.assertEqual((report["running"], report["expect"][0]["verdict"]), (False, "holds"))
            self.assertEqual((report["failures"], report["open"]), (0, 0))
            self.assertEqual(exchange.admin("POST", "/scenarios/slow-answers/stop")[0], 409)
            self.assertEqual(exchange.admin("DELETE", "/scenarios/slow-answers")[0], 204)
            self.assertEqual(exchange.admin("POST", "/scenarios/slow-answers/start")[0], 404)

    def test_what_is_expected_of_an_unknown_strategy_is_told_at_the_start(self):
        with Exchange(*QUIET) as exchange:
            wrong = {**self.SCENARIO, "expect": [{"strategy": "slwo", "hits_max": 0}]}
            self.assertEqual(exchange.admin("POST", "/scenarios", wrong)[0], 201)
            status, problem = exchange.admin("POST", "/scenarios/slow-answers/start")
            self.assertEqual((status, problem["errors"][0]["pointer"]),
                             (400, "#/expect/0/strategy"))
            self.assertIn('the nearest one is "slow"', problem["detail"])
            self.assertEqual(exchange.admin("GET", "/faults")[1]["strategies"], {})
            exchange.admin("POST", "/faults", {**SLOW, "id": "slwo"})
            self.assertEqual(exchange.admin("POST", "/scenarios/slow-answers/start")[0], 200)

    def test_a_bad_one_is_refused_with_its_place(self):
        with Exchange(*QUIET) as exchange:
            for change, pointer in [
                ({"name": 5}, "#/name"),
                ({"timeline": [{"at": "1s", "do": "sing"}]}, "#/timeline/0/do"),
                ({"strategies": [{"kind": "drop"}]}, "#/strategies/0"),
            ]:
                status, problem = exchange.admin("POST", "/scenarios", {**self.SCENARIO, **change})
                self.assertEqual(status, 400, problem)
                self.assertEqual(problem["errors"][0]["pointer"], pointer)


class Market(unittest.TestCase):
    def test_accounts_are_given_to_taken_from_and_reset(self):
        with Exchange(*QUIET) as exchange:
            money = {"asset": "USD", "amount": "0.5"}
            account = exchange.admin("POST", "/accounts/alice/deposit", money)[1]
            self.assertEqual(account["balances"]["USD"], {"free": "100000.5", "held": "0"})
            self.assertEqual(exchange.admin("POST", "/accounts/alice/withdraw", {
                "asset": "USD", "amount": 99000})[1]["balances"]["USD"]["free"], "1000.5")
            self.assertEqual(exchange.admin("POST", "/accounts/alice/withdraw", {
                "asset": "USD", "amount": "1001"})[0], 409)
            self.assertEqual(exchange.order("BUY", "100")[0], 201)
            account = exchange.admin("GET", "/accounts/alice")[1]
            self.assertEqual(account["balances"]["USD"], {"free": "900.5", "held": "100"})
            account = exchange.admin("POST", "/accounts/alice/reset")[1]
            self.assertEqual(account["balances"]["USD"], {"free": "100000", "held": "0"})
            self.assertEqual(exchange.rest("GET", "/api/v1/orders")[1]["orders"], [])
            self.assertEqual(exchange.admin("GET", "/accounts")[1]["accounts"], ["alice"])
            self.assertEqual(exchange.admin("GET", "/accounts/bob")[0], 404)
            for body, pointer in [
                ({"asset": "XYZ", "amount": "1"}, "#/asset"),
                ({"asset": "USD", "amount": "-1"}, "#/amount"),
                ({"asset": "USD", "amount": "0.0000000000001"}, "#/amount"),
                ({"asset": "USD", "amount": "1", "x": 1}, "#/x"),
            ]:
                status, problem = exchange.admin("POST", "/accounts/alice/deposit", body)
                self.assertEqual((status, problem["errors"][0]["pointer"]), (400, pointer))
            self.assertEqual(exchange.balance("USD"), "100000")

    def test_trading_halts_and_resumes(self):
        with Exchange(*QUIET) as exchange:
            self.assertEqual(exchange.admin("POST", "/halt", {"symbol": "BTC/USD"})[0], 204)
            status, refusal = exchange.order("BUY", "100")
            self.assertEqual((status // 100, refusal["code"]), (4, "NOT_TRADING"))
            self.assertEqual(exchange.admin("POST", "/resume", {"symbol": "*"})[0], 204)
            self.assertEqual(exchange.order("BUY", "100")[0], 201)
            self.assertEqual(exchange.admin("POST", "/halt")[0], 204)
            self.assertEqual(exchange.order("BUY", "100")[1]["code"], "NOT_TRADING")
            self.assertEqual(exchange.admin("POST", "/halt", {"symbol": "XYZ"})[0], 400)

    def test_a_price_is_set_where_there_is_a_model(self):
        with Exchange("--log-level", "error") as exchange:
            price = {"symbol": "BTC/USD", "price": "12345"}
            self.assertEqual(exchange.admin("POST", "/price", price)[0], 204)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                ticker = exchange.rest("GET", "/api/v1/ticker?symbol=BTC/USD")[1]
                if ticker["bid"] and 12000 < float(ticker["bid"]) < 12700:
                    break
            self.assertLess(float(ticker["bid"]), 12700)
        with Exchange(*QUIET) as exchange:
            status, problem = exchange.admin("POST", "/price", price)
            self.assertEqual(status, 409)
            self.assertIn("exchange.liquidity.enabled is false", problem["detail"])
        with fresh_folder() as folder:
            path = os.path.join(folder, "trades.csv")
            write(path, b"timestamp,ticker,price,volume\n2022-07-01 12:00:00,BTC/USD,50000,1\n")
            with Exchange("--log-level", "error", "--set",
                          "exchange.history.file=" + path) as exchange:
                status, problem = exchange.admin("POST", "/price", price)
                self.assertEqual(status, 409)
                self.assertIn("exchange.history.file", problem["detail"])

    def test_a_snapshot_and_numbers(self):
        with Exchange(*QUIET) as exchange:
            exchange.admin("POST", "/faults", SLOW)
            exchange.balance("USD")
            status, bytes_ = exchange.admin("GET", "/snapshot")
            self.assertEqual(status, 200)
            self.assertGreater(len(bytes_), 1000)
            page = exchange.admin("GET", "/metrics")[1].decode()
            self.assertIn('marketsim_fault_hits_total{strategy="slow"} 1\n', page)
            self.assertIn("marketsim_exchange_accounts 1\n", page)

    def test_the_document_lists_every_path(self):
        with Exchange(*QUIET) as exchange:
            document = exchange.admin("GET", "/openapi.json")[1]
            self.assertEqual(document["openapi"], "3.1.0")
            schemas = document["components"]["schemas"]
            exchange.admin("POST", "/faults", SLOW)
            exchange.admin("POST", "/presets/md_gap")
            for path in "/faults", "/faults/{name}":
                answer = document["paths"][path]["get"]["responses"]["2XX"]["content"]
                name = answer["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
                given = exchange.admin("GET", path.replace("{name}", "slow"))[1]
                self.assertLessEqual(set(schemas[name]["required"]), set(given))
                self.assertLessEqual(set(schemas[name]["required"]),
                                     set(schemas[name]["properties"]))
            for path, operations in document["paths"].items():
                for method in operations:
                    asked = path.replace("{name}", "nobody")
                    status, answer = exchange.admin(method.upper(), asked)
                    missing = isinstance(answer, dict) and "nothing at this path" in str(answer)
                    self.assertFalse(status == 405 or missing, (method, path))


class Words(unittest.TestCase):
    """What HTTP alone refuses says what would be right."""

    def ask(self, url, method, body=None):
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"},
                                         method=method)
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request, timeout=20)
        with raised.exception as error:
            return error.code, error.headers, json.load(error)

    def test_other_methods_are_told_with_those_that_there_are(self):
        with Exchange(*QUIET) as exchange:
            base = exchange.url.replace("ws://", "http://")
            for url, allowed in ((exchange.admin_url + "/faults", "GET, POST"),
                                 (base + "/healthz", "GET, HEAD")):
                code, headers, problem = self.ask(url, "PUT")
                self.assertEqual((code, headers["Allow"]), (405, allowed))
                self.assertIn("this path takes " + allowed, problem["detail"])

    def test_a_path_that_is_not_there_is_told_with_the_nearest(self):
        with Exchange(*QUIET) as exchange:
            base = exchange.url.replace("ws://", "http://")
            for url, code, words in (
                (exchange.admin_url + "/faultz", None, "the nearest one is /admin/v1/faults: GET"),
                (exchange.admin_url + "/nonsense/at/all", None, "nothing at this path: GET"),
                (base + "/api/v1/ordrs", "UNKNOWN_TYPE", "the nearest one is /api/v1/orders: GET"),
                (base + "/api/v1/", "UNKNOWN_TYPE", "nothing at this path"),
                (base + "/api/v1", "UNKNOWN_TYPE", "nothing at this path"),
                (base + "/helthz", "NOT_FOUND", "the nearest one is /health"),
            ):
                status, _, problem = self.ask(url, "GET")
                self.assertEqual((status, problem.get("code")), (404, code), url)
                self.assertIn(words, problem["detail"])

    def test_a_body_that_is_too_large_is_told_with_the_bound(self):
        with Exchange(*QUIET) as exchange:
            url = exchange.url.replace("ws://", "http://") + "/api/v1/orders"
            status, _, problem = self.ask(url, "POST", b" " * (1 << 17))
            self.assertEqual((status, problem["code"]), (413, "TOO_LARGE"))
            self.assertIn("larger than the 65536 bytes that this path takes (no option sets it)",
                          problem["detail"])
            admin = urllib.parse.urlsplit(exchange.admin_url)
            link = http.client.HTTPConnection(admin.hostname, admin.port, timeout=60)
            link.putrequest("POST", admin.path + "/faults")
            link.putheader("Content-Length", str((1 << 20) + 1))
            link.endheaders()
            answer = link.getresponse()
            self.assertEqual(answer.status, 413)
            self.assertIn(b"larger than the 1048576 bytes that this path takes (no option sets it)",
                          answer.read())
            link.close()


class Access(unittest.TestCase):
    def test_it_has_a_port_of_its_own_and_the_trading_port_knows_nothing_of_it(self):
        with Exchange(*QUIET) as exchange:
            for method, path in ("GET", "/health"), ("POST", "/faults/reset"):
                self.assertIn(exchange.rest(method, "/admin/v1" + path)[0], (404, 405))

    def test_other_sites_and_other_names_are_kept_out(self):
        with Exchange(*QUIET) as exchange:
            self.assertEqual(exchange.admin("GET", "/health", None, {
                "Origin": "http://evil.example"})[0], 403)
            self.assertEqual(exchange.admin("GET", "/health", None, {
                "Host": "evil.example"})[0], 403)

    def test_what_is_not_there_is_not_a_websocket_either(self):
        with Exchange(*QUIET) as exchange:
            self.assertEqual(exchange.rest("GET", "/nope")[0], 404)
            for path in ("/", "/ws", "/ws/public"):
                self.assertEqual(exchange.rest("GET", path)[0], 426, path)

    def test_with_keys_only_an_admin_comes_in(self):
        with fresh_folder() as folder:
            keys = write(os.path.join(folder, "keys"), b"boss role=admin\nlooker role=viewer\n")
            with Exchange(*QUIET, "--admin-keys", keys) as exchange:
                for key, status in ("boss", 200), ("looker", 403), ("nobody", 401):
                    self.assertEqual(
                        exchange.admin("GET", "/accounts", None, {"X-API-Key": key})[0], status)
                self.assertEqual(exchange.admin("GET", "/accounts")[0], 401)

    def test_its_keys_are_read_anew_on_a_hangup(self):
        with fresh_folder() as folder:
            keys = write(os.path.join(folder, "keys"), b"old role=admin\n")
            with Exchange(*QUIET, "--admin-keys", keys) as exchange:
                for text, words, good, bad in (
                    (b"new role=admin\n", "--admin-keys: 1 keys", "new", "old"),
                    (b"new role=king\n", "the keys stay as they were", "new", "old"),
                ):
                    write(keys, text)
                    exchange.process.send_signal(signal.SIGHUP)
                    while words not in exchange.line():
                        self.assertIsNone(exchange.process.poll())
                    for key, status in (good, 200), (bad, 401):
                        self.assertEqual(
                            exchange.admin("GET", "/accounts", None, {"X-API-Key": key})[0], status)

    def test_beyond_this_machine_keys_are_needed(self):
        code, _, said = run(EXCHANGE, "--port", "0", "--admin-port", "0", "--admin-host", "0.0.0.0")
        self.assertEqual(code, 2)
        self.assertIn("the admin API", said)
        code, _, said = run(EXCHANGE, "--port", "0", "--admin-port", "70000")
        self.assertEqual((code, "--admin-port" in said), (2, True))
        code, _, said = run(EXCHANGE, "--port", "0", "--admin-host", "localhost")
        self.assertEqual(code, 2)

    def test_a_port_in_use_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, _, said = run(EXCHANGE, "--port", "0", "--admin-port", port)
        self.assertEqual(code, 1)
        self.assertIn(str(port), said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
