#!/usr/bin/env python3
"""A large file out of a recovery point: how long until its first byte when nothing of the point was read before, and how fast the whole of it
comes, against the same server with a plain file. Not a test: nothing here is timed by one. Needs the target bench_static_file.

usage: download.py BINARIES [--mib N] [--rounds N]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import MIB, Lab, free_port, sha256_of  # noqa: E402

STREAM_SEED = "entrepot"


def make_content(path, mib):
    """Half of it compresses, as a database or a mailbox does."""
    noise = subprocess.Popen(["openssl", "enc", "-aes-128-ctr", "-nosalt", "-pass", f"pass:{STREAM_SEED}", "-pbkdf2", "-in", "/dev/zero"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with open(path, "wb") as file:
        for _ in range(mib):
            piece = noise.stdout.read(MIB // 2)
            file.write(b"".join(piece[start:start + 2048] + piece[start:start + 256] * 8 for start in range(0, len(piece), 2048)))
    noise.kill()
    noise.wait()


def make_disk(root, mib):
    folder = root / "tree"
    folder.mkdir()
    make_content(folder / "large.bin", mib)
    disk = root / "guest.raw"
    with open(disk, "wb") as file:
        file.truncate((mib + 256) * MIB)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, disk], check=True)
    return disk, folder / "large.bin"


def drop_page_cache():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def fetch(url, token=None, target="/dev/null"):
    """Seconds to the first byte of the body, and to its end."""
    command = ["curl", "-sk", "--fail", "-o", target, "-w", "%{time_pretransfer} %{time_starttransfer} %{time_total}", url]
    if token:
        command[1:1] = ["-H", f"Authorization: Bearer {token}"]
    times = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    connected, first, end = map(float, times)
    return first - connected, end - connected


def first_byte(url, token):
    """As a browser sees it: the head comes with the first piece of the file."""
    command = ["curl", "-skN", "--fail", "-H", f"Authorization: Bearer {token}", "-w", "", url]
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(1), "no byte came"
        seconds = time.monotonic() - begin
        process.kill()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with Lab(options.binaries) as lab:
        lab.make_repository()
        raw, plain = make_disk(lab.root, options.mib)
        disk = lab.root / "guest.vhdx"
        lab.entrepot("image", "convert", raw, disk, "--format", "vhdx")
        raw.unlink()
        point = lab.entrepot("ingest", disk, "--vm", "guest")["point"]
        disk.unlink()
        cold = []
        for _ in range(options.rounds):
            lab.start_daemon()
            token = lab.entrepot("token", "add", f"bench{len(cold)}", "--role", "administrator", timeout=60)["secret"]
            url = f"https://{lab.daemon_address}/api/v1/points/{point}/disks/0/volumes/0/content?path=/large.bin"
            drop_page_cache()
            cold.append(first_byte(url, token))
            if len(cold) < options.rounds:
                lab.kill_daemon()
        fetched = lab.root / "fetched"
        fetch(url, token, fetched)
        assert sha256_of(fetched) == sha256_of(plain), "the download is not what was put in"
        fetched.unlink()
        port = free_port()
        server = subprocess.Popen([options.binaries / "bench_static_file", plain, lab.root / "certificate", str(port)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        lab.processes.append(server)
        assert server.stdout.readline() == "ready\n"
        ratios, rates = [], []
        for _ in range(options.rounds):  # In turns: the machine is not always as fast.
            _, static = fetch(f"https://127.0.0.1:{port}/")
            _, ours = fetch(url, token)
            ratios.append(static / ours)
            rates.append(options.mib / ours)
        server.stdin.close()
        server.wait(20)
    print(json.dumps({"first_byte_cold_ms": [round(value * 1000) for value in sorted(cold)],
                      "download_mib_per_second": round(statistics.median(rates)),
                      "of_a_static_file": [round(value, 2) for value in sorted(ratios)]}))


if __name__ == "__main__":
    main()
