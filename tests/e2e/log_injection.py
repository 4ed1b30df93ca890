"""F-WB-19: no name, header, path or body makes a second line in the daemon's log or the audit's, or a character that a terminal obeys."""
import json
import os
import pty
import re
import subprocess
import urllib.parse

from harness import expect
from web_client import Client, kPassword

# What a terminal or a viewer obeys: control characters, ends of lines and paragraphs, directions, a byte order mark.
kHidden = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
kHostile = {
    "a line feed": 'x\n{"time":"","level":"error","message":"forged"}',
    "both ends of a line": "x\r\nSet-Cookie: forged=1",
    "a carriage return": "harmless\rforged",
    "an escape": "x\x1b[2J\x1b[31mforged",
    "a title": "x\x1b]0;forged\x07",
    "a backspace": "root\b\b\b\bforged",
    "a tabulator": "x\tforged",
    "a form feed": "x\x0b\x0cforged",
    "a deletion": "x\x7fforged",
    "a C1 escape": "x\x9b31mforged",
    "a C1 line": "x\x85forged",
    "a line separator": "x\u2028forged",
    "a paragraph separator": "x\u2029forged",
    "an override": "x\u202egnp.forged",
    "an isolate": "x\u2066forged\u2069",
    "an Arabic mark": "x\u061cforged",
    "a byte order mark": "\ufeffforged",
    "quotation marks": 'x","level":"error","forged":"',
    "a backslash": "x\\",
    "markup": "<script>forged</script>",
    "a format": "x%s%n{}{0}forged",
}
kAgents = {name: text for name, text in kHostile.items() if "\n" not in text}
kThorough = ("both ends of a line", "an escape", "a C1 escape", "an override", "quotation marks")


def expect_quiet(place, text, but=""):
    found = next((hit for hit in kHidden.finditer(text) if hit.group() not in but), None)
    expect(found is None, f"{place} holds {found and found.group()!r}: {found and text[max(0, found.start() - 80):found.end() + 80]!r}")


def check_log(log):
    """Each line is one object of texts, and holds nothing but what is to be seen."""
    content = log.read_bytes().decode("utf-8", "strict")
    expect(content.endswith("\n"), "the log's last line has no end")
    lines = []
    for line in content[:-1].split("\n"):
        expect_quiet("the log", line)
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        is_line = isinstance(entry, dict) and {"time", "level", "message"} <= set(entry) and all(isinstance(value, str) for value in entry.values())
        expect(is_line, f"no line of the log: {line!r}")
        expect(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", entry["time"]) and entry["level"] in ("debug", "info", "warning", "error"), f"forged: {line!r}")
        lines.append(entry)
    return lines


def sources():
    number = 0
    while True:
        number += 1
        yield f"127.1.{number // 200}.{number % 200 + 1}"  # Another address for each, so that none has to wait.


def log_in_hostilely(target, addresses):
    for text in kHostile.values():
        client = Client(target.port, next(addresses))
        status, _, answer = client.ask("POST", "/api/v1/session", {"name": text, "password": "wrong password"})
        expect(status == 401, f"the user {text!r}: {status} {answer[:300]}")
        expect_quiet("the answer to a login", answer.decode())
    opened = 0
    for name, text in kAgents.items():
        for password in (kPassword, "wrong password") if name in kThorough else (kPassword,):
            body = json.dumps({"name": "ada", "password": password})
            head = (f"POST /api/v1/session HTTP/1.1\r\nHost: {target.host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                    f"Connection: close\r\nUser-Agent: ").encode() + text.encode() + b"\r\nX-Forwarded-For: " + text.encode() + b"\r\n\r\n"
            status, _, answer = target.raw(head + body.encode(), next(addresses))
            expect(status in (200, 400, 401, 429), f"User-Agent with {name}: {status} {answer[:300]}")
            opened += status == 200
            expect(b"forged" not in answer.split(b"\r\n\r\n")[0], f"User-Agent with {name} stands in the head: {answer[:500]}")
    expect(opened >= 8, f"only {opened} logins with hostile headers were let in")


def requests_with(text):
    """What is written down of it: as an object, a detail, a name."""
    name = urllib.parse.quote(text, safe="")
    yield from (("GET", f"/api/v1/hosts/{name}", None), ("DELETE", f"/api/v1/users/{name}", None), ("POST", "/api/v1/backups", {"vm": text}),
                ("POST", "/api/v1/users", {"name": text, "role": "viewer", "password": kPassword}),
                ("POST", "/api/v1/vms/exclusions", {"vm": text, "disk": text, "reason": text}))


def more_requests_with(text):
    name = urllib.parse.quote(text, safe="")
    yield from (("GET", f"/api/v1/{name}", None), ("GET", f"/{name}", None), ("GET", f"/api/v1/audit?user={name}", None), ("GET", f"/api/v1/jobs?{name}=1", None),
                ("PATCH", f"/api/v1/users/{name}", {"role": "viewer"}), ("POST", f"/api/v1/policies/{name}/run", None), ("DELETE", f"/api/v1/points/{name}", None),
                ("POST", "/api/v1/users", {"name": "x", "role": text}), ("POST", "/api/v1/tokens", {"name": text, "role": "viewer"}),
                ("POST", "/api/v1/hosts", {"name": "bad", "url": "https://192.0.2.1/" + text, "auth": "ntlm", "user": text, "password": "x", text: 1}),
                ("POST", "/api/v1/policies", f'{{"{text}": "{text}"'.encode()))


def ask_hostilely(target):
    for name, text in kHostile.items():
        for method, path, body in [*requests_with(text), *(more_requests_with(text) if name in kThorough else ())]:
            key = {"Idempotency-Key": urllib.parse.quote(text, safe="")} if path.endswith("/backups") else None
            status, headers, answer = target.ask(method, path, body, key)
            expect(status < 500 and status != 401, f"{method} {path}: {status} {answer[:300]}")
            expect(not any("forged" in f"{key}{value}" for key, value in headers.items() if key != "location"), f"{method} {path}: {headers}")
            if "json" in headers.get("content-type", ""):
                expect_quiet(f"the answer to {method} {path}", answer.decode())


def check_audit(target):
    content = target.ask("GET", "/api/v1/audit/export")[2].decode("utf-8", "strict")
    entries = []
    for line in content[:-1].split("\n"):
        expect_quiet("the export of the audit", line)
        try:
            entries.append(json.loads(line))
        except ValueError:
            expect(False, f"no line of the audit: {line!r}")
    expect([entry["number"] for entry in entries] == list(range(1, len(entries) + 1)), "an entry was forged, or is missing")
    for name, text in kHostile.items():
        users = [entry for entry in entries if entry["user"] == text]
        expect(len(users) == 1 and users[0]["action"] == "createSession" and users[0]["result"] == "refused", f"the login of {name}: {users}")
    objects = {entry["object"] for entry in entries}
    expect(set(kHostile.values()) <= objects, f"not in the audit: {set(kHostile.values()) - objects}")
    check = json.loads(target.ask("POST", "/api/v1/audit/verify", {})[2])
    expect(check["is_sound"] and check["entries"] >= len(entries), f"the audit log: {check}")
    sessions = target.ask("GET", "/api/v1/sessions")[2].decode()
    expect_quiet("the list of sessions", sessions)
    expect(any("forged" in session["user_agent"] for session in json.loads(sessions)["sessions"]), "no session has a hostile browser")


def on_a_terminal(lab, *arguments):
    """What a person's terminal would get."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([lab.binaries / "entrepot", *lab.place(), *arguments], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    content = b""
    try:
        while part := os.read(ours, 65536):
            content += part
    except OSError:
        pass  # The end of a terminal that nobody writes to.
    os.close(ours)
    process.wait(30)
    return content.decode("utf-8", "strict").replace("\r\n", "\n")


def check_terminal(lab):
    shown = on_a_terminal(lab, "audit", "list", "--limit", "1000")
    expect(shown.count("forged") > len(kHostile), f"the audit on a terminal lacks what was asked: {shown[-500:]}")
    expect_quiet("the audit on a terminal", shown, but="\n")
    for arguments in (("audit", "export"), ("audit", "list", "--json"), ("user", "sessions"), ("user", "list"), ("token", "list"), ("job", "list"), ("warnings",)):
        expect_quiet(" ".join(arguments) + " on a terminal", on_a_terminal(lab, *arguments), but="\n")
    for text in ("x\x1b[31mforged", "x\x9bforged", "x\u202eforged", "x\x7fforged"):
        shown = on_a_terminal(lab, "host", "show", text)
        expect("forged" in shown, f"the refusal does not name what is not there: {shown!r}")
        expect_quiet("a refusal on a terminal", shown, but="\n")


def play(target, lab, log):
    addresses = sources()
    log_in_hostilely(target, addresses)
    target.log_in()  # A user has so many sessions, and the oldest ends.
    ask_hostilely(target)
    lines = check_log(log)
    for name, text in kHostile.items():
        refused = [line for line in lines if line["message"] == "sign-in refused" and line.get("user") == text]
        expect(len(refused) == 1, f"the login of {name} is in the log {len(refused)} times")
    check_audit(target)
    check_terminal(lab)
