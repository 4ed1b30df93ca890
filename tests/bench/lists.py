#!/usr/bin/env python3
"""How long the console's lists take with 1,000 VMs, 100,000 points and 1,000,000 jobs, for 50 clients that ask once a second each, and for as
many that never pause. Not a test: nothing here is timed by one. Needs hey (Debian's package) and the target bench_many_points.

usage: lists.py BINARIES [--vms N] [--points N] [--jobs N] [--seconds N]
"""
import argparse
import json
import pathlib
import re
import sqlite3
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import MIB, Lab  # noqa: E402

CLIENTS = 50


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


def measure(lab, token, path, options, *pace):
    command = ["hey", "-z", f"{options.seconds}s", "-c", str(CLIENTS), *pace, "-H", f"Authorization: Bearer {token}", "-H", "Accept-Encoding: identity",
               f"https://{lab.daemon_address}/api/v1{path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    status = dict(re.findall(r"\[(\d+)\]\s+(\d+) responses", said))
    if set(status) != {"200"}:
        raise SystemExit(f"{path}: {status or said}")
    latency = {name: float(value) * 1000 for name, value in re.findall(r"(\d+)% in ([\d.]+) secs", said)}
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    return latency, rate


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
        lab.config_file.write_text("[jobs]\nkeep_count = 1000000\nkeep_days = 3650\n[hosts]\nallow_loopback = true\n")
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
        print(f"{'list':<40} {'once a second: p50':>20} {'p99 ms':>8} {'no pause: p50':>15} {'p99 ms':>8} {'per s':>8}")
        for path in ("/vms", "/vms?limit=1000", "/points", newest, "/jobs", "/jobs?state=failed", "/jobs?kind=backup&limit=20"):
            calm, _ = measure(lab, token, path, options, "-q", "1")
            busy, rate = measure(lab, token, path, options)
            print(f"{path:<40} {calm['50']:>20.1f} {calm['99']:>8.1f} {busy['50']:>15.1f} {busy['99']:>8.1f} {rate:>8.0f}", flush=True)
        memory = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{lab.daemon.pid}/status").read_text())
        print(json.dumps({"peak_mib": int(memory.group(1)) // 1024}))


if __name__ == "__main__":
    main()
