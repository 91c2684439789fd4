"""Starting and ending the project's own programs, for the end-to-end tests."""

import os
import re
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77  # what meson takes for a skipped test


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


class Server:
    """A server of ours on a free port; `url` is where it listens."""

    def __init__(self, program, *arguments, port=0, environment=None):
        self.process = subprocess.Popen(
            [program, "--port", str(port), *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,  # what stands behind a line that was read stays in the pipe for the next reader
            env={**os.environ, **(environment or {})},
        )
        self.lines = []
        self.url = None
        for line in iter(self.line, ""):
            self.lines.append(line)
            found = re.match(r"(?:Server running|Dashboard) on ((?:ws|http)://[^/\s]+)", line)
            if found:
                # A bare machine may have no hosts file, and Python no other way to know the name.
                self.url = found.group(1).replace("localhost", "127.0.0.1")
                break
        if not self.url:
            self.process.wait()
            raise AssertionError("the server did not start: " + "".join(self.lines))

    def line(self):
        """The next line it says; "" at its end."""
        return self.process.stderr.readline().decode()

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns (exit code, all it said)."""
        self.process.send_signal(how)
        said = self.process.communicate(timeout=60)[1].decode()
        return self.process.returncode, "".join(self.lines) + said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        if not self.process.stderr.closed:
            self.process.communicate()


def run(*command, timeout=60, **options):
    """A program to its end: (exit code, stdout, stderr)."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, timeout=timeout, **options
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def fresh_folder():
    return tempfile.TemporaryDirectory(prefix="msim-")


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


__all__ = [name for name in dir() if not name.startswith("_")] + ["os"]
