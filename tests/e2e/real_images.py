"""The real images of the shared data, as their README describes them."""
import bz2
import gzip
import os
import pathlib
import re
from typing import NamedTuple, Optional

from harness import MIB, SOURCE


class RealImage(NamedTuple):
    stored: pathlib.Path  # Compressed.
    name: str  # Unpacked; children look for their parents by it.
    file_digest: str  # SHA-256 of the unpacked file.
    size: int  # Of the disk.
    digest: Optional[str]  # SHA-256 of the disk's content; None where the README has none.
    is_empty: bool  # The disk is all zeros, and too large to be hashed.


def find_folder():
    """None where the data is not there."""
    shared = pathlib.Path(os.environ.get("ENTREPOT_SHARED", SOURCE.parent / "shared"))
    folder = shared / "data" / "vhdx"
    return folder if (folder / "README.md").exists() else None


def read_list(folder, suffixes):
    found = []
    for section in (folder / "README.md").read_text().split("\n## ")[1:]:
        stored = section.split("\n", 1)[0].strip()
        name = re.sub(r"^dfvfs-", "", re.sub(r"\.(gz|bz2)$", "", stored))
        if not name.endswith(suffixes):
            continue
        digest = re.search(r"^\* raw sha256: (?:after replay )?([0-9a-f]{64})\b", section, re.MULTILINE)
        found.append(RealImage(
            stored=folder / stored, name=name,
            file_digest=re.search(r"; unpacked \d+ bytes, sha256 ([0-9a-f]{64})\b", section)[1],
            size=int(re.search(r"^\* virtual size: (\d+)$", section, re.MULTILINE)[1]),
            digest=digest and digest[1],
            is_empty="* raw sha256: all zeros" in section))
    return found


def unpack(stored, target):
    """With holes: some are almost a GiB of zeroes."""
    opened = gzip.open(stored) if stored.suffix == ".gz" else bz2.open(stored)
    with opened as source, open(target, "wb") as file:
        size = 0
        while block := source.read(MIB):
            if block.count(0) != len(block):
                file.seek(size)
                file.write(block)
            size += len(block)
        file.truncate(size)
