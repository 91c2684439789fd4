#!/usr/bin/env python3
"""What one `latency` costs per message: toxiproxy's processor time beside the failure layer's.

    toxiproxy.py TOXIPROXY-SERVER FAULTS-JUDGE

Toxiproxy delays what one read of its socket gives, whatever messages are in it; so it is measured
twice: with many messages in a write, as a flood arrives, and with one message in each, as a
market's do.  Its figure is the proxy's own processor time, the kernel's for its sockets included;
ours is the library's, which has no socket: the difference is what a process in between costs.
"""
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

MESSAGE = b'{"type":"ORDERBOOK_UPDATE","symbol":"BTC/USD","sequence":00001}\n'
ROUNDS = 5
LATENCY_MS = 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def call(api, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", api, timeout=5)
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status >= 300:
        sys.exit(f"toxiproxy: {path}: {answer.status} {answer.read().decode()}")


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("toxiproxy does not listen")


def feed(listener, count, per_write, rate):
    """Sends `count` messages to whoever connects; `rate` writes a second, or as fast as it goes."""
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with peer:
        begin = time.monotonic()
        for i in range(0, count, per_write):
            if rate and i % 32 == 0:
                ahead = begin + i / per_write / rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
            peer.sendall(MESSAGE * per_write)


def measure(proxy, port, listener, count, per_write, rate):
    feeder = threading.Thread(target=feed, args=(listener, count, per_write, rate))
    feeder.start()
    before, begin, received = processor_seconds(proxy.pid), time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", port)) as reader:
        while received < count * len(MESSAGE):
            received += len(reader.recv(1 << 20))
    feeder.join()
    spent = processor_seconds(proxy.pid) - before
    return spent / count * 1e9, count / (time.monotonic() - begin)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    api, port = free_port(), free_port()
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = subprocess.Popen([sys.argv[1], "-port", str(api)], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        wait_for(api)
        call(api, "/proxies", {"name": "market", "listen": f"127.0.0.1:{port}", "enabled": True,
                               "upstream": "127.0.0.1:%d" % listener.getsockname()[1]})
        call(api, "/proxies/market/toxics", {"type": "latency", "stream": "downstream",
                                             "attributes": {"latency": LATENCY_MS}})
        for name, count, per_write, rate in (("many messages in a write", 2000000, 500, 0),
                                             ("one message in a write, 20,000/s", 40000, 1, 20000)):
            rounds = [measure(proxy, port, listener, count, per_write, rate)
                      for _ in range(ROUNDS)]
            ns, per_second = (sorted(values)[ROUNDS // 2] for values in zip(*rounds))
            print(f"toxiproxy, {name:34} {ns:8.0f} ns {per_second / 1e6:8.3f} M/s")
    finally:
        proxy.terminate()
        proxy.wait()
    ours = subprocess.run([sys.argv[2]], capture_output=True, text=True, check=True).stdout
    line = re.search(r"a delay of .*", ours).group()
    print("the failure layer,", line)


if __name__ == "__main__":
    main()
