#!/usr/bin/env python3
"""Each real VHDX and AVHDX of the shared data is ingested and restored as raw: the SHA-256 must be the one that its README gives.

usage: corpus.py BINARIES [--only TEXT]     the data: ENTREPOT_SHARED, or "shared" beside the checkout; exit status 77 without it
"""
import argparse
import sys

from harness import Failure, Lab, expect
from real_images import find_folder, read_list, unpack

SKIPPED = 77
CHILD, PARENT = "fat-differential.vhdx", "fat-parent.vhdx"


def expect_content(lab, answer, digest):
    expect(len(answer["disks"]) == 1, f"{len(answer['disks'])} disks in the point")
    expect(answer["disks"][0]["sha256"] == digest, f"ingest says {answer['disks'][0]['sha256']}, the README {digest}")
    restored = lab.restored_sha256(answer["point"], 0)
    expect(restored == digest, f"restored {restored}, the README says {digest}")


def ingest(lab, *files, vm, status=0, base=None):
    arguments = ["--base", base] if base else []
    return lab.entrepot("ingest", *files, "--vm", vm, "--sha256", *arguments, status=status)


def check_pair(lab, folder, files):
    """The child after its parent with --base, the same by looking it up, and both files at once."""
    parent, child = folder / PARENT, folder / CHILD
    point = ingest(lab, parent, vm="pair")
    expect_content(lab, point, files[PARENT])
    alone = folder / "alone"
    alone.mkdir()
    child = child.rename(alone / child.name)
    error = ingest(lab, child, vm="pair", status=1)["error"]
    expect(error["code"] == "parent_missing", f"a child without a base: {error}")
    answer = ingest(lab, child, vm="pair", base=point["point"])
    expect(answer["kind"] == "incremental", f"a child on its base is {answer['kind']}")
    expect_content(lab, answer, files[CHILD])
    expect_content(lab, ingest(lab, parent, child, vm="together"), files[CHILD])
    expect(lab.restored_sha256(point["point"], 0) == files[PARENT], "the parent's point changed")


def check_one(lab, folder, name, digest):
    if digest:
        expect_content(lab, ingest(lab, folder / name, vm=name), digest)
        return
    error = ingest(lab, folder / name, vm=name, status=1)["error"]
    expect(error["code"] == "parent_missing" and error["hint"], f"a child whose parent nobody has: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    data = find_folder()
    if data is None:
        print("skipped: the shared data is not there")
        sys.exit(SKIPPED)
    images = [image for image in read_list(data, (".vhdx", ".avhdx")) if arguments.only in image.name]
    expect(images, "the README names no VHDX")
    try:
        with Lab(arguments.binaries) as lab:
            (lab.root / "passphrase").write_text("")
            lab.entrepot("init", "--no-encryption")
            files = {image.name: image.digest for image in images}
            for stored, name, digest in ((image.stored, image.name, image.digest) for image in images):
                folder = lab.root / f"{name}.d"
                if name in (CHILD, PARENT):
                    folder = lab.root / "pair"
                folder.mkdir(exist_ok=True)
                unpack(stored, folder / name)
                try:
                    if name not in (CHILD, PARENT):
                        check_one(lab, folder, name, digest)
                        (folder / name).unlink()
                    elif {CHILD, PARENT} <= {path.name for path in folder.iterdir()}:
                        check_pair(lab, folder, files)
                    else:
                        continue
                except Failure as failure:
                    raise Failure(f"{name}: {failure}") from failure
                print(f"ok {name}", flush=True)
            lab.entrepot("verify", "--depth", "data")
    except Failure as failure:
        sys.exit(str(failure))
    print(f"all {len(images)} images give back what the README says")


if __name__ == "__main__":
    main()
