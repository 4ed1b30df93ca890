#!/usr/bin/env python3
"""The appliance's own Samba, looked after by the daemon, with two hosts that write to it under accounts of their own.

Two hosts at once; smbd killed while a host exports; the daemon killed, which smbd survives; a quota; a share without room; a
login that was rotated; what a dead run left.

usage: managed_share.py BINARIES [--keep] [CASE...]
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from harness import MIB, Failure, Lab, expect, free_port, sha256_of, wait_until

SKIPPED = 77
GIB = 1024 * MIB
SLOW = 24 * MIB  # Bytes a second of an export that something shall happen to.


class Host:
    """A simulated host with one VM of one disk."""

    def __init__(self, lab, number, size=48 * MIB):
        self.lab, self.name = lab, f"hv0{number}"
        self.vm = f"{number}1111111-1111-4111-8111-111111111111"
        self.size = size
        self.disk = lab.raw_disk(f"vm0{number}", size)
        self.state = lab.root / self.name
        self.seen = 0
        self.process = None
        self.write(0, size)
        machine = {"id": self.vm, "name": f"vm0{number}", "generation": 2, "version": "10.0", "state": "running", "guest_vss": True,
                   "disks": [{"raw": str(self.disk), "controller": "scsi", "location": 0, "format": "vhdx", "block_size": MIB}]}
        self.config = {
            "listen": f"127.0.0.1:{free_port()}", "host": {"name": self.name.upper(), "os_build": 20348, "schema": "windows-server-2019"},
            "users": [{"name": f"{self.name.upper()}\\backup", "password": "Passw0rd!", "groups": ["Administrators"]}],
            "shares": [], "state": str(self.state), "virtual_machines": [machine], "seed": number,
            "speed": {"export_bytes_per_second": 0, "job_step_ms": 10}, "faults": [],
        }
        self.start()

    def write(self, offset, length):
        with open(self.disk, "r+b") as disk:
            disk.seek(offset)
            disk.write(os.urandom(length))

    def start(self, speed=None):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        if speed is not None:
            self.config["speed"]["export_bytes_per_second"] = speed
        path = self.lab.root / f"{self.name}.json"
        path.write_text(json.dumps(self.config))
        log = open(self.lab.root / f"{self.name}.log", "ab")
        self.process = subprocess.Popen([self.lab.binaries / "entrepot-hostsim", "--config", path], stdout=log, stderr=log)
        self.lab.processes.append(self.process)
        port = int(self.config["listen"].split(":")[1])

        def is_up():
            expect(self.process.poll() is None, f"the simulator {self.name} ended: {(self.lab.root / (self.name + '.log')).read_text()[-1500:]}")
            return subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], capture_output=True).returncode == 0

        wait_until(is_up, 20, f"the start of {self.name}")

    def log_in(self, credentials, speed=0):
        """The administrator of the host pastes what the appliance showed."""
        self.config["shares"] = [{"unc": credentials["unc"], "smb": {"server": "127.0.0.1", "port": self.lab.port,
                                                                    "user": credentials["account"], "password": credentials["password"]}}]
        self.start(speed)

    def add(self):
        self.lab.config = self.config  # For the pin.
        secret = self.lab.root / "password"
        secret.write_text("Passw0rd!")
        self.lab.entrepot("host", "add", self.name, "--url", f"https://{self.config['listen']}/wsman", "--auth", "ntlm",
                          "--user", f"{self.name.upper()}\\backup", "--password-file", secret, "--pin", self.lab.pin())

    def audit(self):
        result = subprocess.run([self.lab.binaries / "entrepot-hostsim", "ctl", "--state", self.state, "audit"], capture_output=True, text=True)
        return json.loads(result.stdout)

    def exported(self):
        """The digest of what was exported last."""
        lines = (self.state / "exports.jsonl").read_text().splitlines()
        return json.loads(lines[-1])["sha256"]


class Stage:
    """A daemon that serves a share to two hosts."""

    def __init__(self, binaries, keep, settings="", share_size=None, hosts=2):
        self.lab = Lab(binaries, keep)
        self.settings, self.share_size, self.host_count = settings, share_size, hosts
        self.hosts = []

    def __enter__(self):
        lab = self.lab
        lab.root.chmod(0o711)  # The hosts' accounts get through to the share.
        if self.share_size:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.share_size},mode=755", "tmpfs", lab.share_directory], check=True)
        lab.config_file = lab.root / "entrepot.toml"
        lab.config_file.write_text(self.settings)
        lab.port = free_port()
        lab.make_repository()
        lab.start_daemon()
        lab.entrepot("share", "setup", "--accounts", "4")
        self.share = lab.entrepot("share", "add", "exports", "--managed", "--unc", "\\\\appliance\\exports",
                                  "--path", lab.share_directory, "--listen", f"127.0.0.1:{lab.port}")
        for number in range(1, self.host_count + 1):
            host = Host(lab, number)
            self.hosts.append(host)
            host.add()
            host.credentials = lab.entrepot("share", "credentials", host.name)
            host.log_in(host.credentials)
        wait_until(lambda: self.server()["state"] == "running", 60, "the start of smbd")
        return self

    def __exit__(self, kind, value, trace):
        self.lab.__exit__(kind, value, trace)
        if self.share_size:
            subprocess.run(["umount", "-l", self.lab.share_directory], check=False)

    def shown(self):
        return self.lab.entrepot("share", "list")["shares"][0]

    def server(self):
        return self.shown()["server"]

    def account(self, host):
        return next(account for account in self.shown()["accounts"] if account["host"] == host.name)

    def smbd(self):
        return int((self.lab.data / "samba/run/smbd.pid").read_text())

    def run_folders(self):
        share = self.lab.share_directory
        return [path for path in share.glob("*/*/*") if path.is_dir() and ".taken" not in path.parts] + list(share.glob(".taken/*"))

    def backups(self):
        """Newest first; the appliance has jobs of its own besides."""
        return [job for job in self.lab.entrepot("job", "list")["jobs"] if job["kind"] == "backup"]

    def begin_backup(self, host, *arguments):
        known = {job["id"] for job in self.backups()}
        self.lab.start_entrepot("backup", host.vm, "--host", host.name, *arguments)
        return wait_until(lambda: next((job for job in self.backups() if job["id"] not in known), None), 60, "a new job")["id"]

    def job(self, job):
        return self.lab.entrepot("job", "show", job)

    def wait_for_files(self, host, at_least=MIB):
        folder = self.lab.share_directory / host.credentials["account"]
        wait_until(lambda: sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) > at_least, 60,
                   f"files of {host.name} on the share")

    def end(self, job, state="done"):
        try:
            ended = self.lab.entrepot("job", "follow", job)
        except Failure:
            ended = self.job(job)
        ended = self.job(job)
        expect(ended["state"] == state, f"the job is {ended['state']}, not {state}: {json.dumps(ended)[-3000:]}")
        return ended

    def check(self):
        """Nothing is left on the share or the hosts."""
        expect(not self.run_folders(), f"left on the share: {self.run_folders()}")
        for host in self.hosts:
            audit = host.audit()
            expect(not audit["snapshots"] and not audit["unmerged_disks"] and not audit["running_jobs"], f"{host.name}: {audit}")

    def check_restore(self, host, point):
        expect(self.lab.restored_sha256(point, 0) == host.exported(), f"point {point} of {host.name} differs")


def two_hosts(stage):
    """Both back up at the same time, in full and then what changed; nobody's export lies in the other's folder."""
    lab = stage.lab
    for kind in ("full", "incremental"):
        for host in stage.hosts:
            host.start(SLOW)
        jobs = [stage.begin_backup(host) for host in stage.hosts]
        folders = {}
        if kind == "full":
            for host in stage.hosts:
                stage.wait_for_files(host)
                mine = lab.share_directory / host.credentials["account"]
                folders[host.name] = {path.parts[-1] for path in mine.iterdir() if path.is_dir()}
                owners = {path.owner() for path in mine.rglob("*") if path.is_file() and path.name != ".space"}
                expect(owners == {host.credentials["account"]}, f"files of {host.name} belong to {owners}")
                executable = [path for path in mine.rglob("*") if path.is_file() and path.stat().st_mode & 0o111]
                expect(not executable, f"executable: {executable}")
            expect(not set.intersection(*folders.values()), f"the hosts share folders: {folders}")
            used = stage.account(stage.hosts[0])["used_bytes"]
            expect(used > 0, "no use is shown while a host exports")
        for host, job in zip(stage.hosts, jobs):
            ended = stage.end(job)
            expect(ended["result"]["kind"] == kind, f"{ended['result']['kind']}, not {kind}: {ended['result']['reason']}")
            stage.check_restore(host, ended["result"]["point"])
            host.write(MIB, 2 * MIB)
        stage.check()
        expect(all(stage.account(host)["used_bytes"] == 0 for host in stage.hosts), "files are left in an account")


def smbd_killed(stage):
    """smbd dies while a host exports: it is started again, and the host exports again."""
    host = stage.hosts[0]
    host.start(SLOW)
    job = stage.begin_backup(host)
    stage.wait_for_files(host, 8 * MIB)
    old = stage.smbd()
    os.kill(old, signal.SIGKILL)
    ended = stage.end(job)
    warnings = " ".join(ended["result"]["warnings"])
    expect("started anew" in warnings, f"no warning tells of it: {warnings}")
    expect(stage.smbd() != old and stage.server()["restarts"] == 1, f"smbd was not started again: {stage.server()}")
    stage.check_restore(host, ended["result"]["point"])
    stage.check()
    status = subprocess.run(["curl", "-sk", "-o", os.devnull, "-w", "%{http_code}", f"https://{stage.lab.daemon_address}/readyz"],
                            capture_output=True, text=True).stdout
    expect(status == "200", f"not ready: {status}")


def daemon_killed(stage):
    """kill -9 of the daemon: smbd goes on, the host does not notice, the next daemon takes both over."""
    lab, host = stage.lab, stage.hosts[0]
    host.start(SLOW)
    job = stage.begin_backup(host)
    stage.wait_for_files(host, 8 * MIB)
    smbd = stage.smbd()
    lab.kill_daemon()
    lab.start_daemon()
    expect(stage.smbd() == smbd, "smbd was not taken over")
    ended = stage.end(job)
    expect(not any("started anew" in warning for warning in ended["result"]["warnings"]), f"exported twice: {ended['result']['warnings']}")
    stage.check_restore(host, ended["result"]["point"])
    stage.check()

    # An orderly end takes smbd along, and no password stays behind.
    lab.daemon.send_signal(signal.SIGTERM)
    lab.daemon.wait(60)
    wait_until(lambda: not pathlib.Path(f"/proc/{smbd}").exists() or pathlib.Path(f"/proc/{smbd}/cmdline").read_bytes() == b"", 20, "the end of smbd")
    expect(not (lab.data / "samba/private").exists(), "password hashes lie in the data directory")

    # What a dead run left is cleared away by the next start.
    left = lab.share_directory / host.credentials["account"] / next(
        path.name for path in (lab.share_directory / host.credentials["account"]).iterdir() if path.is_dir()) / ("ab" * 16)
    (left / "web01").mkdir(parents=True)
    (left / "web01/disk.vhdx").write_bytes(b"guest data")
    taken = lab.share_directory / ".taken" / ("cd" * 16)
    taken.mkdir(parents=True)
    lab.start_daemon()
    wait_until(lambda: not left.exists() and not taken.exists(), 30, "the removal of what a dead run left")
    expect(left.parent.exists(), "the host's own folder is gone, too")


def quota(stage):
    """A full that can't fit is not begun; an export that goes beyond is stopped, and nothing of it stays."""
    lab, host = stage.lab, stage.hosts[0]
    lab.entrepot("share", "quota", host.name, "--size", "64MiB")
    expect(stage.account(host)["quota_bytes"] == 64 * MIB, f"{stage.account(host)}")
    lab.entrepot("backup", host.vm, "--host", host.name, status=1)
    error = stage.job(stage.backups()[0]["id"])["error"]
    expect(error["code"] == "no_space" and "quota" in error["message"] and "share quota" in error["hint"], f"{error}")

    lab.entrepot("share", "quota", host.name, "--none")
    host.start(SLOW)
    job = stage.begin_backup(host)
    stage.wait_for_files(host)
    grown = stage.lab.share_directory / host.credentials["account"]
    run = next(path for path in grown.glob("*/*") if path.is_dir())
    lab.entrepot("share", "quota", host.name, "--size", "64MiB")
    # The host writes more than the guest has: a hole, which occupies nothing, counts as what it claims to be.
    login = lab.root / "login"
    login.write_text(f"username={host.credentials['account']}\npassword={host.credentials['password']}\n")
    big = lab.root / "big"
    with open(big, "wb") as file:
        file.truncate(80 * MIB)
    put = subprocess.run(["smbclient", "//127.0.0.1/exports", "-p", str(lab.port), "-A", login, "-c",
                          f"put {big} {run.parent.name}\\{run.name}\\evil"], capture_output=True, text=True)
    expect(put.returncode == 0, f"{put.stdout}{put.stderr}")
    ended = stage.end(job, state="failed")
    text = ended["error"]["message"] + ended["error"]["hint"]
    expect("quota" in text and host.name in text, f"the failure does not name the quota: {ended['error']}")
    stage.check()
    other = stage.hosts[1]
    lab.entrepot("backup", other.vm, "--host", other.name)
    lab.entrepot("share", "quota", host.name, "--none")
    lab.entrepot("backup", host.vm, "--host", host.name)
    stage.check()


def no_room(stage):
    """A share without room: the job waits in the queue and says why, goes on when there is room, and fails after a time."""
    lab, host = stage.lab, stage.hosts[0]
    filler = lab.share_directory / ".filler"
    with open(filler, "wb") as file:
        free = os.statvfs(lab.share_directory)
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize - 40 * MIB)
    job = stage.begin_backup(host)
    waiting = wait_until(lambda: stage.job(job) if stage.job(job)["waiting_for"] else None, 60, "a reason to wait")
    expect(waiting["state"] == "queued" and "exports" in waiting["waiting_for"] and "free" in waiting["waiting_for"], f"{waiting}")
    plain = subprocess.run([lab.binaries / "entrepot", *lab.place(), "job", "list"], capture_output=True, text=True).stdout
    expect("waits: share exports has" in plain, f"job list does not say why: {plain}")
    audit = host.audit()
    expect(not audit["snapshots"], "a snapshot was made while the job waits")
    filler.unlink()
    ended = stage.end(job)
    stage.check_restore(host, ended["result"]["point"])
    stage.check()

    with open(filler, "wb") as file:
        free = os.statvfs(lab.share_directory)
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize - 40 * MIB)
    job = stage.begin_backup(host)
    wait_until(lambda: stage.job(job)["waiting_for"], 60, "a reason to wait")
    lab.entrepot("job", "cancel", job)
    expect(stage.job(job)["state"] == "cancelled", "a waiting job can't be cancelled")
    lab.kill_daemon()
    lab.config_file.write_text("[share]\nwait_for_space_minutes = 0\n")
    lab.start_daemon()
    lab.entrepot("backup", host.vm, "--host", host.name, status=1)
    error = stage.job(stage.backups()[0]["id"])["error"]
    expect(error["code"] == "no_space" and "Make room" in error["hint"] and "Nothing was asked" in error["hint"], f"{error}")
    filler.unlink()
    stage.check()


def rotated(stage):
    """After a rotation the old login is refused, and the backup says so; the password is not shown twice."""
    lab, host = stage.lab, stage.hosts[0]
    lab.entrepot("backup", host.vm, "--host", host.name)
    lab.entrepot("share", "credentials", host.name, status=1)
    fresh = lab.entrepot("share", "credentials", host.name, "--rotate", "--yes")
    expect(fresh["account"] == host.credentials["account"] and fresh["password"] != host.credentials["password"], f"{fresh}")
    for name in ("share list", "host show hv01", "job list"):
        expect(fresh["password"] not in json.dumps(lab.entrepot(*name.split())), f"{name} shows the password")
    lab.entrepot("backup", host.vm, "--host", host.name, status=1)
    stage.check()
    host.log_in(fresh)
    lab.entrepot("backup", host.vm, "--host", host.name)
    stage.check()
    expect(fresh["password"] not in (lab.root / "entrepotd.log").read_text(), "the log holds the password")

    lab.entrepot("share", "revoke", host.name, "--yes")
    lab.entrepot("backup", host.vm, "--host", host.name, status=1)
    lab.entrepot("host", "remove", host.name, "--yes")
    expect([account["host"] for account in stage.shown()["accounts"]] == ["hv02"], f"{stage.shown()['accounts']}")


def no_smbd(stage):
    """Another listener at the port: the share says what is the matter, and so does /readyz."""
    lab = stage.lab
    lab.daemon.send_signal(signal.SIGTERM)
    lab.daemon.wait(60)
    blocker = subprocess.Popen([sys.executable, "-c", f"import socket; s = socket.create_server(('127.0.0.1', {lab.port})); print('up', flush=True)\n"
                                "while True: s.accept()"], stdout=subprocess.PIPE)
    lab.processes.append(blocker)
    blocker.stdout.readline()
    lab.start_daemon()
    server = wait_until(lambda: stage.server() if stage.server()["state"] == "failed" else None, 30, "the failure of smbd")
    expect("listens" in server["message"] and "smbd" in server["hint"], f"{server}")
    answer = subprocess.run(["curl", "-sk", f"https://{lab.daemon_address}/readyz"], capture_output=True, text=True).stdout
    expect("file server" in answer and str(lab.port) not in answer, f"readyz: {answer}")
    job = stage.begin_backup(stage.hosts[0])  # Waits for it, rather than failing.
    blocker.kill()
    blocker.wait()
    wait_until(lambda: stage.server()["state"] == "running", 90, "smbd, once the port is free")
    stage.end(job)
    stage.check()


CASES = {
    "two_hosts": (two_hosts, {}),
    "smbd_killed": (smbd_killed, {"hosts": 1}),
    "daemon_killed": (daemon_killed, {"hosts": 1}),
    "quota": (quota, {}),
    "no_room": (no_room, {"hosts": 1, "share_size": "160m"}),
    "rotated": (rotated, {}),
    "no_smbd": (no_smbd, {"hosts": 1}),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES])
    arguments = parser.parse_args()
    if os.geteuid() != 0 or not pathlib.Path("/usr/sbin/smbd").exists():
        print("managed_share: skipped, the appliance's Samba needs root and /usr/sbin/smbd")
        sys.exit(SKIPPED)
    for name in arguments.cases or CASES:
        play, settings = CASES[name]
        begin = time.monotonic()
        try:
            with Stage(arguments.binaries, arguments.keep, **settings) as stage:
                play(stage)
        except Failure as failure:
            sys.exit(f"managed_share: {name}: {failure}")
        print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
