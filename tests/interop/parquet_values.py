"""parquet-cat's rows of the format's own test files beside what another engine read from them.

    parquet_values.py PARQUET-CAT

The folder that MSIM_TEST_DATA names holds the files and, in expect/, their rows as CSV.
"""
import csv
import glob
import io
import math
import os
import subprocess
import sys

SKIPPED = 77
# The other engine rejects it or does not read it; ours must say why and where.
REFUSED = {"rle-dict-uncompressed-corrupt-checksum.parquet": "checksum"}


def same(ours, theirs):
    if ours == theirs:
        return True
    try:
        one, other = float(ours), float(theirs)
    except ValueError:
        return False
    return one == other or (math.isnan(one) and math.isnan(other))


def compare(cat, path, expected):
    run = subprocess.run([cat, "--null", "\\N", path], capture_output=True)
    name = os.path.basename(path)
    if name in REFUSED:
        if run.returncode != 1 or REFUSED[name] not in run.stderr.decode():
            return "is not refused"
        return None
    if run.returncode != 0:
        return run.stderr.decode().strip()
    ours = list(csv.reader(io.StringIO(run.stdout.decode(), newline="")))
    theirs = list(csv.reader(open(expected, newline="", encoding="utf-8")))
    if len(ours) != len(theirs):
        return f"{len(ours)} lines, expected {len(theirs)}"
    for line, (one, other) in enumerate(zip(ours, theirs)):
        if len(one) != len(other) or not all(map(same, one, other)):
            return f"line {line}: {one[:12]}, expected {other[:12]}"
    return None


def main():
    data = os.environ.get("MSIM_TEST_DATA")
    if not data:
        print("MSIM_TEST_DATA names no folder: skipped")
        return SKIPPED
    folder = os.path.join(data, "parquet-testing")
    failures = compared = 0
    for expected in sorted(glob.glob(os.path.join(folder, "expect", "*.csv"))):
        path = os.path.join(folder, "data", os.path.basename(expected)[: -len(".csv")])
        problem = compare(sys.argv[1], path, expected)
        compared += 1
        if problem:
            failures += 1
            print(f"{os.path.basename(path)}: {problem}")
    print(f"{compared} files, {failures} differ")
    return 1 if failures or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
