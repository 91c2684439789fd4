"""Each public header compiles alone, twice in a row, as C11 and as C++17."""

import os
import re
import subprocess
import sys

import house

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]


def program(name, text):
    """The header twice, and a use of each of its params so that their initialisers are seen."""
    lines = ["#include <marketsim/%s>" % name] * 2
    for macro in re.findall(r"#define MSIM_(\w+)_PARAMS_INIT", text):
        kind = macro.lower()
        lines.append("struct msim_%s_params use_%s(void);" % (kind, kind))
        lines.append("struct msim_%s_params use_%s(void)" % (kind, kind))
        lines.append("{ struct msim_%s_params params = MSIM_%s_PARAMS_INIT; return params; }"
                     % (kind, macro))
    return "\n".join(lines) + "\n"


def compile_as(compiler, language, text, include, problems, what):
    done = subprocess.run(compiler + language + WARNINGS + ["-fsyntax-only", "-I", include, "-"],
                          input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    if done.returncode != 0:
        problems.append("%s:\n%s" % (what, done.stdout))


def main():
    include = sys.argv[1]
    split = sys.argv.index("--")
    compiler = sys.argv[2:split]
    headers = sys.argv[split + 1:]
    cxx = house.find_program("g++", "clang++", "clang++-14", "c++")
    umbrella = house.read(include, "marketsim/marketsim.h")
    problems = []

    for path in headers:
        name = os.path.basename(path)
        text = house.read(include, "marketsim/" + name)
        if '#ifdef __cplusplus\nextern "C" {' not in text and "MSIM_API " in text:
            problems.append("%s does not say extern \"C\"" % name)
        if name != "marketsim.h" and "<marketsim/%s>" % name not in umbrella:
            problems.append("marketsim.h does not include %s" % name)
        compile_as(compiler, ["-std=c11", "-x", "c", "-Wshadow", "-Wstrict-prototypes"], program(name, text),
                   include, problems, "%s as C11" % name)
        if cxx:
            compile_as([cxx], ["-std=c++17", "-x", "c++"], program(name, text), include, problems,
                       "%s as C++17" % name)
    for name in sorted(os.listdir(os.path.join(include, "marketsim"))):
        if name not in [os.path.basename(path) for path in headers]:
            problems.append("%s is not installed (include/meson.build)" % name)
    house.finish(problems, "%d headers as C11%s" % (len(headers), " and C++17" if cxx else
                                                    "; no C++ compiler"))


main()
