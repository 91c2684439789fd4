"""What the checks of this folder share: files, programs, and how to end."""

import os
import shutil
import subprocess
import sys

SKIPPED = 77


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


def finish(problems, what):
    """Ends the check: each problem in a line of its own, or what was looked at."""
    for problem in problems:
        print(problem)
    if problems:
        print("%d problems" % len(problems))
        sys.exit(1)
    print("good: " + what)
    sys.exit(0)


def find_program(*names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return None


def run(arguments, **options):
    """The output of a program that must succeed."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, **options)
    if done.returncode != 0:
        print("failed (%d): %s" % (done.returncode, " ".join(arguments)))
        print(done.stdout)
        sys.exit(1)
    return done.stdout


def project_files(root):
    """The project's own files: what git knows or would, in a release's tree all but built things."""
    git = find_program("git")
    if git and os.path.exists(os.path.join(root, ".git")):
        listed = subprocess.run([git, "-C", root, "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], stdout=subprocess.PIPE)
        if listed.returncode == 0:
            names = listed.stdout.decode().split("\0")
            return sorted(n for n in set(names) if n and os.path.exists(os.path.join(root, n)))
    found = []
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        folders[:] = [f for f in folders
                      if f not in (".git", "node_modules", "__pycache__")
                      and not os.path.exists(os.path.join(folder, f, "meson-private"))
                      and not (inside == "subprojects" and f != "packagefiles")]
        found += [os.path.normpath(os.path.join(inside, name)) for name in files]
    return sorted(found)


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()
