"""Every file of a generator of trade files against what its manifest says, in any memory.

    parquet_generated.py PARQUET-CHECK TOOLS [--rows COUNT] [--memory MIB,...] [--duckdb LIBRARY]
                         [--entry JSON] [FOLDER...]

A folder, given or named by MSIM_TEST_GENERATED (with ':' between several), holds the files and a
manifest.json: of each file the number of rows (n), the sums of price and volume (sp, sv) and
ordchk, the sum of (rank % 1000003) * (row % 1000003) over the order of the replay.  The library
must give those in 16 MiB and in 1 GiB; what replay-server sends to a client must be the same bytes
in 16, 64 and 1024 MiB, or in those of --memory.  Where a page is too large for the least, what the
refusal says is needed must be enough.  With --rows, only files of so many.

With --duckdb, its shared library, those numbers come from DuckDB's sort of each file in place of
the manifest, which has none of the order above 2e6 rows.  With --entry, a line of a manifest, only
that file is looked at: a generator whose files do not fit on the disk together calls this after
each of them, and removes it.
"""
import argparse
import ctypes
import glob
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse

from processes import Server

SKIPPED = 77
MEMORIES = (16, 64, 1024)  # MiB
UNITS = {"epochms": 1000000}
NAMES = ("timestamp", "price", "volume", "ticker")
RENAMED = ("Time", "px", "qty", "symbol")
DUCKDB_MEMORY = "3GB"
UPGRADE = (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
RECEIVED = 4 << 20
PONG = b"\x8a\x80\0\0\0\0"
PONG_INTERVAL = 5  # seconds; the server pings after 20 of silence
END = b'{"status": "Replay finished."}\x88\x02\x03\xe8'


class Duckdb:
    """DuckDB by its C interface, since its Python package is seldom installed."""

    class Result(ctypes.Structure):
        _fields_ = [("words", ctypes.c_uint64 * 3), ("pointers", ctypes.c_void_p * 3)]

    def __init__(self, library):
        self.library = ctypes.CDLL(library)
        self.library.duckdb_value_varchar.restype = ctypes.c_void_p
        self.library.duckdb_value_varchar.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
        self.library.duckdb_result_error.restype = ctypes.c_char_p
        self.library.duckdb_free.argtypes = [ctypes.c_void_p]
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        if self.library.duckdb_open(None, ctypes.byref(self.database)) or self.library.duckdb_connect(
                self.database, ctypes.byref(self.connection)):
            raise RuntimeError("DuckDB does not open")
        for setting in ("threads=1", f"memory_limit='{DUCKDB_MEMORY}'", "TimeZone='UTC'"):
            self.row(f"SET {setting}", 0)

    def row(self, query, columns):
        """The first row of its result, as texts."""
        result = self.Result()
        try:
            if self.library.duckdb_query(self.connection, query.encode(), ctypes.byref(result)):
                raise RuntimeError(self.library.duckdb_result_error(ctypes.byref(result)).decode())
            return [self.text(result, column) for column in range(columns)]
        finally:
            self.library.duckdb_destroy_result(ctypes.byref(result))

    def text(self, result, column):
        value = self.library.duckdb_value_varchar(ctypes.byref(result), column, 0)
        text = ctypes.string_at(value).decode() if value else None
        self.library.duckdb_free(value)
        return text

    def close(self):
        self.library.duckdb_disconnect(ctypes.byref(self.connection))
        self.library.duckdb_close(ctypes.byref(self.database))

    def numbers(self, entry, files):
        """What a manifest says, of all rows that have a timestamp."""
        moment, price, volume, _ = (f'"{name}"' for name in columns_of(entry))
        names = ", ".join(f"'{name}'" for name in files)
        rows = f"read_parquet([{names}], hive_partitioning=false, filename=true, file_row_number=true)"
        place = "file_row_number"
        if len(files) > 1:
            place = "row_number() OVER (ORDER BY filename, file_row_number) - 1"
        count, prices, volumes = self.row(
            f"SELECT count(*)::VARCHAR, sum({price})::VARCHAR, sum({volume})::VARCHAR "
            f"FROM {rows} WHERE {moment} IS NOT NULL", 3)
        order, = self.row(
            "SELECT sum(((rank - 1) % 1000003) * (place % 1000003))::HUGEINT::VARCHAR FROM "
            "(SELECT place, row_number() OVER (ORDER BY moment, place) AS rank FROM "
            f"(SELECT {moment} AS moment, {place} AS place FROM {rows}) WHERE moment IS NOT NULL)", 1)
        return {"n": count, "sp": prices, "sv": volumes, "ordchk": order}


def columns_of(entry):
    return RENAMED if entry.get("cols") == "renamed" else NAMES


def files_of(folder, entry):
    path = os.path.join(folder, entry["file"])
    if not os.path.isdir(path):
        return [path]
    return sorted(glob.glob(path + "/**/*.parquet", recursive=True))


def digits(text):
    return text.replace(".", "")


def wrong_numbers(entry, found):
    """What the manifest has otherwise; sums of doubles depend on who adds them."""
    wrong = []
    if entry.get("ordchk") not in (None, found["order"]):
        wrong.append(f"order {found['order']}, expected {entry['ordchk']}")
    if found["late"] != "0":
        wrong.append(f"{found['late']} rows too late")
    if "n" not in entry or (entry.get("nulls") == "timestamp" and "sorted_by" not in entry):
        return wrong
    if found["rows"] != entry["n"]:
        wrong.append(f"{found['rows']} rows, expected {entry['n']}")
    if entry.get("px") not in ("f32", "f64"):
        for key, name in (("sp", "price"), ("sv", "volume")):
            if entry[key] and found[name] != digits(entry[key]):
                wrong.append(f"{name} {found[name]}, expected {digits(entry[key])}")
    return wrong


def run_check(program, options, files, memory):
    run = subprocess.run([program, "--memory", str(memory), "--temp-dir", "/tmp", *options, *files],
                         capture_output=True, text=True)
    good = run.returncode == 0 and run.stdout.startswith("rows=")
    return good, (run.stdout + run.stderr).strip()


def check(program, entry, files, memories):
    """What is wrong, and the least memory that the files take."""
    options = ["--skip-bad-rows"] if entry.get("nulls") == "timestamp" else []
    if entry.get("ts") in UNITS:
        options += ["--timestamp-unit", str(UNITS[entry["ts"]])]
    if entry.get("cols") == "renamed":
        options += ["--columns", *RENAMED]
    least, wrong = memories[0], []
    good, words = run_check(program, options, files, least)
    needed = re.search(r"needs (\d+) MiB at least", words)
    if not good and needed:
        least = int(needed.group(1))
        good, words = run_check(program, options, files, least)
    for memory, (good, words) in ((least, (good, words)),
                                  (memories[-1], run_check(program, options, files, memories[-1]))):
        if not good:
            wrong.append(f"{memory} MiB: {words[:300]}")
            continue
        found = dict(word.split("=", 1) for word in words.split())
        wrong += [f"{memory} MiB: {problem}" for problem in wrong_numbers(entry, found)]
    return wrong, least


def heard_from(url):
    """Everything that a server sends behind its upgrade, frames and all: how much, and its digest.

    The pongs that nobody asked for keep it from asking, which would depend on the time.
    """
    address = urllib.parse.urlsplit(url)
    digest, length = hashlib.sha256(), 0
    with socket.create_connection((address.hostname, address.port)) as link:
        link.sendall(UPGRADE)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = link.recv(1)
            if not piece:
                raise AssertionError(f"no upgrade: {head}")
            head += piece
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
        spoken = time.monotonic()
        last = b""
        for piece in iter(lambda: link.recv(RECEIVED), b""):
            digest.update(piece)
            length += len(piece)
            last = (last + piece)[-len(END):]
            if last == END:
                break
            if time.monotonic() - spoken > PONG_INTERVAL:
                link.sendall(PONG)
                spoken = time.monotonic()
    if last != END:
        raise AssertionError(f"it ends with {last}")
    return length, digest.hexdigest()


def bytes_on_the_wire(tools, entry, files, memory):
    options = ["--skip-bad-rows"] if entry.get("nulls") == "timestamp" else []
    if entry.get("ts") in UNITS:
        options += ["--timestamp-unit", "ms"]
    if entry.get("cols") == "renamed":
        options += ["--columns", ",".join(map("=".join, zip(NAMES, RENAMED)))]
    with Server(os.path.join(tools, "replay-server"), "--speed", "max", "--memory", f"{memory}M",
                "--temp-dir", "/tmp", *options, *files) as server:
        return heard_from(server.url)


def wire(tools, entry, files, memories):
    """What is wrong, and the digest of what a client heard."""
    try:
        heard = {memory: bytes_on_the_wire(tools, entry, files, memory) for memory in memories}
    except AssertionError as failure:
        return [str(failure)], ""
    digests = sorted({digest for _, digest in heard.values()})
    return ([] if len(digests) == 1 else [f"differs: {heard}"]), digests[0]


def examine(given, duckdb, folder, entry):
    """True where all of a file is as it should be."""
    files = files_of(folder, entry)
    began = time.monotonic()
    if duckdb:
        entry = {**entry, "sorted_by": "DuckDB", **duckdb.numbers(entry, files)}
    sorted_at = time.monotonic()
    wrong, least = check(given.program, entry, files, given.memory)
    read_at = time.monotonic()
    digest = ""
    if not wrong:
        memories = [max(least, memory) for memory in given.memory]
        wrong, digest = wire(given.tools, entry, files, sorted(set(memories)))
    for words in wrong:
        print(f"{folder}/{entry['file']}: {words}", flush=True)
    if duckdb or least > given.memory[0]:
        print(f"{folder}/{entry['file']}: {'differs' if wrong else 'good'}, {entry.get('n')} rows, "
              f"takes {least} MiB, order {entry.get('ordchk')}, sent {digest[:16]}; "
              f"{sorted_at - began:.0f} s, {read_at - sorted_at:.0f} s, "
              f"{time.monotonic() - read_at:.0f} s", flush=True)
    return not wrong


def rows_of(entry):
    """As its name has them, n1e3_..., since partitions and files that are to be refused count others."""
    return int(float(entry["file"].split("_")[0].removeprefix("n")))


def entries_of(given, folder):
    if given.entry:
        return [json.loads(given.entry)]
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as manifest:
        return json.load(manifest)


def is_wanted(given, entry):
    if entry.get("rows") == 0 or "must" in entry:
        return False
    return not given.rows or rows_of(entry) == given.rows


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("tools")
    arguments.add_argument("--rows", type=int)
    arguments.add_argument("--memory", type=lambda text: sorted(map(int, text.split(","))),
                           default=MEMORIES)
    arguments.add_argument("--duckdb", metavar="LIBRARY")
    arguments.add_argument("--entry", metavar="JSON")
    arguments.add_argument("folders", nargs="*")
    given = arguments.parse_intermixed_args()
    named = os.environ.get("MSIM_TEST_GENERATED", "")
    folders = given.folders or [folder for folder in named.split(":") if folder]
    if not folders:
        print("MSIM_TEST_GENERATED names no folder: skipped")
        return SKIPPED
    duckdb = Duckdb(given.duckdb) if given.duckdb else None
    good = [examine(given, duckdb, folder, entry)
            for folder in folders for entry in entries_of(given, folder) if is_wanted(given, entry)]
    if duckdb:
        duckdb.close()
    print(f"{len(good)} files, {good.count(False)} differ")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
