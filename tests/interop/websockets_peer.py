"""python3-websockets against the library, in both roles, and Python's HTTP client.

    websockets_peer.py ECHO_SERVER ECHO_CLIENT FOREIGN_LOOP

The programs echo what they hear (tests/net/echo-server.c, examples/foreign-loop.c) or
want an echo (tests/net/echo-client.c).
"""
import asyncio
import http.client
import re
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile

import websockets

SIZES = (0, 1, 125, 126, 127, 65535, 65536, 300000)


async def start(program, *arguments):
    """Starts a server and reads from its first line where it listens."""
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    line = (await process.stdout.readline()).decode()
    return process, int(re.search(r"(?:port |localhost:)(\d+)", line).group(1))


async def stop(process, number):
    process.send_signal(number)
    await process.stdout.read()
    status = await process.wait()
    assert status == 0, f"exit status {status}"


def messages(size):
    """A text and bytes; long ones are no bombs where they are compressed."""
    if size < 100000:
        return "é" * (size // 2) + "a" * (size % 2), b"\xff" * size
    return "".join(str(i * i) for i in range(size // 10)), bytes(i * i % 251 for i in range(size))


async def echoes(uri, **options):
    async with websockets.connect(uri, max_size=None, **options) as peer:
        for size in SIZES:
            for message in messages(size):
                await peer.send(message)
                assert await peer.recv() == message
        await peer.send(["in ", "several ", "pieces é", ""])
        assert await peer.recv() == "in several pieces é"
        await asyncio.wait_for(await peer.ping(b"are you there?"), 10)
        for number in range(1000):
            await peer.send(str(number))
        for number in range(1000):
            assert await peer.recv() == str(number)
    assert peer.close_code == 1000, peer.close_code


def http_exchanges(port):
    """One kept connection: bodies by length and in chunks, both ways."""
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    link = None
    for size in (0, 1, 1000, 100000, 3000000):
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        for query in ("", "?chunks"):
            for sent in (body, iter([body[:10], body[10:]])):
                peer.request("POST", "/http/any" + query, sent, {"Content-Type": "a/b"},
                             encode_chunked=not isinstance(sent, bytes))
                answer = peer.getresponse()
                assert answer.read() == body
                assert (answer.status, answer.getheader("Content-Type")) == (200, "a/b")
                assert answer.getheader("X-Method") == "POST"
                assert link in (None, peer.sock), "the connection was not kept"
                link = peer.sock
    peer.request("HEAD", "/http/")
    answer = peer.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    peer.request("GET", "/refuse")
    answer = peer.getresponse()
    assert answer.status == 426, answer.status
    peer.close()


async def as_client(echo_server):
    process, port = await start(echo_server)
    await asyncio.get_running_loop().run_in_executor(None, http_exchanges, port)
    for host in ("localhost", "127.0.0.1"):
        await echoes(f"ws://{host}:{port}/any/path?x=%20")
    # It offers compression; the server need not take it up.
    await echoes(f"ws://127.0.0.1:{port}/", compression="deflate")
    try:
        await websockets.connect(f"ws://127.0.0.1:{port}/refuse")
        raise AssertionError("a refused path was opened")
    except websockets.exceptions.InvalidStatusCode as refusal:
        assert refusal.status_code == 404
    # A message beyond the bound of this server (16 MiB).
    async with websockets.connect(f"ws://127.0.0.1:{port}/", max_size=None) as peer:
        try:
            await peer.send(b"x" * (16 * 1024 * 1024 + 1))
            await peer.recv()
            raise AssertionError("a message beyond the bound came back")
        except websockets.exceptions.ConnectionClosed as closed:
            assert closed.rcvd is not None and closed.rcvd.code == 1009, closed
    await stop(process, signal.SIGTERM)


async def as_server(echo_client, **options):
    async def echo(peer, *_):
        async for message in peer:
            await peer.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, **options) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            echo_client, f"ws://127.0.0.1:{port}/echo", stdout=asyncio.subprocess.PIPE
        )
        output = (await process.stdout.read()).decode()
        status = await process.wait()
        assert status == 0, output
        assert output.endswith("closed with 1000\n"), output


def make_certificate(folder):
    cert, key, both = (os.path.join(folder, name) for name in ("cert", "key", "both"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    with open(both, "wb") as out:
        for name in (cert, key):
            with open(name, "rb") as file:
                out.write(file.read())
    return cert, key, both


async def compressed_and_secure(echo_server, echo_client):
    """wss in both roles, compressed and not, with and without a context."""
    async def echo(peer, *_):
        async for message in peer:
            await peer.send(message)

    with tempfile.TemporaryDirectory() as folder:
        cert, key, both = make_certificate(folder)
        trust = ssl.create_default_context(cafile=cert)
        for options in ((), ("--deflate",), ("--deflate", "--context")):
            process, port = await start(echo_server, "--cert", both, *options)
            compression = "deflate" if options else None
            await echoes(f"wss://localhost:{port}/", ssl=trust, compression=compression)
            await stop(process, signal.SIGTERM)
        identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        identity.load_cert_chain(cert, key)
        for compression in (None, "deflate"):
            async with websockets.serve(echo, "127.0.0.1", 0, max_size=None, ssl=identity,
                                        compression=compression) as server:
                port = server.sockets[0].getsockname()[1]
                arguments = [f"wss://localhost:{port}/echo", cert]
                if compression:
                    arguments.append(compression)
                process = await asyncio.create_subprocess_exec(
                    echo_client, *arguments, stdout=asyncio.subprocess.PIPE)
                output = (await process.stdout.read()).decode()
                assert await process.wait() == 0, output


async def in_a_foreign_loop(foreign_loop):
    process, port = await start(foreign_loop)
    await echoes(f"ws://localhost:{port}/")
    await stop(process, signal.SIGINT)


async def main(echo_server, echo_client, foreign_loop):
    await as_client(echo_server)
    await as_server(echo_client)
    await as_server(echo_client, compression=None)
    await in_a_foreign_loop(foreign_loop)
    parts = os.environ.get("MSIM_TEST_PARTS", "tls deflate").split()
    if len(parts) == 2 and shutil.which("openssl"):
        await compressed_and_secure(echo_server, echo_client)
    else:
        print("something is not built in, or openssl not installed: wss is left out")
    print("ok")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:4]), 100))
