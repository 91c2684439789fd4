"""The exchange's own documents against the exchange: every path of /openapi.json is asked, and every
answer has the shape that the document promises.

The AsyncAPI document's examples are sent over a WebSocket, and all that comes back is held against it.

Arguments: the folder of the built tools, the AsyncAPI document.
"""

import asyncio
import json
import os
import re
import sys
import unittest
import urllib.error
import urllib.request

from processes import Server, skip

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

EXCHANGE = os.path.join(sys.argv[1], "exchange-server")


def fits(value, schema, document, where):
    """A checker for the part of JSON Schema that the document uses; what it does not know fails."""
    known = {"type", "required", "properties", "items", "additionalProperties", "pattern", "enum",
             "const", "format", "minimum", "maximum", "$ref"}
    assert set(schema) <= known, (where, schema)
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        fits(value, document["components"]["schemas"][name], document, f"{where}({name})")
        return
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": float,
             "null": type(None)}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    assert not types or any(isinstance(value, kinds[kind]) for kind in types), (where, value)
    if isinstance(value, dict):
        for key in schema.get("required", []):
            assert key in value, (where, key)
        for key, item in value.items():
            part = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if part:
                fits(item, part, document, f"{where}.{key}")
    if isinstance(value, list):
        for item in value:
            fits(item, schema["items"], document, f"{where}[]")
    if isinstance(value, str):
        assert re.search(schema.get("pattern", ""), value), (where, value)
        if schema.get("format") == "date-time":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value), (where, value)
    if "enum" in schema:
        assert value in schema["enum"], (where, value)
    if "const" in schema:
        assert value == schema["const"], (where, value)
    if "minimum" in schema:
        assert value >= schema["minimum"], (where, value)
    if "maximum" in schema:
        assert value <= schema["maximum"], (where, value)


class Documents(unittest.TestCase):
    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path,
            json.dumps(body).encode() if body else None,
            {"Content-Type": "application/json", "X-Session-ID": "reader"},
            method=method.upper(),
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers.get_content_type(), json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get_content_type(), json.load(error)

    def check(self, document, operation, answer, where):
        status, kind, value = answer
        responses = operation["responses"]
        response = responses.get(str(status), responses["default"])
        self.assertIn(kind, response["content"], (where, status))
        fits(value, response["content"][kind]["schema"], document, where)
        return status

    def place(self):
        order = {"symbol": "BTC/USD", "side": "BUY", "type": "LIMIT", "price": "40000",
                 "quantity": "0.5"}
        return self.ask("post", "/api/v1/orders", order)

    def test_every_path_answers_as_the_document_says(self):
        with Server(EXCHANGE, "--log-level", "error") as server:
            self.base = server.url.replace("ws://", "http://")
            document = self.ask("get", "/openapi.json")[2]
            self.assertTrue(document["openapi"].startswith("3.1."))
            buy = {"symbol": "BTC/USD", "side": "BUY", "type": "MARKET", "quantity": "0.1"}
            self.assertEqual(self.ask("post", "/api/v1/orders", buy)[0], 201)
            seen = 0
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    seen += 1
                    where = f"{method} {path}"
                    body = None
                    self.ask("delete", "/api/v1/orders")
                    placed = self.place()
                    if method == "post":
                        self.assertEqual(self.check(document, operation, placed, where), 201)
                        self.check(document, operation, self.ask(method, path, {"symbol": 1}), where)
                        continue
                    if method == "patch":
                        body = {"price": "40001"}
                    address = path.replace("{id}", placed[2]["order_id"])
                    if any(item["name"] == "symbol" for item in operation["parameters"]):
                        address += "?symbol=BTC/USD"
                    answer = self.ask(method, address, body)
                    self.assertEqual(self.check(document, operation, answer, where), 200, where)
                    # And what it says of mistakes.
                    wrong = address.split("?")[0] + "?symbol=NIX&status=x&limit=x&depth=x&interval=x"
                    self.check(document, operation, self.ask(method, wrong, body), where)
                    other = self.ask("PUT", path.replace("{id}", "x"))
                    self.assertEqual(other[0], 405, where)
                    fits(other[2], {"$ref": "#/components/schemas/Problem"}, document, where)
            self.assertGreater(seen, 15)


class Messages(unittest.TestCase):
    CHANNELS = ["TRADES", "TICKER", "ORDERBOOK", "ORDERBOOK_L2", "ORDERBOOK_L3", "CANDLES", "ORDERS"]

    async def talk(self, server, document):
        messages = document["components"]["messages"]
        asked = {entry["$ref"].split("/")[-1] for entry in document["operations"]["ask"]["messages"]}
        heard = set()
        async with websockets.connect(server.url + "/ws") as socket:

            async def answer(request):
                await socket.send(json.dumps({**request, "request_id": "q"}))
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 20))
                    kind = message["type"]
                    self.assertIn(kind, messages)
                    fits(message, messages[kind]["payload"], document, kind)
                    heard.add(kind)
                    if message.get("request_id") == "q":
                        return kind

            for name in [name for name in messages if name in asked]:
                for example in messages[name]["examples"]:
                    fits(example["payload"], messages[name]["payload"], document, name)
                    self.assertEqual(await answer(example["payload"]), messages[name]["x-answer"])
            for channel in self.CHANNELS:
                request = {"type": "SUBSCRIBE", "channel": channel, "symbol": "BTC/USD"}
                self.assertEqual(await answer(request), "SUBSCRIBED")
            buy = {"type": "PLACE_ORDER", "symbol": "BTC/USD", "side": "BUY", "order_type": "MARKET",
                   "quantity": "0.1"}
            self.assertEqual(await answer(buy), "ORDER_ACK")
            self.assertEqual(await answer({**buy, "quantity": "1000"}), "ORDER_REJECT")
            self.assertEqual(await answer({"type": "NIX"}), "ERROR")
            wanted = {"TRADE", "CANDLE", "BOOK_EVENT", "ORDER_FILL", "MARKET_DATA"}
            while not wanted <= heard:
                self.assertEqual(await answer({"type": "PING"}), "PONG")

    def test_every_message_is_as_the_document_says(self):
        with open(sys.argv[2], encoding="utf-8") as file:
            document = json.load(file)
        with Server(EXCHANGE, "--log-level", "error") as server:
            asyncio.run(self.talk(server, document))


unittest.main(argv=sys.argv[:1], verbosity=2)
