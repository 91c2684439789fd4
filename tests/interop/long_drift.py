"""Ten minutes at the original pace: the schedule does not drift.

The median lateness of the last minute's bundles equals that of the first minute's, within what a busy
machine does to a median.  Arguments: the folder of the built tools, the make-sample program, seconds.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from datetime import datetime, timedelta

from processes import Server, fresh_folder, run, skip

try:
    import websockets
except ImportError:
    skip("python3-websockets is not there")

TOOLS, MAKE_SAMPLE, SECONDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
TOLERANCE_MS = 2.0


async def measure(url):
    """(seconds since the first trade, lateness in ms against it) of each bundle."""
    offsets, first, last = [], None, None
    async with websockets.connect(url) as feed:
        async for text in feed:
            now = time.monotonic()
            message = json.loads(text)
            moment = message.get("timestamp")
            if not moment or moment == last:
                continue
            last = moment
            moment = datetime.fromisoformat(moment)
            if first is None:
                first = (moment, now)
            distance = (moment - first[0]).total_seconds()
            offsets.append((distance, (now - first[1] - distance) * 1e3))
    return offsets


def main():
    with fresh_folder() as folder:
        sample = os.path.join(folder, "sample.parquet")
        code, _, words = run(MAKE_SAMPLE, sample, "--rows", 160 * SECONDS)
        assert code == 0, words
        end = datetime(2022, 7, 1) + timedelta(seconds=SECONDS)
        with Server(os.path.join(TOOLS, "replay-server"), "--to", end.isoformat(), sample) as server:
            offsets = asyncio.run(measure(server.url))
    span = offsets[-1][0]
    early = statistics.median(late for at, late in offsets if at < span / 10)
    late = statistics.median(late for at, late in offsets if at > span * 9 / 10)
    print(f"{len(offsets)} bundles in {span:.1f} s, median of the first tenth {early:.3f} ms, "
          f"of the last {late:.3f} ms")
    assert span > SECONDS * 0.9, "the sample is too short"
    assert abs(late - early) < TOLERANCE_MS, "the schedule drifts"


main()
