#!/usr/bin/env python3
"""`entrepot host doctor` on the command line against hosts that are set up wrongly, each in another way: every one is told by an id of its own, with the
cause and the cure that packaging/doc/doctor.md gives, as JSON and for people, and with the exit status that scripts rely on."""
import argparse
import concurrent.futures
import copy
import pathlib
import re
import subprocess
import sys

from harness import SOURCE, Failure, Lab, expect, free_port

WEB01 = "11111111-1111-4111-8111-111111111111"
FOREVER = -1
SCENES = []


def scene(check, result="failed", alternatives=()):
    """Sets a host up wrongly. It gives the name of the host to look at, or None for hv01."""
    def register(function):
        SCENES.append((function.__name__, check, result, {check, *alternatives}, function))
        return function
    return register


class Hospital(Lab):
    """One appliance with one share, and a simulated host that each scene changes."""
    has_daemon = False  # True: the command asks a daemon; else it looks itself.

    def begin(self):
        self.raw_disk("web01", 1 << 20)
        self.healthy = None
        self.start_host([{"id": WEB01, "name": "web01", "version": "10.0", "disks": [{"raw": str(self.root / "web01.raw")}]}], seed=0,
                        http=f"127.0.0.1:{free_port()}")
        self.healthy = copy.deepcopy(self.config)
        self.set_up_appliance(encrypted=False)
        if self.has_daemon:
            self.start_daemon()
        self.authority = self.root / "ca"

    def change(self, **settings):
        """The host anew, with these settings."""
        self.stop_host()
        self.config = copy.deepcopy(self.healthy) | settings
        self.run_host()

    def fault(self, at, do):
        self.change(faults=[{"at": at, "do": do, "times": FOREVER}])

    def add_machine(self, **more):
        """One more VM, which is not as it should be."""
        machine = {"version": "10.0", "disks": []} | more
        self.change(virtual_machines=[*self.healthy["virtual_machines"], machine])

    def add(self, name, url=None, auth="ntlm", user="HV01\\backup", pin=True, more=()):
        """Another way to reach the host."""
        pins = ["--pin", self.pin()] if pin else []
        password = ["--password-file", self.root / "password"] if user else []
        self.entrepot("host", "add", name, "--url", url or f"https://{self.config['listen']}/wsman", "--auth", auth,
                      *(["--user", user] if user else []), *password, *pins, *more)
        return name

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.authority)

    def show_certificate(self, subject="IP:127.0.0.1", purpose="serverAuth", begin="20240101000000Z", end="20490101000000Z"):
        """A certificate of a CA of ours on the host's listener; the CA's own certificate."""
        folder = self.authority
        if not folder.exists():
            folder.mkdir()
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem")
        for file, text in (("index.txt", ""), ("serial", "1000\n"), ("purpose", f"subjectAltName={subject}\nextendedKeyUsage={purpose}\n"),
                           ("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
                                      "unique_subject=no\n[p]\ncommonName=supplied\n")):
            (folder / file).write_text(text)
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hv01", "-keyout", "host.key", "-out", "host.csr")
        self.openssl("ca", "-batch", "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.pem", "-in", "host.csr", "-out", "host.pem",
                     "-startdate", begin, "-enddate", end, "-extfile", "purpose", "-notext")
        self.change(tls={"certificate": str(folder / "host.pem"), "key": str(folder / "host.key")})
        return folder / "ca.pem"

    def add_trusting(self, name, **certificate):
        return self.add(name, pin=False, more=["--ca", self.show_certificate(**certificate)])


@scene("port.refused")
def nothing_listens(lab):
    lab.stop_host()


@scene("name.unknown", alternatives=("name.no-answer",))
def a_name_that_nobody_knows(lab):
    return lab.add("nowhere", url="https://no-such-host.invalid:5986/wsman")


@scene("name.address-and-kerberos")
def kerberos_and_an_address(lab):
    return lab.add("by-address", auth="kerberos", user="backup@CORP.EXAMPLE")


@scene("tls.pin-differs")
def another_certificate(lab):
    lab.fault("connect", "other-certificate")


@scene("tls.self-signed")
def nobody_vouches(lab):
    return lab.add("unpinned", pin=False)


@scene("tls.unknown-issuer")
def a_ca_that_is_not_known(lab):
    lab.show_certificate()
    return lab.add("unknown-ca", pin=False)


@scene("tls.wrong-name")
def a_certificate_of_another_host(lab):
    return lab.add_trusting("wrong-name", subject="DNS:other.corp.example")


@scene("tls.expired")
def an_expired_certificate(lab):
    return lab.add_trusting("expired", begin="20200101000000Z", end="20210101000000Z")


@scene("tls.not-yet-valid")
def a_certificate_of_the_future(lab):
    return lab.add_trusting("future", begin="20480101000000Z")


@scene("tls.wrong-purpose")
def a_certificate_for_clients(lab):
    return lab.add_trusting("client", purpose="clientAuth")


@scene("tls.too-old")
def old_tls(lab):
    lab.fault("connect", "old-tls")


@scene("tls.silent")
def a_port_that_says_nothing(lab):
    """A listener that waits for a line of text, and gets a handshake."""
    return lab.add("plain-port", url=f"https://{lab.config['http']}/wsman")


@scene("http.not-found")
def another_path(lab):
    lab.fault("Identify", "http-status:404")


@scene("http.not-ready")
def winrm_is_stopped(lab):
    lab.fault("Identify", "http-status:503")


@scene("http.redirect")
def something_that_redirects(lab):
    lab.fault("Identify", "redirect:https://127.0.0.1:1/wsman")


@scene("clock.far-without-kerberos", "warning")
def the_clock_is_wrong(lab):
    lab.host_control("clock", "+3h")


@scene("auth.no-secret")
def no_password(lab):
    name = "no-secret"
    lab.entrepot("host", "add", name, "--url", f"https://{lab.config['listen']}/wsman", "--auth", "ntlm", "--user", "HV01\\backup", "--pin", lab.pin())
    return name


@scene("auth.refused")
def a_wrong_password(lab):
    user = lab.healthy["users"][0] | {"password": "another"}
    lab.change(users=[user])
    return lab.add("refused")


@scene("auth.basic-off")
def basic_is_off(lab):
    return lab.add("basic", auth="basic")


@scene("auth.negotiate-off")
def negotiate_is_off(lab):
    lab.change(auth=["basic"])


@scene("auth.basic-domain-account")
def basic_and_a_domain(lab):
    lab.change(auth=["basic"])
    return lab.add("basic-domain", auth="basic", user="backup@corp.example")


@scene("auth.loop")
def a_login_that_is_forgotten(lab):
    lab.fault("session", "session-lost")


@scene("auth.seal-broken")
def messages_that_are_changed(lab):
    lab.fault("session", "broken-seal")
    return lab.add("sealed", url=f"http://{lab.config['http']}/wsman", pin=False, more=["--http"])


@scene("rights.winrm-denied")
def an_account_without_groups(lab):
    lab.change(users=[lab.healthy["users"][0] | {"groups": []}])


@scene("rights.filtered-local")
def a_local_administrator(lab):
    lab.change(users=[lab.healthy["users"][0] | {"groups": ["Administrators", "Remote Management Users"], "token_filtered": True}])


@scene("rights.namespace-denied")
def no_right_on_the_namespace(lab):
    lab.fault("Msvm_ComputerSystem", "access-denied")


@scene("rights.no-vms", "unproven")
def no_vm_to_be_seen(lab):
    lab.change(virtual_machines=[])
    # The former VM stays in the state.
    lab.host_control("vm", "remove", WEB01)


@scene("role.missing")
def no_hyper_v(lab):
    lab.change(host=lab.healthy["host"] | {"hyper_v": False})


@scene("role.provider-failed")
def vmms_is_ill(lab):
    lab.fault("Msvm_ComputerSystem", "provider-stopped")


@scene("os.too-old")
def windows_2012_r2(lab):
    lab.change(host=lab.healthy["host"] | {"os_build": 9600})


@scene("os.unknown-build", "unproven")
def windows_of_the_future(lab):
    lab.change(host=lab.healthy["host"] | {"os_build": 30000})


@scene("quota.exceeded")
def a_quota_is_used_up(lab):
    lab.fault("Enumerate", "quota")


@scene("schema.no-queries", "warning")
def no_queries(lab):
    lab.fault("*", "refuse-wql")


@scene("vms.foreign-snapshot", "warning")
def another_product(lab):
    lab.host_control("checkpoint", "create-recovery", WEB01)


@scene("guests.vss-silent", "warning")
def a_guest_without_the_service(lab):
    lab.add_machine(name="silent", guest_vss=False)


@scene("vms.version-low", "warning")
def an_old_vm(lab):
    lab.add_machine(name="old", version="5.0")


@scene("vms.replica", "warning")
def a_replica(lab):
    lab.add_machine(name="replica", replication={"mode": 2})


@scene("vms.disk-left-out", "warning")
def a_disk_passed_through(lab):
    lab.add_machine(name="raw-disk", disks=[{"pass_through": True}])


@scene("share.directory-missing")
def the_share_is_gone(lab):
    lab.share_directory.rename(lab.root / "elsewhere")


@scene("share.ambiguous")
def two_shares(lab):
    other = lab.root / "other"
    other.mkdir()
    lab.entrepot("share", "add", "other", "--unc", "\\\\appliance\\other", "--path", other)


@scene("residue.folders", "warning")
def a_folder_of_a_dead_run(lab):
    host = lab.entrepot("host", "show", "hv01")["id"]
    folder = lab.share_directory / host / ("0123456789abcdef" * 2)
    folder.mkdir(parents=True)
    (folder / "disk.vhdx").write_bytes(b"x")


class Examination:
    def __init__(self, lab, table):
        self.lab, self.table = lab, table

    def run(self, name, result, wanted, host):
        """The report as JSON, then for people; the check that was wanted."""
        status = 1 if result == "failed" else 0
        report = self.lab.entrepot("host", "doctor", host, status=status)
        ids = [check["id"] for check in report["checks"]]
        expect(len(ids) == len(set(ids)), f"an id twice: {ids}")
        expect(report["failed"] == sum(check["result"] == "failed" for check in report["checks"]), "the number of failures is wrong")
        found = [check for check in report["checks"] if check["id"] in wanted]
        expect(found, f"none of {wanted} in {[check['id'] for check in report['checks'] if check['result'] not in ('ok', 'skipped')]}")
        expect(found[0]["result"] == result, f"{found[0]['id']} is {found[0]['result']}")
        failed = [check["id"] for check in report["checks"] if check["result"] == "failed"]
        expect(failed == ([found[0]["id"]] if result == "failed" else []), f"failed: {failed}")
        for check in report["checks"]:
            if check["result"] in ("failed", "warning", "unproven"):
                self.check_words(check)
        if result != "failed" or "auth." not in found[0]["id"]:  # An account is not asked for again, lest it be locked out.
            self.check_text(host, status, found[0])
        return found[0]

    def check_words(self, check):
        """What doctor.md says, with the names of this host in it."""
        expect("unexpected" not in check["id"], f"no id of its own: {check}")
        row = self.table.get(check["id"])
        expect(row, f"{check['id']} is not in doctor.md")
        for key in ("cause", "cure"):
            # The document ends a sentence where a command follows.
            pattern = ".+".join(re.escape(part) for part in re.split(r"\[[^\]]+\]", row[key].rstrip(".")))
            expect(re.fullmatch(pattern, check[key].rstrip(".:")), f"{key} of {check['id']}: '{check[key]}', but doctor.md has '{row[key]}'")
        for key in ("evidence", "command"):
            expect(check[key], f"{check['id']} has no {key}")
        for bare in ("access denied", "failed", "access is denied"):
            expect(check["cause"].strip(" .").lower() != bare and check["cure"].strip(" .").lower() != bare, f"a bare '{bare}': {check}")

    def check_text(self, host, status, check):
        command = [self.lab.binaries / "entrepot", *self.lab.place(), "host", "doctor", host]
        seen = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        expect(seen.returncode == status, f"for people: exit {seen.returncode}: {seen.stderr}")
        for text in (check["cause"], f"({check['id']}) {check['cure']}", check["command"]):
            expect(text in seen.stdout, f"for people lacks '{text}':\n{seen.stdout}")
        failures = re.search(r"^(Nothing|\d+) failed, \d+ warnings?, \d+ unproven$", seen.stdout, re.MULTILINE)
        expect(failures and (failures[1] == "Nothing") == (status == 0), f"no sum at the end:\n{seen.stdout}")


def read_table():
    rows = {}
    for line in (SOURCE / "packaging/doc/doctor.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 4 and "." in cells[0]:
            rows[cells[0].strip("` ")] = {"cause": cells[2], "cure": cells[3]}
    return rows


def play(binaries, entry, table):
    """The check that told the set-up, or what went wrong."""
    name, check, result, wanted, function = entry
    try:
        with Hospital(binaries) as lab:
            lab.begin()
            examination = Examination(lab, table)
            host = function(lab) or "hv01"
            seen = examination.run(name, result, wanted, host)
            print(f"ok      {name}: {seen['id']}: {seen['evidence']}", flush=True)
            return seen["id"]
    except Exception as failure:  # A fault of the test itself is no less a failure.
        print(f"FAILED  {name}: {failure!r}", flush=True)
        return None


def check_healthy(binaries, table):
    with Hospital(binaries) as lab:
        lab.begin()
        report = lab.entrepot("host", "doctor", "hv01")
        expect(report["failed"] == 0, f"a healthy host: {[check for check in report['checks'] if check['result'] == 'failed']}")
        expect(len(report["checks"]) >= 15, f"only {len(report['checks'])} checks")
        missing = lab.entrepot("host", "doctor", "nobody", status=1)
        expect(missing["error"]["code"] == "not_found", f"a host that is not there: {missing}")


def check_held_back(binaries, table):
    """A refused account is held back over processes, until somebody says otherwise."""
    with Hospital(binaries) as lab:
        lab.begin()
        lab.change(users=[lab.healthy["users"][0] | {"password": "another"}])
        examination = Examination(lab, table)
        examination.run("refused", "failed", {"auth.refused"}, "hv01")
        logins = lab.host_control("audit")["failed_logins"]
        expect(logins <= 2, f"{logins} logins were tried")
        examination.run("held back", "failed", {"auth.held-back"}, "hv01")
        expect(lab.host_control("audit")["failed_logins"] == logins, "asked again")
        lab.change()
        report = lab.entrepot("host", "doctor", "hv01", "--retry-login")
        expect(report["failed"] == 0, f"still ill: {report}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--only", default="", help="names of scenes, with commas")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--daemon", action="store_true", help="the commands ask a daemon")
    arguments = parser.parse_args()
    Hospital.has_daemon = arguments.daemon
    table = read_table()
    chosen = [entry for entry in SCENES if not arguments.only or entry[0] in arguments.only.split(",")]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:  # Most of a scene is waiting.
        seen = list(pool.map(lambda entry: play(arguments.binaries, entry, table), chosen))
    failed = [entry[0] for entry, check in zip(chosen, seen) if check is None]
    told = [check for check in seen if check is not None]
    twice = {check for check in told if told.count(check) > 1}
    if twice:
        failed.append(f"one check for two set-ups: {', '.join(sorted(twice))}")
    for check in (check_healthy, check_held_back) if not arguments.only else ():
        try:
            check(arguments.binaries, table)
            print(f"ok      {check.__name__}", flush=True)
        except Failure as failure:
            failed.append(check.__name__)
            print(f"FAILED  {check.__name__}: {failure}", flush=True)
    if failed:
        sys.exit(f"{len(failed)} failed: {', '.join(failed)}")
    expect(arguments.only or len(told) >= 20, f"only {len(told)} set-ups")
    print(f"{len(told)} wrong set-ups, each told by an id of its own")


if __name__ == "__main__":
    main()
