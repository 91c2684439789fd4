"""TLS with foreign peers: openssl's client and server, curl, and python's websockets.

tls_peer.py TOOLS_FOLDER
"""

import os
import shutil
import ssl
import subprocess
import sys
import tempfile

SKIPPED = 77


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
                          check=False, **more).stdout.decode(errors="replace")


def make_certificate(folder):
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def start_server(tools, cert, key):
    server = subprocess.Popen([os.path.join(tools, "mock-quotes"), "--port", "0", "--tls-cert",
                               cert, "--tls-key", key, "--deflate"], stderr=subprocess.PIPE)
    line = server.stderr.readline().decode()
    if "wss://" not in line:
        server.kill()
        raise SystemExit("the server does not speak TLS: " + line)
    return server, line.split(":")[-1].split(" ")[0]


def check(what, text, *wanted):
    for words in wanted:
        if words not in text:
            raise SystemExit("%s: no '%s' in:\n%s" % (what, words, text))
    print("good:", what)


def check_openssl_client(port, cert):
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for version in ("-tls1_2", "-tls1_3"):
        said = run("openssl", "s_client", "-connect", "127.0.0.1:" + port, version, "-CAfile", cert,
                   "-alpn", "http/1.1", "-servername", "localhost", "-ign_eof",
                   "-verify_hostname", "localhost", input=request)
        check("openssl s_client " + version, said, "Verify return code: 0 (ok)",
              "ALPN protocol: http/1.1", "HTTP/1.1 200 OK")
    said = run("openssl", "s_client", "-connect", "127.0.0.1:" + port, "-alpn", "h2", input=b"")
    check("openssl s_client for another protocol", said, "alert no application protocol")


def check_curl(port, cert):
    said = run("curl", "-sS", "--cacert", cert, "https://localhost:%s/healthz" % port)
    check("curl", said, '"ok"')
    said = run("curl", "-sS", "http://localhost:%s/healthz" % port)
    check("curl without TLS", said, "TLS is spoken here")


def check_openssl_server(tools, cert, key):
    """It speaks TLS and no WebSocket: the client verifies it, and says what is missing."""
    server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert,
                               "-key", key, "-www"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    try:
        port = None
        while port is None:
            line = server.stdout.readline().decode()
            if line.startswith("ACCEPT"):
                port = line.strip().split(":")[-1]
        client = os.path.join(tools, "market-client")
        said = run(client, "--reconnect", "never", "--ca-file", cert,
                   "wss://localhost:%s/" % port)
        check("openssl s_server", said, "200 ok")
        said = run(client, "--reconnect", "never", "wss://localhost:%s/" % port)
        check("openssl s_server that nobody knows", said, "certificate is NOT trusted")
    finally:
        server.kill()
        server.wait()


def check_websockets(port, cert):
    try:
        import asyncio
        import websockets
    except ImportError:
        print("python3-websockets is not installed: that part is left out")
        return

    async def talk():
        context = ssl.create_default_context(cafile=cert)
        async with websockets.connect("wss://localhost:%s/" % port, ssl=context) as socket:
            first = await socket.recv()
            if not first:
                raise SystemExit("an empty message")
            names = [extension.name for extension in socket.extensions]
            if "permessage-deflate" not in names:
                raise SystemExit("no compression was agreed upon: %s" % names)

    asyncio.run(talk())
    print("good: python websockets, wss and permessage-deflate")


def main():
    tools = sys.argv[1]
    if not shutil.which("openssl") or not shutil.which("curl"):
        print("openssl or curl is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(folder)
        server, port = start_server(tools, cert, key)
        try:
            check_openssl_client(port, cert)
            check_curl(port, cert)
            check_websockets(port, cert)
        finally:
            server.terminate()
            server.communicate()
        check_openssl_server(tools, cert, key)
    return 0


if __name__ == "__main__":
    sys.exit(main())
