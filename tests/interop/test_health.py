"""What every server answers about itself, asked by curl: /healthz, /readyz, /metrics.

Arguments: the folder of the built tools, the make-sample program.
"""

import json
import os
import shutil
import sys
import unittest

import exposition
from processes import Server, fresh_folder, run, skip

if not shutil.which("curl"):
    skip("curl is not there")

TOOLS, MAKE_SAMPLE = sys.argv[1:3]


def curl(url, *arguments):
    code, out, words = run("curl", "-sS", "-i", "--noproxy", "*", *arguments, url)
    assert code == 0, words
    head, _, body = out.replace("\r\n", "\n").partition("\n\n")
    lines = head.split("\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split(" ")[1]), headers, body


class Health(unittest.TestCase):
    def check(self, server, own):
        base = server.url.replace("ws://", "http://")
        status, headers, body = curl(base + "/healthz")
        self.assertEqual((status, json.loads(body)), (200, {"status": "ok"}))
        self.assertIn("GMT", headers["Date"])
        status, _, body = curl(base + "/readyz")
        self.assertEqual((status, json.loads(body)), (200, {"status": "ready"}))
        status, headers, body = curl(base + "/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        samples = exposition.read(body)
        self.assertEqual(samples["marketsim_net_connections"], 1)
        self.assertEqual(samples["marketsim_net_accepted_total"], 3)
        self.assertEqual(samples["marketsim_net_requests_total"], 3)
        self.assertGreater(samples["marketsim_net_sent_bytes_total"], 200)
        self.assertGreater(samples["process_resident_memory_bytes"], 100000)
        self.assertIn(own, samples)

        status, headers, body = curl(base + "/metric")
        self.assertIn(status, (404, 426))
        self.assertIn("is /metrics", json.loads(body)["detail"])

        status, headers, body = curl(base + "/metrics", "-X", "POST")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(headers["Content-Type"], "application/problem+json")
        self.assertEqual(json.loads(body)["status"], 405)
        samples = exposition.read(curl(base + "/metrics")[2])
        self.assertEqual(samples["marketsim_net_refused_total"], 2)

    def test_mock_quotes_tells_its_numbers(self):
        with Server(os.path.join(TOOLS, "mock-quotes"), "--interval", "1s") as server:
            self.check(server, "marketsim_quotes_events_total")
            self.assertEqual(server.stop()[0], 0)

    def test_replay_server_tells_its_numbers(self):
        with fresh_folder() as folder:
            sample = os.path.join(folder, "sample.parquet")
            code, _, words = run(MAKE_SAMPLE, sample, "--rows", 10)
            self.assertEqual(code, 0, words)
            with Server(os.path.join(TOOLS, "replay-server"), sample) as server:
                self.check(server, "marketsim_replay_trades_total")
                self.assertEqual(server.stop()[0], 0)


class Reader(unittest.TestCase):
    """The reader itself refuses what is wrong."""

    GOOD = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"

    def test_wrong_pages_are_refused(self):
        self.assertEqual(exposition.read(self.GOOD), {"a_total": 1})
        for wrong in (
            self.GOOD[:-1],
            self.GOOD + "a_total 1\n",
            self.GOOD + "b 1\n",
            self.GOOD.replace(" 1", " x"),
            self.GOOD.replace("a_total 1", 'a_total{x="\n"} 1'),
            self.GOOD.replace("counter", "gauge"),
            self.GOOD.replace("a_total 1", "a_total{x=y} 1"),
            "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
        ):
            with self.assertRaises((AssertionError, AttributeError), msg=wrong):
                exposition.read(wrong)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
