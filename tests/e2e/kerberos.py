"""A Kerberos realm on this machine for one test, as tests/support/kerberos_realm.h: a KDC on loopback, its users and services. The
environment of this process leads to it, and with it that of all programs that the test starts."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import free_port, wait_until

REALM = "ENTREPOT.TEST"
KDC, ADMINISTRATION, DATABASE = "/usr/sbin/krb5kdc", "/usr/sbin/kadmin.local", "/usr/sbin/kdb5_util"


class Realm:
    @staticmethod
    def is_available():
        return all(pathlib.Path(program).exists() for program in (KDC, ADMINISTRATION, DATABASE))

    def __enter__(self):
        self.root, port = pathlib.Path(tempfile.mkdtemp(prefix="entrepot-kdc-")), free_port()
        (self.root / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n[domain_realm]\n localhost = {REALM}\n")
        (self.root / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n[realms]\n {REALM} = {{\n  database_name = {self.root}/principal\n"
            f"  key_stash_file = {self.root}/stash\n  acl_file = {self.root}/acl\n  supported_enctypes = aes256-cts:normal aes128-cts:normal\n }}\n"
            f"[logging]\n kdc = FILE:{self.root}/kdc.log\n")
        os.environ.update(KRB5_CONFIG=str(self.root / "krb5.conf"), KRB5_KDC_PROFILE=str(self.root / "kdc.conf"), KRB5RCACHEDIR=str(self.root),
                          KRB5CCNAME=f"FILE:{self.root}/cache", KRB5_CLIENT_KTNAME=str(self.root / "no-keytab"))
        self.run(DATABASE, "-r", REALM, "create", "-s", "-P", "master")
        self.process = subprocess.Popen([KDC, "-r", REALM, "-n"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        log = self.root / "kdc.log"
        wait_until(lambda: log.exists() and "commencing operation" in log.read_text(), 30, "the KDC's start")
        return self

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, *words):
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def administer(self, command):
        self.run(ADMINISTRATION, "-r", REALM, "-q", command)

    def add_user(self, name, password):
        self.administer(f"addprinc -pw {password} +requires_preauth {name}")

    def add_service(self, principal):
        """Returns its keytab."""
        keytab = self.root / f"{principal.replace('/', '-')}.keytab"
        self.administer(f"addprinc -randkey {principal}")
        self.administer(f"ktadd -k {keytab} {principal}")
        return keytab
