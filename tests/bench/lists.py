#!/usr/bin/env python3
"""How long the console's lists take with 1,000 VMs, 100,000 points and 1,000,000 jobs, for 50 clients that ask once a second each. Not a test:
nothing here is timed by one. Needs the target bench_many_points.

usage: lists.py BINARIES [--vms N] [--points N] [--jobs N] [--seconds N]
"""
import argparse
import http.client
import json
import pathlib
import re
import sqlite3
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import MIB, Lab  # noqa: E402

CLIENTS = 50
SETTLE_SECONDS = 4


def vm_id(number):
    return f"00000000-0000-4000-8000-{number:012}"


def row_of(database, table, order):
    database.row_factory = sqlite3.Row
    return dict(database.execute(f"SELECT * FROM {table} ORDER BY {order} DESC LIMIT 1").fetchone())


def insert(database, table, rows):
    rows = iter(rows)
    first = next(rows)
    columns = ", ".join(first)
    marks = ", ".join("?" for _ in first)
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
    database.execute(statement, tuple(first.values()))
    database.executemany(statement, (tuple(row.values()) for row in rows))


def jobs(original, count):
    for number in range(count):
        job = dict(original, number=original["number"] + 1 + number, id=f"{number:032x}", once_key="")
        job["created"] += number
        job["state"] = "failed" if number % 10 == 0 else original["state"]
        yield job


def vms(original, count):
    for number in range(1, count + 1):
        yield dict(original, vm=vm_id(number), name=f"vm-{number:04}")


def fill_state(path, options):
    database = sqlite3.connect(path)
    with database:
        insert(database, "vms", vms(row_of(database, "vms", "seen"), options.vms))
        insert(database, "jobs", jobs(row_of(database, "jobs", "number"), options.jobs))
    database.close()


class Client(threading.Thread):
    """Asks once a second over one connection, as a console does."""

    def __init__(self, number, lab, token, path, end):
        super().__init__()
        self.lab, self.token, self.path, self.end = lab, token, path, end
        self.times, self.failure = [], None
        # The appliance bounds the connections of one address.
        self.source = (f"127.0.0.{2 + number % 4}", 0)
        self.begin = time.monotonic() + SETTLE_SECONDS + number / CLIENTS

    def run(self):
        try:
            connection = connect(self.lab, self.source)
            ask(connection, self.token, self.path)  # A console keeps its connection; making one is not measured.
            due = self.begin
            while due < self.end:
                time.sleep(max(0, due - time.monotonic()))
                self.times.append(ask(connection, self.token, self.path))
                due += 1
            connection.close()
        except (OSError, http.client.HTTPException, AssertionError) as error:
            self.failure = error


def connect(lab, source=None):
    host, port = lab.daemon_address.split(":")
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, int(port), source_address=source, context=trust, timeout=300)


def ask(connection, token, path):
    """Milliseconds."""
    begin = time.monotonic()
    connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:300]
    return (time.monotonic() - begin) * 1000


def measure(lab, token, path, options):
    end = time.monotonic() + SETTLE_SECONDS + options.seconds
    clients = [Client(number, lab, token, path, end) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
        if client.failure:
            raise SystemExit(f"{path}: {client.failure!r}")
    times = sorted(value for client in clients for value in client.times)
    return times[len(times) // 2], times[len(times) * 99 // 100], len(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--vms", type=int, default=1_000)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=15)
    options = parser.parse_args()
    with Lab(options.binaries) as lab:
        lab.config_file = lab.root / "entrepot.toml"
        lab.config_file.write_text("[jobs]\nkeep_count = 1000000\nkeep_days = 3650\n[hosts]\nallow_loopback = true\n[files]\nindex = false\n")
        raw = lab.raw_disk("a", 16 * MIB)
        lab.start_host([{"name": "web01", "disks": [{"raw": str(raw)}]}])
        lab.set_up_appliance()
        lab.entrepot("backup", "web01")
        lab.stop_host()
        print("filling the databases", flush=True)
        subprocess.run([options.binaries / "bench_many_points", lab.data / "repository", str(options.vms), str(options.points)], check=True)
        fill_state(lab.data / "state.db", options)
        lab.start_daemon()
        token = lab.entrepot("token", "add", "bench", "--role", "viewer")["secret"]
        newest = f"/points?vm={vm_id(1)}"
        print(f"the first look at all VMs: {ask(connect(lab), token, '/vms'):.0f} ms", flush=True)
        print(f"{'list':<40} {'p50 ms':>8} {'p99 ms':>8} {'requests':>8}")
        for path in ("/vms", "/vms?limit=1000", "/points", newest, "/jobs", "/jobs?state=failed", "/jobs?kind=backup&limit=20"):
            median, high, count = measure(lab, token, path, options)
            print(f"{path:<40} {median:>8.1f} {high:>8.1f} {count:>8}", flush=True)
        memory = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{lab.daemon.pid}/status").read_text())
        print(json.dumps({"peak_mib": int(memory.group(1)) // 1024}))


if __name__ == "__main__":
    main()
