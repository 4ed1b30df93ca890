"""What goes wrong without a host: damaged packs, points that must stay, images and targets that cannot be used."""
import os
import random
import subprocess

from cases import case
from harness import MIB, expect, sha256_of
from scene import EXPORT, WEB01, images

ONE_DISK = {"with_samba": False}


def packs(scene):
    found = [path for path in (scene.lab.data / "repository").rglob("*") if path.is_file() and "packs" in path.parts]
    expect(found, "no packs were found in the repository")
    return found


def damage(path):
    """Flips bytes in the first half, where the chunks are, and keeps time and length."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        for part in range(8):
            file.seek(size * (part + 1) // 20)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 0x40]))


@case(encrypted=True)
def damaged_pack(scene):
    full = scene.back_up(kind="full")["point"]
    sound = dict(scene.expected)
    for path in packs(scene):
        damage(path)
    target = scene.lab.root / "damaged.raw"
    broken = 0
    for disk in (0, 1):
        result = scene.lab_run("restore", "disk", full, disk, "--to", target, "--format", "raw", "--json")
        expect(result.returncode in (0, 4), f"restore: exit {result.returncode}: {result.stdout}")
        broken += result.returncode == 4
        expect(target.exists() == (result.returncode == 0), "a restore that failed left a file")
        target.unlink(missing_ok=True)
    expect(broken, "the damage hit no disk")
    for depth in ("packs", "data"):
        verdict = scene.lab.entrepot("verify", "--depth", depth, status=4)
        found = [item for point in verdict["points"] for item in point["damage"]]
        expect(any(point["result"] != "sound" for point in verdict["points"]), f"verify {depth}: {verdict}")
        expect(found and all(item["reason"] and (item["length"] > 0 or "file" in item["reason"]) for item in found), f"the damage is not named: {verdict}")
    scene.write()
    scene.back_up(kind="full", reason="damaged")
    newest = list(scene.expected)[-1]
    for index, digest in scene.expected[newest].items():
        expect(scene.lab.restored_sha256(newest, index) == digest, f"disk {index} of the new point differs")
    verdict = scene.lab.entrepot("verify", newest, "--depth", "data")
    expect(verdict["points"][0]["result"] == "sound", f"verify: {verdict}")
    scene.check_host()
    scene.check_share()
    scene.write()
    scene.back_up(kind="incremental")
    scene.lab.entrepot("point", "delete", full, "--yes")
    scene.lab.entrepot("gc")
    del scene.expected[full]
    expect(sound.keys() == {full}, "the wrong point was damaged")
    scene.check_all()
    scene.lab.entrepot("verify", "--depth", "data")


@case()
def damaged_pack_says_so_on_restore(scene):
    scene.back_up(kind="full")
    for path in packs(scene):
        damage(path)
    target = scene.lab.root / "damaged.raw"
    for disk in (0, 1):
        if scene.lab_run("restore", "disk", "web01@latest", disk, "--to", target, "--format", "raw").returncode == 4:
            scene.refused("restore", "disk", "web01@latest", disk, "--to", target, "--format", "raw", code="corrupt", status=4,
                          words=["damaged"])
            expect(not target.exists(), "a restore that failed left a file")
        target.unlink(missing_ok=True)
    left = [path.name for path in scene.lab.root.iterdir() if path.name.startswith("damaged")]
    expect(not left, f"left beside the target: {left}")


@case()
def missing_pack(scene):
    full = scene.back_up(kind="full")["point"]
    for path in packs(scene):
        path.unlink()
    scene.refused("restore", "disk", full, 0, "--to", scene.lab.root / "x.raw", code="corrupt", status=4, words=["pack"])
    expect(not (scene.lab.root / "x.raw").exists(), "a restore that failed left a file")
    scene.lab.entrepot("verify", "--depth", "packs", status=4)
    scene.write()
    scene.back_up(kind="full", reason="damaged")
    newest = list(scene.expected)[-1]
    for index, digest in scene.expected[newest].items():
        expect(scene.lab.restored_sha256(newest, index) == digest, f"disk {index} of the new point differs")
    scene.lab.entrepot("verify", newest, "--depth", "data")


@case()
def points_that_must_stay(scene):
    first = scene.back_up(kind="full")["point"]
    scene.write()
    second = scene.back_up(kind="incremental")["point"]
    scene.refused("point", "delete", first, code="usage", status=2, words=["yes"])
    scene.lab.entrepot("point", "protect", first, "--until", "2099-01-31")
    scene.refused("point", "delete", first, "--yes", code="conflict", words=["protected", "2099"])
    scene.refused("point", "protect", first, "--until", "2098-01-31", code="conflict", words=["extended"])
    scene.refused("point", "protect", first, "--until", "no date", code="usage", status=2, words=["no date"])
    scene.lab.entrepot("point", "hold", second, "--reason", "audit 2026")
    scene.refused("point", "delete", second, "--yes", code="conflict", words=["audit 2026", "release"])
    scene.write()
    scene.back_up(kind="incremental")
    scene.write()
    scene.back_up(kind="incremental")
    kept = scene.lab.entrepot("prune", "web01", "--keep-last", 1)
    expect(len(kept["removed"]) == 1, f"prune: {kept}")
    for removed in kept["removed"]:
        del scene.expected[removed]
    expect(first in scene.expected and second in scene.expected, "a point that must stay was removed")
    scene.lab.entrepot("gc")
    scene.check_all()
    scene.lab.entrepot("point", "release", second)
    scene.lab.entrepot("point", "delete", second, "--yes")
    del scene.expected[second]
    scene.refused("point", "show", second, code="not_found", words=[second[:8]])
    scene.lab.entrepot("gc")
    scene.check_all()
    scene.go_on()
    scene.refused("prune", "web01", code="usage", status=2, words=["rule"])


@case()
def newest_point_deleted(scene):
    """The host's reference point belongs to a point that is gone: what follows must not build on it."""
    first = scene.back_up(kind="full")["point"]
    scene.write()
    second = scene.back_up(kind="incremental")["point"]
    scene.lab.entrepot("point", "delete", second, "--yes")
    del scene.expected[second]
    scene.go_on(kind="full")
    scene.go_on()
    for point in list(scene.expected):
        scene.lab.entrepot("point", "delete", point, "--yes")
    scene.expected.clear()
    expect(first not in scene.expected, "the first point is gone")
    scene.lab.entrepot("gc")
    scene.go_on(kind="full")
    scene.go_on()


def make_vhdx(scene, name, raw):
    path = scene.lab.root / name
    subprocess.run([scene.lab.binaries / "entrepot", "image", "convert", raw, path, "--format", "vhdx"], check=True,
                   stdout=subprocess.DEVNULL)
    return path


@case(**ONE_DISK)
def ingest_of_what_cannot_be_used(scene):
    lab = scene.lab
    sound = make_vhdx(scene, "sound.vhdx", scene.disks[0][0])
    content = sound.read_bytes()
    broken = lab.root / "broken.vhdx"
    broken.write_bytes(content[:8 * MIB])  # The disk alone has 12 MiB.
    scene.refused("ingest", broken, "--vm", "db01", code="corrupt", status=4, words=["broken.vhdx"])
    garbage = lab.root / "garbage.vhdx"
    garbage.write_bytes(scene.chance.randbytes(3 * MIB))
    scene.refused("ingest", garbage, "--vm", "db01", code="corrupt", status=4, words=["garbage.vhdx"])
    garbage.write_bytes(b"")
    scene.refused("ingest", garbage, "--vm", "db01", code="corrupt", status=4, words=["garbage.vhdx"])
    scene.refused("ingest", lab.root / "none.vhdx", "--vm", "db01", code="not_found", words=["none.vhdx"])
    empty = lab.root / "empty"
    empty.mkdir()
    scene.refused("ingest", empty, "--vm", "db01", code="not_found", words=["image", "folder"])
    scene.refused("ingest", sound, "--vm", "db01", "--base", "ffffffff", code="not_found", words=["ffffffff"])
    expect(not lab.entrepot("point", "list")["points"], "a refused ingest made a point")
    answer = lab.entrepot("ingest", sound, "--vm", "db01", "--sha256")
    expect(answer["disks"][0]["sha256"] == sha256_of(scene.disks[0][0]), "the ingested content differs")
    target = lab.root / "there.raw"
    target.write_text("mine")
    scene.refused("restore", "disk", "db01@latest", 0, "--to", target, "--format", "raw", code="already_exists", words=["there.raw"])
    expect(target.read_text() == "mine", "a file that was there was changed")
    scene.refused("restore", "disk", "db01@latest", 0, "--to", lab.root / "x", "--format", "iso", code="usage", status=2, words=["iso"])
    scene.refused("restore", "disk", "db01@latest", 0, "--to", lab.root / "none" / "x.raw", "--format", "raw", code="not_found",
                  words=["none"])
    lab.entrepot("verify", "--depth", "data")


@case()
def ingest_of_a_child_on_the_wrong_base(scene):
    """A VHDX whose parent is another image of ours."""
    lab = scene.lab
    first = make_vhdx(scene, "first.vhdx", scene.disks[0][0])
    scene.write()
    child = lab.root / "child.avhdx"
    subprocess.run([lab.binaries / "entrepot", "image", "convert", scene.disks[0][0], child, "--format", "vhdx-diff", "--base", first],
                   check=True, stdout=subprocess.DEVNULL)
    after = sha256_of(scene.disks[0][0])
    scene.write()
    other = make_vhdx(scene, "other.vhdx", scene.disks[0][0])
    right = lab.entrepot("ingest", first, "--vm", "db01")["point"]
    wrong = lab.entrepot("ingest", other, "--vm", "db02")["point"]
    hidden = lab.root / "alone"
    hidden.mkdir()
    child = child.rename(hidden / child.name)
    scene.refused("ingest", child, "--vm", "db01", code="parent_missing", words=["child.avhdx", "--base"])
    error = scene.refused("ingest", child, "--vm", "db01", "--base", wrong, code="parent_mismatch", words=["child.avhdx"])
    expect(wrong in error["message"], f"the base is not named: {error}")
    answer = lab.entrepot("ingest", child, "--vm", "db01", "--base", right)
    expect(answer["kind"] == "incremental", f"the child is {answer['kind']}")
    expect(lab.restored_sha256(answer["point"], 0) == after, "the child's content differs")
    expect(len(lab.entrepot("point", "list")["points"]) == 3, "a refused ingest made a point")


@case(**ONE_DISK)
def image_commands_on_garbage(scene):
    lab = scene.lab
    garbage = lab.root / "garbage.vhdx"
    target = lab.root / "out.raw"
    for content in (b"", b"vhdxfile" + bytes(100), scene.chance.randbytes(2 * MIB), b"vhdxfile" + bytes(2 * MIB)):
        garbage.write_bytes(content)
        checked = lab.entrepot("image", "check", garbage, status=4)
        expect(checked["result"] == "damaged" and checked["findings"], f"garbage checked: {checked}")
        for arguments in (("info", garbage), ("map", garbage), ("read", garbage, "--offset", 0, "--length", 512),
                          ("compare", garbage, garbage), ("convert", garbage, target, "--format", "raw")):
            scene.refused("image", *arguments, code="corrupt", status=4, words=["garbage.vhdx"])
            expect(not target.exists(), f"image {arguments[0]} made a file of {len(content)} bytes of garbage")
    scene.refused("image", "info", lab.root / "none.vhdx", code="not_found", words=["none.vhdx"])
    sound = make_vhdx(scene, "sound.vhdx", scene.disks[1][0])
    target.write_text("mine")
    scene.refused("image", "convert", sound, target, "--format", "raw", code="already_exists", words=["out.raw"])
    expect(target.read_text() == "mine", "a file that was there was changed")
    scene.refused("image", "convert", sound, lab.root / "x", "--format", "iso", code="usage", status=2, words=["iso"])
    scene.refused("image", "read", sound, "--offset", 1 << 40, "--length", 1, code="usage", status=2, words=[str(1 << 40)])


@case(encrypted=True)
def no_repository_and_wrong_passphrase(scene):
    lab = scene.lab
    scene.back_up(kind="full")
    passphrase = lab.root / "passphrase"
    right = passphrase.read_text()
    passphrase.write_text("not the passphrase")
    scene.refused("backup", "web01", code="unauthenticated", words=["passphrase"])
    passphrase.write_text(right)
    data, lab.data = lab.data, lab.root / "no-data"
    scene.refused("point", "list", code="not_found", words=["no-data", "init"])
    lab.data = data
    scene.refused("init", "--no-encryption", code="already_exists", words=[str(data)])
    scene.go_on()
