"""Runs the real programs together: simulator, private Samba, appliance. For the end-to-end tests."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)  # A process is coming up; nothing to be told by.
    raise Failure(f"{what} did not happen within {seconds} s")


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(4 * MIB):
            digest.update(block)
    return digest.hexdigest()


class Lab:
    """A host with its VMs, a share and a data directory below one temporary folder."""

    def __init__(self, binaries, keep=False):
        self.binaries = pathlib.Path(binaries)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="entrepot-e2e-"))
        self.keep = keep
        self.processes = []
        self.share_directory = self.root / "share"
        self.share_directory.mkdir()
        self.data = self.root / "data"
        self.state = self.root / "hv01"
        self.samba = None
        self.config_file = None
        self.config = None
        self.read_exports = 0
        for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            os.environ.pop(name, None)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        if self.samba:
            self.stop_samba()
        if self.keep or kind is not None:
            print(f"left for inspection: {self.root}", file=sys.stderr)
        if not self.keep and kind is None:
            shutil.rmtree(self.root, ignore_errors=True)

    def start_samba(self):
        subprocess.run([SOURCE / "packaging/samba/serve.sh", "start", self.root / "samba", self.share_directory],
                       check=True, stdout=subprocess.DEVNULL)
        values = dict(line.split("=", 1) for line in (self.root / "samba/env").read_text().split())
        self.samba = {"server": "127.0.0.1", "port": int(values["SMB_PORT"]), "user": values["SMB_USER"],
                      "password": pathlib.Path(values["SMB_PASSWORD_FILE"]).read_text()}
        # The appliance owns this Samba: settling closes sessions and looks at open files.
        self.config_file = self.root / "entrepot.toml"
        self.config_file.write_text(f'[share]\nsmb_conf = "{self.root}/samba/smb.conf"\n')
        return self.samba

    def stop_samba(self):
        pid = int((self.root / "samba/env").read_text().split("SMB_PID=")[1].split()[0]) if (self.root / "samba/env").exists() else None
        subprocess.run([SOURCE / "packaging/samba/serve.sh", "stop", self.root / "samba"], check=False)
        if pid:
            wait_until(lambda: not pathlib.Path(f"/proc/{pid}/exe").exists(), 20, "the end of smbd")

    def watch_folder(self, folder):
        """A client of the share that has this folder open until it is cut off."""
        login = self.root / "smb-login"
        login.write_text(f"username={self.samba['user']}\npassword={self.samba['password']}\n")
        command = ["smbclient", f"//{self.samba['server']}/exports", "-p", str(self.samba["port"]), "-A", login,
                   "-c", f'notify "{folder}"'.replace("/", "\\")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        status = ["smbstatus", f"--configfile={self.root}/samba/smb.conf", "--locks"]
        wait_until(lambda: f" {folder}  " in subprocess.run(status, capture_output=True, text=True).stdout, 20, f"a client that holds {folder}")
        return process

    def place(self):
        """The options that say which appliance."""
        return ["--data", self.data, *(["--config", self.config_file] if self.config_file else [])]

    def raw_disk(self, name, size):
        path = self.root / f"{name}.raw"
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def start_host(self, machines, seed=1, **settings):
        """settings are further keys of the simulator's configuration."""
        share = {"unc": "\\\\appliance\\exports"}
        if self.samba:
            share["smb"] = self.samba
        else:
            share["path"] = str(self.share_directory)
        self.config = {
            "listen": f"127.0.0.1:{free_port()}",
            "host": {"name": "HV01", "os_build": 20348, "schema": "windows-server-2019"},
            "users": [{"name": "HV01\\backup", "password": "Passw0rd!", "groups": ["Administrators"]}],
            "shares": [share], "state": str(self.state), "virtual_machines": machines, "seed": seed,
            "speed": {"export_bytes_per_second": 0, "job_step_ms": 10}, "faults": [],
        }
        self.config.update(settings)
        (self.root / "password").write_text("Passw0rd!")
        self.run_host()

    def run_host(self):
        path = self.root / "sim.json"
        path.write_text(json.dumps(self.config))
        log = open(self.root / "sim.log", "ab")
        process = subprocess.Popen([self.binaries / "entrepot-hostsim", "--config", path], stdout=log, stderr=log)
        self.processes.append(process)
        host, port = self.config["listen"].split(":")

        def is_up():
            expect(process.poll() is None, f"the simulator ended: {(self.root / 'sim.log').read_text()[-2000:]}")
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) == 0

        wait_until(is_up, 20, "the simulator's start")
        self.host_process = process

    def stop_host(self):
        self.host_process.send_signal(signal.SIGTERM)
        self.host_process.wait(20)

    def host_control(self, *arguments):
        """One command to the running simulator; its JSON answer, or its text."""
        result = subprocess.run([self.binaries / "entrepot-hostsim", "ctl", "--state", self.state, *map(str, arguments)],
                                capture_output=True, text=True)
        expect(result.returncode == 0, f"ctl {arguments}: {result.stderr}{result.stdout}")
        try:
            return json.loads(result.stdout)
        except ValueError:
            return result.stdout

    def start_daemon(self):
        log = open(self.root / "entrepotd.log", "ab")
        self.daemon_address = f"127.0.0.1:{free_port()}"
        command = [self.binaries / "entrepotd", *self.place(), "--listen", self.daemon_address,
                   "--passphrase-file", self.root / "passphrase"]
        self.daemon = subprocess.Popen(command, stdout=log, stderr=log)
        self.processes.append(self.daemon)

        def is_up():
            expect(self.daemon.poll() is None, f"entrepotd ended: {(self.root / 'entrepotd.log').read_text()[-2000:]}")
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(str(self.data / "entrepot.sock")) == 0

        wait_until(is_up, 60, "the daemon's start")

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()

    def start_entrepot(self, *arguments):
        """As entrepot(), in the background, its output thrown away."""
        process = subprocess.Popen([self.binaries / "entrepot", *self.place(), *map(str, arguments)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def pin(self):
        certificate = subprocess.run(["openssl", "s_client", "-connect", self.config["listen"]], input=b"", capture_output=True).stdout
        der = subprocess.run(["openssl", "x509", "-outform", "DER"], input=certificate, capture_output=True, check=True).stdout
        return hashlib.sha256(der).hexdigest()

    def entrepot(self, *arguments, status=0, timeout=600):
        """Runs a command with --json and returns its document. The exit status must be the expected one."""
        command = [self.binaries / "entrepot", *self.place(), *map(str, arguments), "--json"]
        environment = dict(os.environ, ENTREPOT_PASSPHRASE_FILE=str(self.root / "passphrase"))
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, stdin=subprocess.DEVNULL)
        self.last_error = result.stderr
        if result.returncode != status:
            raise Failure(f"entrepot {' '.join(map(str, arguments))}: exit {result.returncode}, not {status}\n"
                          f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
        return json.loads(result.stdout) if result.stdout.strip() else None

    def make_repository(self, encrypted=True):
        (self.root / "passphrase").write_text("correct horse battery staple")
        if encrypted:
            self.entrepot("init", "--passphrase-file", self.root / "passphrase")
        else:
            self.entrepot("init", "--no-encryption")

    def set_up_appliance(self, authentication="ntlm", encrypted=True):
        self.make_repository(encrypted)
        self.entrepot("share", "add", "exports", "--unc", "\\\\appliance\\exports", "--path", self.share_directory)
        self.add_host(authentication)

    def add_host(self, authentication="ntlm", name="hv01", pin=None, password=None):
        secret = self.root / "password"
        if password is not None:
            secret = self.root / "other-password"
            secret.write_text(password)
        self.entrepot("host", "add", name, "--url", f"https://{self.config['listen']}/wsman", "--auth", authentication,
                      "--user", "HV01\\backup", "--password-file", secret, "--pin", pin or self.pin())

    def new_exports(self):
        """What the simulator exported since the last call: {(vm, disk): sha256}, the last line of each winning."""
        path = self.state / "exports.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        fresh = [json.loads(line) for line in lines[self.read_exports:]]
        self.read_exports = len(lines)
        return {(line["vm"].lower(), line["disk"]): line["sha256"] for line in fresh}

    def restored_sha256(self, point, disk):
        target = self.root / "restored.raw"
        target.unlink(missing_ok=True)
        self.entrepot("restore", "disk", point, disk, "--to", target, "--format", "raw")
        digest = sha256_of(target)
        target.unlink()
        return digest

    def expect_clean_host(self):
        """Nothing of ours is left on the host but one reference point for each VM."""
        audit = self.host_control("audit")
        expect(not audit["snapshots"], f"snapshots left: {audit['snapshots']}")
        expect(not audit["unmerged_disks"], f"unmerged disks: {audit['unmerged_disks']}")
        return audit
