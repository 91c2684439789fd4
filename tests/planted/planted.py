"""Whether the tests find the bugs that are planted in lib/faults.

    planted.py all ROOM BUG...       every planted bug has its row, and every row a bug
    planted.py caught PROGRAM TEST   the test fails in PROGRAM, which has a bug

That the same test passes without the bug is shown where the suite runs it.
"""
import os
import pathlib
import re
import subprocess
import sys


def planted_in(room):
    """Names of the bugs that the room's code can have."""
    names = set()
    for path in sorted(pathlib.Path(room).glob("*.[ch]")):
        if path.name != "plant.h":
            names |= set(re.findall(r"PLANTED\((\w+)\)|MSIM_PLANT == PLANT_(\w+)",
                                    path.read_text(encoding="utf-8")))
    return {first or second for first, second in names}


def check_all(room, bugs):
    code = planted_in(room)
    for name in sorted(code - set(bugs)):
        print(f"PLANT_{name} stands in the code, and tests/planted/meson.build has no row for it")
    for name in sorted(set(bugs) - code):
        print(f"tests/planted/meson.build has a row for {name}, which no code plants")
    return code == set(bugs) and bool(code)


def outcome(program, test):
    """Exit status of one test of a program, and what it printed."""
    run = subprocess.run([program], env=dict(os.environ, PLANTED_TEST=test),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    return run.returncode, run.stdout.decode("utf-8", "replace")


def check_caught(program, test):
    status, words = outcome(program, test)
    if status == 1 and re.search(rf"\[ +FAILED +\] {test}\n", words):
        return True
    print(words)
    print(f"{test} ended with {status} where it should have failed: the bug goes unseen")
    return False


def main():
    if len(sys.argv) > 3 and sys.argv[1] == "all":
        return 0 if check_all(sys.argv[2], sys.argv[3:]) else 1
    if len(sys.argv) == 4 and sys.argv[1] == "caught":
        return 0 if check_caught(*sys.argv[2:]) else 1
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
