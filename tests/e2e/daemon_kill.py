#!/usr/bin/env python3
"""kill -9 of the daemon while it backs up: started again, it ends the job, and the host is clean. And while a restore waits for
the person who copies its files: it still waits afterwards, lets backups run, and ends when they are there.

usage: daemon_kill.py BINARIES [--keep]
"""
import argparse
import os
import shutil
import sys

from harness import MIB, Failure, Lab, expect, wait_until

VM = "11111111-1111-4111-8111-111111111111"
DISKS = ((160 * MIB, 512), (8 * MIB + 4096, 4096))
STAGES = ("snapshot", "export", "ingest")


def guest_writes(disks):
    """All of it: an ingest must last long enough to be seen."""
    for path, size, _ in disks:
        with open(path, "r+b") as disk:
            for _ in range(size // MIB):
                disk.write(os.urandom(MIB))


def newest_job(lab, known):
    jobs = [job for job in lab.entrepot("job", "list")["jobs"] if job["id"] not in known and job["kind"] == "backup"]
    return jobs[0] if jobs else None


def kill_at(lab, stage):
    """Starts a backup, kills the daemon in the stage. Returns the job."""
    known = {job["id"] for job in lab.entrepot("job", "list")["jobs"]}
    client = lab.start_entrepot("backup", VM)

    def is_there():
        job = newest_job(lab, known)
        if job is None:
            return None
        expect(job["state"] in ("queued", "running"), f"the job ended before it was seen in stage {stage}: {job}")
        return job if job["stage"] == stage else None

    job = wait_until(is_there, 120, f"stage {stage}")
    lab.kill_daemon()
    client.wait(60)
    return job["id"]


def expect_clean(lab):
    audit = lab.expect_clean_host()
    expect(len(audit["reference_points"]) == 1, f"reference points: {audit['reference_points']}")
    files = [path for path in lab.share_directory.rglob("*") if path.is_file()]
    expect(not files, f"files left on the share: {files}")


def point_ids(lab):
    return [point["id"] for point in lab.entrepot("point", "list")["points"]]


def play(lab):
    disks = [(lab.raw_disk(f"web01-{number}", size), size, sector) for number, (size, sector) in enumerate(DISKS)]
    machine = {"id": VM, "name": "web01", "generation": 2, "version": "10.0", "state": "running", "guest_vss": True,
               "disks": [{"raw": str(path), "controller": "scsi", "location": number, "format": "vhdx", "logical_sector_size": sector}
                         for number, (path, _, sector) in enumerate(disks)]}
    local = lab.root / "disk-d"
    local.mkdir()
    lab.start_host([machine], seed=0, speed={"export_bytes_per_second": 120 * MIB, "job_step_ms": 50},
                   volumes=[{"path": "D:\\VMs", "directory": str(local)}])
    lab.set_up_appliance()
    lab.start_daemon()
    for number, stage in enumerate(STAGES):
        guest_writes(disks)
        lab.new_exports()
        job = kill_at(lab, stage)
        lab.start_daemon()
        expect(len(point_ids(lab)) in (number, number + 1), "a half point is listed")
        ended = lab.entrepot("job", "follow", job)
        expect(ended["id"] == job and ended["state"] == "done", f"the job did not go on: {ended}")
        result = ended["result"]
        print(f"killed in {stage}: resumed, {result['kind']}, {result['reason']}", flush=True)
        expect(result["kind"] == ("full" if number == 0 else "incremental"), f"not the expected kind: {result}")
        points = point_ids(lab)
        expect(len(points) == number + 1 and result["point"] in points, f"points: {points}")
        exports = lab.new_exports()
        for index in range(len(DISKS)):
            expect(lab.restored_sha256(result["point"], index) == exports[(VM, index)], f"disk {index} after {stage} differs")
        expect_clean(lab)
    restore_while_nobody_copies(lab, result["point"], exports, local / "web01")


def restore_while_nobody_copies(lab, point, contents, target):
    client = lab.start_entrepot("restore", "vm", point, "--host", "hv01", "--to", "D:\\VMs\\web01")

    def waiting():
        jobs = [job for job in lab.entrepot("job", "list", "--state", "running")["jobs"] if job["kind"] == "restore_vm" and job["waiting_for"]]
        return jobs[0] if jobs else None

    job = wait_until(waiting, 120, "a restore that waits for somebody")
    expect("D:\\VMs\\web01" in job["waiting_for"] and job["stage"] == "copy", f"it waits for something else: {job}")
    lab.kill_daemon()
    client.wait(60)
    lab.start_daemon()
    expect(lab.entrepot("backup", VM)["kind"] == "incremental", "no backup beside a restore that waits")
    again = wait_until(waiting, 60, "the restore, after the restart")
    expect(again["id"] == job["id"], f"another restore: {again}")
    folder = next(path.parent for path in lab.share_directory.rglob("entrepot-complete.vhdx") if (path.parent / "Virtual Machines").is_dir())
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("entrepot-complete.vhdx"))
    shutil.copy(folder / "entrepot-complete.vhdx", target)
    ended = lab.entrepot("job", "follow", job["id"])
    expect(ended["state"] == "done" and ended["result"]["reach"] == "copied", f"the restore: {ended}")
    machines = lab.host_control("audit")["imported_vms"]
    expect(len(machines) == 1 and machines[0]["id"].lower() == ended["result"]["vm"]["id"].lower(), f"the imported VMs: {machines}")
    for index, disk in enumerate(machines[0]["disks"]):
        expect(disk.get("sha256") == contents[(VM, index)], f"disk {index} of the restored VM: {disk}")
    expect_clean(lab)
    print("killed while a restore waited for a person: it went on waiting, and ended", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    try:
        with Lab(arguments.binaries, arguments.keep) as lab:
            play(lab)
    except Failure as failure:
        sys.exit(str(failure))
    print("daemon kill: every job was resumed, the host is clean")


if __name__ == "__main__":
    main()
