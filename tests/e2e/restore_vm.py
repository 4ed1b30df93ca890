#!/usr/bin/env python3
"""Whole VMs back onto the simulated host, over a real Samba share: beside the original, in its place, on another host;
what is in the way, what fails, answers that are lost. The host's own audit compares the disks.

usage: restore_vm.py BINARIES [--only TEXT] [--seed N] [--jobs 2]
"""
import contextlib
import json
import shutil
import subprocess

from cases import case, main
from harness import expect, free_port, wait_until
from scene import WEB01

UNC = "\\\\appliance\\exports"
ADAPTERS = [{"name": "Network Adapter", "switch": "LAN", "mac": "00155D010203", "static_mac": True},
            {"name": "Network Adapter 2", "switch": "DMZ"}]
MACHINE = {"network_adapters": ADAPTERS, "notes": "written by its owner"}
SETTINGS = {"machine": MACHINE, "switches": ["LAN", "DMZ", "Lab"]}
IMPORT, VALIDATE, REALISE, DESTROY = "ImportSystemDefinition", "ValidatePlannedSystem", "RealizePlannedSystem", "DestroySystem"


def audit_of(scene, state=None):
    binary = scene.lab.binaries / "entrepot-hostsim"
    result = subprocess.run([binary, "ctl", "--state", state or scene.lab.state, "audit"], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def restore(scene, *options, point="web01@latest", host="hv01", to=UNC, status=0):
    return scene.lab.entrepot("restore", "vm", point, "--host", host, "--to", to, *options, status=status)


def check_vm(scene, result, point, state=None):
    """The host has exactly this imported VM, with the point's disks, and no planned one. Returns it."""
    audit = audit_of(scene, state)
    expect(not audit["planned_vms"], f"planned VMs are left: {audit['planned_vms']}")
    found = [vm for vm in audit["imported_vms"] if vm["id"].lower() == result["vm"]["id"].lower()]
    expect(len(found) == 1, f"VM {result['vm']} is not among {audit['imported_vms']}")
    vm = found[0]
    expect(vm["state"] == ("running" if result["started"] else "off"), f"the VM is {vm['state']}")
    for number, disk in enumerate(vm["disks"]):
        expect("error" not in disk, f"disk {number}: {disk}")
        expect(disk["sha256"] == scene.expected[point][number], f"disk {number} of the VM is not the point's")
    expect(len(vm["disks"]) == len(scene.expected[point]), f"{len(vm['disks'])} disks")
    return vm


def check_nothing(scene, state=None):
    """A restore that came to nothing left nothing."""
    audit = audit_of(scene, state)
    expect(not audit["planned_vms"], f"planned VMs are left: {audit['planned_vms']}")
    expect(not audit["imported_vms"], f"VMs are left: {audit['imported_vms']}")
    expect(not audit["running_jobs"], f"jobs still run: {audit['jobs']}")
    files = [path for path in scene.lab.share_directory.rglob("*") if path.is_file()]
    expect(not files, f"left on the share: {files}")


def networks(result):
    """The switches that adapters are on now. Hosts list adapters in no order."""
    return {adapter["was_on"]: adapter["switch"] for adapter in result["network"]}


@case(**SETTINGS)
def beside_the_original(scene):
    scene.back_up(kind="full")
    scene.write()
    point = scene.back_up(kind="incremental")["point"]
    preflight = scene.lab.entrepot("restore", "vm", point, "--host", "hv01", "--to", UNC, "--preflight")
    expect(preflight["can_start"], f"the preflight: {preflight}")
    expect({adapter["was_on"] for adapter in preflight["adapters"]} == {"LAN", "DMZ"}, f"the adapters: {preflight['adapters']}")
    check_nothing(scene)
    result = restore(scene, point=point)
    vm = check_vm(scene, result, point)
    expect(vm["id"].lower() != WEB01, "the copy has the original's id")
    expect(result["vm"]["name"].startswith("web01 (restored "), f"its name is {result['vm']}")
    expect(networks(result) == {"LAN": None, "DMZ": None}, f"its network is {result['network']}")
    # Its first backup is a full that says why, the next one an increment; the original goes on as before.
    answer = scene.lab.entrepot("backup", result["vm"]["id"])
    expect(answer["kind"] == "full" and f"restored from point {point}" in answer["reason"], f"the backup: {answer}")
    exports = scene.lab.new_exports()
    for disk in answer["disks"]:
        digest = exports[(vm["id"].lower(), disk["index"])]
        expect(digest == scene.expected[point][disk["index"]], "the restored VM exports something else")
        expect(scene.lab.restored_sha256(answer["point"], disk["index"]) == digest, "its backup restores something else")
    with open(vm["disks"][0]["raw"], "r+b") as disk:
        disk.write(b"written by the restored guest")
    again = scene.lab.entrepot("backup", result["vm"]["id"])
    expect(again["kind"] == "incremental", f"the second backup: {again}")
    scene.lab.new_exports()
    scene.write()
    scene.back_up(kind="incremental", vm=WEB01)


@case(**SETTINGS)
def in_the_place_of_the_original(scene):
    point = scene.back_up(kind="full")["point"]
    error = restore(scene, "--keep-id", status=1)["error"]
    expect(error["code"] == "conflict" and "still on host hv01" in error["message"] and error["hint"], f"the error: {error}")
    check_nothing(scene)
    scene.lab.host_control("vm", "remove", WEB01)
    result = restore(scene, "--keep-id", "--connect", "--start", point=point)
    vm = check_vm(scene, result, point)
    expect(vm["id"].lower() == WEB01 and result["vm"]["name"] == "web01", f"the VM is {result['vm']}")
    expect(networks(result) == {"LAN": "LAN", "DMZ": "DMZ"}, f"its network is {result['network']}")
    answer = scene.lab.entrepot("backup", "web01")
    expect(answer["kind"] == "full" and "restored from point" in answer["reason"], f"the backup: {answer}")


@contextlib.contextmanager
def second_host(scene, **settings):
    """Another simulated host on the same share, as hv02. Yields its state directory."""
    lab = scene.lab
    state = lab.root / "hv02"
    config = dict(lab.config, listen=f"127.0.0.1:{free_port()}", state=str(state), virtual_machines=[],
                  host={"name": "HV02", "os_build": 20348, "schema": "windows-server-2019"}, faults=[]) | settings
    (lab.root / "sim2.json").write_text(json.dumps(config))
    process = subprocess.Popen([lab.binaries / "entrepot-hostsim", "--config", lab.root / "sim2.json"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lab.processes.append(process)
    told = json.loads(process.stdout.readline())
    lab.entrepot("host", "add", "hv02", "--url", told["url"], "--auth", "ntlm", "--user", "HV01\\backup",
                 "--password-file", lab.root / "password", "--pin", told["certificate_sha256"])
    yield state


@case(**SETTINGS)
def on_another_host(scene):
    point = scene.back_up(kind="full")["point"]
    with second_host(scene, switches=["External"]) as state:
        error = restore(scene, "--switch", "LAN=LAN", host="hv02", status=1)["error"]
        expect("no switch 'LAN'" in error["message"] and "External" in error["hint"], f"the error: {error}")
        check_nothing(scene, state)
        # Without any wish for a network, switches that are not there are in nobody's way.
        plain = restore(scene, host="hv02", point=point)
        check_vm(scene, plain, point, state)
        result = restore(scene, "--switch", "LAN=External", "--keep-id", "--start", host="hv02", point=point)
        check_vm(scene, result, point, state)
        expect(networks(result) == {"LAN": "External", "DMZ": None}, f"its network is {result['network']}")
        expect(result["vm"]["id"].lower() == WEB01, f"its id is {result['vm']['id']}")
        answer = scene.lab.entrepot("backup", WEB01, "--host", "hv02")
        expect(answer["kind"] == "full" and "restored from point" in answer["reason"], f"the backup: {answer}")


@case(**SETTINGS)
def on_an_older_host(scene):
    scene.back_up(kind="full")
    with second_host(scene, host={"name": "HV02", "os_build": 17763, "schema": "windows-server-2019"}) as state:
        error = restore(scene, host="hv02", status=1)["error"]
        expect(error["code"] == "conflict" and "version 10.0" in error["message"], f"the error: {error}")
        check_nothing(scene, state)


@case(**SETTINGS)
def to_a_folder_of_the_share(scene):
    point = scene.back_up(kind="full")["point"]
    result = restore(scene, "--name", "web01-copy", to=UNC + "\\web01-copy", point=point)
    check_vm(scene, result, point)
    expect(result["to"] == UNC + "\\web01-copy", f"it is at {result['to']}")
    expect(not (scene.lab.share_directory / "web01-copy" / "entrepot-complete.vhdx").exists(), "the marker is left")
    error = restore(scene, to=UNC + "\\web01-copy", status=1)["error"]
    expect(error["code"] == "already_exists" and error["hint"], f"the error: {error}")
    check_vm(scene, result, point)


def count_looks(scene):
    return (scene.lab.state / "requests.jsonl").read_text().count("GetVirtualHardDiskSettingData")


@case(**SETTINGS)
def to_a_folder_of_the_host(scene):
    lab = scene.lab
    local = lab.root / "disk-d"
    local.mkdir()
    scene.restart_host(volumes=[{"path": "D:\\VMs", "directory": str(local)}])
    point = scene.back_up(kind="full")["point"]
    process = scene.begin("restore", "vm", point, "--host", "hv01", "--to", "D:\\VMs\\web01")

    def placed():
        return [path.parent for path in lab.share_directory.rglob("entrepot-complete.vhdx") if (path.parent / "Virtual Machines").is_dir() and ".taken" not in path.parts]

    folder = wait_until(placed, 60, "the files on the share")[0]
    target = local / "web01"
    # As the command does: the marker last. Until it is there, nothing is imported.
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("entrepot-complete.vhdx"))
    looks = count_looks(scene)
    wait_until(lambda: count_looks(scene) > looks, 60, "another look of the job")
    expect(not audit_of(scene)["planned_vms"] and process.poll() is None, "imported without the marker")
    shutil.copy(folder / "entrepot-complete.vhdx", target)
    result = scene.ended(process, 0)
    check_vm(scene, result, point)
    expect(result["reach"] == "copied" and result["to"] == "D:\\VMs\\web01", f"the result: {result}")
    files = [path for path in lab.share_directory.rglob("*") if path.is_file()]
    expect(not files, f"left on the share: {files}")


FAILURES = [
    (IMPORT, "return:32769"), (IMPORT, "return:32779"), (IMPORT, "fail-job:0x80070020"), (IMPORT, "fail-job-late:0x80004005"),
    (IMPORT, "complete-with-error"), (IMPORT, "access-denied"), (VALIDATE, "return:32779"), (VALIDATE, "fail-job:0x80070005"),
    (REALISE, "return:32775"), (REALISE, "fail-job:0x80070005"), (REALISE, "fail-job-late:0x80004005"), (REALISE, "complete-with-error"),
    ("ModifySystemSettings", "fail-job:0x80070057"), ("ModifyResourceSettings", "return:32773"),
]


def failure(at, do):
    @case(f"fails_{at}_{do.replace(':', '_')}", **SETTINGS)
    def run(scene):
        point = scene.back_up(kind="full")["point"]
        scene.arm(at, do)
        scene.arm("*", "japanese", 0)
        error = restore(scene, point=point, status=1)["error"]
        expect(error["code"] in ("host_failure", "access_denied", "conflict"), f"the code: {error}")
        code = do.split(":")[-1] if ":" in do else ""
        expect(code in error["message"] + error["hint"], f"'{code}' is not in {error}")
        scene.disarm()
        check_nothing(scene)
        check_vm(scene, restore(scene, point=point), point)


for entry in FAILURES:
    failure(*entry)


# An answer that is lost before or after the act, or a job that is gone when it is asked for: one VM, nothing beside it.
LOST = [(at, do) for at in (IMPORT, VALIDATE, REALISE, "ModifySystemSettings", "ModifyResourceSettings")
        for do in ("request-lost", "reply-lost", "vanish-job", "synchronous")]


@case("lost_answers", **SETTINGS)
def lost_answers(scene):
    point = scene.back_up(kind="full")["point"]
    for at, do in LOST:
        scene.arm(at, do)
        result = restore(scene, "--name", f"{at}-{do}", point=point)
        scene.disarm()
        check_vm(scene, result, point)
        scene.lab.host_control("vm", "remove", result["vm"]["id"])


@case("lost_answer_to_destroy", **SETTINGS)
def lost_answer_to_destroy(scene):
    point = scene.back_up(kind="full")["point"]
    for do in ("request-lost", "reply-lost", "vanish-job", "fail-job:0x80070020", "synchronous"):
        scene.arm(REALISE, "fail-job:0x80070005")
        scene.arm(DESTROY, do)
        restore(scene, point=point, status=1)
        scene.disarm()
        check_nothing(scene)


if __name__ == "__main__":
    main(__doc__)
