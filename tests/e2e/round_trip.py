#!/usr/bin/env python3
"""Guests change at random, are backed up with all the simulator's variations, pruned at random, and restored:
every point that is left must equal what the simulator says a restore must give.

usage: round_trip.py BINARIES [--rounds 5] [--seed N]
"""
import argparse
import json
import os
import random
import subprocess
import sys

from cases import skip_unless_possible
from harness import MIB, Failure, Lab, expect


class Guest:
    def __init__(self, lab, chance, name, vm_id, disks):
        self.lab, self.chance, self.name, self.id = lab, chance, name, vm_id
        self.disks = [(lab.raw_disk(f"{name}-{number}", size), size, sector) for number, (size, sector) in enumerate(disks)]

    def config(self):
        return {"id": self.id, "name": self.name, "generation": 2, "version": "10.0", "state": "running", "guest_vss": True,
                "disks": [{"raw": str(path), "controller": "scsi", "location": number, "format": "vhdx", "logical_sector_size": sector}
                          for number, (path, _, sector) in enumerate(self.disks)]}

    def write(self):
        """Random ranges, zeroes, holes and copies, all sector aligned as a guest writes."""
        for path, size, sector in self.disks:
            with open(path, "r+b") as disk:
                for _ in range(self.chance.randrange(0, 12)):
                    length = sector * self.chance.choice([1, 1, 3, 8, 129, 700])
                    offset = self.chance.randrange(0, (size - length) // sector) * sector
                    kind = self.chance.randrange(5)
                    if kind == 0:
                        disk.seek(offset)
                        disk.write(bytes(length))
                    elif kind == 1:
                        disk.flush()
                        subprocess.run(["fallocate", "--punch-hole", "-o", str(offset), "-l", str(length), path], check=True)
                    elif kind == 2:
                        disk.seek(self.chance.randrange(0, (size - length) // sector) * sector)
                        content = disk.read(length)
                        disk.seek(offset)
                        disk.write(content)
                    else:
                        disk.seek(offset)
                        disk.write(self.chance.randbytes(length))
                if self.chance.random() < 0.4:  # A file of some size.
                    offset = self.chance.randrange(0, size // (2 * MIB)) * MIB
                    disk.seek(offset)
                    disk.write(self.chance.randbytes(self.chance.randrange(1, 5) * MIB // 2))

    def add_disk(self, size, sector):
        number = len(self.disks)
        self.disks.append((self.lab.raw_disk(f"{self.name}-{number}", size), size, sector))
        disk = {"raw": str(self.disks[-1][0]), "controller": "scsi", "location": number, "logical_sector_size": sector}
        self.lab.host_control("disk", "add", self.name, json.dumps(disk))


def back_up(lab, guest, expected, arguments=()):
    lab.new_exports()
    answer = lab.entrepot("backup", guest.name, *arguments)
    exports = lab.new_exports()
    expected[answer["point"]] = {}
    for disk in answer["disks"]:
        expected[answer["point"]][disk["index"]] = exports[(guest.id.lower(), disk["index"])]
    expect(len(answer["disks"]) == len(guest.disks), f"{len(answer['disks'])} of {len(guest.disks)} disks in the point")
    return answer


def check_all(lab, expected):
    points = {point["id"] for point in lab.entrepot("point", "list")["points"]}
    expect(points == set(expected), f"points {points} but expected {set(expected)}")
    for point, disks in expected.items():
        for index, digest in disks.items():
            expect(lab.restored_sha256(point, index) == digest, f"disk {index} of point {point} differs")


def play(lab, chance, rounds):
    lab.start_samba()
    guests = [Guest(lab, chance, "web01", "11111111-1111-4111-8111-111111111111", [(48 * MIB, 512), (32 * MIB + 65536 + 4096, 4096)]),
              Guest(lab, chance, "Ärzte & <Söhne>", "22222222-2222-4222-8222-222222222222", [(20 * MIB + 512, 512)])]
    for guest in guests:
        guest.write()
    lab.start_host([guest.config() for guest in guests], seed=chance.randrange(1, 1 << 30))
    lab.set_up_appliance()
    expected, kinds = {}, []
    for number in range(rounds):
        for guest in guests:
            answer = back_up(lab, guest, expected, chance.choice([["--full"], ["--full-every", 1], [], [], [], [], []]))
            kinds.append(answer["kind"])
            comparison = answer["comparison"]
            expect(not comparison or comparison["result"] != "disagrees", f"an honest host, and it disagrees: {comparison}")
            print(f"round {number}: {guest.name}: {answer['kind']}, {answer['reason']}", flush=True)
            guest.write()
            if chance.random() < 0.25:
                checkpoint = lab.host_control("checkpoint", "create", guest.name, "before-update")["id"]
                guest.write()
                if chance.random() < 0.5:
                    lab.host_control("checkpoint", "apply", guest.name, checkpoint)
                lab.host_control("checkpoint", "delete", guest.name, checkpoint)
        if number == 1:
            guests[0].add_disk(8 * MIB, 512)
        if number > 0 and chance.random() < 0.6:
            answer = lab.entrepot("prune", guests[chance.randrange(2)].name, "--keep-last", chance.randrange(1, 4))
            for removed in answer["removed"]:
                del expected[removed]
            if chance.random() < 0.7:
                lab.entrepot("gc")
        check_all(lab, expected)
    expect("incremental" in kinds, "no increment was taken at all")
    verdict = lab.entrepot("verify", "--depth", "data")
    expect(all(point["result"] == "sound" for point in verdict["points"]), f"verify: {verdict}")
    lab.expect_clean_host()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    skip_unless_possible()
    print(f"seed {arguments.seed}", flush=True)
    try:
        with Lab(arguments.binaries, arguments.keep) as lab:
            play(lab, random.Random(arguments.seed), arguments.rounds)
    except Failure as failure:
        sys.exit(f"seed {arguments.seed}: {failure}")
    print("round trip: all points restored byte for byte")


if __name__ == "__main__":
    main()
