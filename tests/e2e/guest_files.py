#!/usr/bin/env python3
"""Files out of recovery points by the real programs: disks with partitions that the guests' own tools made are ingested, and what
comes out must be what went in; without a daemon, through the daemon's socket, and over the network.

usage: guest_files.py BINARIES [--keep]
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse
import zipfile

from harness import Failure, Lab, MIB, expect, wait_until

SECTOR = 512


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "LC_ALL": "C.UTF-8"}, **options)
    expect(done.returncode == 0, f"{command[0]} failed: {done.stdout.decode(errors='replace')}")


def make_tree(folder, unicode_names=True):
    """Files by path; written below the folder."""
    tree = {
        "readme.txt": os.urandom(1000),
        "empty": b"",
        "docs/Отчёт.txt": os.urandom(70_000),
        "docs/報告書/deep.bin": os.urandom(3 * MIB + 17),
        "-dash": os.urandom(5),
        "=cmd,<b>.csv": os.urandom(6) if unicode_names else b"",
    }
    if not unicode_names:
        del tree["=cmd,<b>.csv"]  # FAT has no such names.
    for path, content in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tree


def make_disk(root):
    """A GPT disk with ext4, FAT32, NTFS and XFS; what is in each, by number."""
    trees = {}
    disk = root / "disk.raw"
    with open(disk, "wb") as file:
        file.truncate(320 * MIB)
    run("sgdisk", "-n1:0:+64M", "-t1:8300", "-n2:0:+100M", "-t2:ef00", "-n3:0:+64M", "-t3:0700", "-c3:Daten", "-n4:0:+8M", "-t4:4200", "-n5:0:+64M", "-t5:8300", disk)
    parts = {1: (1, 64), 2: (65, 100), 3: (165, 64), 5: (237, 64)}
    for number, (offset, size) in parts.items():
        part, folder = root / f"part{number}", root / f"tree{number}"
        folder.mkdir()
        with open(part, "wb") as file:
            file.truncate(size * MIB)
        trees[number] = make_tree(folder, unicode_names=number != 2)
        if number == 1:
            os.symlink("/etc/passwd", folder / "link")
            (folder / "back\\slash").write_bytes(b"escaped")
            run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-d", folder, part)
        elif number == 2:
            run("mkfs.vfat", "-F", "32", part)
            for name in sorted(os.listdir(folder)):
                run("mcopy", "-s", "-i", part, "./" + name, "::/", cwd=folder)
        elif number == 5:
            make_xfs(folder, part)
        else:
            run("mkntfs", "-F", "-Q", "-q", "-L", "Windows", part)
            trees[number] = {"report.bin": os.urandom(2 * MIB + 3), "報告書.txt": os.urandom(100)}
            for name, content in trees[number].items():
                (folder / name).write_bytes(content)
                run("ntfscp", part, folder / name, name)
        run("dd", f"if={part}", f"of={disk}", "bs=1M", f"seek={offset}", "conv=notrunc,sparse")
    return disk, trees


def make_xfs(folder, part):
    """By a prototype; the variables are those of its own tests, without which it makes none so small."""
    def below(path):
        lines = ""
        for entry in sorted(path.iterdir()):
            lines += f"{entry.name} d--755 0 0\n{below(entry)}$\n" if entry.is_dir() else f"{entry.name} ---644 0 0 {entry}\n"
        return lines

    prototype = folder.with_suffix(".prototype")
    prototype.write_text(f"/dev/null\n0 0\nd--755 0 0\n{below(folder)}$\n")
    run("env", "TEST_DIR=1", "TEST_DEV=1", "QA_CHECK_FS=1", "mkfs.xfs", "-q", "-L", "data", "-p", prototype, part)


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


class Scene:
    def __init__(self, lab):
        self.lab = lab
        raw, self.trees = make_disk(lab.root)
        image = lab.root / "disk.vhdx"
        lab.make_repository()
        lab.entrepot("image", "convert", raw, image, "--format", "vhdx")
        self.point = lab.entrepot("ingest", image, "--vm", "guest")["point"]

    def files(self, *arguments, status=0):
        return self.lab.entrepot("files", *arguments, status=status)

    def check_volumes(self):
        volumes = self.files("list", "guest@latest")["disks"][0]["volumes"]
        seen = [(v["number"], v["content"], v["is_readable"], v["label"]) for v in volumes]
        expect(seen[0] == (1, "ext", True, "root") and seen[2] == (3, "ntfs", True, "Windows"), f"volumes: {seen}")
        expect(seen[1][1:3] == ("fat", True) and seen[3][1:3] == ("dynamic-disk", False), f"volumes: {seen}")
        expect(seen[4] == (5, "xfs", True, "data") and volumes[4]["notice"] is None, f"volumes: {seen} {volumes[4]}")
        expect("dynamic disk" in volumes[3]["reason"], f"reason: {volumes[3]['reason']}")
        error = self.files("list", "guest@latest", "/", status=2)["error"]
        expect("0:1" in error["message"] and "0:3" in error["message"], f"choice: {error}")

    def check_folder(self, number, status):
        """Everything of a partition, twice: the second time nothing is replaced without being told to."""
        out = self.lab.root / f"out{number}-{len(os.listdir(self.lab.root))}"
        place = f"guest@latest:0:{number}"
        report = self.files("get", place, "/", "-o", str(out), status=status)
        got = files_below(out)
        got.pop("back\\x5cslash", None)
        expect(got == self.trees[number], f"partition {number}: {sorted(got)} for {sorted(self.trees[number])}")
        again = self.files("get", place, "/", "-o", str(out), status=3)
        expect(again["files"] == 0 and again["skipped_count"] >= len(got), f"replaced: {again['files']}")
        name = sorted(path for path in got if "/" not in path)[0]
        (out / name).write_bytes(b"other")
        self.files("get", place, "/" + name, "-o", str(out), status=1)
        self.files("get", place, "/" + name, "-o", str(out), "--overwrite")
        expect((out / name).read_bytes() == got[name], "not replaced")
        expect(not list(out.rglob("*.partial")), "something is left")
        return report, out

    def check_archives(self, number, status):
        """A partition as a tar and as a zip, unpacked by other people's programs."""
        for form in ("tar", "zip"):
            out = self.lab.root / f"{form}{number}-{len(os.listdir(self.lab.root))}"
            report = self.files("get", f"guest@latest:0:{number}", "/", "--format", form, "-o", str(out), status=status)["archives"][0]
            archive = out / f"disk0-partition{number}.{form}"
            expect(os.listdir(out) == [archive.name] and report["bytes"] == archive.stat().st_size, f"archive: {report} {os.listdir(out)}")
            run(*(("tar", "-xf", archive, "-C", out) if form == "tar" else ("7z", "x", "-bd", f"-o{out}", archive)))
            got = files_below(out / f"disk0-partition{number}")
            wanted = dict(self.trees[number])
            if form == "zip" and "=cmd,<b>.csv" in wanted:
                wanted["=cmd,%x3cb%x3e.csv"] = wanted.pop("=cmd,<b>.csv")
            if number == 1:
                expect(got.pop("back%x5cslash") == b"escaped", "an escaped name")
            expect(got == wanted, f"{form} of partition {number}: {sorted(got)} for {sorted(wanted)}")
            missing = out / "ENTREPOT-NOT-RESTORED.txt"
            expect(missing.exists() == (status == 3) and report["not_restored_count"] == (1 if status == 3 else 0), f"missing: {report}")
            if status == 3:
                expect("/link: it is a link to /etc/passwd" in missing.read_text(), missing.read_text())
        self.files("get", f"guest@latest:0:{number}", "/", "--format", "zip", "-o", str(out), status=1)
        self.files("get", f"guest@latest:0:{number}", "/", "--format", "zip", "-o", str(out), "--overwrite", status=status)

    def check_all(self):
        self.check_volumes()
        report, out = self.check_folder(1, status=3)
        skipped = {entry["path"]: entry["reason"] for entry in report["skipped"]}
        expect(list(skipped) == ["/link"] and "/etc/passwd" in skipped["/link"], f"skipped: {skipped}")
        expect((out / "back\\x5cslash").read_bytes() == b"escaped", "an escaped name")
        self.check_folder(2, status=0)
        self.check_folder(3, status=0)
        self.check_folder(5, status=0)
        self.check_archives(1, status=3)
        self.check_archives(2, status=0)
        self.check_archives(3, status=0)
        self.check_archives(5, status=0)

    def check_search(self):
        """Each file system is found in the index of names, and tells the versions of a file."""
        self.files("index", "guest@latest")
        found = self.files("search", "deep.bin")["files"]
        expect(sorted(file["volume"] for file in found) == [1, 2, 5], f"found: {found}")
        expect(all(file["path"] == "/docs/報告書/deep.bin" and file["size_bytes"] == 3 * MIB + 17 for file in found), f"found: {found}")
        for number in (1, 5):
            versions = self.files("versions", f"guest@latest:0:{number}", "/readme.txt")["versions"]
            expect([(version["size_bytes"], len(version["points"])) for version in versions] == [(1000, 1)], f"versions: {versions}")

    def check_links_here(self):
        """A link that lies in the target leads nowhere."""
        out, elsewhere = self.lab.root / "links", self.lab.root / "elsewhere"
        out.mkdir(), elsewhere.mkdir()
        (out / "docs").symlink_to(elsewhere)
        (out / "readme.txt").symlink_to(elsewhere / "victim")
        self.files("get", "guest@latest:0:1", "/", "-o", str(out), status=3)
        self.files("get", "guest@latest:0:1", "/readme.txt", "-o", str(out), "--overwrite")
        expect(os.listdir(elsewhere) == [], f"written elsewhere: {os.listdir(elsewhere)}")
        expect((out / "readme.txt").read_bytes() == self.trees[1]["readme.txt"], "the link was not replaced")

    def check_errors(self):
        for arguments, status, words in [
            (("list", "guest@latest:0:4"), 1, "dynamic disk"),
            (("list", "guest@latest:0:9"), 1, "no partition 9"),
            (("list", "guest@latest:7"), 1, "no disk"),
            (("get", "guest@latest:0:1", "/nothing"), 1, "no \"nothing\""),
            (("get", "guest@latest:0:1", "/../etc/passwd"), 1, "no name of a file"),
            (("get", "guest@latest:0:1", "/link"), 1, "links are not followed"),
            (("get", "guest@latest:0:1", "/nothing", "--format", "zip"), 1, "no \"nothing\""),
            (("get", "guest@latest:0:1", "/link", "--format", "tar"), 1, "links are not followed"),
            (("list", "guest@latest:x:y"), 2, "POINT[:DISK[:PARTITION]]"),
        ]:
            message = self.files(*arguments, status=status)["error"]["message"]
            expect(words in message, f"{arguments}: {message}")

    def check_network(self):
        """Over HTTPS by a token: the content with its length, a name that is no header, and an entry in the audit log."""
        token = self.lab.entrepot("token", "add", "reader", "--role", "restore-operator")["secret"]
        viewer = self.lab.entrepot("token", "add", "looker", "--role", "viewer")["secret"]
        base = f"https://{self.lab.daemon_address}/api/v1/points/{self.point}/disks/0/volumes/1"
        address = base + "/content?path=" + urllib.parse.quote("/docs/Отчёт.txt")
        head, body = self.lab.root / "head", self.lab.root / "body"

        def fetch(secret, *more):
            return subprocess.run(["curl", "-sk", "-H", f"Authorization: Bearer {secret}", "-D", head, "-o", body, "-w", "%{http_code}", *more, address],
                                  stdout=subprocess.PIPE, text=True).stdout

        expect(fetch(viewer) == "403", "a viewer gets data out")
        expect(fetch(token) == "200", f"answer: {body.read_bytes()[:300]}")
        expect(body.read_bytes() == self.trees[1]["docs/Отчёт.txt"], "the content")
        lines = head.read_text().lower()
        for text in ("content-length: 70000", "filename*=utf-8''%d0%9e", "nosniff", "sandbox", "application/octet-stream"):
            expect(text in lines, f"head lacks {text}: {lines}")
        address = base + "/archive?format=zip&path=" + urllib.parse.quote("/docs")
        expect(fetch(viewer) == "403" and fetch(token) == "200", f"archive: {body.read_bytes()[:300]}")
        lines = head.read_text().lower()
        for text in ("transfer-encoding: chunked", "filename=\"docs.zip\"", "sandbox", "application/zip", "entrepot-not-restored: 0"):
            expect(text in lines, f"head lacks {text}: {lines}")
        with zipfile.ZipFile(body) as archive:
            expect(archive.testzip() is None and archive.read("docs/Отчёт.txt") == self.trees[1]["docs/Отчёт.txt"], f"{archive.namelist()}")
        entries = self.lab.entrepot("audit", "list")["entries"]
        expect(any(entry["action"] == "downloadGuestArchive" and entry["details"].get("path") == "/docs" for entry in entries), "no archive in the audit log")
        found = [entry for entry in entries if entry["action"] == "downloadGuestFile" and entry["user"] != ""]
        expect(any(entry["details"].get("path") == "/docs/Отчёт.txt" for entry in found), "the audit log has no download")


def check_damage(lab):
    """A file of which one chunk is damaged does not stop the others, with a daemon or without."""
    tree, folder, raw, image = {}, lab.root / "tree", lab.root / "disk.raw", lab.root / "disk.vhdx"
    folder.mkdir()
    for name in ("a.bin", "b.bin", "c.bin"):
        tree[name] = os.urandom(8 * MIB)
        (folder / name).write_bytes(tree[name])
    with open(raw, "wb") as file:
        file.truncate(64 * MIB)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, raw)
    lab.make_repository(encrypted=False)
    lab.entrepot("image", "convert", raw, image, "--format", "vhdx")
    lab.entrepot("ingest", image, "--vm", "guest")
    victim = tree["b.bin"][5 * MIB:5 * MIB + 64]
    hit = 0
    for pack in (lab.data / "repository/packs").rglob("*"):
        content = pack.read_bytes() if pack.is_file() else b""
        if victim in content:
            pack.write_bytes(content.replace(victim, bytes(64)))
            hit += 1
    expect(hit == 1, f"{hit} packs have the content")
    for round in (1, 2):
        out = lab.root / f"out{round}"
        report = lab.entrepot("files", "get", "guest@latest:0:0", "/", "-o", str(out), status=3)
        expect([entry["path"] for entry in report["skipped"]] == ["/b.bin"], f"skipped: {report['skipped']}")
        expect(files_below(out) == {name: tree[name] for name in ("a.bin", "c.bin")}, f"got {sorted(files_below(out))}")
        check_damaged_archive(lab, tree, out)
        if round == 1:
            lab.start_daemon()


def check_damaged_archive(lab, tree, out):
    """The damaged file is broken for whoever unpacks it, and named; the others are whole."""
    report = lab.entrepot("files", "get", "guest@latest:0:0", "/", "--format", "zip", "-o", str(out), status=3)["archives"][0]
    expect(report["not_restored_count"] == 1, f"archive: {report}")
    with zipfile.ZipFile(report["file"]) as archive:
        expect(archive.testzip() == "disk0-partition0/b.bin", f"broken: {archive.testzip()}")
        expect(archive.read("disk0-partition0/c.bin") == tree["c.bin"], "c.bin")
        expect("/b.bin: only its first" in archive.read("ENTREPOT-NOT-RESTORED.txt").decode(), "the list")
    pathlib.Path(report["file"]).unlink()


class Versions:
    """A VM with points of one disk: the same file twice, another one, none, and a disk that nobody can read."""

    def __init__(self, lab):
        self.lab, self.points = lab, []
        lab.make_repository()
        self.image = lab.root / "disk.vhd"
        self.footer = None
        for files in ({"doc.txt": b"one", "Other File.TXT": b"x"}, {"doc.txt": b"one", "Other File.TXT": b"x"},
                      {"doc.txt": b"two and more", "Other File.TXT": b"x"}, {"Other File.TXT": b"x"}):
            self.add_point(files)

    def add_point(self, files):
        """The disk keeps its id: a fixed VHD is its content with 512 bytes behind."""
        folder, raw = self.lab.root / "tree", self.lab.root / "disk.raw"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "docs").mkdir(parents=True)
        for name, content in files.items():
            (folder / "docs" / name).write_bytes(content)
            os.utime(folder / "docs" / name, (1_700_000_000 + len(content),) * 2)
        os.utime(folder / "docs", (1_700_000_000,) * 2)
        with open(raw, "wb") as file:
            file.truncate(32 * MIB)
        if files:
            run("mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, raw)
        else:
            with open(raw, "r+b") as file:
                file.write(os.urandom(MIB))
        if self.footer is None:
            self.lab.entrepot("image", "convert", raw, self.image, "--format", "vhd-fixed")
            self.footer = self.image.read_bytes()[-512:]
        self.image.write_bytes(raw.read_bytes() + self.footer)
        self.points.append(self.lab.entrepot("ingest", self.image, "--vm", "guest")["point"])

    def check(self):
        one, again, two, none = self.points[:4]
        answer = self.lab.entrepot("files", "versions", "guest@latest:0:0", "/docs/doc.txt")
        seen = [(version["size_bytes"], [point["id"] for point in version["points"]]) for version in answer["versions"]]
        expect(seen == [(12, [two]), (3, [again, one])], f"versions: {seen}")
        expect([point["id"] for point in answer["absent"]] == [none] and answer["unread"] == [], f"absent: {answer}")
        expect(answer["versions"][1]["modified"].startswith("2023-11-14T22:13:23"), f"modified: {answer['versions'][1]}")
        nothing = self.lab.entrepot("files", "versions", "guest@latest:0:0", "/docs/none")
        expect(nothing["versions"] == [] and len(nothing["absent"]) == 4, f"nothing: {nothing}")

    def check_pages(self):
        """Over the network, point by point: what belongs together has one key."""
        token = self.lab.entrepot("token", "add", "reader", "--role", "restore-operator")["secret"]
        base = f"https://{self.lab.daemon_address}/api/v1/points/{self.points[0]}/disks/0/volumes/0/versions?limit=1&path=/docs/doc.txt"
        keys, cursor, pages = [], "", 0
        while cursor is not None:
            done = subprocess.run(["curl", "-sk", "-H", f"Authorization: Bearer {token}", base + cursor], stdout=subprocess.PIPE)
            page = json.loads(done.stdout)
            keys += [version["key"] for version in page["versions"]]
            cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
            pages += 1
        expect(pages == 4 and len(keys) == 3 and keys[1] == keys[2] != keys[0], f"{pages} pages: {keys}")

    def found(self, *arguments):
        answer = self.lab.entrepot("files", "search", *arguments)
        return {(file["path"], file["size_bytes"]): {point["id"] for point in file["points"]} for file in answer["files"]}, answer

    def check_search(self):
        """On request without a daemon; then what the daemon does by itself, also when a point goes."""
        one, again, two, none = self.points[:4]
        found, answer = self.found("doc")
        expect(found == {} and answer["unindexed_points"] == 4, f"before: {answer}")
        expect(self.lab.entrepot("files", "index", one, again, two)["indexes"][0]["files"] == 4, "files of the index")
        found, answer = self.found("DOC")
        expect(found == {("/docs", 0): {one, again, two}, ("/docs/doc.txt", 3): {one, again}, ("/docs/doc.txt", 12): {two}}, f"found: {found}")
        expect(answer["unindexed_points"] == 1 and answer["files"][0]["vm"]["name"] == "guest", f"answer: {answer}")
        expect(self.found("*file.txt", "--point", two)[0] == {("/docs/Other File.TXT", 1): {two}}, "in one point")
        expect(self.found("doc", "--vm", "other")[0] == {}, "of another VM")
        listed = self.lab.entrepot("files", "indexes")["indexes"]
        expect([index["is_indexed"] for index in listed] == [False, True, True, True], f"indexes: {listed}")

    def check_search_by_daemon(self):
        one, none = self.points[0], self.points[3]
        wait_until(lambda: self.found("doc")[1]["unindexed_points"] == 0, 60, "the index of the newest point")
        expect(none in self.found("Other")[0][("/docs/Other File.TXT", 1)], "the newest point")
        self.lab.entrepot("point", "delete", one, "--yes")
        expect(one not in self.found("doc.txt")[0][("/docs/doc.txt", 3)], "a deleted point")
        expect(not (self.lab.data / "file-index/points" / one).exists(), "its index")
        for place in (self.lab.data, self.lab.root):
            for file in place.rglob("*"):
                if file.is_file() and file.name not in ("disk.raw", "disk.vhd") and "tree" not in file.parts:
                    expect(b"Other File" not in file.read_bytes(), f"the name lies in {file}")

    def check_unread(self):
        self.add_point({})
        answer = self.lab.entrepot("files", "versions", self.points[1] + ":0:0", "/docs/doc.txt", status=3)
        expect([point["id"] for point in answer["unread"]] == self.points[4:], f"unread: {answer['unread']}")
        expect(len(answer["versions"]) == 2, f"versions: {answer['versions']}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        with Lab(arguments.binaries, arguments.keep) as lab:
            scene = Scene(lab)
            scene.check_all()
            scene.check_search()
            scene.check_links_here()
            scene.check_errors()
            lab.start_daemon()
            scene.check_all()
            scene.check_errors()
            scene.check_network()
        with Lab(arguments.binaries, arguments.keep) as lab:
            check_damage(lab)
        with Lab(arguments.binaries, arguments.keep) as lab:
            versions = Versions(lab)
            versions.check()
            versions.check_search()
            lab.start_daemon()
            versions.check()
            versions.check_pages()
            versions.check_search_by_daemon()
            versions.check_unread()
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    print("files of guests come out as they went in")
    return 0


if __name__ == "__main__":
    sys.exit(main())
