#!/usr/bin/env python3
"""Attacks on the web listener of the real daemon, over raw sockets: each of F-WB-01, 02, 05, 09 to 13, 16, 18, 19, 21 and 22 as a case of its
own, named after the threat. The unit tests hold the rest. A well-meaning client must be served while an attack runs.

usage: web_attacks.py BINARIES [CASE...] [--keep]
"""
import argparse
import http.client
import json
import re
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from harness import Failure, Lab, expect, free_port, wait_until
import log_injection
import secret_readback
from web_client import Client, kPassword, trusting


def expect_refused(target, name, head, allowed=(400,), source=None):
    status, is_closed, answer = target.raw(head, source)
    expect(status is None or status in allowed, f"{name}: {status}, {answer[:200]}")
    expect(is_closed, f"{name}: the connection stays open")
    expect(len(re.findall(rb"HTTP/1\.[01] \d{3} ", answer)) <= 1, f"{name}: more than one answer: {answer[:400]}")


# First, since the audit log does not take more than so many refusals a minute.
def f_wb_19_forged_lines(target, lab):
    """Names, headers, paths and bodies forge no line of a log, and bring no character that a terminal obeys."""
    log_injection.play(target, lab, log_of(lab))


def f_wb_01_users_that_are_not_there(target):
    """Who is not there, is shut out, was invited or mistypes gets the same answer, byte for byte, and may try as often."""
    for name, body in (("bob", {"password": kPassword}), ("invited", {})):
        status, _, answer = target.ask("POST", "/api/v1/users", {"name": name, "role": "viewer"} | body)
        expect(status == 201, f"adding {name}: {status} {answer[:300]}")
    expect(target.ask("PATCH", "/api/v1/users/bob", {"is_disabled": True})[0] == 200, "bob is not shut out")
    told = {}
    for number, name in enumerate(("ada", "nobody", "bob", "invited", "Ada", "\u202eada")):
        client = Client(target.port, f"127.0.1.{number + 1}")
        for turn in range(7):
            status, headers, answer = client.ask("POST", "/api/v1/session", {"name": name, "password": "not this password"})
            expect(status == (401 if turn < 5 else 429), f"{name}, turn {turn}: {status}")
            headers.pop("date", None)
            # How many seconds are left depends on the second.
            expect(status == 401 or int(headers.pop("retry-after")) <= 2, f"{name}: {headers}")
            if status == 401:
                told.setdefault((turn, status, answer, tuple(sorted(headers.items()))), []).append(name)
    expect(all(len(names) == 6 for names in told.values()), f"users are told apart: {told}")
    for name in ("bob", "invited"):
        target.ask("DELETE", f"/api/v1/users/{name}")


def f_wb_02_many_logins_at_once(target):
    """200 logins at once neither stop the interface for others nor hash more than the queue holds."""
    statuses = []

    def attack(number):
        try:
            statuses.append(target.ask("POST", "/api/v1/session", {"name": f"user{number}", "password": "wrong password"},
                                       {"Cookie": None, "X-Entrepot-CSRF": None}, timeout=30)[0])
        except OSError:
            statuses.append(None)  # Beyond the connections of one address.

    threads = [threading.Thread(target=attack, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    other = Client(target.port, "127.0.0.9")  # One address has only so many connections.
    other.cookie, other.csrf = target.cookie, target.csrf
    served = 0
    while served == 0 or any(thread.is_alive() for thread in threads):
        other.expect_served(f"during 200 logins, time {served}")
        served += 1
    for thread in threads:
        thread.join()
    expect(set(statuses) <= {401, 429, None}, f"the logins answered {set(statuses)}")
    expect(statuses.count(401) <= 20, f"{statuses.count(401)} passwords were tried by one address")
    target.expect_served("after 200 logins")


def f_wb_05_forged_requests(target):
    """What a form, a script of another site or a simple request can send changes nothing."""
    path = "/api/v1/vms/exclusions"
    body = {"vm": "x", "disk": "y", "reason": "forged"}
    cases = {
        "no token": {"X-Entrepot-CSRF": None},
        "a wrong token": {"X-Entrepot-CSRF": "0" * 64},
        "another origin": {"Origin": "https://evil.example"},
        "the null origin": {"Origin": "null"},
        "another port's origin": {"Origin": "https://127.0.0.1:1"},
        "another site": {"Sec-Fetch-Site": "cross-site"},
        "a sister site": {"Sec-Fetch-Site": "same-site"},
        "a form": {"Content-Type": "application/x-www-form-urlencoded"},
        "plain text": {"Content-Type": "text/plain"},
    }
    for name, headers in cases.items():
        status, _, answer = target.ask("POST", path, body, headers)
        expect(status in (403, 415), f"{name}: {status} {answer[:200]}")
    for path in ("/api/v1/gc", "/api/v1/session/confirm", "/api/v1/setup/links"):
        status, _, _ = target.ask("GET", path)
        expect(status == 405, f"GET {path} answers {status}")
    status, _, _ = target.ask("POST", "/api/v1/session", {"name": "ada", "password": kPassword},
                              {"Origin": "https://evil.example", "Cookie": None})
    expect(status == 403, f"a forged login answers {status}")


def f_wb_09_slow_and_idle_connections(target):
    """Slow heads, slow bodies, silent TLS peers and idle keep-alive connections leave others served: of one address, and then of eight."""
    for sources in (["127.0.0.2"], [f"127.0.0.{10 + number}" for number in range(8)]):
        hold_connections(target, sources)


def hold_connections(target, sources):
    held = []
    for number in range(200):
        try:
            source = sources[number // 4 % len(sources)]
            plain = socket.create_connection(("127.0.0.1", target.port), timeout=3, source_address=(source, 0))
            held.append(plain)
            if number % 4 == 0:
                continue  # Silent before the handshake.
            stream = trusting().wrap_socket(plain)
            held.append(stream)
            if number % 4 == 1:
                stream.sendall(f"GET / HTTP/1.1\r\nHost: {target.host}\r\nX-Slow: ".encode())
            elif number % 4 == 2:
                stream.sendall(f"POST /api/v1/session HTTP/1.1\r\nHost: {target.host}\r\nContent-Length: 1000\r\n\r\n{{".encode())
            else:
                stream.sendall(f"GET /healthz HTTP/1.1\r\nHost: {target.host}\r\n\r\n".encode())
        except OSError:
            continue  # Turned away: that is the defence.
    for turn in range(3):
        target.expect_served(f"slow connections, turn {turn}")
        for stream in held:
            try:
                if isinstance(stream, ssl.SSLSocket):
                    stream.settimeout(0.2)
                    stream.sendall(b"a")
            except OSError:
                pass
    for stream in held:
        stream.close()
    target.expect_served("after the slow connections")


def f_wb_09_crowd(target):
    """Ten thousand connections from two hundred addresses that say nothing, and some that ask and never read, leave others served."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    count = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 500)
    held = []
    for number in range(count):
        peer = socket.socket()
        held.append(peer)
        peer.bind((f"127.2.{number % 200}.1", 0))
        peer.setblocking(False)
        peer.connect_ex(("127.0.0.1", target.port))
        if number % 500 == 499:  # Fewer than the kernel keeps for us to accept.
            target.expect_served(f"among {number + 1} silent connections")
    for number in range(8):
        try:
            reader = target.connect(f"127.3.0.{number + 1}")
            held.append(reader)
            reader.sendall(f"GET /api/v1/openapi.json HTTP/1.1\r\nHost: {target.host}\r\n\r\n".encode())
        except OSError:
            continue  # Turned away: that is the defence.
    for turn in range(3):
        target.expect_served(f"beside the crowd, turn {turn}")
    for peer in held:
        peer.close()
    target.expect_served("after the crowd")


def f_wb_10_smuggling_and_odd_heads(target):
    """Whatever two parsers could read differently is refused, and the connection closed."""
    line = "POST /api/v1/session HTTP/1.1\r\n"
    host = f"Host: {target.host}\r\n"
    second = f"GET /healthz HTTP/1.1\r\n{host}\r\n"
    cases = {
        "length and chunked": line + host + f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
        "chunked and length": line + host + f"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{second}",
        "two lengths": line + host + f"Content-Length: 0\r\nContent-Length: 60\r\n\r\n{second}",
        "two equal lengths": line + host + f"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}{second}",
        "a negative length": line + host + f"Content-Length: -1\r\n\r\n{second}",
        "a length with a sign": line + host + f"Content-Length: +2\r\n\r\n{{}}{second}",
        "a length in hex": line + host + f"Content-Length: 0x2\r\n\r\n{{}}{second}",
        "a list of lengths": line + host + f"Content-Length: 2, 2\r\n\r\n{{}}{second}",
        "an empty length": line + host + f"Content-Length:\r\n\r\n{second}",
        "blank before the colon": line + host + f"Content-Length : 2\r\n\r\n{{}}{second}",
        "blank before chunked's colon": line + host + f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{second}",
        "two codings": line + host + f"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{second}",
        "chunked in 1.0": f"POST /api/v1/session HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
        "no host": f"GET /healthz HTTP/1.1\r\n\r\n{second}",
        "two hosts": f"GET /healthz HTTP/1.1\r\n{host}Host: evil.example\r\n\r\n",
        "an absolute target": f"GET http://{target.host}/healthz HTTP/1.1\r\n{host}\r\n",
        "a target of stars": f"OPTIONS * HTTP/1.1\r\n{host}\r\n",
        "a NUL in a header": f"GET /healthz HTTP/1.1\r\n{host}X: a\0b\r\n\r\n",
        "200 headers": f"GET /healthz HTTP/1.1\r\n{host}" + "".join(f"X-{n}: 1\r\n" for n in range(200)) + "\r\n",
        "a long header": f"GET /healthz HTTP/1.1\r\n{host}X: {'a' * 20000}\r\n\r\n",
        "a long name": f"GET /healthz HTTP/1.1\r\n{host}{'a' * 2000}: 1\r\n\r\n",
    }
    for name, head in cases.items():
        expect_refused(target, name, head, allowed=(400, 413, 414, 431, 501))
    expect_refused(target, "another coding", line + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", allowed=(501,))
    expect_refused(target, "HTTP/0.9", "GET /healthz\r\n\r\n", allowed=(400, 505))
    expect_refused(target, "HTTP/2.0", f"GET /healthz HTTP/2.0\r\n{host}\r\n", allowed=(400, 505))
    for method in ("TRACE", "CONNECT", "OPTIONS", "PROPFIND"):
        expect_refused(target, method, f"{method} /healthz HTTP/1.1\r\n{host}\r\n", allowed=(400, 405, 501))
    expect_refused(target, "a long target", f"GET /{'a' * 16384} HTTP/1.1\r\n{host}Connection: close\r\n\r\n", allowed=(400, 404, 413, 414))
    # A bare CR or LF inside a value must not become a header of its own.
    status, _, answer = target.raw(f"GET /api/v1/session HTTP/1.1\r\n{host}X: a\rCookie: {target.cookie}\r\nConnection: close\r\n\r\n")
    expect(status != 200, f"a bare CR: {answer[:200]}")
    target.expect_served("after odd heads")


def f_wb_11_large_bodies(target):
    """A body beyond the limit is refused early, announced or not; what claims to be compressed is not unpacked."""
    host = f"Host: {target.host}\r\nCookie: {target.cookie}\r\nX-Entrepot-CSRF: {target.csrf}\r\nContent-Type: application/json\r\n"
    status, _, answer = target.raw(f"POST /api/v1/policies HTTP/1.1\r\n{host}Content-Length: 1000000000\r\n\r\n")
    expect(status == 413, f"an announced gigabyte: {answer[:200]}")
    endless = f"POST /api/v1/policies HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n".encode() + b"10000\r\n" + b"x" * 65536 + b"\r\n"
    endless += (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 40
    status, is_closed, answer = target.raw(endless)
    expect(status in (413, None) and is_closed, f"chunks without end: {status} {answer[:200]}")
    for kind in ("multipart/form-data; boundary=x", "application/gzip"):
        status, _, answer = target.ask("POST", "/api/v1/policies", b"x" * 1000, {"Content-Type": kind})
        expect(status == 415, f"{kind}: {status} {answer[:200]}")
    status, _, answer = target.ask("POST", "/api/v1/policies", b"\x1f\x8b" + b"x" * 100, {"Content-Encoding": "gzip"})
    expect(status == 400, f"a compressed body: {status} {answer[:200]}")
    target.expect_served("after large bodies")


def f_wb_12_hostile_json(target):
    """Depth, repeated keys, numbers without bounds, lone surrogates: refused while read, named in the answer."""
    cases = {
        "deep lists": '{"vms":' + "[" * 100_000 + "]" * 100_000 + "}",
        "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
        "a repeated key": '{"name":"a","name":"b","vms":["*"]}',
        "a number beyond all": '{"name":"a","full_every":1e400}',
        "a negative count": '{"name":"a","vms":["*"],"calendar":"daily","retention":{"keep_last":-1}}',
        "a fraction": '{"name":"a","vms":["*"],"calendar":"daily","retention":{"keep_last":1.5}}',
        "a lone surrogate": '{"name":"\\ud800","vms":["*"],"calendar":"daily","retention":{"keep_last":1}}',
        "no UTF-8": b'{"name":"\xff\xfe","vms":["*"],"calendar":"daily","retention":{"keep_last":1}}',
        "a NUL": '{"name":"a\\u0000b","vms":["*"],"calendar":"daily","retention":{"keep_last":1}}',
        "two documents": "{}{}",
        "nothing but blanks": "   ",
        "an array": "[]",
        "a text": '"x"',
    }
    for name, body in cases.items():
        status, headers, answer = target.ask("POST", "/api/v1/policies", body)
        expect(status in (400, 413), f"{name}: {status} {answer[:300]}")
        expect(headers["content-type"] == "application/problem+json", f"{name}: {headers['content-type']}")
    target.expect_served("after hostile JSON")


def f_wb_13_paths_that_climb(target):
    """No way of writing a path leads out of the console's own files, or into another resource."""
    for path in ("/../../etc/passwd", "/assets/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/%252e%252e/x",
                 "/assets/..%5c..%5cx", "/%c0%ae%c0%ae/etc/passwd", "/assets//etc/passwd", "/etc/passwd%00.js", "//etc/passwd", "/./etc/passwd"):
        status, _, answer = target.ask("GET", path)
        expect(b"root:" not in answer and (status in (400, 404) or b"<!doctype html>" in answer.lower()[:200]), f"{path}: {status} {answer[:100]}")
    for path in ("/api/v1/points/..%2fkeys", "/api/v1/hosts/%2e%2e%2fkeys", "/api/v1/jobs/..", "/api/v1//keys", "/api/v1/jobs/%2e%2e%2f%2e%2e%2fhealthz"):
        status, _, answer = target.ask("GET", path)
        expect(status in (400, 404, 423), f"{path}: {status} {answer[:100]}")


def f_wb_18_other_names_and_frames(target):
    """Another name in Host is refused; answers forbid framing and reading by other origins."""
    for name in ("evil.example", "evil.example:8443", f"localhost.evil.example:{target.port}", "127.0.0.1.evil.example"):
        status, _, answer = target.ask("GET", "/api/v1/jobs", headers={"Host": name})
        expect(status == 421, f"Host {name}: {status} {answer[:200]}")
    for path in ("/", "/api/v1/jobs", "/api/v1/none", "/healthz"):
        status, headers, _ = target.ask("GET", path, headers={"Origin": "https://evil.example"})
        expect("frame-ancestors 'none'" in headers["content-security-policy"], f"{path} can be framed")
        expect(headers["x-frame-options"] == "DENY" and headers["x-content-type-options"] == "nosniff", f"{path}: {headers}")
        expect(not any(name.startswith("access-control-") for name in headers), f"{path} answers CORS: {headers}")
        expect("unsafe-inline" not in headers["content-security-policy"], f"{path} allows inline code")
    status, headers, _ = target.ask("GET", "/api/v1/events", headers={"Upgrade": "websocket", "Connection": "Upgrade", "Cookie": None})
    expect(status == 401, f"an upgrade answers {status}")


def f_wb_21_tls(target, lab):
    """Old versions, weak suites and renegotiation are refused; the key is the owner's alone."""

    def handshake(*options):
        result = subprocess.run(["openssl", "s_client", "-connect", target.host, *options], input=b"", capture_output=True, timeout=20)
        return result.returncode == 0 and b"Cipher is (NONE)" not in result.stdout

    expect(handshake("-tls1_2") and handshake("-tls1_3"), "TLS 1.2 or 1.3 is refused")
    for options in (("-tls1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES128-SHA"),
                    ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), ("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")):
        expect(not handshake(*options), f"{' '.join(options)} is accepted")
    process = subprocess.Popen(["openssl", "s_client", "-connect", target.host, "-tls1_2"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(1)  # Its commands count from the end of the handshake.
    output, _ = process.communicate(b"R\n", timeout=20)
    expect(b"RENEGOTIATING" in output, f"openssl did not ask for a renegotiation: {output[-300:]}")
    expect(b"no renegotiation" in output, f"renegotiation: {output[-300:]}")
    key = lab.data / "tls" / "key.pem"
    expect(key.stat().st_mode & 0o077 == 0, f"the key's mode is {oct(key.stat().st_mode)}")


kCases = {name: value for name, value in list(globals().items()) if name.startswith("f_wb_")}


def log_of(lab):
    return lab.root / "entrepotd.log"


def start(lab):
    lab.config_file = lab.root / "entrepot.toml"
    lab.config_file.write_text('[log]\nlevel = "debug"\n')
    (lab.root / "passphrase").write_text("correct horse battery staple")
    (lab.root / "password").write_text(kPassword)
    lab.entrepot("init", "--passphrase-file", lab.root / "passphrase")
    lab.entrepot("user", "add", "ada", "--role", "administrator", "--password-file", lab.root / "password")
    return launch(lab)


def launch(lab):
    port = free_port()
    with open(lab.root / "entrepotd.out", "ab") as out, open(log_of(lab), "ab") as log:
        process = subprocess.Popen([lab.binaries / "entrepotd", *lab.place(), "--listen", f"127.0.0.1:{port}",
                                    "--passphrase-file", lab.root / "passphrase"], stdout=out, stderr=log)
    lab.processes.append(process)
    target = Client(port)

    def is_ready():
        expect(process.poll() is None, log_of(lab).read_text()[-2000:])
        try:
            return target.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    wait_until(is_ready, 30, "the daemon's start")
    return process, target


def f_wb_22(lab, process, target):
    """A daemon that dies under a request makes no job twice: the same request with the same key, to the next one, gives the first one's."""
    body = {"points": [], "depth": "manifests"}
    for turn, wait_seconds in enumerate((0, 0.005, 0.02, 0.05, 0.3)):
        key = {"Idempotency-Key": f"turn-{turn}"}
        first = []

        def ask():
            try:
                first.append(target.ask("POST", "/api/v1/verifications", body, key))
            except (OSError, http.client.HTTPException):
                pass

        target.log_in()
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(wait_seconds)
        process.kill()
        process.wait()
        asking.join()
        process, target = launch(lab)
        target.log_in()
        status, _, answer = target.ask("POST", "/api/v1/verifications", body, key)
        expect(status == 202, f"the second request answers {status}: {answer[:300]}")
        job = json.loads(answer)["job"]["id"]
        for status, _, answer in first:
            expect(status == 202 and json.loads(answer)["job"]["id"] == job, f"turn {turn}: two jobs: {answer[:300]}")
        jobs = json.loads(target.ask("GET", "/api/v1/jobs?kind=verify")[2])["jobs"]
        expect(len(jobs) == turn + 1, f"turn {turn}: {len(jobs)} jobs")
    return process


def play(lab, names):
    process, target = start(lab)
    expect("#token=" not in (lab.root / "entrepotd.out").read_text(), "a setup link although there is an administrator")
    for name in names:
        target.cookie = ""
        # Failed logins of the case before may have to be waited for.
        wait_until(lambda: target.ask("POST", "/api/v1/session", {"name": "ada", "password": kPassword})[0] == 200, 60, "the next login")
        target.log_in()
        begin = time.monotonic()
        case = kCases[name]
        case(target, lab) if case.__code__.co_argcount == 2 else case(target)
        expect(process.poll() is None, f"{name} ended the daemon")
        print(f"{name}: {case.__doc__.splitlines()[0]} ({time.monotonic() - begin:.1f} s)", flush=True)
    if len(names) == len(kCases):
        process = f_wb_22(lab, process, target)
        print(f"f_wb_22: {f_wb_22.__doc__.splitlines()[0]}", flush=True)
    process.send_signal(signal.SIGTERM)
    expect(process.wait(40) == 0, "the daemon did not end well")
    log_injection.check_log(log_of(lab))  # Of all attacks.


def f_wb_16(binaries, keep):
    """Nothing that is secret comes out: of no route, refusal, event, log, command, file or process."""
    begin = time.monotonic()
    counts = secret_readback.play(binaries, keep)
    print(f"f_wb_16: {f_wb_16.__doc__} ({time.monotonic() - begin:.1f} s; {counts})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        if not arguments.cases or "f_wb_16" in arguments.cases:
            f_wb_16(arguments.binaries, arguments.keep)
        names = [name for name in arguments.cases or kCases if name in kCases]
        if names:
            with Lab(arguments.binaries, arguments.keep) as lab:
                play(lab, names)
    except Failure as failure:
        sys.exit(f"web_attacks: {failure}")


if __name__ == "__main__":
    main()
