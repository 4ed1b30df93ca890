#!/usr/bin/env python3
"""Every fault of the simulator's list, in a backup and in a restore of a VM: it ends as the table of fault_rows.py says, the message
names the cause, the host is clean, and the next backup works. A kind without a row is a failure. Writes the table in Markdown.

usage: fault_table.py BINARIES [--only KIND,...] [--seed N] [--jobs 10] [--report FILE]
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time
import traceback

from cases import skip_unless_possible
from fault_rows import EXPORT, FOREVER, NotHere, ROWS
from harness import Failure, expect, wait_until
from restore_vm import UNC, audit_of, restore
from scene import NOISE, WEB01, Scene

FOREIGN = {"snapshots": "snapshots", "points": "reference_points", "planned": "planned_vms", "machines": "virtual_machines"}
OTHERS = [{"name": f"other{number}", "disks": []} for number in range(120)]
SCENES = {"plain": {"with_samba": False}, "samba": {}, "sealed": {"with_samba": False, "http": "127.0.0.1:0"}, "many": {"with_samba": False}}


@dataclasses.dataclass
class Task:
    name: str
    phase: str
    run: object
    seen: str = ""
    verdict: str | None = None
    seconds: float = 0.0

    def title(self):
        return f"{self.phase} {self.name}{':' + self.run.argument if self.run.argument else ''} at {self.run.at}"


def list_kinds(binaries):
    result = subprocess.run([binaries / "entrepot-hostsim", "--list-faults", "--json"], capture_output=True, text=True, check=True)
    return {kind["name"]: kind for kind in json.loads(result.stdout)["kinds"]}


def tasks_of(kinds):
    missing = sorted(set(kinds) - set(ROWS))
    expect(not missing, f"kinds without a row: {missing}")
    expect(not set(ROWS) - set(kinds), f"rows without a kind: {sorted(set(ROWS) - set(kinds))}")
    tasks = []
    for name, phases in ROWS.items():
        for phase, runs in zip(("backup", "restore"), phases):
            if isinstance(runs, NotHere):
                expect(runs.why, f"{name} does not apply in a {phase}, without a reason")
                continue
            for run in runs:
                at = kinds[name]["at"]
                expect(run.at in at or "*" in at or run.at == "*", f"{name} can't be planned at {run.at}, only at {at}")
                tasks.append(Task(name, phase, run))
    return tasks


class Stage:
    """A scene that many faults are played on, one after the other."""

    def __init__(self, scene, kind):
        self.scene, self.lab, self.points = scene, scene.lab, {}
        if kind == "sealed":
            self.seal()
        if kind == "many":
            for other in OTHERS:
                self.lab.host_control("vm", "add", json.dumps(other))
        self.back_up()

    def seal(self):
        """The host as it is reached without TLS, every message sealed."""
        url = json.loads((self.lab.state / "endpoint.json").read_text())["http_url"]
        self.lab.entrepot("host", "remove", "hv01", "--yes")
        self.lab.entrepot("host", "add", "hv01", "--url", url, "--http", "--auth", "ntlm", "--user", "HV01\\backup", "--password-file", self.lab.root / "password")

    def back_up(self, **expected):
        """A backup whose point is what the host exported; its answer."""
        self.lab.new_exports()
        return self.remember(self.lab.entrepot("backup", WEB01, **expected))

    def remember(self, answer):
        exports = self.lab.new_exports()
        self.points[answer["point"]] = {disk["index"]: exports[(WEB01, disk["index"])] for disk in answer["disks"]}
        expect(len(answer["disks"]) >= 1, f"a point without disks: {answer}")
        return answer

    def play(self, task):
        self.scene.write()
        run = task.run
        for at, do in [(run.at, task.name + (f":{run.argument}" if run.argument else "")), *run.also]:
            self.scene.arm(at, do, run.times)
        document = self.ask(task)
        self.check_use(task)
        self.scene.disarm()
        task.seen = self.check_answer(task, document)
        machine = document.get("vm", {}).get("id") if task.phase == "restore" and run.code is None else None
        if machine:
            self.check_machine(machine, document["point"])
        self.check_left(run, machine)
        self.clear(run, machine)
        self.back_up()
        self.check_left(dataclasses.replace(run, foreign="", in_doubt=""), None)

    def ask(self, task):
        run = task.run
        status = run.status if run.status is not None else 0 if run.code is None else 1
        self.lab.new_exports()
        command = ["backup", WEB01] if task.phase == "backup" else ["restore", "vm", "web01@latest", "--host", "hv01", "--to", UNC]
        if not run.cancels and not run.reboots:
            return self.lab.entrepot(*command, status=status)
        process = self.scene.begin(*command)
        if run.cancels:
            self.scene.wait_for_job(run.at)
            process.send_signal(signal.SIGINT)
        else:
            wait_until(self.stays_unmerged, 60, "a merge that does not end")
            self.lab.host_control("reboot")
        return self.scene.ended(process, status)

    def stays_unmerged(self):
        audit = self.lab.host_control("audit")
        return audit["unmerged_disks"] and not audit["snapshots"] and not audit["running_jobs"]

    def check_use(self, task):
        """The fault was injected at a place that was reached."""
        if not task.run.counts:
            return
        for fault in self.lab.host_control("fault", "list")["faults"]:
            expect(fault["times"] < task.run.times, f"the fault was not met: {fault}")
            expect(task.run.times == FOREVER, f"the fault was not used up: {fault}")

    def check_answer(self, task, document):
        run = task.run
        if run.code is None:
            expect("error" not in document, f"an error: {document}")
            text = json.dumps(document, ensure_ascii=False)
            said = " ".join([document.get("reason", ""), *document.get("warnings", [])])
            if task.phase == "backup":
                self.remember(document)
                expect(run.kind in (None, document["kind"]), f"the backup is {document['kind']}: {document['reason']}")
                if not run.is_blind:
                    self.check_point(document["point"])
            else:
                said = text
            summary = f"{document.get('kind', 'restored')}" + (f"; {'; '.join(document['warnings'])}" if document.get("warnings") else "")
        else:
            error = document["error"]
            expect(error["code"] == run.code, f"the code is {error['code']}, not {run.code}: {error}")
            expect(error["message"] and (error["hint"] or run.cancels), f"message or hint is empty: {error}")
            said = " ".join([error["message"], error["hint"], *error["context"]])
            for noise in NOISE:
                expect(noise not in said, f"noise ('{noise}') in: {said}")
            summary = f"{error['code']}: {error['message']} ({error['hint']})"
            if "Remove-VMSnapshot" in run.words:
                residue = self.lab.entrepot("vm", "show", WEB01)["residue"]
                expect(any("Nothing proves whose" in one["text"] and "Remove-VMSnapshot" in one["command"] for one in residue),
                       f"what is in doubt is not reported: {residue}")
        for word in run.words:
            expect(word.lower() in said.lower(), f"'{word}' is not in: {said}")
        return summary

    def check_point(self, point):
        for index, digest in self.points[point].items():
            expect(self.lab.restored_sha256(point, index) == digest, f"disk {index} of the point differs")

    def check_machine(self, machine, point):
        found = [vm for vm in audit_of(self.scene)["imported_vms"] if vm["id"].lower() == machine.lower()]
        expect(len(found) == 1, f"the VM {machine} is not on the host once: {found}")
        for number, disk in enumerate(found[0]["disks"]):
            expect("error" not in disk and disk["sha256"] == self.points[point][number], f"disk {number} of the VM is not the point's: {disk}")
        expect(len(found[0]["disks"]) == len(self.points[point]), f"the VM has {len(found[0]['disks'])} disks")

    def check_left(self, run, machine):
        """Nothing of ours but a reference point, and the restored VM if there is to be one; all that is foreign."""
        audit = audit_of(self.scene)
        for name, key in FOREIGN.items():
            foreign = [item for item in audit[key] if item["foreign"] and (key != "snapshots" or item["kind"] == "recovery")]
            expect(len(foreign) == (1 if run.foreign == name else 0), f"of another product, {key}: {foreign}")
        for key in ("snapshots", "planned_vms"):
            ours = [item for item in audit[key] if not item["foreign"]]
            expect(len(ours) == (1 if run.in_doubt == key else 0), f"of ours are left, {key}: {ours}")
        points = [point for point in audit["reference_points"] if not point["foreign"]]
        expect(len(points) <= 1, f"reference points of ours: {points}")
        if "snapshots" not in (run.foreign, run.in_doubt):
            expect(not audit["unmerged_disks"], f"unmerged disks: {audit['unmerged_disks']}")
        expect(not audit["running_jobs"], f"jobs still run: {audit['jobs']}")
        imported = [vm["id"].lower() for vm in audit["imported_vms"]]
        expect(imported == ([machine.lower()] if machine else []), f"imported VMs: {imported}")
        files = [path for path in self.lab.share_directory.rglob("*") if path.is_file() or path.is_symlink()]
        expect(bool(files) == bool(machine), f"left in the share: {files}")

    def clear(self, run, machine):
        """What the next task must not find: the restored VM, the other product's objects, the VM's change."""
        control, audit = self.lab.host_control, audit_of(self.scene)
        for snapshot in audit["snapshots"]:
            control("checkpoint", "delete", WEB01, snapshot["id"])
        for point in audit["reference_points"]:
            if point["foreign"] or run.in_doubt == "points":
                control("reference-point", "drop", WEB01, point["id"])
        for vm in audit["planned_vms"]:
            control("planned", "remove", vm["id"])
        for vm in audit["virtual_machines"]:
            if vm["foreign"] or vm["id"].lower() == (machine or "").lower():
                control("vm", "remove", vm["id"])
        if machine:
            subprocess.run(["find", self.lab.share_directory, "-mindepth", "1", "-delete"], check=True)
        if run.mends:
            getattr(self, "mend_" + run.mends.replace("-", "_"))()

    def mend_full(self):
        self.lab.entrepot("backup", WEB01, "--full")

    def mend_add(self):
        self.lab.host_control("vm", "add", json.dumps(self.lab.config["virtual_machines"][0]))

    def mend_rename(self):
        self.lab.host_control("vm", "rename", WEB01, "web01")

    def mend_remove_disk(self):
        self.back_up()  # With the new disk.
        self.lab.host_control("disk", "remove", WEB01, 2)

    def mend_add_disk(self):
        self.back_up()  # Without it.
        self.lab.host_control("disk", "add", WEB01, json.dumps(self.lab.config["virtual_machines"][0]["disks"][1]))

    def mend_checkpoint(self):
        pass  # It went with the other snapshots.


class Troupe:
    """Scenes that take tasks from one list, the longest first."""

    def __init__(self, binaries, seed, tasks):
        self.binaries, self.seed = binaries, seed
        self.left = sorted(tasks, key=lambda task: not task.run.takes_long)
        self.lock = threading.Lock()

    def next_task(self, kind):
        with self.lock:
            for task in self.left:
                if task.run.scene == kind:
                    self.left.remove(task)
                    return task
        return None

    def work(self, place):
        number, kind = place
        while task := self.next_task(kind):
            try:
                with Scene(self.binaries, random.Random(f"{self.seed} {number}"), **SCENES[kind]) as scene:
                    stage = Stage(scene, kind)
                    while task:
                        self.play(stage, task)
                        if task.verdict is not None:
                            break  # Who knows what is left there.
                        task = self.next_task(kind)
            except Exception:
                if task and task.verdict is None:
                    task.verdict = traceback.format_exc()
                    print(f"FAILED {task.title()}: {task.verdict}", flush=True)

    def play(self, stage, task):
        started = time.monotonic()
        try:
            stage.play(task)
        except Failure as failure:
            task.verdict = str(failure)
        except Exception:  # A fault of the test itself is no less a failure.
            task.verdict = traceback.format_exc()
        task.seconds = time.monotonic() - started
        print(f"{'ok' if task.verdict is None else 'FAILED':7}{task.seconds:6.1f} s  {task.title()}{'' if task.verdict is None else ': ' + task.verdict}", flush=True)


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def write_report(path, kinds, tasks):
    lines = ["# The simulator's faults, in a backup and in a restore", "", "| fault | stands for | phase | at | must | seen |", "|---|---|---|---|---|---|"]
    for name, phases in ROWS.items():
        ids = ", ".join(kinds[name]["stands_for"])
        for phase, runs in zip(("backup", "restore"), phases):
            if isinstance(runs, NotHere):
                lines.append(f"| {name} | {ids} | {phase} | - | does not apply: {cell(runs.why)} | |")
        for task in tasks:
            if task.name != name:
                continue
            run = task.run
            must = "end well" + (f" as {run.kind}" if run.kind else "") if run.code is None else f"fail with {run.code}"
            must += f", saying {', '.join(run.words)}" if run.words else ""
            seen = task.seen if task.verdict is None else f"FAILED: {task.verdict}"
            lines.append(f"| {name}{':' + cell(run.argument) if run.argument else ''} | {ids} | {task.phase} | {cell(run.at)} | {cell(must)} | {cell(seen)} |")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--only", default="", help="kinds, with commas")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "little"))
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--report", type=pathlib.Path)
    arguments = parser.parse_args()
    skip_unless_possible()
    print(f"seed {arguments.seed}", flush=True)
    kinds = list_kinds(arguments.binaries)
    tasks = tasks_of(kinds)
    if arguments.only:
        tasks = [task for task in tasks if task.name in arguments.only.split(",")]
    troupe = Troupe(arguments.binaries, arguments.seed, tasks)
    places = [(0, "samba"), (1, "sealed"), (2, "many"), *[(3 + number, "plain") for number in range(arguments.jobs)]]
    with concurrent.futures.ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(troupe.work, places))
    if arguments.report:
        write_report(arguments.report, kinds, tasks)
    failed = [task.title() for task in tasks if task.verdict is not None]
    if failed or not tasks:
        sys.exit(f"seed {arguments.seed}: {len(failed)} of {len(tasks)} runs failed:\n" + "\n".join(failed))
    print(f"all {len(tasks)} runs of {len({task.name for task in tasks})} faults ended as they must")


if __name__ == "__main__":
    main()
