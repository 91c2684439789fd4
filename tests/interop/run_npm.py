"""Installs the exact npm packages of a folder's package-lock.json into a scratch folder, then
runs one of its scripts there.

    run_npm.py SOURCE_FOLDER SCRATCH_FOLDER SCRIPT PROGRAM...

Exit status 77, "skipped", where there is no node or npm, or the packages cannot be had.
"""
import fcntl
import os
import shutil
import subprocess
import sys

SKIPPED = 77


def install(source, scratch):
    os.makedirs(scratch, exist_ok=True)
    # Tests that share a folder wait for the one that fills it.
    held = open(os.path.join(scratch, "held"), "w", encoding="ascii")
    fcntl.flock(held, fcntl.LOCK_EX)
    with held:
        return install_alone(source, scratch)


def install_alone(source, scratch):
    lock = os.path.join(source, "package-lock.json")
    copy = os.path.join(scratch, "package-lock.json")
    ready = os.path.join(scratch, "installed")
    # A script may have others beside it that it imports.
    beside = [name for name in os.listdir(source) if name.endswith(".mjs")]
    for name in ["package.json", *beside]:
        shutil.copy(os.path.join(source, name), scratch)
    with open(lock, "rb") as new:
        wanted = new.read()
    if os.path.exists(ready):
        with open(ready, "rb") as old:
            if old.read() == wanted:
                return True
    shutil.copy(lock, copy)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
        cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200,
    )
    if done.returncode != 0:
        print(done.stdout.decode(errors="replace"))
        return False
    with open(ready, "wb") as new:
        new.write(wanted)
    return True


def main(source, scratch, script, *programs):
    if not shutil.which("node") or not shutil.which("npm"):
        print("skipped: node and npm are not installed")
        return SKIPPED
    if not install(source, scratch):
        print("skipped: the npm packages cannot be had")
        return SKIPPED
    command = ["node", script, *map(os.path.abspath, programs)]
    return subprocess.run(command, cwd=scratch).returncode


sys.exit(main(*sys.argv[1:]))
