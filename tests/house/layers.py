"""Who may include whom (docs/design.md): reads every #include of lib, include and tools."""

import re
import sys

import house

# A room, and the rooms below it that it may speak to through include/marketsim.  Codecs and
# faults see sources alone of their floor: one asks them for symbols' names, the other wraps them.
BELOW = {
    "base": [],
    "record": ["base"],
    "source": ["record"],
    "pacer": ["record"],
    "engine": ["record"],
    "journal": ["record"],
    "codec": ["record", "source"],
    "faults": ["record", "source"],
    "parquet": ["source"],
    "mock": ["source"],
    "venue": ["engine", "faults", "mock", "source", "journal"],
    "net": ["base"],
    "server": ["net", "venue", "codec", "parquet", "mock", "faults", "engine", "pacer"],
    "tools": ["server"],
}

# Which room's a public header is; all others bear their room's name.
HEADER_ROOMS = {
    "access": "net",
    "arrow": "parquet",
    "assets": "net",
    "dialer": "net",
    "engineio": "server",
    "fetch": "net",
    "form": "net",
    "http": "net",
    "hub": "net",
    "impair": "net",
    "socketio": "server",
    "tls": "net",
    "version": "base",
}

# Private headers that rooms above may include.
OPEN_HEADERS = re.compile(r"^(base/\w+|record/symbols)\.h$")

CORE = ["base", "record", "source", "pacer", "mock", "faults", "engine", "journal", "codec",
        "venue"]

# The core is a calculator: of the system it knows these alone.
CORE_SYSTEM = {"assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h",
               "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "math.h"}
PUBLIC_SYSTEM = {"stdbool.h", "stddef.h", "stdint.h", "stdarg.h"}

# Files of otherwise calculating rooms that open paths, use clocks, make threads or ask for pages.
SYSTEM_FILES = {"parquet": 4}


def reach(room, seen=None):
    seen = set() if seen is None else seen
    for below in BELOW[room]:
        if below not in seen:
            seen.add(below)
            reach(below, seen)
    return seen | {room}


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def header_room(name):
    stem = name[len("marketsim/"):-len(".h")]
    return HEADER_ROOMS.get(stem, stem)


def check_public(room, name, where, problems):
    """A public header is seen by `room`."""
    wanted = header_room(name)
    if wanted == "marketsim":
        if room != "tools":
            problems.append("%s: the umbrella header is for programs" % where)
    elif wanted not in BELOW:
        problems.append("%s: %s belongs to no room of the table" % (where, name))
    elif wanted not in reach(room):
        problems.append("%s: %s must not include %s" % (where, room, name))


def check_source(room, path, root, problems, system_users):
    uses_system = False
    for number, kind, name in includes(house.read(root, path)):
        where = "%s:%d" % (path, number)
        if name.startswith("marketsim/"):
            check_public(room, name, where, problems)
            if kind != "<":
                problems.append("%s: write <%s>" % (where, name))
        elif kind == '"':
            own = name.startswith(room + "/") or (room == "tools" and not
                                                  name.split("/")[0] in BELOW)
            if not own and not OPEN_HEADERS.match(name):
                problems.append("%s: %s is private to its room" % (where, name))
            if OPEN_HEADERS.match(name) and name.split("/")[0] not in reach(room):
                problems.append("%s: %s must not include %s" % (where, room, name))
        elif room in CORE and name not in CORE_SYSTEM:
            problems.append("%s: the core must not include <%s>" % (where, name))
        elif name not in CORE_SYSTEM:
            uses_system = uses_system or re.match(r"(sys/|fcntl|unistd|dirent|time|pthread)", name)
    if uses_system:
        system_users.setdefault(room, []).append(path)


def check_header(path, root, problems):
    room = header_room(path[len("include/"):])
    for number, kind, name in includes(house.read(root, path)):
        where = "%s:%d" % (path, number)
        if name.startswith("marketsim/"):
            if room != "marketsim":
                check_public(room, name, where, problems)
        elif name not in PUBLIC_SYSTEM or kind != "<":
            problems.append("%s: a public header must not include %s" % (where, name))


def main():
    root = sys.argv[1]
    problems = []
    system_users = {}
    count = 0
    for path in house.project_files(root):
        if not path.endswith((".c", ".h")):
            continue
        parts = path.split("/")
        if parts[0] == "include":
            check_header(path, root, problems)
        elif parts[0] == "tools":
            check_source("tools", path, root, problems, system_users)
        elif parts[0] == "lib" and parts[1] in BELOW:
            check_source(parts[1], path, root, problems, system_users)
        elif parts[0] == "lib":
            problems.append("%s: lib/%s is no room of the table" % (path, parts[1]))
        else:
            continue
        count += 1
    for room, most in SYSTEM_FILES.items():
        users = system_users.get(room, [])
        if len(users) > most:
            problems.append("lib/%s: files, clocks, threads and pages in more than %d files: %s"
                            % (room, most, ", ".join(users)))
    if count == 0:
        problems.append("no source was found in " + root)
    house.finish(problems, "%d files keep to their floor" % count)


main()
