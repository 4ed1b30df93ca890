"""One guest on one host with its backups, for tests of what goes wrong. Builds on harness.py."""
import json
import os
import pathlib
import random
import signal
import subprocess
import threading

from harness import MIB, Failure, Lab, expect, sha256_of, wait_until

WEB01 = "11111111-1111-4111-8111-111111111111"
EXPORT = "ExportSystemDefinition"
NOISE = ("terminate called", "what():", "Traceback", "Segmentation", "Aborted", "::", "std::", "internal")
_starting = threading.Lock()  # Servers of several scenes must not choose the same port.


class Scene:
    """A lab with the VM web01 (two disks), and what each of its points must give back."""

    def __init__(self, binaries, chance, **settings):
        self.lab, self.chance, self.expected = Lab(binaries), chance, {}
        self.settings = settings
        self.share_size = settings.pop("share_size", None)
        self.with_samba = settings.pop("with_samba", True)
        self.is_encrypted = settings.pop("encrypted", False)  # Unlocking costs time, in every single command.

    def __enter__(self):
        lab = self.lab
        if self.share_size:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.share_size}", "tmpfs", lab.share_directory], check=True)
        self.disks = [(lab.raw_disk("web01-0", 12 * MIB), 12 * MIB, 512), (lab.raw_disk("web01-1", 6 * MIB), 6 * MIB, 4096)]
        self.write()
        machine = {"id": WEB01, "name": "web01", "generation": 2, "version": "10.0", "state": "running", "guest_vss": True,
                   "disks": [{"raw": str(path), "controller": "scsi", "location": number, "format": "vhdx", "block_size": MIB, "logical_sector_size": sector}
                             for number, (path, _, sector) in enumerate(self.disks)]}
        with _starting:
            if self.with_samba:
                lab.start_samba()
            lab.start_host([machine], seed=self.settings.pop("seed", 0), **self.settings)
        lab.set_up_appliance(encrypted=self.is_encrypted)
        return self

    def __exit__(self, kind, value, trace):
        self.lab.__exit__(kind, value, trace)
        if self.share_size:
            subprocess.run(["umount", "-l", self.lab.share_directory], check=False)

    def write(self, beyond=0):
        """What a guest does between two backups: some sectors, somewhere from this offset on, on each disk."""
        for path, size, sector in self.disks:
            with open(path, "r+b") as disk:
                for _ in range(8):
                    length = sector * self.chance.choice([1, 3, 40])
                    disk.seek(self.chance.randrange(beyond // sector, (size - length) // sector) * sector)
                    disk.write(self.chance.randbytes(length))

    def arm(self, at, do, times=1):
        self.lab.host_control("fault", "add", at, do, times)

    def disarm(self):
        self.lab.host_control("fault", "clear")

    def restart_host(self, **settings):
        self.lab.stop_host()
        self.lab.config.update(settings)
        self.lab.run_host()

    def remember(self, answer):
        exports = self.lab.new_exports()
        expect(len(answer["disks"]) == len(self.disks), f"{len(answer['disks'])} disks in the point")
        self.expected[answer["point"]] = {disk["index"]: exports[(WEB01, disk["index"])] for disk in answer["disks"]}
        return answer

    def back_up(self, *arguments, kind=None, reason="", vm="web01", status=0):
        """A backup that must work: of this kind, with this in its reason."""
        self.lab.new_exports()
        answer = self.remember(self.lab.entrepot("backup", vm, *arguments, status=status))
        expect(kind in (None, answer["kind"]), f"the backup is {answer['kind']}, not {kind}: {answer['reason']}")
        expect(reason in answer["reason"], f"the reason is '{answer['reason']}' and lacks '{reason}'")
        return answer

    def check_host(self, foreign_snapshots=0, foreign_points=0):
        audit = self.lab.host_control("audit")
        snapshots = [snapshot for snapshot in audit["snapshots"] if not snapshot["foreign"]]
        expect(not snapshots, f"snapshots of ours left: {snapshots}")
        expect(len(audit["snapshots"]) == foreign_snapshots, f"snapshots: {audit['snapshots']}")
        if not foreign_snapshots:
            expect(not audit["unmerged_disks"], f"unmerged disks: {audit['unmerged_disks']}")
        ours = [point for point in audit["reference_points"] if not point["foreign"]]
        expect(len(ours) <= 1, f"reference points of ours: {ours}")
        expect(len(audit["reference_points"]) - len(ours) == foreign_points, f"reference points: {audit['reference_points']}")
        expect(not audit["running_jobs"], f"jobs still run on the host: {audit['jobs']}")

    def check_share(self):
        share = self.lab.share_directory
        left = [path for path in share.rglob("*") if path.is_file() or len(path.relative_to(share).parts) > 1]
        expect(not left, f"left in the share: {left}")

    def check_points(self):
        """Every point that was made is still there and restores byte for byte."""
        points = {point["id"] for point in self.lab.entrepot("point", "list")["points"]}
        expect(points == set(self.expected), f"points {points} but expected {set(self.expected)}")
        for point, disks in self.expected.items():
            for index, digest in disks.items():
                expect(self.lab.restored_sha256(point, index) == digest, f"disk {index} of point {point} differs")

    def check_all(self, **foreign):
        self.check_host(**foreign)
        self.check_share()
        self.check_points()

    def go_on(self, kind="incremental", reason="", **foreign):
        """The next backup after a failure."""
        self.disarm()
        self.write()
        answer = self.back_up(kind=kind, reason=reason)
        self.check_all(**foreign)
        return answer

    def refused(self, *arguments, code, status=1, words=(), arm=None):
        """A command that must fail: as a JSON error, then the same for people, with a message that says what is wrong."""
        if arm:
            arm()
        document = self.lab.entrepot(*arguments, status=status)
        expect(document and "error" in document, f"no error document: {document}")
        error = document["error"]
        expect(error["code"] == code, f"the code is {error['code']}, not {code}: {error}")
        expect(error["message"] and error["hint"], f"message or hint is empty: {error}")
        text = " ".join([error["message"], error["hint"], *error["context"]])
        for word in words:
            expect(word.lower() in text.lower(), f"'{word}' is not in: {text}")
        if arm:
            self.disarm()
            arm()
        self.plain(*arguments, status=status, error=error)
        if arm:
            self.disarm()
        return error

    def plain(self, *arguments, status, error=None):
        """The same command for a person: one line that says what is wrong, one hint, no noise, nothing on standard output."""
        result = self.lab_run(*arguments)
        expect(result.returncode == status, f"for people: exit {result.returncode}, not {status}: {result.stderr}")
        lines = result.stderr.splitlines()
        said = [line for line in lines if line.startswith("entrepot: ")]
        expect(len(said) == 1, f"not one message but {len(said)}: {result.stderr}")
        expect(len([line for line in lines if line.startswith("hint: ")]) == 1, f"no hint: {result.stderr}")
        for noise in NOISE:
            expect(noise not in result.stderr, f"noise ('{noise}') in: {result.stderr}")
        expect(not result.stdout, f"on standard output: {result.stdout}")

    def command(self, *arguments):
        return [self.lab.binaries / "entrepot", *self.lab.place(), *map(str, arguments)]

    def environment(self):
        return dict(os.environ, ENTREPOT_PASSPHRASE_FILE=str(self.lab.root / "passphrase"))

    def lab_run(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=600,
                              env=self.environment(), stdin=subprocess.DEVNULL)

    def begin(self, *arguments):
        """A command that runs while the test does something else."""
        process = subprocess.Popen(self.command(*arguments, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=self.environment(), stdin=subprocess.DEVNULL)
        self.lab.processes.append(process)
        return process

    def ended(self, process, status):
        out, err = process.communicate(timeout=600)
        expect(process.returncode == status, f"exit {process.returncode}, not {status}\n{out}\n{err}")
        return json.loads(out)

    def wait_for_export(self):
        """Until the host writes disks into the share."""
        return wait_until(lambda: [path for path in self.lab.share_directory.rglob("*.vhdx")], 60, "an export")

    def wait_for_job(self, kind):
        wait_until(lambda: self.lab.host_control("audit")["running_jobs"] > 0, 60, f"the host's job {kind}")


def images(directory):
    return sorted(path for path in pathlib.Path(directory).rglob("*") if path.suffix.lower() in (".vhdx", ".avhdx"))
