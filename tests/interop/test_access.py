"""Who may come in at our servers, asked by curl; signatures by Python's hmac.

Arguments: the folder of the built tools, the program that makes a sample of trades.
"""

import hashlib
import hmac
import os
import shutil
import signal
import sys
import time
import unittest

from processes import Server, fresh_folder, run, skip, write

if not shutil.which("curl"):
    skip("curl is not there")

TOOLS, MAKE_SAMPLE = sys.argv[1:3]
QUOTES, EXCHANGE, REPLAY, DASHBOARD, CLIENT = (
    os.path.join(TOOLS, name)
    for name in ("mock-quotes", "exchange-server", "replay-server", "dashboard-server",
                 "market-client")
)
HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def status(server, path, *headers, host=None):
    """A handshake's status; one that succeeds is left after a moment."""
    url = server.url.replace("ws://", "http://") + path
    words = [word for line in (*HANDSHAKE, *headers) for word in ("-H", line)]
    if host:
        words += ["-H", "Host: " + host]
    quiet = ("-s", "-o", os.devnull, "-w", "%{http_code}")
    _, out, _ = run("curl", *quiet, "--http1.1", "--noproxy", "*", "-m", "0.5", *words, url)
    return int(out)


def get(server, path, *headers):
    url = server.url.replace("ws://", "http://") + path
    words = [word for line in headers for word in ("-H", line)]
    code, out, errors = run("curl", "-sS", "-i", "--noproxy", "*", *words, url)
    assert code == 0, errors
    return int(out.split(" ")[1])


def signed(secret, method, path, body=""):
    stamp = str(int(time.time() * 1000))
    text = (stamp + method + path + body).encode()
    return stamp, hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


class Access(unittest.TestCase):
    def setUp(self):
        folder = fresh_folder()
        self.addCleanup(folder.cleanup)
        self.keys = os.path.join(folder.name, "keys")

    def test_pages_of_other_sites_are_kept_out_by_default(self):
        with Server(QUOTES) as server:
            self.assertEqual(status(server, "/"), 101)
            own = server.url.replace("ws://", "http://")
            self.assertEqual(status(server, "/", "Origin: " + own), 101)
            self.assertEqual(status(server, "/", "Origin: http://evil.example"), 403)
            self.assertEqual(status(server, "/", host="evil.example"), 403)
            self.assertEqual(get(server, "/metrics", "Host: evil.example"), 403)

    def test_lists_let_them_in(self):
        lists = ("--allow-origin", "http://page.example,null", "--allow-host", "box.lan")
        with Server(QUOTES, *lists) as server:
            self.assertEqual(status(server, "/", "Origin: http://page.example"), 101)
            self.assertEqual(status(server, "/", "Origin: null"), 101)
            self.assertEqual(status(server, "/", "Origin: http://other.example"), 403)
            self.assertEqual(status(server, "/", host="box.lan:80"), 101)

    def test_keys_come_from_a_file_and_anew_on_a_hangup(self):
        write(self.keys, b"# keys\none role=viewer\ntwo secret=s3cret name=signer\n")
        with Server(QUOTES, "--keys", self.keys) as server:
            self.assertEqual(get(server, "/healthz"), 200)
            self.assertEqual(get(server, "/metrics"), 401)
            self.assertEqual(get(server, "/metrics", "Authorization: Bearer one"), 200)
            self.assertEqual(status(server, "/"), 401)
            self.assertEqual(status(server, "/", "X-API-Key: one"), 101)
            self.assertEqual(status(server, "/?api_key=one"), 101)
            self.assertEqual(status(server, "/", "X-API-Key: two"), 401)

            stamp, signature = signed("s3cret", "GET", "/")
            lines = ("X-API-Key: two", "X-Timestamp: " + stamp, "X-Signature: " + signature)
            self.assertEqual(status(server, "/", *lines), 101)
            self.assertEqual(status(server, "/", *lines), 401, "for a second time")
            stamp, signature = signed("s3cret", "GET", "/feed")
            query = f"?api_key=two&timestamp={stamp}&signature={signature}"
            self.assertEqual(status(server, "/feed" + query), 101)
            self.assertEqual(get(server, "/metrics", *lines), 401, "for another path")

            write(self.keys, b"broken broken\n")
            self.reload(server, "line 1")
            self.assertEqual(get(server, "/metrics", "X-API-Key: one"), 200)
            write(self.keys, b"three\n")
            self.reload(server, "1 keys")
            self.assertEqual(get(server, "/metrics", "X-API-Key: one"), 401)
            self.assertEqual(get(server, "/metrics", "X-API-Key: three"), 200)

    def reload(self, server, words):
        server.process.send_signal(signal.SIGHUP)
        for line in iter(server.line, ""):
            if words in line:
                return
        self.fail("it did not say: " + words)

    def test_keys_come_from_the_environment(self):
        keys = {"MARKETSIM_KEYS": "one role=viewer; two"}
        with Server(QUOTES, environment=keys) as server:
            self.assertEqual(get(server, "/metrics"), 401)
            self.assertEqual(get(server, "/metrics", "X-API-Key: two"), 200)

    def test_rates_and_connections_are_bounded(self):
        with Server(QUOTES, "--rate-limit", "2") as server:
            answers = [get(server, "/healthz") for _ in range(6)]
            self.assertEqual(answers[0], 200)
            self.assertIn(429, answers)

    def test_who_says_too_much_is_closed(self):
        with Server(EXCHANGE, "--message-rate", "20") as server:
            said = b"ping\n" * 100
            code, _, words = run(CLIENT, "--protocol", "exchange", "--reconnect", "never",
                                 server.url, input=said)
            self.assertEqual((code, "(1008)" in words), (1, True), words)
            code, _, words = run(CLIENT, "--protocol", "exchange", server.url, input=said[:50])
            self.assertEqual(code, 0, words)

    def test_listening_beyond_this_machine_is_to_be_meant(self):
        code, _, words = run(QUOTES, "--host", "0.0.0.0", "--port", "0")
        self.assertEqual(code, 2)
        self.assertIn("--allow-open", words)
        with Server(QUOTES, "--host", "0.0.0.0", "--allow-open") as server:
            server.url = server.url.replace("0.0.0.0", "127.0.0.1")
            self.assertEqual(status(server, "/"), 101)
        write(self.keys, b"one\n")
        with Server(QUOTES, "--host", "0.0.0.0", "--keys", self.keys) as server:
            server.url = server.url.replace("0.0.0.0", "127.0.0.1")
            self.assertEqual(status(server, "/"), 401)

    def test_what_makes_no_sense_is_said(self):
        write(self.keys, b"a\nb role=king\n")
        for arguments, words in (
            (("--keys", self.keys), "line 2: a role is viewer, trader or admin"),
            (("--keys", "/nowhere"), "/nowhere: No such file"),
            (("--rate-limit", "fast"), "'fast' is not a whole number"),
            (("--allow-origin", "a,,b"), "names with commas"),
            (("--max-connections-per-address", "-1"), "is not a whole number"),
        ):
            code, _, said = run(QUOTES, *arguments)
            self.assertEqual((code, words in said), (2, True), said)


class Client(unittest.TestCase):
    """market-client at servers that want keys."""

    def setUp(self):
        folder = fresh_folder()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.keys = self.file("keys", b"# of the robots\nplain role=viewer\n"
                                      b"signer\tsecret=s3cret role=trader\n")
        self.signer = self.file("signer", b"\n# mine\nsigner secret=s3cret role=trader\n")
        self.plain = self.file("plain", b"plain\n")

    def file(self, name, data):
        return write(os.path.join(self.folder, name), data)

    def test_a_key_of_a_file_opens_every_server(self):
        sample = os.path.join(self.folder, "trades.parquet")
        self.assertEqual(run(MAKE_SAMPLE, sample)[0], 0)
        for program, arguments, path in (
            (QUOTES, (), "/"),
            (EXCHANGE, (), "/"),
            (REPLAY, (sample, "--speed", "max"), "/"),
            (DASHBOARD, (), "/socket.io/?EIO=4&transport=websocket"),
        ):
            with Server(program, "--keys", self.keys, *arguments) as server:
                url = server.url.replace("http://", "ws://") + path
                look = (CLIENT, "--load", 2, "--duration", "10ms", url)
                code, _, words = run(*look)
                self.assertEqual((code, "401" in words), (1, True), words)
                for key in (self.signer, self.plain):
                    code, printed, words = run(*look, "--api-key-file", key)
                    self.assertIn("2 of 2 connections opened", printed, words)

    def test_views_orders_and_scripts_bear_the_key(self):
        script = self.file("script", b'{"send": {"type": "PING", "request_id": "a"}, '
                                     b'"expect": {"type": "PONG", "request_id": "a"}}\n')
        with Server(EXCHANGE, "--keys", self.keys) as server:
            for arguments in (("--script", script), ("--protocol", "exchange"),
                              ("--orders-per-second", 50, "--duration", "100ms")):
                code, _, words = run(CLIENT, "--reconnect", "never", "--api-key-file", self.signer,
                                     *arguments, server.url, input=b"")
                self.assertEqual(code, 0, words)

    def test_the_key_may_stand_in_the_environment_or_a_header(self):
        with Server(QUOTES, "--keys", self.keys) as server:
            look = (CLIENT, "--load", 1, "--duration", "10ms", server.url)
            for key in ("plain", "signer secret=s3cret"):
                environment = {**os.environ, "MARKETSIM_API_KEY": key}
                self.assertEqual(run(*look, env=environment)[0], 0, key)
            self.assertEqual(run(*look, "--header", "Authorization: Bearer plain")[0], 0)
            self.assertEqual(run(*look, "--header", "X-API-Key: plain", "--header", "X-A: b")[0], 0)
            self.assertEqual(run(*look, "--header", "Origin: http://evil.example",
                                 "--api-key-file", self.plain)[0], 1)

    def test_what_is_no_key_or_header_is_said(self):
        empty = self.file("empty", b"# nothing\n\n")
        long = self.file("long", b"# " + b"x" * 1100 + b"\nplain\n")
        url = "ws://127.0.0.1:1"
        for arguments, words in (
            (("--api-key-file", "/nowhere"), "/nowhere: No such file"),
            (("--api-key-file", empty), "no key is in it"),
            (("--api-key-file", long), "a line is longer than"),
            (("--api-key-file", self.folder), "it cannot be read"),
            (("--header", "Name"), "'Name' is not like 'Name: value'"),
            (("--header", ": value"), "is not like"),
            (("--header", "Host: elsewhere"), "'Host' is the handshake's own"),
            (("--header", "X-A: b\r\nX-B: c"), "that no header can have"),
        ):
            code, _, said = run(CLIENT, *arguments, url)
            self.assertEqual((code, words in said), (2, True), said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
