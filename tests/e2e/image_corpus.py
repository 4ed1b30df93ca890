#!/usr/bin/env python3
"""Each real VHDX and VHD of the shared data through `entrepot image`: what convert writes must have the SHA-256 that the
README gives, check must find no damage, and the image itself must stay as it was.

usage: image_corpus.py BINARIES [--only TEXT]     the data: ENTREPOT_SHARED, or "shared" beside the checkout; exit status 77 without it
"""
import argparse
import errno
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import MIB, Failure, expect
from real_images import find_folder, read_list, unpack

SKIPPED = 77
PARENTS = {"fat-differential.vhdx": "fat-parent.vhdx", "ntfs-differential.vhd": "ntfs-parent.vhd"}
FORMATS_BACK = ("vhdx", "vhdx-fixed", "vhd", "vhd-fixed", "qcow2")
SMALL = 16 * MIB


def data_ranges(file, size):
    """What is not a hole."""
    end = 0
    while end < size:
        try:
            begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        yield begin, end


def sha256_of_sparse(path):
    """Holes are not read: disks of 10 GiB hold some hundred MiB."""
    digest, zeros, size, done = hashlib.sha256(), bytes(MIB), path.stat().st_size, 0

    def fill(until):
        nonlocal done
        while done < until:
            part = min(MIB, until - done)
            digest.update(memoryview(zeros)[:part])
            done += part

    with open(path, "rb") as file:
        for begin, end in data_ranges(file, size):
            fill(begin)
            file.seek(begin)
            while done < end:
                block = file.read(min(MIB, end - done))
                digest.update(block)
                done += len(block)
        fill(size)
    return digest.hexdigest()


class Program:
    def __init__(self, binaries):
        self.path = pathlib.Path(binaries) / "entrepot"

    def image(self, *arguments, status=0):
        finished = subprocess.run([self.path, "image", *arguments, "--json"], capture_output=True, text=True)
        expect(finished.returncode == status, f"image {arguments[0]} ended with {finished.returncode}: {finished.stdout}{finished.stderr}")
        return json.loads(finished.stdout)


def check_convert(program, image, path, target):
    program.image("convert", path, target, "--format", "raw")
    expect(target.stat().st_size == image.size, f"the raw disk has {target.stat().st_size} bytes, the README says {image.size}")
    if image.is_empty:
        expect(target.stat().st_blocks == 0, "an empty disk was written as something else than a hole")
        extents = program.image("map", path)["extents"]
        expect(extents == [{"offset": 0, "length": image.size, "kind": "zero"}], f"an empty disk is {extents}")
        return
    found = sha256_of_sparse(target)
    expect(found == image.digest, f"converted {found}, the README says {image.digest}")
    expect(program.image("compare", path, target)["equal"], "compare finds the raw disk another one")


def check_formats(program, path, target, folder):
    """Small ones through every format that we write."""
    for name in FORMATS_BACK:
        other = folder / f"other.{name.split('-')[0]}"
        program.image("convert", path, other, "--format", name)
        if name == "qcow2":
            compared = subprocess.run(["qemu-img", "compare", "-f", "raw", "-F", "qcow2", target, other], capture_output=True, text=True)
            expect(compared.returncode == 0, f"qcow2: {compared.stdout}{compared.stderr}")
        else:
            expect(program.image("compare", other, target)["equal"], f"{name} holds another disk")
            expect(program.image("check", other)["finding_count"] == 0, f"check finds something in {name}")
        other.unlink()


def check_one(program, image, folder):
    path, target = folder / image.name, folder / "target.raw"
    info = program.image("info", path)
    expect(info["virtual_size_bytes"] == image.size, f"info says {info['virtual_size_bytes']} bytes, the README {image.size}")
    if image.digest or image.is_empty:
        expect(info["complete"], "info says that a parent is missing")
        verdict = program.image("check", path)
        expect(verdict["result"] == "sound", f"check: {verdict}")
        check_convert(program, image, path, target)
        if image.digest and image.size <= SMALL:
            check_formats(program, path, target, folder)
        target.unlink()
    else:
        error = program.image("convert", path, target, "--format", "raw", status=1)["error"]
        expect(error["code"] == "parent_missing", f"a child whose parent nobody has: {error}")
        expect([entry.name for entry in folder.iterdir()] == [image.name], "a refused conversion left something")
        expect(program.image("check", path, status=1)["result"] == "incomplete", "check of a child without its parent")
    # The log of a dirty one is replayed in memory only.
    expect(sha256_of_sparse(path) == image.file_digest, "the image itself was changed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    data = find_folder()
    if data is None:
        print("skipped: the shared data is not there")
        sys.exit(SKIPPED)
    known = {image.name: image for image in read_list(data, (".vhdx", ".avhdx", ".vhd"))}
    images = [image for image in known.values() if arguments.only in image.name]
    expect(images, "the README names no such image")
    program = Program(arguments.binaries)
    for image in images:
        with tempfile.TemporaryDirectory(prefix="entrepot-images-") as name:
            folder = pathlib.Path(name)
            unpack(image.stored, folder / image.name)
            if image.name in PARENTS:
                unpack(known[PARENTS[image.name]].stored, folder / PARENTS[image.name])
            try:
                check_one(program, image, folder)
            except Failure as failure:
                sys.exit(f"{image.name}: {failure}")
        print(f"ok {image.name}", flush=True)
    print(f"all {len(images)} images convert to what the README says")


if __name__ == "__main__":
    main()
