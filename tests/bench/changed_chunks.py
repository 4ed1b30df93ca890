#!/usr/bin/env python3
"""Prints two numbers: the bytes of the 64 KiB chunks in which two raw disks differ, and what zstd -1 makes of them one by one.

usage: changed_chunks.py OLD NEW
"""
import os
import subprocess
import sys
import tempfile

CHUNK = 64 * 1024


def changed_chunks(old_path, new_path):
    with open(old_path, "rb") as old, open(new_path, "rb") as new:
        while True:
            before, after = old.read(CHUNK), new.read(CHUNK)
            if not after:
                return
            if before != after and any(after):
                yield after


def main():
    plain = compressed = 0
    with tempfile.TemporaryDirectory() as directory:
        # One file a chunk: zstd's command line compresses each by itself, as the repository does.
        paths = []
        for number, chunk in enumerate(changed_chunks(*sys.argv[1:3])):
            plain += len(chunk)
            path = os.path.join(directory, str(number))
            with open(path, "wb") as file:
                file.write(chunk)
            paths.append(path)
        for start in range(0, len(paths), 500):
            batch = paths[start:start + 500]
            subprocess.run(["zstd", "-1", "-q", "--no-check", *batch], check=True)
            compressed += sum(min(os.path.getsize(path + ".zst"), CHUNK) for path in batch)
    print(plain, compressed)


if __name__ == "__main__":
    main()
