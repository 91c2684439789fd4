"""What a first client of exchange-server does: hears prices, places an order, cancels it.

    python3 simple_client.py [ws://localhost:8765/ws]

Needs the package websockets.
"""

import asyncio
import json
import sys

import websockets

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://localhost:8765/ws"


async def wait_for(exchange, kind):
    """Passes over what else is told in between."""
    async for text in exchange:
        message = json.loads(text)
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
