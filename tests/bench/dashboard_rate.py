#!/usr/bin/env python3
"""Updates that front ends are given: dashboard-server beside a Flask-SocketIO server.

    dashboard_rate.py DASHBOARD-SERVER DASHBOARD-CROWD [CLIENTS [ROUNDS]]

Front ends by WebSocket, which count what comes (dashboard_crowd.c).  First a script pushes ten
trades at a time and waits for each receipt but the last few; what is told is updates delivered a
second, both in turn.  Then, paced: 1,000 front ends, ten updates a second; what is told is the server's share of a processor.
"""
import os
import resource
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 3


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, command):
        self.port = free_port()
        self.process = subprocess.Popen([*command, str(self.port)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def measure(command, crowd, count, rate):
    """(updates delivered a second, the server's processors, the readers')."""
    with Server(command) as server, \
            subprocess.Popen([crowd, str(server.port), str(count), str(rate), str(SECONDS)],
                             stdout=subprocess.PIPE, text=True) as readers:
        assert readers.stdout.readline() == "go\n", "the front ends did not come together"
        pids = (server.process.pid, readers.pid)
        used, start = [processor_seconds(pid) for pid in pids], time.monotonic()
        time.sleep(SECONDS - 0.2)
        now = time.monotonic() - start
        shares = [(processor_seconds(pid) - before) / now for pid, before in zip(pids, used)]
        return float(readers.stdout.readline()), *shares


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    crowd = sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    ours = [sys.argv[1], "--port"]
    theirs = ["/usr/bin/python3", os.path.join(HERE, "flask_dashboard.py")]
    rates = {"ours": [], "theirs": []}
    for _ in range(rounds):
        for name, command in (("ours", ours), ("theirs", theirs)):
            rate, used, reading = measure(command, crowd, count, 0)
            rates[name].append(rate)
            print(f"{name}: {rate:.0f} updates/s to {count} front ends, {used:.2f} processors, "
                  f"front ends {reading:.2f}", flush=True)
    medians = [statistics.median(rates[name]) for name in ("ours", "theirs")]
    print(f"medians {medians[0]:.0f} and {medians[1]:.0f}: {medians[0] / medians[1]:.1f} times")
    for _ in range(rounds):
        rate, used, _ = measure(ours, crowd, 1000, 10)
        print(f"ours, paced: {rate:.0f} updates/s to 1000 front ends, {used:.3f} processors", flush=True)


main()
