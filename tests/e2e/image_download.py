#!/usr/bin/env python3
"""Disks as downloads from the real daemon: each format is the disk that was taken in, memory stays flat, whoever gets less sees it,
a viewer gets nothing, and the audit log says who got what.

usage: image_download.py BINARIES [--keep]
"""
import argparse
import os
import shutil
import subprocess
import sys

from harness import Failure, Lab, MIB, expect, sha256_of

GIB = 1024 * MIB
DISK_BYTES = 24 * GIB
SENT_BYTES = 2 * GIB
# What a daemon may take beyond what it had: pieces, caches of slots and maps, and no more for a disk of any size.
MEMORY_GROWTH_MAX = 160 * MIB


def make_disk(path):
    """Large, and mostly holes: 96 MiB of data at its beginning, in its middle and at its end."""
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
        for offset in (0, 11 * GIB + 3 * MIB, DISK_BYTES - 32 * MIB):
            file.seek(offset)
            file.write(os.urandom(32 * MIB))


def resident_bytes(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise Failure("the daemon has no memory")


class Scene:
    def __init__(self, lab):
        self.lab = lab
        self.raw = lab.root / "disk.raw"
        make_disk(self.raw)
        image = lab.root / "disk.vhdx"
        lab.make_repository(encrypted=False)
        lab.entrepot("image", "convert", self.raw, image, "--format", "vhdx")
        self.point = lab.entrepot("ingest", image, "--vm", "guest")["point"]
        image.unlink()

    def start(self):
        self.lab.start_daemon()
        self.token = self.lab.entrepot("token", "add", "reader", "--role", "restore-operator")["secret"]
        self.viewer = self.lab.entrepot("token", "add", "looker", "--role", "viewer")["secret"]

    def curl(self, *options, disk=0, image_format="qcow2", secret=None):
        address = f"https://{self.lab.daemon_address}/api/v1/points/{self.point}/disks/{disk}/image?format={image_format}"
        return subprocess.run(["curl", "-sk", "-H", f"Authorization: Bearer {secret or self.token}", *[str(option) for option in options], address],
                              stdout=subprocess.PIPE, text=True)

    def check_format(self, image_format):
        target, head = self.lab.root / f"got.{image_format}", self.lab.root / "head"
        done = self.curl("-o", target, "-D", head, "-w", "%{http_code}", image_format=image_format)
        expect(done.stdout == "200", f"{image_format}: {done.stdout} {target.read_bytes()[:300]}")
        length = [line.split(":")[1].strip() for line in head.read_text().lower().splitlines() if line.startswith("content-length")]
        expect(length == [str(target.stat().st_size)], f"{image_format}: {length}, {target.stat().st_size} came")
        expect(target.stat().st_size < 200 * MIB, f"{image_format}: {target.stat().st_size} bytes for 96 MiB of data")
        compared = subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", image_format, self.raw, target], stdout=subprocess.PIPE, text=True)
        expect(compared.returncode == 0, f"{image_format}: {compared.stdout}")
        target.unlink()

    def check_memory(self):
        """The beginning of a raw disk goes by."""
        before = resident_bytes(self.lab.daemon)
        process = subprocess.Popen(f"curl -sk -H 'Authorization: Bearer {self.token}' "
                                   f"'https://{self.lab.daemon_address}/api/v1/points/{self.point}/disks/0/image?format=raw' | head -c {SENT_BYTES} | sha256sum",
                                   shell=True, stdout=subprocess.PIPE, text=True)
        digest = process.communicate(timeout=300)[0].split()[0]
        grown = resident_bytes(self.lab.daemon) - before
        expect(grown < MEMORY_GROWTH_MAX, f"the daemon grew by {grown // MIB} MiB")
        with open(self.lab.root / "part", "wb") as part:
            subprocess.run(["head", "-c", str(SENT_BYTES), self.raw], stdout=part, check=True)
        expect(sha256_of(self.lab.root / "part") == digest, "the beginning of the disk differs")
        (self.lab.root / "part").unlink()

    def check_refusals(self):
        code = lambda *options, **more: self.curl("-o", os.devnull, "-w", "%{http_code}", *options, **more).stdout
        expect(code(secret=self.viewer) == "403", "a viewer gets a disk")
        expect(code(disk=7) == "404", "a disk that is not there")
        expect(code(image_format="vhd") in ("400", "422"), "a format that cannot be streamed")
        entries = self.lab.entrepot("audit", "list")["entries"]
        found = [entry for entry in entries if entry["action"] == "downloadDiskImage"]
        done = [entry for entry in found if entry["result"] == "done" and entry["details"].get("format") == "qcow2"]
        expect(done and self.point in done[0]["object"], f"the audit log: {found}")
        expect(any(entry["result"] == "refused" for entry in found), "the audit log has no refusal")

    def check_damage(self):
        """A pack loses bytes: the download ends short of its length, and curl says so (18); the daemon goes on."""
        packs = [path for path in (self.lab.data / "repository/packs").rglob("*") if path.is_file()]
        victim = max(packs, key=lambda path: path.stat().st_size)
        with open(victim, "r+b") as file:
            file.seek(victim.stat().st_size // 2)
            file.write(bytes(128 * 1024))
        target = self.lab.root / "damaged"
        done = self.curl("-o", target)
        expect(done.returncode == 18, f"curl ended with {done.returncode}")
        expect(target.stat().st_size > 0, "nothing came before the damage")
        expect(self.lab.daemon.poll() is None, "the daemon ended")
        expect(len(self.lab.entrepot("point", "list")["points"]) == 1, "the daemon does not answer")


def play(lab):
    for program in ("curl", "qemu-img"):
        if not shutil.which(program):
            print(f"image_download: skipped, there is no {program}")
            sys.exit(77)
    scene = Scene(lab)
    scene.start()
    for image_format in ("qcow2", "vhdx"):
        scene.check_format(image_format)
    scene.check_memory()
    scene.check_refusals()
    scene.check_damage()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        with Lab(arguments.binaries, arguments.keep) as lab:
            play(lab)
    except Failure as failure:
        sys.exit(f"image_download: {failure}")
    print("image_download: each format is the disk, memory is flat, less is seen")


if __name__ == "__main__":
    main()
