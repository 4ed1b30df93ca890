#!/usr/bin/env python3
"""The console in a real browser against the real daemon: a person sets the appliance up, backs up, restores, and sees a job fail.
The browser's part is web/test/live.mjs; what it restored is compared here with what the simulator says.

usage: console.py BINARIES [--out DIRECTORY for pictures] [--keep]
"""
import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import urllib.request
import ssl
import zipfile

from harness import MIB, SOURCE, Failure, Lab, expect, free_port, sha256_of, wait_until

kBrowserSeconds = 600
kDocument = "Plan & Übersicht (2).pdf"
kExportBytesPerSecond = 24 * MIB  # So slow that a person, or a browser on a busy machine, sees the first backup move.


def make_machines(lab, chance):
    """Three machines, four disks, as in the demo, but with random content and small."""

    def disk(name, size, location, controller="scsi", sector=512, stride=3 * MIB):
        path = lab.raw_disk(name, size)
        with open(path, "r+b") as file:
            for offset in range(0, size - MIB, stride):
                file.seek(offset)
                file.write(chance.randbytes(MIB))
        return {"raw": str(path), "controller": controller, "location": location, "format": "vhdx", "logical_sector_size": sector}

    def disk_of_files(name, size, location):
        """ext4 without a table of partitions."""
        made = disk(name, size, location)
        tree = lab.root / name
        (tree / "Jahr 2026").mkdir(parents=True)
        (tree / "Jahr 2026" / kDocument).write_bytes(chance.randbytes(MIB + 17))
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, made["raw"]], check=True)
        return made

    def machine(number, name, generation, disks):
        return {"id": f"0A5E4C1E-5A0B-4D6C-9C51-0D1B6F0C000{number}", "name": name, "generation": generation,
                "version": "10.0", "state": "running", "guest_vss": True, "disks": disks}

    return [machine(1, "web01", 2, [disk("web01", 96 * MIB, 0)]),
            machine(2, "files01", 2, [disk_of_files("files01-docs", 32 * MIB, 0), disk("files01-data", 48 * MIB, 1, sector=4096)]),
            machine(3, "db01", 1, [disk("db01", 64 * MIB, 0, controller="ide", stride=MIB)])]


def start_daemon(lab):
    """The daemon's process, its address and its one-time link."""
    with open(lab.config_file, "a") as config:
        config.write(f"[hosts]\nallow_loopback = true\n[restore]\ndirectory = \"{lab.root}/restored\"\n")
    port = free_port()
    log = open(lab.root / "entrepotd.log", "ab")
    process = subprocess.Popen([lab.binaries / "entrepotd", "--data", lab.data, "--config", lab.config_file,
                                "--listen", f"127.0.0.1:{port}", "--passphrase-file", lab.root / "passphrase"],
                               stdout=log, stderr=log)
    lab.processes.append(process)
    origin = f"https://127.0.0.1:{port}"
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE

    def link():
        expect(process.poll() is None, f"entrepotd ended: {(lab.root / 'entrepotd.log').read_text()[-2000:]}")
        found = re.search(r"https://\S+#token=[0-9a-f]+", (lab.root / "entrepotd.log").read_text())
        try:
            urllib.request.urlopen(f"{origin}/readyz", context=trusting).read()
        except OSError:
            return None
        return found and found.group(0)

    return process, origin, wait_until(link, 30, "the daemon's start")


def check_copy(lab, exports):
    """The machine that was restored beside web01 is on the host, off, with web01's disk."""
    audit = lab.host_control("audit")
    expect(len(audit["imported_vms"]) == 1, f"imported: {audit['imported_vms']}")
    copy = audit["imported_vms"][0]
    expect(copy["state"] == "off", f"the copy is {copy['state']}")
    expect(copy["disks"][0]["sha256"] == exports[("0a5e4c1e-5a0b-4d6c-9c51-0d1b6f0c0001", 0)], "the copy's disk is not web01's")


def check_found(scene):
    """The file that was found by a part of its name, alone and in the archive of what was chosen."""
    with open(scene["document"], "rb") as document, open(scene["found"], "rb") as found:
        wanted = document.read()
        expect(found.read() == wanted, "the file that was found by its name differs")
    with zipfile.ZipFile(scene["archive"]) as archive:
        expect(archive.namelist() == ["Jahr 2026/", f"Jahr 2026/{kDocument}"], f"the archive holds {archive.namelist()}")
        expect(archive.read(f"Jahr 2026/{kDocument}") == wanted, "the file in the archive differs")


def play(lab, out):
    lab.start_samba()
    lab.start_host(make_machines(lab, random.Random(1)), seed=0,
                   speed={"export_bytes_per_second": kExportBytesPerSecond, "job_step_ms": 50})
    (lab.root / "passphrase").write_text("correct horse battery staple")
    lab.entrepot("init", "--passphrase-file", lab.root / "passphrase")
    process, origin, link = start_daemon(lab)
    restored = lab.root / "restored"
    restored.mkdir()
    scene = {"origin": origin, "link": link, "socket": str(lab.data / "entrepot.sock"),
             "host": {"url": f"https://{lab.config['listen']}/wsman", "user": "HV01\\backup", "password": "Passw0rd!", "pin": lab.pin()},
             "share": {"unc": "\\\\appliance\\exports", "path": str(lab.share_directory)},
             "target": str(restored / "files01-data.img"),
             "part": "bersicht", "name": kDocument, "found": str(lab.root / "found.pdf"), "archive": str(lab.root / "chosen.zip"),
             "downloaded": str(lab.root / "files01-docs.img"),
             "copy": "web01-beside",
             "document": str(lab.root / "files01-docs" / "Jahr 2026" / kDocument),
             "simulator": [str(lab.binaries / "entrepot-hostsim"), "ctl", "--state", str(lab.state)]}
    (lab.root / "scene.json").write_text(json.dumps(scene))
    environment = dict(os.environ, SCENE=str(lab.root / "scene.json"), OUT=str(out or ""))
    browser = subprocess.run(["node", SOURCE / "web/test/live.mjs"], env=environment, timeout=kBrowserSeconds)
    expect(browser.returncode == 0, "the browser's part failed")
    exports = lab.new_exports()
    wanted = exports[("0a5e4c1e-5a0b-4d6c-9c51-0d1b6f0c0002", 1)]
    expect(sha256_of(scene["target"]) == wanted, "the restored disk differs from the machine's")
    docs = exports[("0a5e4c1e-5a0b-4d6c-9c51-0d1b6f0c0002", 0)]
    expect(sha256_of(scene["downloaded"]) == docs, "the downloaded disk differs from the machine's")
    check_found(scene)
    check_copy(lab, exports)
    lab.expect_clean_host()
    process.send_signal(signal.SIGTERM)
    expect(process.wait(20) == 0, "the daemon did not end well")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--out")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        with Lab(arguments.binaries, arguments.keep) as lab:
            play(lab, arguments.out and os.path.abspath(arguments.out))
    except Failure as failure:
        sys.exit(f"console: {failure}")
    print("console: every page walked, the restored disk is the machine's")


if __name__ == "__main__":
    main()
