"""Every file of a generator of trade files against what its manifest says, in any memory.

    parquet_generated.py PARQUET-CHECK TOOLS [--rows COUNT] [FOLDER...]

A folder, given or named by MSIM_TEST_GENERATED (with ':' between several), holds the files and a
manifest.json: of each file the number of rows (n), the sums of price and volume (sp, sv) and
ordchk, the sum of (rank % 1000003) * (row % 1000003) over the order of the replay.  The library
must give those in 16 MiB and in 1 GiB; what replay-server sends to a client must be the same bytes
in 16, 64 and 1024 MiB.  Where a page is too large for 16 MiB, what the refusal says is needed must
be enough.  With --rows, only files of so many.
"""
import argparse
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

from processes import Server

SKIPPED = 77
LEAST, MORE, MOST = 16, 64, 1024  # MiB
UNITS = {"epochms": 1000000}


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
    if entry.get("nulls") == "timestamp" or "n" not in entry:
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


def check(program, entry, files):
    """What is wrong, and the least memory that the files take."""
    options = ["--skip-bad-rows"] if entry.get("nulls") == "timestamp" else []
    if entry.get("ts") in UNITS:
        options += ["--timestamp-unit", str(UNITS[entry["ts"]])]
    if entry.get("cols") == "renamed":
        options += ["--columns", "Time", "px", "qty", "symbol"]
    least, wrong = LEAST, []
    good, words = run_check(program, options, files, least)
    needed = re.search(r"needs (\d+) MiB at least", words)
    if not good and needed:
        least = int(needed.group(1))
        good, words = run_check(program, options, files, least)
    for memory, (good, words) in ((least, (good, words)),
                                  (MOST, run_check(program, options, files, MOST))):
        if not good:
            wrong.append(f"{memory} MiB: {words[:300]}")
            continue
        found = dict(word.split("=", 1) for word in words.split())
        wrong += [f"{memory} MiB: {problem}" for problem in wrong_numbers(entry, found)]
    return wrong, least


def bytes_on_the_wire(tools, entry, files, memory):
    options = ["--skip-bad-rows"] if entry.get("nulls") == "timestamp" else []
    if entry.get("ts") in UNITS:
        options += ["--timestamp-unit", "ms"]
    if entry.get("cols") == "renamed":
        options += ["--columns", "timestamp=Time,price=px,volume=qty,ticker=symbol"]
    digest = hashlib.sha256()
    with Server(os.path.join(tools, "replay-server"), "--speed", "max", "--memory", f"{memory}M",
                "--temp-dir", "/tmp", *options, *files) as server:
        client = subprocess.Popen([os.path.join(tools, "market-client"), "--json", server.url],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for piece in iter(lambda: client.stdout.read(1 << 20), b""):
            digest.update(piece)
        code = client.wait()
    return code, digest.hexdigest()


def wire(tools, entry, files, least):
    heard = {memory: bytes_on_the_wire(tools, entry, files, memory) for memory in (least, MORE, MOST)}
    if any(code != 0 for code, _ in heard.values()):
        return [f"the client's exit codes: {[code for code, _ in heard.values()]}"]
    return [] if len({digest for _, digest in heard.values()}) == 1 else [f"differs: {heard}"]


def rows_of(entry):
    """As its name has them, n1e3_..., since partitions and files that are to be refused count others."""
    return int(float(entry["file"].split("_")[0].removeprefix("n")))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("tools")
    arguments.add_argument("--rows", type=int)
    arguments.add_argument("folders", nargs="*")
    given = arguments.parse_args()
    named = os.environ.get("MSIM_TEST_GENERATED", "")
    folders = given.folders or [folder for folder in named.split(":") if folder]
    if not folders:
        print("MSIM_TEST_GENERATED names no folder: skipped")
        return SKIPPED
    failures = compared = 0
    for folder in folders:
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as manifest:
            entries = json.load(manifest)
        for entry in entries:
            if entry.get("rows") == 0 or "must" in entry or (given.rows and rows_of(entry) != given.rows):
                continue
            files = files_of(folder, entry)
            wrong, least = check(given.program, entry, files)
            if not wrong:
                wrong = wire(given.tools, entry, files, least)
            if least > LEAST:
                print(f"{folder}/{entry['file']}: takes {least} MiB", flush=True)
            compared += 1
            failures += bool(wrong)
            for words in wrong:
                print(f"{folder}/{entry['file']}: {words}", flush=True)
    print(f"{compared} files, {failures} differ")
    return 1 if failures or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
