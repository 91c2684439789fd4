"""How the files look: clang-format 14 on C, and a few things that hold for all text."""

import os
import re
import subprocess
import sys

import house

MAX_BYTES = 512 * 1024
MAX_LINES = 900

# Spelled apart, so that this file does not bear the words that it looks for.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK|WI" r"P)\b")

BINARY = re.compile(r"^tests/fuzz/corpus/|\.(png|ico|gz|zst|parquet|arrow|bin)$")


def clang_format():
    """Another version lays out other lines: only 14 may judge."""
    for name in ["clang-format-14", "clang-format"]:
        path = house.find_program(name)
        if path and " version 14." in house.run([path, "--version"]):
            return path
    return None


def check_text(name, text, problems):
    for number, line in enumerate(text.split("\n"), 1):
        where = "%s:%d" % (name, number)
        if line != line.rstrip():
            problems.append("%s: white space at the end of the line" % where)
        if "\t" in line and not name.endswith((".scd", "Makefile")):
            problems.append("%s: a tab" % where)
        if UNFINISHED.search(line):
            problems.append("%s: unfinished: %s" % (where, line.strip()))
    if text and not text.endswith("\n"):
        problems.append("%s: no line end at its end" % name)
    if text.endswith("\n\n"):
        problems.append("%s: an empty line at its end" % name)
    if name.endswith((".c", ".h", ".cpp")) and text.count("\n") > MAX_LINES:
        problems.append("%s: more than %d lines: find the two files that it is" % (name, MAX_LINES))


def main():
    root = sys.argv[1]
    problems = []
    sources = []
    files = house.project_files(root)

    for name in files:
        path = os.path.join(root, name)
        if os.path.islink(path):
            continue
        if os.path.getsize(path) > MAX_BYTES:
            problems.append("%s: larger than %d bytes" % (name, MAX_BYTES))
        if BINARY.search(name):
            continue
        try:
            check_text(name, house.read(root, name), problems)
        except UnicodeDecodeError:
            problems.append("%s: not UTF-8" % name)
        if name.endswith((".c", ".h", ".cpp")):
            sources.append(path)

    formatter = clang_format()
    if formatter:
        done = subprocess.run([formatter, "--dry-run", "-Werror", "--style=file"] + sources,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True)
        if done.returncode != 0:
            problems += [line for line in done.stdout.splitlines() if "error:" in line]
    if not sources:
        problems.append("no source was found in " + root)
    house.finish(problems, "%d files%s" % (len(files), "" if formatter else
                                           "; clang-format 14 was not there to judge the C"))


main()
