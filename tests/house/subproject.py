"""A foreign meson project takes the library as a subproject and runs a program on it."""

import os
import shutil
import subprocess
import sys
import tempfile

import house

MESON = """project('robot', 'c', default_options: ['default_library=static', 'c_std=c11'])
foreach name : ['marketsim', 'marketsim-core']
    test(name, executable('robot-' + name, 'robot.c',
        dependencies: dependency(name, fallback: 'marketsim')))
endforeach
"""

PROGRAM = """#include <string.h>
#include <marketsim/record.h>

int main(void)
{
    return strcmp(msim_version(), MSIM_VERSION_TEXT) != 0 ||
           strcmp(msim_record_kind_name(MSIM_RECORD_BAR), "bar") != 0;
}
"""


def main():
    root, meson = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as scratch:
        library = os.path.join(scratch, "subprojects", "marketsim")
        for name in house.project_files(root):
            target = os.path.join(library, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(root, name), target)
        with open(os.path.join(scratch, "meson.build"), "w", encoding="utf-8") as file:
            file.write(MESON)
        with open(os.path.join(scratch, "robot.c"), "w", encoding="utf-8") as file:
            file.write(PROGRAM)

        built = os.path.join(scratch, "build")
        house.run([meson, "setup", "--buildtype=plain", built, scratch])
        house.run([meson, "compile", "-C", built, "robot-marketsim", "robot-marketsim-core"])
        for name in ["robot-marketsim", "robot-marketsim-core"]:
            house.run([os.path.join(built, name)])
        # The tools, examples and tests of a subproject are not its host's.
        targets = subprocess.run([meson, "introspect", "--targets", built], stdout=subprocess.PIPE,
                                 universal_newlines=True).stdout
        problems = ["a subproject builds %s" % word for word in ["market-client", "test-base-due"]
                    if '"%s"' % word in targets]
    house.finish(problems, "two programs of a foreign project")


main()
