"""The files of the dashboard's page: our own beside this script, and those that npm brings.

    page.py packages WEB SCRATCH     prints the folder whose node_modules are those of the lock
                                     file; installs them into SCRATCH where WEB has none
    page.py embed WEB MODULES C_FILE DEPENDENCIES
                                     writes the page as a C table, and what it was made of
    page.py vendor WEB               lays npm's files into WEB/vendor, for --assets WEB
"""
import gzip
import json
import os
import shutil
import subprocess
import sys

# name on the page: file in node_modules
VENDOR = {
    "vendor/inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "vendor/lightweight-charts.js":
        "lightweight-charts/dist/lightweight-charts.standalone.production.mjs",
    "vendor/socket.io.js": "socket.io-client/dist/socket.io.esm.min.js",
    "vendor/uplot.css": "uplot/dist/uPlot.min.css",
    "vendor/uplot.js": "uplot/dist/uPlot.esm.js",
}

# Of everything that is in those files.
LICENCES = [
    "lightweight-charts/LICENSE",
    "uplot/LICENSE",
    "socket.io-client/LICENSE",
    "engine.io-client/LICENSE",
    "engine.io-parser/LICENSE",
    "socket.io-parser/LICENSE",
    "@socket.io/component-emitter/LICENSE",
    "@fontsource-variable/inter/LICENSE",
]

# Packages that bring no text of their licence: NOTICE.txt says whose they are, and its terms.
IN_NOTICE = {"fancy-canvas"}

# Packages of the lock file of which nothing is in those files: they are for node, or for builds
# that tell what they do.
NOT_EMBEDDED = {"debug", "ms", "ws", "xmlhttprequest-ssl"}

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}

OWN = ["index.html", "style.css", "favicon.svg"]
NOTICE = "NOTICE.txt"

# A compressed form that saves less is not worth its place.
WORTH = 0.95


def read(path):
    with open(path, "rb") as file:
        return file.read()


def wanted_versions(web):
    """name: version, of every package of the lock file that every system installs."""
    lock = json.loads(read(os.path.join(web, "package-lock.json")))
    return {name: entry["version"] for name, entry in lock["packages"].items()
            if name and not entry.get("optional")}


def has_packages(folder, versions):
    """Whether npm has installed exactly these versions there."""
    try:
        installed = json.loads(read(os.path.join(folder, "node_modules", ".package-lock.json")))
        there = {name: entry.get("version") for name, entry in installed["packages"].items()}
    except (OSError, ValueError, KeyError):
        return False
    return all(there.get(name) == version for name, version in versions.items()) and all(
        os.path.exists(os.path.join(folder, "node_modules", name)) for name in VENDOR.values())


def install(web, scratch):
    npm = shutil.which("npm")
    if not npm:
        return "npm is not installed"
    os.makedirs(scratch, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(web, name), scratch)
    try:
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
             "--fetch-retries=1"],
            cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=240)
    except subprocess.TimeoutExpired:
        return "npm ci took longer than four minutes"
    if done.returncode != 0:
        lines = done.stdout.decode(errors="replace").strip().splitlines()
        return "npm ci failed: " + " | ".join(lines[-4:])
    return None


def packages(web, scratch):
    versions = wanted_versions(web)
    for folder in (web, scratch):
        if has_packages(folder, versions):
            print(folder)
            return 0
    failure = install(web, scratch)
    if not failure and not has_packages(scratch, versions):
        failure = "npm ci left other packages than the lock file names"
    if failure:
        print(failure)
        return 1
    print(scratch)
    return 0


def notice(web, modules):
    """Our notice, and the licences' texts behind it."""
    parts = [read(os.path.join(web, NOTICE))]
    for name in LICENCES:
        title = os.path.dirname(name)
        parts.append(b"\n%s\n%s\n\n" % (title.encode(), b"=" * len(title)))
        parts.append(read(os.path.join(modules, name)).rstrip() + b"\n")
    return b"".join(parts)


def unnoticed(web):
    """Packages of the lock file that may be in the page and whose licence is not."""
    noticed = {os.path.dirname(name) for name in LICENCES}
    return sorted(name for name in (path.rpartition("node_modules/")[2]
                                    for path in wanted_versions(web))
                  if name not in noticed | IN_NOTICE | NOT_EMBEDDED)


def sources(web, modules):
    """name on the page: file on disk."""
    scripts = sorted(name for name in os.listdir(os.path.join(web, "js")) if name.endswith(".js"))
    own = OWN + ["js/" + name for name in scripts]
    found = {name: os.path.join(web, name) for name in own}
    found.update({name: os.path.join(modules, file) for name, file in VENDOR.items()})
    return found


def c_bytes(name, data):
    lines = [",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32)]
    return "static const unsigned char %s[] = {\n%s};\n" % (name, ",\n".join(lines))


def embed(web, folder, c_file, dependencies):
    modules = os.path.join(folder, "node_modules")
    missing = unnoticed(web)
    if missing:
        print("the page's notice lacks the licences of %s: add them to LICENCES in page.py, or to "
              "NOT_EMBEDDED" % ", ".join(missing), file=sys.stderr)
        return 1
    found = sources(web, modules)
    contents = {name: read(path) for name, path in found.items()}
    contents[NOTICE] = notice(web, modules)

    arrays = []
    entries = []
    for number, (name, data) in enumerate(sorted(contents.items())):
        small = gzip.compress(data, 9, mtime=0)
        arrays.append(c_bytes("plain_%d" % number, data))
        compressed = "NULL, 0"
        if len(small) < WORTH * len(data):
            arrays.append(c_bytes("gzip_%d" % number, small))
            compressed = "gzip_%d, sizeof gzip_%d" % (number, number)
        entries.append('    {"%s", "%s", plain_%d, sizeof plain_%d, %s, NULL},\n' % (
            name, TYPES[os.path.splitext(name)[1]], number, number, compressed))

    with open(c_file, "w", encoding="ascii") as file:
        file.write('/* Made by page.py. */\n#include "server/dashboard/page.h"\n\n')
        file.write("\n".join(arrays))
        file.write("\nstatic const struct msim_asset files[] = {\n%s};\n" % "".join(entries))
        file.write("\nconst struct msim_asset *msim_page_files(size_t *count)\n{\n"
                   "    *count = sizeof files / sizeof files[0];\n    return files;\n}\n")
    made_of = sorted(found.values()) + [os.path.join(web, "js"), os.path.join(web, NOTICE)]
    with open(dependencies, "w", encoding="utf-8") as file:
        file.write("%s: %s\n" % (c_file, " ".join(path.replace(" ", "\\ ") for path in made_of)))
    return 0


def vendor(web):
    if not has_packages(web, wanted_versions(web)):
        print("run npm ci in %s first" % web, file=sys.stderr)
        return 1
    modules = os.path.join(web, "node_modules")
    os.makedirs(os.path.join(web, "vendor"), exist_ok=True)
    for name, file in VENDOR.items():
        shutil.copyfile(os.path.join(modules, file), os.path.join(web, name))
    return 0


COMMANDS = {"packages": (packages, 2), "embed": (embed, 4), "vendor": (vendor, 1)}


def main(arguments):
    function, count = COMMANDS.get(arguments[0] if arguments else "", (None, 0))
    if not function or len(arguments) != count + 1:
        print(__doc__, file=sys.stderr)
        return 2
    return function(*map(os.path.abspath, arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
