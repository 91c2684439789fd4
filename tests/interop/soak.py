"""Many clients for a while, some of them coming and going: nothing is lost, and nothing grows.

Arguments: the folder of the built tools, the ws-fanout program, connections, seconds, how many
connections are replaced each second.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

from processes import skip

TOOLS, FANOUT = sys.argv[1], sys.argv[2]
CONNECTIONS, SECONDS, CHURN = (int(word) for word in sys.argv[3:6])
RATE = 2  # ticks a second, of PER_TICK messages each
PER_TICK = 2
SLACK_KB = 2048  # what a process's resident memory may move without growing


def raise_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 512
    if hard != resource.RLIM_INFINITY and hard < wanted:
        skip(f"{wanted} descriptors are wanted, the limit is {hard}")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return None


def watch(server, client):
    """The server's resident memory, once a second, from when all are there."""
    samples = []
    while client.poll() is None:
        time.sleep(1)
        samples.append(resident_kb(server.pid))
    return samples


def main():
    raise_limit()
    arguments = ["--per-tick", PER_TICK, "--rate", RATE, "--size", 150, "--bound", 65536]
    server = subprocess.Popen([FANOUT, "--port", "0", *map(str, arguments)],
                              stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().split()[1]
        client = subprocess.Popen(
            [os.path.join(TOOLS, "market-client"), "--load", str(CONNECTIONS), "--duration",
             f"{SECONDS}s", "--churn", str(CHURN), "--sequence", "seq", "--json",
             f"ws://127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True)
        try:
            samples = watch(server, client)
            result = json.loads(client.stdout.read())
        finally:
            client.kill()
            client.wait()
    finally:
        server.kill()
        server.wait()

    print(json.dumps(result))
    print(f"resident memory of the server, kB: {samples[:: max(1, len(samples) // 20)]}")
    assert result["failed"] == 0 and result["closed"] == 0, "connections were lost"
    assert result["sequence"] == {"missing": 0, "backwards": 0}, "messages were lost"
    assert result["messages"] > CONNECTIONS * RATE * PER_TICK * SECONDS * 0.8, "too little came"
    assert CHURN == 0 or result["churned"] > CHURN * SECONDS * 0.5, "too few came anew"
    if SECONDS >= 60:
        early = statistics.median(samples[len(samples) // 10: len(samples) // 4])
        late = max(samples[len(samples) // 2:])
        assert late <= early + SLACK_KB, f"the server grows: {early} kB, then {late} kB"


main()
