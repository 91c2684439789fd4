"""What the shared libraries export is what the maps say is what the headers declare."""

import os
import re
import sys

import house

CORE_HEADERS = {"version", "base", "record", "source", "pacer", "mock", "faults", "engine",
                "journal", "codec", "venue"}


def declared(headers):
    """The functions with MSIM_API: those of the core's headers, and the others."""
    core = set()
    edges = set()
    for path in headers:
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        text = re.sub(r"^\s*#.*(\\\n.*)*$", "", text, flags=re.M)
        names = re.findall(r"\bMSIM_API\b[^;{(]*?\b(\w+)\s*\(", text)
        stem = os.path.splitext(os.path.basename(path))[0]
        (core if stem in CORE_HEADERS else edges).update(names)
    return core, edges


def mapped(path, problems):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    names = []
    for block in re.findall(r"global:(.*?)(?:local:|\})", text, flags=re.S):
        names += re.findall(r"(\w+)\s*;", block)
    for name in sorted(set(names)):
        if names.count(name) > 1:
            problems.append("%s names %s twice" % (os.path.basename(path), name))
    return set(names)


def exported(nm, library):
    names = set()
    for line in house.run([nm, "-D", "--defined-only", library]).splitlines():
        fields = line.split()
        if fields[-2] == "A":
            continue  # a version's own name
        names.add(fields[-1].split("@")[0])
    return {n for n in names if not re.match(r"_init$|_fini$|__(asan|ubsan|sancov|odr|llvm)_", n)}


def compare(what, left, right, left_name, right_name, problems):
    for name in sorted(left - right):
        problems.append("%s: %s is in %s and not in %s" % (what, name, left_name, right_name))
    for name in sorted(right - left):
        problems.append("%s: %s is in %s and not in %s" % (what, name, right_name, left_name))


def main():
    core_library, library, core_map, edge_map = sys.argv[1:5]
    nm = house.find_program("nm", "llvm-nm", "llvm-nm-14")
    if not nm:
        house.skip("needs nm")
    problems = []
    core, edges = declared(sys.argv[5:])
    core_mapped = mapped(core_map, problems)
    edges_mapped = mapped(edge_map, problems)

    compare("core", core, core_mapped, "the headers", "the map", problems)
    compare("edges", edges, edges_mapped, "the headers", "the map", problems)
    compare("libmarketsim-core", exported(nm, core_library), core_mapped, "the library", "the map",
            problems)
    compare("libmarketsim", exported(nm, library), core_mapped | edges_mapped, "the library",
            "the map", problems)
    if not core:
        problems.append("no declaration was found in the headers")
    house.finish(problems, "%d functions of the core, %d of the edges" % (len(core), len(edges)))


main()
