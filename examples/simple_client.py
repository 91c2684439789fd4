"""What a first client of exchange-server does: hears prices, places an order, cancels it.

    python3 simple_client.py [ws://localhost:8765/ws]

Needs the package websockets.
"""

import asyncio
import json
import sys

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:8765/ws"
PATIENCE_S = 10  # an exchange with faults may lose a message: nobody waits for it for ever


async def wait_for(exchange, kind):
    """Passes over what else is told in between."""
    while True:
        try:
            text = await asyncio.wait_for(exchange.recv(), PATIENCE_S)
        except asyncio.TimeoutError:
            raise SystemExit(f"no {kind} within {PATIENCE_S} s: was it lost? try again") from None
        try:
            message = json.loads(text)
        except json.JSONDecodeError:
            continue  # a fault spoiled it
        if message["type"] == "ERROR":
            raise SystemExit(f"{message['code']}: {message['message']}")
        if message["type"] == kind:
            return message


async def main():
    async with websockets.connect(URL) as exchange:
        await exchange.send(
            json.dumps({"type": "SUBSCRIBE", "channel": "TICKER", "symbol": "BTC/USD"})
        )
        ticker = await wait_for(exchange, "MARKET_DATA")
        print("last price", ticker["last_price"])

        order = {
            "type": "PLACE_ORDER",
            "symbol": "BTC/USD",
            "side": "BUY",
            "order_type": "LIMIT",
            "price": "40000",
            "quantity": "1.5",
        }
        await exchange.send(json.dumps(order))
        ack = await wait_for(exchange, "ORDER_ACK")
        print("order", ack["order_id"], ack["status"])

        await exchange.send(json.dumps({"type": "CANCEL_ORDER", "order_id": ack["order_id"]}))
        cancel = await wait_for(exchange, "ORDER_CANCEL")
        print("cancelled", cancel["remaining_quantity"])


asyncio.run(main())
