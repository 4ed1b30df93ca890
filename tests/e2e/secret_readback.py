"""F-WB-16: what is given in secret, or made as a secret, comes out nowhere. Secrets are set everywhere they can be; then every route that reads, the
refusals, the live events, the log, the command line, the files on disk and the arguments of child processes are searched for them.

What gives a secret on purpose gives it once, in the answer that makes it: from then on it is looked for, too. So a new session's cookie, an API token,
a one-time link, the password of a share's account and the recovery key need no exception. Those that remain are in kGivenOnPurpose.
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

from canary import Watch, check_itself, new_mark
from harness import MIB, Lab, expect, free_port, wait_until
from web_client import Client

kWeb = "11111111-1111-4111-8111-111111111111"
kFile = "letter.txt"
kBodyBytesMax = 64 * MIB
kGivenOnPurpose = {
    "/api/v1/session": ("token of the session",),  # A page that is loaded anew asks for its own session's token against forged requests.
}
# What the parameters of a path mean where the route begins so; a route with others must be added here.
kWhose = {"hosts": "hosts", "users": "users", "points": "points", "jobs": "jobs", "policies": "policies"}


def can_trace():
    """strace may be absent, or forbidden by a container."""
    return bool(shutil.which("strace")) and subprocess.run(["strace", "-f", "-e", "trace=execve", "true"], capture_output=True, check=False).returncode == 0


def b64(value):
    return base64.b64encode(value).decode()


def can_serve():
    return os.geteuid() == 0 and bool(shutil.which("smbd"))


class Listener(Client):
    """A client whose every answer is searched."""

    def __init__(self, watch, port, who, source="127.0.0.1"):
        super().__init__(port, source)
        self.watch, self.who = watch, who
        self.token = None
        self.seen = {}  # {path: best status}

    def ask(self, method, path, body=None, headers=None, timeout=30):
        if self.token:
            headers = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        status, answered, content = super().ask(method, path, body, headers, timeout)
        head = "\n".join(f"{name}: {value}" for name, value in answered.items())
        self.watch.look(f"{method} {path} as {self.who} ({status})", head.encode() + b"\n\n" + content, kGivenOnPurpose.get(path, ()))
        expect(status < 500 or status in (502, 503, 504), f"{method} {path} as {self.who}: {status} {content[:300]}")
        return status, answered, content

    def make(self, path, body, status=201):
        found, headers, content = self.ask("POST", "/api/v1" + path, body)
        expect(found == status, f"POST {path}: {found} {content[:500]}")
        return headers, json.loads(content) if content else None

    def take_session(self, headers, body):
        super().take_session(headers, body)
        self.watch.add(f"cookie of {self.who}", self.cookie.split("=", 1)[1])
        self.watch.add("token of the session", self.csrf)

    def get(self, path):
        return json.loads(self.ask("GET", "/api/v1" + path)[2])


class Readback:
    def __init__(self, lab):
        self.lab, self.watch = lab, Watch()
        self.mark = new_mark()
        self.watch.add("mark", self.mark)
        self.counts = {}

    def secret(self, name):
        return f"{self.mark} of {name}"

    # The appliance, with what is secret before anybody asks it for something.

    def set_up(self):
        lab = self.lab
        lab.root.chmod(0o711)  # The account of a host gets through to its share.
        tree = lab.root / "tree"
        tree.mkdir()
        (tree / kFile).write_text("nothing secret")
        disk = lab.raw_disk("web01", 8 * MIB)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, disk], check=True)
        machine = {"id": kWeb, "name": "web01", "generation": 2, "version": "10.0", "state": "running", "guest_vss": True,
                   "disks": [{"raw": str(disk), "controller": "scsi", "location": 0, "format": "vhdx", "block_size": MIB}]}
        user = {"name": "HV01\\backup", "password": self.secret("hv01"), "groups": ["Administrators"]}
        lab.start_host([machine], seed=0, users=[user])
        (lab.root / "passphrase").write_text(self.secret("repository"))
        lab.config_file = lab.root / "entrepot.toml"
        lab.config_file.write_text(f'[log]\nlevel = "debug"\n[hosts]\nallow_loopback = true\n[restore]\ndirectory = "{lab.root}/restored"\n')
        (lab.root / "restored").mkdir()
        made = lab.entrepot("init", "--passphrase-file", lab.root / "passphrase")
        self.watch.add("recovery key", made["recovery_key"])
        self.watch.add("recovery key without its hyphens", made["recovery_key"].replace("-", ""))

    def start_daemon(self):
        lab, self.port = self.lab, free_port()
        self.out, self.log, self.children = (lab.root / name for name in ("daemon.out", "daemon.log", "children.log"))
        command = [lab.binaries / "entrepotd", *lab.place(), "--listen", f"127.0.0.1:{self.port}", "--passphrase-file", lab.root / "passphrase"]
        if can_trace():
            command = ["strace", "-D", "-f", "-qq", "-v", "-s", "100000", "--seccomp-bpf", "-e", "trace=execve", "-e", "signal=none",
                       "-o", self.children, *command]
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.daemon = subprocess.Popen(command, stdout=out, stderr=log, stdin=subprocess.DEVNULL)
        lab.processes.append(self.daemon)
        link = wait_until(lambda: re.search(r"#token=([0-9a-f]+)", self.out.read_text()), 30, "the daemon's start")
        # Printed on purpose, on the console of whoever starts the daemon first, and not into its log.
        self.watch.add("link to the setup", link.group(1))
        return link.group(1)

    # Everything that a secret can be given to, or is made by.

    def add_people(self, link):
        admin = self.admin = Listener(self.watch, self.port, "ada")
        admin.ask("POST", "/api/v1/setup/look", {"token": link})
        headers, body = admin.make("/setup", {"token": link, "name": "ada", "password": self.secret("ada")}, 200)
        admin.take_session(headers, json.dumps(body))
        admin.make("/users", {"name": "vic", "role": "viewer", "password": self.secret("vic")})
        for user, made in (("bob", admin.make("/users", {"name": "bob", "role": "operator"})[1]["link"]), ("bob", admin.make("/users/bob/link", None)[1])):
            self.watch.add(f"link of {user}", made["token"])
        admin.ask("PATCH", "/api/v1/users/bob", {"password": self.secret("bob")})
        self.viewer = Listener(self.watch, self.port, "vic", "127.0.0.2")
        self.viewer.log_in("vic", self.secret("vic"))
        status, _, _ = self.viewer.ask("POST", "/api/v1/session/password", {"old_password": self.secret("vic"), "new_password": self.secret("vic, new")})
        expect(status == 204, f"the change of a password answers {status}")
        self.script = Listener(self.watch, self.port, "a token", "127.0.0.3")
        token = admin.make("/tokens", {"name": "script", "role": "administrator", "may_destroy": True})[1]["secret"]
        self.watch.add("API token", token)
        self.script.token = token
        self.stranger = Listener(self.watch, self.port, "nobody", "127.0.0.4")

    def add_hosts(self):
        lab, admin = self.lab, self.admin
        admin.make("/shares", {"name": "exports", "unc": "\\\\appliance\\exports", "path": str(lab.share_directory)})
        url, user = f"https://{lab.config['listen']}/wsman", "HV01\\backup"
        right = {"name": "hv01", "url": url, "auth": "ntlm", "user": user, "password": self.secret("hv01"), "pin": lab.pin(), "share": "exports"}
        admin.make("/hosts", right)
        admin.make("/hosts", right | {"name": "wrong", "password": self.secret("wrong")})
        admin.make("/hosts", right | {"name": "basic", "auth": "basic", "password": self.secret("basic")})
        admin.make("/hosts", right | {"name": "gone", "url": "https://127.0.0.1:9/wsman", "password": self.secret("gone")})
        keytab = b"\x05\x02" + self.secret("keytab").encode()
        admin.make("/hosts", {"name": "ticket", "url": "http://127.0.0.1:9/wsman", "auth": "kerberos", "user": "b@EXAMPLE", "keytab": b64(keytab),
                              "message_encryption": True})
        key, certificate = lab.root / "client.key", lab.root / "client.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=backup", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        self.watch.add("a line of the client's key", key.read_text().splitlines()[5])
        admin.make("/hosts", {"name": "card", "url": "https://127.0.0.1:9/wsman", "auth": "certificate", "certificate": certificate.read_text(),
                              "key": key.read_text()})
        admin.ask("PATCH", "/api/v1/hosts/gone", {"user": "HV01\\other", "password": self.secret("gone, new")})

    def add_account(self):
        """The one password that the appliance makes for others, and hands to a program of somebody else."""
        if not can_serve():
            print("f_wb_16: no root or no smbd: without accounts of shares", flush=True)
            return
        lab = self.lab
        lab.entrepot("share", "setup", "--accounts", "1")
        own = lab.root / "own"
        own.mkdir()
        self.admin.make("/shares", {"name": "own", "path": str(own), "unc": "\\\\appliance\\own", "managed": True, "listen": f"127.0.0.1:{free_port()}"})
        self.admin.ask("PATCH", "/api/v1/hosts/gone", {"share": "own"})
        for rotate in (False, True):
            made = self.admin.make("/hosts/gone/share-credentials", {"rotate": rotate})[1]
            self.watch.add("password of a share's account", made["password"])

    def add_keys(self):
        self.admin.make("/keys", {"passphrase": self.secret("second key")})
        status, _, _ = self.admin.ask("POST", "/api/v1/keys/change", {"old_passphrase": self.secret("second key"), "new_passphrase": self.secret("third key")})
        expect(status == 204, f"the change of a key answers {status}")
        self.admin.make("/policies", {"name": "nightly", "vms": ["none*"], "calendar": "daily", "retention": {"keep_last": 1}})

    # What is refused.

    def refusals(self):
        """(method, path, body): each holds a secret and something that is wrong with it."""
        host = {"name": "bad", "url": "https://192.0.2.1/wsman", "auth": "ntlm", "user": "u", "password": self.secret("a refusal")}
        secret, long = host["password"], host["password"] + "x" * 70000
        for change in ({"auth": "no such"}, {"name": "a b"}, {"name": "hv01"}, {"url": "ftp://x"}, {"pin": "x"}, {"share": "none"},
                       {"unknown": 1}, {"password": long}, {"password": [secret]}, {"password": {"is": secret}}, {"user": 7}, {"keytab": secret},
                       {"keytab": b64(secret.encode())}, {"key": secret}, {"auth": "certificate"}, {"password": None, "keytab": secret, "auth": "kerberos"}, {"message_encryption": "yes"}):
            yield "POST", "/hosts", host | change
        text = json.dumps(host)
        at = text.index(secret)
        for broken in (text[:at + len(secret)], text[:-1], text + text, text.replace(secret, secret + "\n"), text.replace(secret, secret + "\\q"),
                       text.replace(secret, secret + "\\ud800"), text.replace(f'"{secret}"', f"'{secret}'"), text.replace(f'"{secret}"', secret),
                       text.encode().replace(secret.encode(), secret.encode() + b"\xff"), f'"{secret}"', f'["{secret}"]', secret,
                       text.replace("{", '{"password": "' + secret + '", ', 1)):
            yield "POST", "/hosts", broken
        for path, body in (("/session", {"name": "ada", "password": secret}), ("/session", {"name": "no one", "password": secret}),
                           ("/setup", {"token": secret, "name": "eve", "password": secret}), ("/setup/look", {"token": secret}),
                           ("/session/confirm", {"password": secret}), ("/session/password", {"old_password": secret, "new_password": secret}),
                           ("/users", {"name": "ada", "role": "viewer", "password": secret}), ("/users", {"name": "x", "role": "god", "password": secret}),
                           ("/users", {"name": "x", "role": "viewer", "password": secret + "\x01"}), ("/users", {"name": "x", "role": "viewer", "password": long}),
                           ("/keys", {"passphrase": long}), ("/keys", {"passphrase": [secret]}), ("/keys/change", {"old_passphrase": secret, "new_passphrase": secret}),
                           ("/policies", {"name": "x", "password": secret})):
            yield "POST", path, body
        yield "PATCH", "/hosts/none", {"password": secret}
        yield "PATCH", "/hosts/hv01", {"url": "https://192.0.2.9/wsman", "keytab": secret, "password": secret}
        yield "PATCH", "/users/none", {"password": secret}

    def ask_in_vain(self):
        count = 0
        for who in (self.admin, self.viewer, self.stranger):
            for method, path, body in self.refusals():
                if path == "/session" and who is not self.stranger:
                    continue  # A login would be one of a session that there is.
                status, _, content = who.ask(method, "/api/v1" + path, body)
                expect(status >= 400, f"{method} {path} {str(body)[:200]} as {who.who}: {status} {content[:200]}")
                count += 1
        for who in (self.admin, self.stranger):  # Not as JSON, and with a wrong token and cookie.
            who.ask("POST", "/api/v1/hosts", f"password={self.secret('a form')}", {"Content-Type": "application/x-www-form-urlencoded"})
            for headers in ({"Authorization": f"Bearer {self.mark}", "Cookie": None}, {"Authorization": f"Basic {b64(self.mark.encode())}", "Cookie": None},
                            {"Authorization": f"Bearer {self.script.token}"}, {"X-Entrepot-CSRF": self.mark}, {"Cookie": f"__Host-entrepot={self.mark}"}):
                who.ask("POST", "/api/v1/gc", {}, headers)
        self.counts["refusals"] = count

    # What works with them.

    def run_jobs(self):
        """A backup that ends well, and logins and jobs that fail in each of their ways."""
        admin = self.admin
        done = self.job({"vm": kWeb, "host": "hv01"})
        expect(done["state"] == "done", f"the backup: {json.dumps(done)[-2000:]}")
        self.point = done["result"]["point"]
        for host in ("hv01", "wrong", "basic", "gone", "ticket", "card"):
            admin.make(f"/hosts/{host}/doctor", {}, 202)
        self.lab.host_control("fault", "add", "CreateSnapshot", "return:32775", -1)
        failed = self.job({"vm": kWeb, "host": "hv01", "full": True})
        expect(failed["state"] == "failed", f"the backup after a fault: {json.dumps(failed)[-2000:]}")
        admin.make(f"/jobs/{failed['id']}/retry", None, 202)
        self.lab.host_control("fault", "clear")
        wait_until(lambda: all(job["state"] not in ("queued", "waiting", "running") for job in admin.get("/jobs?limit=100")["jobs"]), 60, "the end of all jobs")
        self.failed = [job["id"] for job in admin.get("/jobs?limit=100&state=failed")["jobs"]][:2]
        expect(self.failed, "no job failed")

    def job(self, body):
        status, headers, content = self.admin.ask("POST", "/api/v1/backups", body)
        expect(status == 202, f"a backup: {status} {content[:500]}")
        answer = json.loads(content)
        job = (answer.get("job") or answer["jobs"][0])["id"]

        def ended():
            found = self.admin.get(f"/jobs/{job}")
            return found if found["state"] not in ("queued", "waiting", "running") else None

        return wait_until(ended, 60, "the end of a job")

    def follow(self):
        """The live events, from before the hosts are there until the end."""
        self.events = b""

        def read():
            try:
                with self.admin.connect(timeout=300) as stream:
                    stream.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {self.admin.host}\r\nCookie: {self.admin.cookie}\r\n\r\n".encode())
                    while part := stream.recv(65536):
                        self.events += part
            except OSError:
                pass

        self.follower = threading.Thread(target=read, daemon=True)
        self.follower.start()
        wait_until(lambda: b"200 OK" in self.events, 10, "the live events")

    # Everything that can be read.

    def values_of(self, path):
        """For the parameters of a path, what is there: a list of {name: value}."""
        parts = path.strip("/").split("/")
        fixed = {"disk": "0", "volume": "0", "vm": kWeb}
        if "{" not in path:
            return [{}]
        expect(parts[0] in kWhose, f"{path} is a new kind of route: say in secret_readback.py what its parameters are")
        firsts = self.there[kWhose[parts[0]]]
        if "vms" in parts:
            firsts = ["hv01", "wrong"]  # Asks the host itself; for those that nobody answers for, the doctor did.
        names = re.findall(r"{(\w+)}", path)
        expect(all(name in fixed for name in names[1:]), f"{path} has a parameter that secret_readback.py does not know")
        return [{names[0]: first} | {name: fixed[name] for name in names[1:]} for first in firsts]

    def queries_of(self, operation, document):
        """Every choice of a parameter that is needed; with what is there."""
        queries = [""]
        for entry in operation.get("parameters", []):
            parameter = entry
            for part in entry.get("$ref", "").split("/")[1:]:
                parameter = document if parameter is entry else parameter
                parameter = parameter[part]
            if parameter["in"] != "query":
                continue
            choices = parameter["schema"].get("enum") or {"path": ["/"], "name": ["e"]}.get(parameter["name"])
            if parameter.get("required"):
                expect(choices, f"the query parameter {parameter['name']} is new: say in secret_readback.py what it may be")
                queries = [f"{query}&{parameter['name']}={choice}" for query in queries for choice in choices]
        return [query.replace("&", "?", 1) for query in queries]

    def walk(self):
        document = self.admin.get("/openapi.json")
        self.there = {
            "hosts": [host["name"] for host in self.admin.get("/hosts")["hosts"]], "users": ["ada", "vic", "bob"], "policies": ["nightly"],
            "jobs": [job["id"] for job in self.admin.get("/jobs?limit=100")["jobs"]], "points": [self.point]}
        seen, asked = {}, 0
        base = document.get("servers", [{}])[0].get("url", "/api/v1")
        for path, item in document["paths"].items():
            operation = item.get("get")
            if not operation or operation["operationId"] == "followEvents":
                continue
            prefix = "" if path in ("/healthz", "/readyz", "/metrics") else base
            for who in (self.admin, self.viewer, self.script, self.stranger):
                for values in self.values_of(path)[:None if who is self.admin else 1]:
                    for query in self.queries_of(operation, document):
                        place = query
                        if path.endswith(("/file", "/versions", "/content")):
                            place = query.replace("path=/", f"path=/{kFile}")
                        status, _, content = who.ask("GET", prefix + path.format(**values) + place)
                        expect(len(content) < kBodyBytesMax, f"{path} gives {len(content)} bytes")
                        asked += 1
                        if who is self.admin:
                            seen[path] = min(status, seen.get(path, 999))
        unseen = {path: status for path, status in seen.items() if status != 200}
        expect(not unseen, f"routes that never answered 200, so that they show nothing: {unseen}")
        self.counts |= {"routes": len(seen), "reads": asked}

    def run_commands(self):
        """The command line, for people and for scripts."""
        commands = [["host", "list"], ["host", "show", "hv01"], ["host", "show", "wrong"], ["host", "show", "ticket"], ["host", "show", "card"],
                    ["host", "doctor", "wrong"], ["job", "list"], ["audit", "list"], ["audit", "export"], ["audit", "verify"], ["user", "list"],
                    ["user", "sessions"], ["token", "list"], ["key", "list"], ["share", "list"], ["settings", "list"], ["policy", "list"],
                    ["policy", "show", "nightly"], ["point", "list"], ["point", "show", self.point], ["vm", "list", "--host", "hv01"], ["vm", "show", kWeb], ["warnings"],
                    ["info"], ["growth"], ["files", "indexes"], ["clock", "show"], ["catalog", "check"], *[["job", "show", job] for job in self.failed]]
        for command in commands:
            for form in ([], ["--json"]):
                result = subprocess.run([self.lab.binaries / "entrepot", *self.lab.place(), *command, *form], capture_output=True, timeout=60,
                                        env=dict(os.environ, ENTREPOT_PASSPHRASE_FILE=str(self.lab.root / "passphrase")), stdin=subprocess.DEVNULL)
                expect(result.returncode != 2, f"{command}: {result.stderr[:300]}")
                self.watch.look(f"entrepot {' '.join(command + form)}", result.stdout + b"\n" + result.stderr)
        self.counts["commands"] = 2 * len(commands)

    def look_at_files(self, when):
        count = 0
        for top in (self.lab.data, self.lab.share_directory, self.lab.root / "restored", self.lab.root / "own"):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    self.watch.look(f"{path.relative_to(self.lab.root)} {when}", path.read_bytes())
                    count += 1
        expect(count > 10, f"there are only {count} files")
        self.counts[f"files {when}"] = count

    def look_at_processes(self):
        """The daemon and whatever runs below it."""
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                arguments, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(self.lab.root).encode() in arguments + environment:
                self.watch.look(f"the arguments of {arguments[:100]!r}", arguments + b"\n" + environment)

    def look_at_logs(self):
        log = self.log.read_bytes()
        expect(b'"debug"' in log and b"host added" in log, "the daemon's log is not what it was thought to be")
        self.watch.look("the daemon's log", log)
        self.watch.look("the daemon's standard output", self.out.read_bytes(), but=("link to the setup",))
        expect(b"event:" in self.events and b'"failed"' in self.events, f"the live events tell of nothing: {self.events[-300:]}")
        self.watch.look("the live events", self.events)
        if self.children.exists():
            children = self.children.read_bytes()
            expect(children.count(b"execve(") > 1, "strace saw no child")
            self.watch.look("the arguments and environments of children", children)
            self.counts["children"] = children.count(b"execve(") - 1
        else:
            print("f_wb_16: strace is absent or may not trace: without the arguments of children", flush=True)

    def look_at_running(self):
        self.look_at_files("while the daemon runs")

    def look_at_rest(self):
        self.look_at_files("afterwards")

    def stop(self):
        self.daemon.terminate()
        expect(self.daemon.wait(60) == 0, "the daemon did not end well")


def play(binaries, keep=False):
    check_itself()
    with Lab(binaries, keep) as lab:
        readback = Readback(lab)
        readback.set_up()
        readback.add_people(readback.start_daemon())
        for step in (readback.follow, readback.add_hosts, readback.add_account, readback.add_keys, readback.ask_in_vain, readback.run_jobs, readback.walk,
                     readback.run_commands, readback.look_at_processes, readback.look_at_running, readback.stop, readback.look_at_logs, readback.look_at_rest):
            step()
        readback.watch.end()
        return readback.counts | {"outputs": readback.watch.looked, "MiB": readback.watch.looked_bytes // MIB}
