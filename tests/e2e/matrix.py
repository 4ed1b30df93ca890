#!/usr/bin/env python3
"""Backup, increment, restore and clean-up on every profile of the host, by every way to log in, over every transport; after each the
simulator's own audit finds nothing left behind.

usage: matrix.py BINARIES [--all] [--seed N] [--jobs 4]

Without --all, or ENTREPOT_NIGHTLY=1 in the environment, every way to log in is combined with every transport, each once, and the
profiles are dealt to them by the seed, each at least once.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import traceback

from harness import MIB, Failure, Lab, expect
from kerberos import Realm
from restore_vm import UNC
from scene import EXPORT, WEB01

PROFILES = {"2016": "8.0", "2019": "9.0", "2022": "10.0", "2025": "12.0"}  # With the version of their VMs.
LOGINS = ("ntlm", "kerberos", "basic", "certificate")
TRANSPORTS = ("https", "http")
IMPOSSIBLE = {("basic", "http"): "Basic has no key to seal messages with", ("certificate", "http"): "a client certificate is shown in TLS"}
PASSWORD = "p-word"


class World:
    """What all hosts share: a realm, a client certificate."""

    def __init__(self, binaries, root, realm):
        self.binaries, self.root, self.realm = binaries, root, realm
        self.certificate, self.key = root / "client.pem", root / "client-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=backup@corp.example", "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)
        realm.add_user("backup", PASSWORD)
        self.keytab = realm.add_service("HTTP/localhost")


def settings_of(world, profile, login):
    """The keys of the simulator's configuration for a host of this release that lets its user in this way."""
    user = {"name": "HV01\\backup", "password": PASSWORD, "groups": ["Administrators"]}
    if login == "kerberos":
        user["name"] = "backup@ENTREPOT.TEST"
    if login == "certificate":
        user = {"name": "HV01\\backup", "groups": ["Administrators"], "certificate": str(world.certificate)}
    settings = {"host": {"name": "HV01", "profile": profile}, "users": [user], "http": "127.0.0.1:0"}
    if login == "kerberos":
        settings["keytab"] = str(world.keytab)
    if login in ("basic", "certificate"):
        settings["auth"] = [login]
    return settings


def add_host(world, lab, login, transport):
    endpoint = json.loads((lab.state / "endpoint.json").read_text())
    url = endpoint["url"] if transport == "https" else endpoint["http_url"]
    secret = lab.root / "secret"
    secret.write_text(PASSWORD)
    words = ["--pin", endpoint["certificate_sha256"]] if transport == "https" else ["--http"]
    if login == "certificate":
        words += ["--certificate", world.certificate, "--key", world.key]
    elif login == "kerberos":
        # As the host is called in the domain.
        url = url.replace("127.0.0.1", "localhost")
        words += ["--user", "backup@ENTREPOT.TEST", "--password-file", secret]
    else:
        words += ["--user", "HV01\\backup", "--password-file", secret]
    lab.entrepot("host", "add", "hv01", "--url", url, "--auth", login, *words)


class Course:
    """One combination from the first backup to the last look."""

    def __init__(self, lab, disk, chance):
        self.lab, self.disk, self.chance = lab, disk, chance

    def write(self):
        with open(self.disk, "r+b") as file:
            for _ in range(6):
                file.seek(self.chance.randrange(0, 5 * MIB, 512))
                file.write(self.chance.randbytes(512 * self.chance.choice([1, 3, 40])))

    def back_up(self, kind):
        self.write()
        answer = self.lab.entrepot("backup", WEB01)
        expect(answer["kind"] == kind, f"the backup is {answer['kind']}, not {kind}: {answer['reason']}")
        digest = self.lab.new_exports()[(WEB01, 0)]
        expect(self.lab.restored_sha256(answer["point"], 0) == digest, f"the {kind} restores something else")
        self.check(points=1)
        return digest

    def check(self, points, machine=None):
        audit = self.lab.host_control("audit")
        for key in ("snapshots", "unmerged_disks", "planned_vms"):
            expect(not audit[key], f"{key} are left: {audit[key]}")
        expect(len(audit["reference_points"]) == points, f"reference points: {audit['reference_points']}")
        expect(audit["running_jobs"] == 0 and audit["failed_logins"] == 0, f"jobs or refused logins: {audit}")
        imported = [vm["id"] for vm in audit["imported_vms"]]
        expect(imported == ([machine] if machine else []), f"imported VMs: {imported}")
        files = [path for path in self.lab.share_directory.rglob("*") if path.is_file()]
        expect(bool(files) == bool(machine), f"left on the share: {files}")
        return audit

    def restore(self, digest):
        result = self.lab.entrepot("restore", "vm", f"{WEB01}@latest", "--host", "hv01", "--to", UNC)
        audit = self.check(points=1, machine=result["vm"]["id"].upper())
        disks = audit["imported_vms"][0]["disks"]
        expect(len(disks) == 1 and disks[0]["sha256"] == digest, f"the restored VM's disks: {disks}")
        self.lab.host_control("vm", "remove", result["vm"]["id"])
        subprocess.run(["find", self.lab.share_directory, "-mindepth", "1", "-delete"], check=True)

    def clean_up(self):
        """What a backup and a restore that fail in the middle had made is gone."""
        self.lab.host_control("fault", "add", EXPORT, "fail-export:0x80070070")
        error = self.lab.entrepot("backup", WEB01, status=1)["error"]
        expect(error["code"] == "host_failure", f"the error: {error}")
        self.check(points=1)
        self.lab.host_control("fault", "add", "RealizePlannedSystem", "fail-job:0x80070005")
        self.lab.entrepot("restore", "vm", f"{WEB01}@latest", "--host", "hv01", "--to", UNC, status=1)
        self.check(points=1)

    def run(self):
        self.back_up("full")
        digest = self.back_up("incremental")
        self.restore(digest)
        self.clean_up()
        self.back_up("incremental")


def play(world, combination, seed):
    profile, login, transport = combination
    name = f"{profile} {login} {transport}"
    started, verdict = time.monotonic(), None
    try:
        with Lab(world.binaries) as lab:
            chance = random.Random(f"{seed} {name}")
            disk = lab.raw_disk("web01", 6 * MIB)
            machine = {"id": WEB01, "name": "web01", "generation": 2, "version": PROFILES[profile], "state": "running", "guest_vss": True,
                       "disks": [{"raw": str(disk), "controller": "scsi", "location": 0, "format": "vhdx", "block_size": MIB}]}
            lab.start_host([machine], seed=0, **settings_of(world, profile, login))
            lab.make_repository(encrypted=False)
            lab.entrepot("share", "add", "exports", "--unc", UNC, "--path", lab.share_directory)
            add_host(world, lab, login, transport)
            Course(lab, disk, chance).run()
    except Failure as failure:
        verdict = str(failure)
    except Exception:  # A fault of the test itself is no less a failure.
        verdict = traceback.format_exc()
    print(f"{'ok' if verdict is None else 'FAILED':7}{time.monotonic() - started:6.1f} s  {name}{'' if verdict is None else ': ' + verdict}", flush=True)
    return name, verdict


def combinations(is_all, chance):
    ways = [(login, transport) for login in LOGINS for transport in TRANSPORTS if (login, transport) not in IMPOSSIBLE]
    if is_all:
        return [(profile, *way) for profile in PROFILES for way in ways]
    profiles = list(PROFILES) + chance.choices(list(PROFILES), k=len(ways) - len(PROFILES))
    chance.shuffle(profiles)
    return [(profile, *way) for profile, way in zip(profiles, ways)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--jobs", type=int, default=6)
    arguments = parser.parse_args()
    if not Realm.is_available():
        print("skipped: krb5-kdc is not installed")
        sys.exit(77)
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    print(f"seed {arguments.seed}", flush=True)
    for (login, transport), why in IMPOSSIBLE.items():
        print(f"impossible: {login} over {transport}: {why}")
    wanted = combinations(arguments.all or os.environ.get("ENTREPOT_NIGHTLY") == "1", random.Random(arguments.seed))
    with Realm() as realm, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        world = World(arguments.binaries, realm.root, realm)
        verdicts = list(pool.map(lambda combination: play(world, combination, arguments.seed), wanted))
    failed = [name for name, verdict in verdicts if verdict is not None]
    if failed or not verdicts:
        sys.exit(f"seed {arguments.seed}: {len(failed)} of {len(verdicts)} combinations failed: {', '.join(failed)}")
    print(f"all {len(verdicts)} combinations passed")


if __name__ == "__main__":
    main()
