"""The sample is the same file on every machine and by every compiler."""

import hashlib
import os
import subprocess
import sys
import tempfile

LARGEST = 2 * 1024 * 1024
DIGESTS = {
    "1": "f91596b82cc735045ea6d9a9a3140e1c410ca42f8c932242e091e355c98b7c9c",
}


def main():
    make_sample = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trades_sample.parquet")
        for seed, digest in DIGESTS.items():
            subprocess.run([make_sample, path, "--seed", seed], check=True)
            with open(path, "rb") as file:
                data = file.read()
            found = hashlib.sha256(data).hexdigest()
            if found != digest:
                sys.exit(f"seed {seed}: {found}, where {digest} was")
            if len(data) > LARGEST:
                sys.exit(f"seed {seed}: {len(data)} bytes are more than {LARGEST}")
        for options in ([], [path, "--rows", "x"], [path, "--what"]):
            code = subprocess.run([make_sample, *options], stderr=subprocess.DEVNULL).returncode
            if code != 2:
                sys.exit(f"make-sample {options} ended with {code} and should with 2")


main()
