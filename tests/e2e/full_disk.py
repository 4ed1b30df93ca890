#!/usr/bin/env python3
"""A data directory on a small real file system that is full to the last byte: deleting, pruning and gc work there.

Runs itself in a mount namespace of its own, with a tmpfs that nobody else sees. usage: full_disk.py BINARIES [SIZE_MIB]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

MIB = 1 << 20
SIZE_MIB = 64
SKIPPED = 77
INSIDE = "ENTREPOT_TEST_IN_NAMESPACE"


def enter_namespace():
    if os.environ.get(INSIDE):
        return
    probe = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        print(f"skipped: no mount namespace here: {probe.stderr.decode().strip()}")
        sys.exit(SKIPPED)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--map-root-user", "--mount", sys.executable, *sys.argv])


class Scene:
    def __init__(self, binaries, root):
        self.binaries = pathlib.Path(binaries)
        self.root = root
        self.volume = root / "volume"
        self.volume.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(self.volume)], check=True)
        self.filler = self.volume / "filler"
        self.key = root / "key"
        self.key.write_text("correct horse battery staple\n")

    def run(self, *arguments, status=0):
        command = [str(self.binaries / "entrepot"), "--data", str(self.volume / "data"), "--passphrase-file", str(self.key), "--json", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == status, f"{arguments}: exit {result.returncode}: {result.stdout} {result.stderr}"
        return json.loads(result.stdout) if result.stdout else {}

    def image(self, name, size_mib):
        """A VHDX of random content; the content itself stays beside it as NAME.raw."""
        content, path = self.root / f"{name}.raw", self.root / f"{name}.vhdx"
        content.write_bytes(os.urandom(size_mib * MIB))
        command = [str(self.binaries / "entrepot"), "image", "convert", str(content), str(path), "--format", "vhdx"]
        subprocess.run(command, capture_output=True, check=True)
        return str(path)

    def free_bytes(self):
        status = os.statvfs(self.volume)
        return status.f_bavail * status.f_frsize

    def fill(self):
        """To the last byte, in ever smaller pieces."""
        with open(self.filler, "ab", buffering=0) as file:
            for piece in (MIB, 4096, 1):
                try:
                    while file.write(b"x" * piece) == piece:
                        pass
                except OSError:
                    pass
        assert self.free_bytes() == 0, f"{self.free_bytes()} bytes are left"


def check(scene):
    scene.run("init")
    old = scene.run("ingest", scene.image("old", 8), "--vm", "web01")["point"]
    kept = scene.run("ingest", scene.image("kept", 8), "--vm", "web01", "--sha256")
    other = scene.run("ingest", scene.image("other", 6), "--vm", "db01")["point"]
    scene.run("ingest", scene.image("newer", 6), "--vm", "db01")
    assert scene.run("info")["reserve_bytes"] == 8 * MIB

    scene.fill()
    failed = scene.run("ingest", scene.image("more", 12), "--vm", "web02", status=1)
    assert failed["error"]["code"] == "no_space", failed
    scene.fill()
    scene.run("point", "list")

    scene.fill()
    scene.run("point", "delete", old, "--yes")
    scene.fill()
    pruned = scene.run("prune", "db01", "--keep-last", "1", "--yes")
    assert pruned["removed"] == [other], pruned
    scene.fill()
    freed = scene.run("gc")["freed_bytes"]
    assert freed > 12 * MIB, freed
    assert scene.free_bytes() > 0
    points = [point["id"] for point in scene.run("point", "list")["points"]]
    assert kept["point"] in points and old not in points and other not in points, points
    scene.run("verify", "--depth", "data")
    scene.run("catalog", "check")
    # What was freed serves the next backup, and the reserve is there again.
    scene.run("ingest", scene.image("next", 1), "--vm", "web02")
    assert scene.run("info")["reserve_bytes"] == 8 * MIB
    target = scene.root / "restored.raw"
    scene.run("restore", "disk", kept["point"], "0", "--to", str(target), "--format", "raw")
    assert target.read_bytes() == (scene.root / "kept.raw").read_bytes(), "the restored disk differs"


def main():
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix="entrepot-full-") as root:
        scene = Scene(sys.argv[1], pathlib.Path(root))
        try:
            check(scene)
        finally:
            subprocess.run(["umount", str(scene.volume)], check=False)
    print("a full disk: delete, prune and gc work")


if __name__ == "__main__":
    main()
