"""What a first client of exchange-server does: hears prices, places an order, cancels it.

    python3 simple_client.py [ws://localhost:8765/ws]

Needs the package websockets.  An exchange with faults loses messages, late ones come twice: what
gets no answer is asked again, and an order keeps its client_order_id, so that it is placed once.
"""

import asyncio
import json
import sys
import uuid

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:8765/ws"
TRY_S = 2
TRIES = 15


async def answer(exchange, request, kind, done):
    """Passes over what else is told in between; an error with the code `done` is an answer too."""
    async for text in exchange:
        try:
            message = json.loads(text)
            told = message["type"]
        except (ValueError, TypeError, KeyError):
            continue  # a fault spoiled it
        if told == kind:
            return message
        refused = told in ("ERROR", "ORDER_REJECT") and message.get("request_id") == request["type"]
        if refused and message["code"] == done:
            return None
        if refused:
            raise SystemExit(f"{message['code']}: {message.get('message') or message['reason']}")
    raise SystemExit("the exchange hung up")


async def ask(exchange, request, kind, done=None):
    """The answer, or None where an earlier try was heard and only its answer was lost."""
    request["request_id"] = request["type"]
    for _ in range(TRIES):
        await exchange.send(json.dumps(request))
        try:
            return await asyncio.wait_for(answer(exchange, request, kind, done), TRY_S)
        except asyncio.TimeoutError:
            print(f"no {kind} within {TRY_S} s: again", file=sys.stderr)
    raise SystemExit(f"no {kind} after {TRIES} tries")


async def main():
    async with websockets.connect(URL) as exchange:
        ticker = await ask(
            exchange,
            {"type": "SUBSCRIBE", "channel": "TICKER", "symbol": "BTC/USD"},
            "MARKET_DATA",
        )
        print("last price", ticker["last_price"])

        mine = {"client_order_id": str(uuid.uuid4())}
        order = {
            "type": "PLACE_ORDER",
            "symbol": "BTC/USD",
            "side": "BUY",
            "order_type": "LIMIT",
            "price": "40000",
            "quantity": "1.5",
        }
        ack = await ask(exchange, order | mine, "ORDER_ACK", done="DUPLICATE_CLIENT_ID")
        if ack is None:
            ack = (await ask(exchange, {"type": "GET_ORDER"} | mine, "ORDERS"))["orders"][0]
        print("order", ack["order_id"], ack["status"])

        cancel = await ask(
            exchange, {"type": "CANCEL_ORDER"} | mine, "ORDER_CANCEL", done="CANCEL_FAILED"
        )
        print("cancelled", cancel["remaining_quantity"] if cancel else "before")


asyncio.run(main())
