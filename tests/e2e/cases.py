"""Registers and runs the cases of failures.py: each on a scene of its own, some at the same time."""
import argparse
import concurrent.futures
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from harness import Failure
from scene import Scene

SKIPPED = 77
CASES = []


def case(name=None, needs_mount=False, **settings):
    def register(function):
        CASES.append((name or function.__name__, function, needs_mount, settings))
        return function
    return register


def why_skipped():
    """Samba takes the identity of its user, so only root can run it. None: nothing is missing."""
    if os.geteuid() != 0:
        return "a private Samba needs root"
    if not shutil.which("smbd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        return "smbd is not installed"
    return None


def skip_unless_possible():
    reason = why_skipped()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)


def may_mount():
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode != 0:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def play(binaries, entry, seed):
    name, function, _, settings = entry
    started = time.monotonic()
    try:
        with Scene(binaries, random.Random(f"{seed} {name}"), **dict(settings)) as scene:
            function(scene)
        verdict = None
    except Failure as failure:
        verdict = str(failure)
    except Exception:  # A fault of the test itself is no less a failure.
        verdict = traceback.format_exc()
    print(f"{'ok' if verdict is None else 'FAILED':7}{time.monotonic() - started:6.1f} s  {name}{'' if verdict is None else ': ' + verdict}", flush=True)
    return name, verdict


def main(usage):
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("--only", default="", help="cases whose names contain one of these words (with commas)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    skip_unless_possible()
    print(f"seed {arguments.seed}", flush=True)
    wanted = [entry for entry in CASES if any(part in entry[0] for part in arguments.only.split(","))]
    if any(entry[2] for entry in wanted) and not may_mount():
        left_out = [entry[0] for entry in wanted if entry[2]]
        print(f"left out, mounting is not allowed here: {', '.join(left_out)} (share_full_as_the_host_says stands for it)")
        wanted = [entry for entry in wanted if not entry[2]]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        verdicts = list(pool.map(lambda entry: play(arguments.binaries, entry, arguments.seed), wanted))
    failed = [name for name, verdict in verdicts if verdict is not None]
    if failed or not verdicts:
        sys.exit(f"seed {arguments.seed}: {len(failed)} of {len(verdicts)} cases failed: {', '.join(failed)}")
    print(f"all {len(verdicts)} cases passed")
