"""What all tools make of options that cannot be: words that name them, and the same exit code.

Arguments: the folder of the built tools, the make-sample program.
"""

import os
import subprocess
import sys
import unittest

from processes import fresh_folder, run, write

TOOLS, MAKE_SAMPLE = sys.argv[1], sys.argv[2]
USAGE = 2
TOOL_NAMES = ("replay-server", "mock-quotes", "exchange-server", "dashboard-server", "market-client",
              "parquet-cat")


def tool(name, *arguments):
    return run(os.path.join(TOOLS, name), *arguments, timeout=20)


class Options(unittest.TestCase):
    def test_a_file_that_is_not_there_is_named_by_all(self):
        for name, *arguments in (
            ("exchange-server", "--config", "/nowhere"),
            ("exchange-server", "--scenario", "/nowhere"),
            ("exchange-server", "--admin-port", "0", "--admin-keys", "/nowhere"),
            ("exchange-server", "replay", "/nowhere"),
            ("mock-quotes", "--correlation", "/nowhere"),
            ("mock-quotes", "--faults", "/nowhere"),
            ("mock-quotes", "--protocol", "polygon", "--api-key-file", "/nowhere"),
            ("market-client", "--protocol", "exchange", "--script", "/nowhere"),
            ("market-client", "--api-key-file", "/nowhere"),
            ("market-client", "--ca-file", "/nowhere"),
            ("parquet-cat", "/nowhere"),
            ("parquet-cat", "--null", "", "/nowhere"),
            ("replay-server", "/nowhere"),
            *((server, "--keys", "/nowhere") for server in
              ("exchange-server", "mock-quotes", "dashboard-server")),
            ("replay-server", "--keys", "/nowhere", __file__),
        ):
            code, _, said = tool(name, *arguments)
            self.assertEqual((code, "/nowhere" in said), (USAGE, True), (name, arguments, said))

    def test_nothing_is_no_bound_and_no_default(self):
        for name, option in (
            *((server, option) for option in ("--max-clients", "--max-backlog") for server in
              ("exchange-server", "mock-quotes", "replay-server", "dashboard-server")),
            ("dashboard-server", "--max-rows"),
            ("dashboard-server", "--snapshot"),
            ("dashboard-server", "--max-payload"),
            ("dashboard-server", "--max-upload"),
            ("replay-server", "--memory"),
            ("mock-quotes", "--rate"),
            ("mock-quotes", "--interval"),
            ("mock-quotes", "--duration"),
            ("exchange-server", "--scenario-time"),
            ("exchange-server", "--speed"),
        ):
            code, _, said = tool(name, option, "0")
            self.assertEqual((code, option in said), (USAGE, True), (name, option, said))

    def test_what_goes_with_another_option_is_refused_without_it(self):
        for name, *arguments, with_option in (
            ("exchange-server", "--scenario-time", "1s", "--scenario"),
            ("dashboard-server", "--connect-symbols", "BTC/USD", "--connect URL"),
            ("dashboard-server", "--api-key-file", "key.txt", "--connect URL"),
            ("dashboard-server", "--insecure", "--connect URL"),
            ("dashboard-server", "--admin-key-file", "key.txt", "--connect-admin URL"),
        ):
            code, _, said = tool(name, *arguments)
            self.assertEqual((code, "goes with " + with_option in said), (USAGE, True), said)

    def test_what_would_do_nothing_is_refused_with_both_names(self):
        for name, *arguments, one, other in (
            ("replay-server", "--check", "--ticker", "BTC-*", "x", "--check", "--ticker"),
            ("replay-server", "--check", "--speed", "10", "x", "--check", "--speed"),
            ("replay-server", "--explain", "--loop", "x", "--explain", "--loop"),
            ("replay-server", "--seed", "0", "x", "--seed", "--faults"),
            ("parquet-cat", "--meta", "--columns", "price", "x", "--meta", "--columns"),
            ("parquet-cat", "-m", "-n", "0", "x", "--meta", "--limit"),
            ("parquet-cat", "--meta", "--null", "", "x", "--meta", "--null"),
            ("parquet-cat", "-j", "--no-header", "x", "--json", "--no-header"),
            ("parquet-cat", "-j", "--null", "-", "x", "--json", "--null"),
            ("market-client", "--json", "--view", "table", "--json", "--view table"),
        ):
            code, _, said = tool(name, *arguments)
            self.assertEqual((code, one in said, other in said), (USAGE, True, True), said)

    def test_a_ticker_with_one_sign_is_told_of_the_other(self):
        with fresh_folder() as folder:
            write(os.path.join(folder, "btc.csv"), b"")
            code, _, said = run(os.path.join(TOOLS, "replay-server"), "A=btc.csv", cwd=folder)
            self.assertEqual((code, "A==btc.csv" in said), (USAGE, True), said)

    def test_short_options_stand_in_one_word(self):
        with fresh_folder() as folder:
            sample = os.path.join(folder, "sample.parquet")
            self.assertEqual(run(MAKE_SAMPLE, sample)[0], 0)
            whole = tool("parquet-cat", "--json", "--limit", "1", sample)
            self.assertEqual(whole[1].count("\n"), 1)
            for words in (["-jn", "1"], ["-jn1"], ["-n1", "-j"]):
                self.assertEqual(tool("parquet-cat", *words, sample), whole)
            self.assertIn("no option -x", tool("parquet-cat", "-jx", sample)[2])
            self.assertIn("--limit needs N", tool("parquet-cat", sample, "-jn")[2])
            self.assertIn("parquet-cat [OPTIONS] FILE", tool("parquet-cat", "-jh")[1])

    def test_a_columns_meaning_is_not_its_type_again(self):
        data = os.environ.get("MSIM_TEST_DATA")
        if not data:
            self.skipTest("MSIM_TEST_DATA is not set")
        trades = os.path.join(data, "real", "binance_trades_seedfmt_sorted_zstd.parquet")
        meta = tool("parquet-cat", "--meta", trades)[1]
        self.assertIn("  timestamp  INT64 TIMESTAMP(MICROS)  nullable\n", meta)
        self.assertIn("  price  INT64  nullable\n", meta)

    def test_no_time_and_no_text_are_no_default(self):
        for name, option in (
            ("mock-quotes", "--interval"),
            ("mock-quotes", "--duration"),
            ("exchange-server", "--scenario-time"),
            ("replay-server", "--max-gap"),
            ("market-client", "--duration"),
        ):
            code, _, said = tool(name, option, "0s")
            self.assertEqual((code, option in said, "above 0" in said), (USAGE, True, True), said)
        for name, option in (("dashboard-server", "--data"), ("dashboard-server", "--host"),
                             ("replay-server", "--temp-dir"), ("mock-quotes", "--record")):
            code, _, said = tool(name, option, "")
            self.assertEqual((code, option in said), (USAGE, True), (name, option, said))

    def test_what_is_no_number_is_refused_by_every_option_of_a_number(self):
        for name, *options in (
            ("exchange-server", "port", "speed", "max-clients", "max-backlog", "rate-limit",
             "message-rate", "max-connections-per-address", "admin-port", "seed", "scenario-time"),
            ("mock-quotes", "port", "interval", "rate", "speed", "duration", "market", "seed",
             "max-clients", "max-backlog", "wait-for-clients", "start"),
            ("dashboard-server", "port", "max-clients", "max-backlog", "max-rows", "snapshot",
             "max-payload", "max-upload", "max-sessions-per-address"),
            ("replay-server", "port", "speed", "memory", "max-gap", "from", "to", "max-clients",
             "max-backlog", "max-queue-size", "wait-for-clients", "seed"),
            ("market-client", "show-first-n", "exit-after", "summary-interval", "pace", "load",
             "duration", "churn", "orders-per-second"),
            ("parquet-cat", "limit"),
        ):
            for option in options:
                for text in "", "-1", "1e99", "some":
                    code, _, said = tool(name, "--" + option, text)
                    self.assertEqual((code, option in said), (USAGE, True),
                                     (name, option, text, said))

    def test_a_model_without_the_parameter_that_its_colon_announces_is_refused(self):
        for options in ("--model", "gbm:"), ("--symbols", "AAPL@ou:"), ("--symbols", "A@ou:,B"):
            code, _, said = tool("mock-quotes", "--port", "0", *options)
            self.assertEqual((code, "behind the ':'" in said), (USAGE, True), said)

    def test_too_little_memory_is_told_with_what_would_do(self):
        for text in "1", "512K":
            code, _, said = tool("replay-server", "--memory", text, __file__)
            self.assertEqual((code, "at least 1M" in said), (USAGE, True), said)

    def test_a_data_file_that_is_none_is_told_with_the_remedy(self):
        with fresh_folder() as folder:
            junk = write(os.path.join(folder, "junk.db"), b"no database at all\n" * 9)
            lost = os.path.join(folder, "nowhere", "x.db")
            for path, words in (junk, "not there yet"), (lost, "is its folder there"):
                code, _, said = tool("dashboard-server", "--port", "0", "--data", path)
                self.assertNotEqual(code, 0)
                if "SQLite" not in said:  # a build without it says so
                    self.assertIn(words, said)

    def test_an_exchange_is_offered_no_speed_that_it_refuses(self):
        for speed in "0", "max":
            code, _, said = tool("exchange-server", "--speed", speed)
            self.assertEqual((code, "a number above 0" in said, "'max'," in said or "or 'max'" in said),
                             (USAGE, True, False), said)

    def test_a_bad_value_is_named_with_the_file_that_has_it(self):
        with fresh_folder() as folder:
            path = write(os.path.join(folder, "config.json"), b'{"server":{"port":"x"}}')
            code, _, said = tool("exchange-server", "--config", path)
            self.assertEqual((code, f"{path}: server.port is" in said), (USAGE, True), said)
            code, _, said = tool("exchange-server", "--config", path, "--port", "y")
            self.assertEqual((code, "server.port is" in said, path in said),
                             (USAGE, True, False), said)

    def test_a_bad_scenario_is_named_with_the_place(self):
        with fresh_folder() as folder:
            for text, words in ((b'{"format":2}', "/format"), (b"{", "scenario.json"),
                                (b"\xff\xfe", "scenario.json")):
                path = write(os.path.join(folder, "scenario.json"), text)
                code, _, said = tool("exchange-server", "--port", "0", "--scenario", path)
                self.assertEqual((code, path in said, words in said), (USAGE, True, True), said)

    def test_an_admin_api_for_others_advises_its_own_keys(self):
        code, _, said = tool("exchange-server", "--port", "0", "--admin-port", "0",
                             "--admin-host", "0.0.0.0")
        self.assertEqual((code, "--admin-keys" in said, "--allow-open" in said),
                         (USAGE, True, False), said)

    def test_what_cannot_be_printed_is_a_failure(self):
        with fresh_folder() as folder:
            trades = write(os.path.join(folder, "trades.csv"),
                           b"timestamp,price,volume,ticker\n2024-01-01 00:00:00,1,1,A\n")
            scenario = write(os.path.join(folder, "scenario.json"),
                             b'{"format":1,"name":"x","timeline":[{"at":"1ms","do":"heal"}]}')
            for name, *arguments in (
                *((name, option) for option in ("--help", "--version") for name in
                  ("exchange-server", "mock-quotes", "replay-server", "dashboard-server",
                   "market-client", "parquet-cat")),
                ("exchange-server", "replay", "--help"),
                ("exchange-server", "--port", "0", "--scenario", scenario),
                ("replay-server", "--check", trades),
                ("replay-server", "--check", "--json", trades),
                ("replay-server", "--explain", trades),
            ):
                with open("/dev/full", "wb") as full:
                    done = subprocess.run([os.path.join(TOOLS, name), *arguments], stdout=full,
                                          stderr=subprocess.PIPE, timeout=20, check=False)
                self.assertEqual((done.returncode, done.stderr.count(b"No space left")), (1, 1),
                                 (name, arguments, done.stderr))

    def test_the_beginning_of_an_option_names_it(self):
        for name, option in (("mock-quotes", "--protocol"), ("market-client", "--protocol"),
                             ("replay-server", "--timestamp-unit")):
            code, _, said = tool(name, option[:-4])
            self.assertEqual((code, f"did you mean {option}?" in said), (USAGE, True), said)
        for name in TOOL_NAMES:
            for beginning, option in (("--hel", "help"), ("--vers", "version"),
                                      ("--versio", "version"), ("--halp", "help")):
                code, _, said = tool(name, beginning)
                self.assertEqual((code, f"did you mean --{option}?" in said), (USAGE, True), said)

    def test_a_word_of_no_list_is_told_with_the_list(self):
        for name, option in ("mock-quotes", "--clock"), ("mock-quotes", "--arrivals"):
            code, _, said = tool(name, option, "lamp")
            self.assertEqual((code, f"{option}: 'lamp' is none of " in said), (USAGE, True), said)

    def test_what_has_no_decimals_is_a_whole_number(self):
        code, _, said = tool("exchange-server", "--port", "99999")
        self.assertEqual((code, "a whole number from 0 to 65535 is wanted" in said), (USAGE, True),
                         said)

    def test_a_key_without_its_section_is_found_and_a_strange_one_is_not(self):
        for assignment, words in (("foo=1", "no known one is near"), ("prot=1", "server.port"),
                                  ("symbols=1", "exchange.symbols")):
            code, _, said = tool("exchange-server", "--set", assignment)
            self.assertEqual((code, words in said), (USAGE, True), said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
