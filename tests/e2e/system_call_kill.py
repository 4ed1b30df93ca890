#!/usr/bin/env python3
"""The real program is killed, with SIGKILL, at system calls that write, sync, rename or remove; then it is looked at.

strace counts the calls of each kind in each thread, and kills at the n-th. Without ENTREPOT_NIGHTLY=1 some are chosen by a seed,
which is printed (ENTREPOT_SEED=N repeats it). usage: system_call_kill.py BINARIES
"""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

KIB = 1 << 10
SKIPPED = 77
KILLS_EACH = 6
CALLS = ("write,pwrite64,writev,pwritev,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,rmdir,"
         "mkdir,mkdirat,ftruncate,fallocate,link,linkat")
PASSPHRASES = ("correct horse battery staple", "another staple for the battery")


def can_trace():
    """strace may be absent, or forbidden by a container."""
    if not shutil.which("strace"):
        return False
    probe = subprocess.run(["strace", "-f", "-e", "trace=write", "true"], capture_output=True, check=False)
    return probe.returncode == 0


class Scene:
    def __init__(self, binaries, root):
        self.program = str(pathlib.Path(binaries) / "entrepot")
        self.root = root
        self.data = root / "data"
        self.keys = []
        for number, passphrase in enumerate(PASSPHRASES):
            path = root / f"key-{number}"
            path.write_text(passphrase + "\n")
            self.keys.append(path)
        self.contents = {}

    def command(self, data, *arguments, key=0):
        return [self.program, "--data", str(data), "--passphrase-file", str(self.keys[key]), "--json", *arguments]

    def run(self, data, *arguments, key=0, may_fail=False):
        result = subprocess.run(self.command(data, *arguments, key=key), capture_output=True, text=True, check=False)
        if may_fail and result.returncode != 0:
            return None
        assert result.returncode == 0, f"{arguments}: exit {result.returncode}: {result.stdout} {result.stderr}"
        return json.loads(result.stdout) if result.stdout else {}

    def image(self, name, size_kib):
        content, path = self.root / f"{name}.raw", self.root / f"{name}.vhdx"
        content.write_bytes(os.urandom(size_kib * KIB))
        subprocess.run([self.program, "image", "convert", str(content), str(path), "--format", "vhdx"], capture_output=True, check=True)
        self.contents[name] = content.read_bytes()
        return str(path)

    def ingest(self, data, name, vm):
        return self.run(data, "ingest", self.image(name, 1024), "--vm", vm)["point"]

    def read(self, data, point, key):
        target = self.root / "restored.raw"
        target.unlink(missing_ok=True)
        self.run(data, "restore", "disk", point, "0", "--to", str(target), "--format", "raw", key=key)
        return target.read_bytes()


Operation = collections.namedtuple("Operation", "name data arguments kept removed added")


def prepare(scene):
    """Repositories in two states, and what is to be done to them. Points are (id, name of the content)."""
    scene.run(scene.data, "init")
    kept = (scene.ingest(scene.data, "kept", "web01"), "kept")
    other = (scene.ingest(scene.data, "other", "db01"), "other")
    newer = (scene.ingest(scene.data, "newer", "db01"), "newer")
    new = scene.image("new", 1024)
    waste = scene.root / "waste"
    shutil.copytree(scene.data, waste)
    scene.run(waste, "point", "delete", other[0], "--yes")
    everything = [kept, other, newer]
    return [
        Operation("ingest", scene.data, ["ingest", new, "--vm", "web02"], everything, [], "new"),
        Operation("delete", scene.data, ["point", "delete", other[0], "--yes"], [kept, newer], [other], None),
        Operation("gc", waste, ["gc"], [kept, newer], [], None),
        Operation("catalog rebuild", scene.data, ["catalog", "rebuild"], everything, [], None),
        Operation("key change", scene.data, ["key", "change", "--new-passphrase-file", str(scene.keys[1])], everything, [], None),
    ]


def places_to_kill(scene, operation, copy):
    """Each call by its kind, and the greatest number that one thread makes."""
    log = scene.root / "calls"
    subprocess.run(["strace", "-f", "-o", str(log), "-e", f"trace={CALLS}", *scene.command(copy, *operation.arguments)],
                   capture_output=True, check=True)
    counts = collections.Counter()
    for line in log.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+)\s+(\w+)\(", line)
        if found:
            counts[found.groups()] += 1
    greatest = collections.defaultdict(int)
    for (_, call), count in counts.items():
        greatest[call] = max(greatest[call], count)
    return [(call, number) for call, count in sorted(greatest.items()) for number in range(1, count + 1)]


def fresh_copy(scene, operation):
    copy = scene.root / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(operation.data, copy)
    return copy


def look(scene, operation, copy):
    """What was acknowledged is there byte for byte; what was under way is whole or absent."""
    key = 0
    if scene.run(copy, "point", "list", may_fail=True) is None:
        assert operation.name == "key change", "the repository does not open"
        key = 1
    found = {point["id"] for point in scene.run(copy, "point", "list", key=key)["points"]}
    for point, name in operation.kept:
        assert point in found, f"{name} is lost"
    allowed = {point for point, _ in operation.kept + operation.removed}
    names = {point: name for point, name in operation.kept + operation.removed}
    for point in found - allowed:
        assert operation.added, f"a point {point} that nobody made"
        names[point] = operation.added
    for point in found:
        assert scene.read(copy, point, key) == scene.contents[names[point]], f"{names[point]} holds something else"
    scene.run(copy, "catalog", "check", key=key)


def main():
    if not can_trace():
        print("skipped: strace is absent or may not trace here")
        sys.exit(SKIPPED)
    is_nightly = os.environ.get("ENTREPOT_NIGHTLY") == "1"
    seed = int(os.environ.get("ENTREPOT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"ENTREPOT_SEED={seed}", flush=True)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="entrepot-calls-") as root:
        scene = Scene(sys.argv[1], pathlib.Path(root))
        for operation in prepare(scene):
            places = places_to_kill(scene, operation, fresh_copy(scene, operation))
            chosen = places if is_nightly else sorted(chance.sample(places, min(KILLS_EACH, len(places))))
            killed = 0
            for call, number in chosen:
                copy = fresh_copy(scene, operation)
                # The call must be in the traced set, too, or nothing is injected.
                result = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                                         "-e", f"inject={call}:signal=SIGKILL:when={number}",
                                         *scene.command(copy, *operation.arguments)], capture_output=True, check=False)
                killed += result.returncode != 0
                try:
                    look(scene, operation, copy)
                except AssertionError as error:
                    print(f"{operation.name}, killed at {call} number {number}: {error}")
                    sys.exit(1)
            print(f"{operation.name}: {len(places)} places, killed at {killed} of {len(chosen)} tried", flush=True)
            assert killed > 0, "nothing was ever killed"


if __name__ == "__main__":
    main()
