#!/usr/bin/env python3
"""A repository is copied with rsync while backups go on; entrepot-recover reads the copies, with the key and nothing else.

What was acknowledged before a copy began is in it, byte for byte. What came to be meanwhile is whole or refused, never something
else. usage: copy_while_written.py BINARIES
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

KIB = 1 << 10
SKIPPED = 77
IMAGES = 8
COPIES_MIN = 3
# What a person types, and what the architecture says: there a point that came to be meanwhile may lack its packs.
WAYS = {"as it is": [None], "packs, then maps, then the rest": ["packs", "maps", None]}


class Scene:
    def __init__(self, binaries, root):
        self.binaries = pathlib.Path(binaries)
        self.root = root
        self.data = root / "data"
        self.repository = self.data / "repository"
        self.key = root / "key"
        self.key.write_text("correct horse battery staple\n")
        self.acknowledged = {}  # Content by point.

    def run(self, *arguments):
        command = [str(self.binaries / "entrepot"), "--data", str(self.data), "--passphrase-file", str(self.key), "--json", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{arguments}: exit {result.returncode}: {result.stdout} {result.stderr}"
        return json.loads(result.stdout) if result.stdout else {}

    def recover(self, copy, *arguments):
        command = [str(self.binaries / "entrepot-recover"), str(copy), "--key-file", str(self.key), "--json", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def ingest(self, number):
        content, image = self.root / f"{number}.raw", self.root / f"{number}.vhdx"
        content.write_bytes(os.urandom((1 + number) * 512 * KIB))
        subprocess.run([str(self.binaries / "entrepot"), "image", "convert", str(content), str(image), "--format", "vhdx"],
                       capture_output=True, check=True)
        point = self.run("ingest", str(image), "--vm", f"vm{number % 3}")["point"]
        self.acknowledged[point] = content.read_bytes()


def copy_with_rsync(scene, target, parts):
    for part in parts:
        source = scene.repository / part if part else scene.repository
        place = target / part if part else target
        place.mkdir(parents=True, exist_ok=True)
        result = subprocess.run(["rsync", "-a", f"{source}/", f"{place}/"], capture_output=True, text=True, check=False)
        # 24: files vanished meanwhile, as temporary ones do.
        assert result.returncode in (0, 24), f"rsync: exit {result.returncode}: {result.stderr}"


def check(scene, copy, expected, contents):
    listed = json.loads(scene.recover(copy, "list").stdout)["points"]
    found = {point["id"] for point in listed}
    assert set(expected) <= found, f"{copy.name}: {set(expected) - found} are not in the copy"
    whole = 0
    for point in found:
        target = scene.root / "recovered.raw"
        target.unlink(missing_ok=True)
        result = scene.recover(copy, "restore", point, "0", "--to", str(target))
        if point in expected:
            assert result.returncode == 0, f"{copy.name}: {point}: {result.stdout} {result.stderr}"
        if result.returncode == 0:
            assert target.read_bytes() == contents[point], f"{copy.name}: {point} holds something else"
            whole += 1
    print(f"{copy.name}: {len(found)} points, {whole} of them whole, {len(expected)} acknowledged before", flush=True)


def main():
    if not shutil.which("rsync"):
        print("skipped: rsync is absent")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="entrepot-copy-") as root:
        scene = Scene(sys.argv[1], pathlib.Path(root))
        scene.run("init")
        scene.ingest(0)
        failures = []

        def write():
            try:
                for number in range(1, IMAGES):
                    scene.ingest(number)
            except AssertionError as error:
                failures.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        copies = []
        while writer.is_alive() or len(copies) < COPIES_MIN:
            way = list(WAYS)[len(copies) % len(WAYS)]
            copy = scene.root / f"copy {len(copies)}, {way}"
            expected = list(scene.acknowledged)
            copy_with_rsync(scene, copy, WAYS[way])
            copies.append((copy, expected))
        writer.join()
        assert not failures, failures[0]
        for copy, expected in copies:
            check(scene, copy, expected, scene.acknowledged)


if __name__ == "__main__":
    main()
