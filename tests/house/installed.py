"""What `meson install` leaves is enough: programs build against it, shared and static."""

import os
import shutil
import sys
import tempfile

import house

PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <marketsim/%(header)s>

int main(void)
{
    struct msim_record record = {0};
    char text[128];

    record.kind = MSIM_RECORD_TRADE;
    msim_record_print(&record, "A", text, sizeof text);
    puts(text);
    %(more)s
    return strcmp(msim_version(), MSIM_VERSION_TEXT) != 0;
}
"""

# One call into the edges, so that their libraries must be there.
NET = """
    struct msim_net_params params = MSIM_NET_PARAMS_INIT;
    struct msim_net *net = NULL;
    if (msim_net_create(&net, &params, NULL) < 0)
        return 1;
    msim_net_destroy(&net);
"""

PROGRAMS = {
    "marketsim-core": PROGRAM % {"header": "record.h", "more": ""},
    "marketsim": PROGRAM % {"header": "marketsim.h", "more": NET},
}

WANTED = "1970-01-01 00:00:00 trade A 0 x 0\n"


def find_folder(root, wanted):
    for folder, _, files in os.walk(root):
        if wanted in files:
            return folder
    return None


def move_prefix(pc_folder, destination):
    """The .pc files name the place they are meant for; here it lies below `destination`."""
    for name in os.listdir(pc_folder):
        path = os.path.join(pc_folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("prefix=/", "prefix=%s/" % destination, 1))


def build(compiler, pkg_config, package, scratch, pc_folder, static, problems):
    name = "%s-%s" % (package, "static" if static else "shared")
    source = os.path.join(scratch, name + ".c")
    program = os.path.join(scratch, name)
    with open(source, "w", encoding="utf-8") as file:
        file.write(PROGRAMS[package])

    environment = dict(os.environ)
    environment["PKG_CONFIG_PATH"] = pc_folder + ":" + environment.get("PKG_CONFIG_PATH", "")
    flags = house.run([pkg_config, "--cflags", "--libs"]
                      + (["--static"] if static else []) + [package], env=environment).split()
    house.run(compiler + ["-Wall", "-Werror", source, "-o", program] + flags)
    library_folder = os.path.dirname(pc_folder)
    environment["LD_LIBRARY_PATH"] = library_folder
    said = house.run([program], env=environment)
    if said != WANTED:
        problems.append("%s says %r" % (name, said))
    if static:
        ldd = house.find_program("ldd")
        if ldd and "libmarketsim" in house.run([ldd, program]):
            problems.append("%s is not static" % name)


def main():
    meson, build_root = sys.argv[1:3]
    compiler = sys.argv[3:]
    pkg_config = house.find_program("pkg-config", "pkgconf")
    if not pkg_config:
        house.skip("needs pkg-config")
    problems = []

    with tempfile.TemporaryDirectory() as scratch:
        shared = os.path.join(scratch, "shared")
        house.run([meson, "install", "-C", build_root, "--no-rebuild", "--quiet",
                   "--destdir", shared])
        pc_folder = find_folder(shared, "marketsim.pc")
        if not pc_folder:
            house.finish(["marketsim.pc was not installed"], "")

        # A second copy without shared libraries, so that the linker cannot take them.
        static = os.path.join(scratch, "static")
        shutil.copytree(shared, static, symlinks=True)
        static_pc = os.path.join(static, os.path.relpath(pc_folder, shared))
        library_folder = os.path.dirname(static_pc)
        for name in os.listdir(library_folder):
            if name.startswith("libmarketsim") and ".so" in name:
                os.remove(os.path.join(library_folder, name))

        move_prefix(pc_folder, shared)
        move_prefix(static_pc, static)
        for package in PROGRAMS:
            build(compiler, pkg_config, package, scratch, pc_folder, False, problems)
            build(compiler, pkg_config, package, scratch, static_pc, True, problems)
    house.finish(problems, "programs on the installed libraries, shared and static")


main()
