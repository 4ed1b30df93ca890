#!/usr/bin/env python3
"""Everything that goes wrong between host, share and appliance ends in one clear message, the right exit status, a clean
host, an empty share, with nothing lost, and with a next backup that works.

usage: failures.py BINARIES [--only TEXT] [--seed N] [--jobs 4]
"""
import errno
import os
import signal
import subprocess

from cases import case, main
from harness import MIB, Failure, expect, free_port, wait_until
from scene import EXPORT, WEB01


@case()
def host_unreachable(scene):
    scene.back_up(kind="full", reason="first")
    scene.lab.stop_host()
    address = scene.lab.config["listen"]
    scene.refused("backup", "web01", code="unreachable", words=[address.split(":")[1], "firewall"])
    scene.lab.run_host()
    scene.go_on()


@case()
def host_drops_connections(scene):
    scene.back_up(kind="full")
    scene.refused("backup", "web01", code="unreachable", words=["closed the connection"], arm=lambda: scene.arm("connect", "unreachable", 0))
    scene.go_on()


@case()
def host_name_unknown_to_dns(scene):
    scene.back_up(kind="full")
    scene.lab.entrepot("host", "add", "hv02", "--url", "https://no-such-host.invalid:5986/wsman", "--auth", "ntlm",
                       "--user", "x", "--password-file", scene.lab.root / "password", "--pin", "00" * 32)
    scene.refused("backup", "web01", "--host", "hv02", code="unreachable", words=["no-such-host.invalid"])
    scene.lab.entrepot("host", "remove", "hv02", "--yes")
    scene.go_on()


@case()
def wrong_password(scene):
    scene.back_up(kind="full")
    scene.lab.add_host(name="hv02", password="not the password")
    scene.refused("backup", "web01", "--host", "hv02", code="unauthenticated", words=["password"])
    scene.check_all()
    scene.lab.entrepot("host", "remove", "hv02", "--yes")
    scene.go_on()


@case()
def account_locked_at_the_second_backup(scene):
    scene.back_up(kind="full")
    scene.refused("backup", "web01", code="unauthenticated", words=["password"], arm=lambda: scene.arm("login", "deny-login", 0))
    # It was asked twice: it is in order now, but only a person knows that.
    error = scene.refused("backup", "web01", code="unauthenticated", words=["not asked again"])
    expect("--retry-login" in error["hint"], f"the hint: {error}")
    scene.lab.entrepot("host", "doctor", "hv01", "--retry-login")
    scene.go_on()


@case()
def wrong_certificate(scene):
    scene.back_up(kind="full")
    scene.lab.add_host(name="hv02", pin="11" * 32)
    scene.refused("backup", "web01", "--host", "hv02", code="untrusted", words=["certificate", "11" * 4])
    scene.lab.entrepot("host", "remove", "hv02", "--yes")
    scene.go_on()


@case()
def unknown_names(scene):
    scene.back_up(kind="full")
    scene.refused("backup", "no-such-vm", code="not_found", words=["no-such-vm"])
    scene.refused("backup", "99999999-9999-4999-8999-999999999999", code="not_found", words=["99999999"])
    scene.refused("backup", "web01", "--host", "no-such-host", code="not_found", words=["no-such-host"])
    scene.refused("backup", code="usage", status=2, words=["VM"])
    scene.refused("restore", "disk", "ffffffff", 0, "--to", scene.lab.root / "x.raw", code="not_found", words=["ffffffff"])
    scene.refused("restore", "disk", "web01@latest", 7, "--to", scene.lab.root / "x.raw", code="not_found", words=["7"])
    expect(not (scene.lab.root / "x.raw").exists(), "a file was made for a disk that does not exist")
    scene.go_on()


@case(share_size="80m", needs_mount=True)
def share_really_full(scene):
    """A volume of 80 MiB behind the share, filled while the host exports to it, and before it is asked."""
    scene.back_up(kind="full")
    with open(scene.lab.config_file, "a", encoding="utf-8") as config:
        config.write("wait_for_space_minutes = 0\n")
    filler = scene.lab.share_directory / ".filler"

    def fill(leave):
        with open(filler, "wb") as file:
            for _ in range(100):  # The host may write between the look and the filling.
                free = os.statvfs(scene.lab.share_directory)
                size = free.f_bavail * free.f_bsize - leave
                try:
                    return os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size + size)
                except OSError as failure:
                    if failure.errno != errno.ENOSPC:
                        raise
        raise Failure("the volume cannot be filled")

    fill(leave=4 * MIB)
    error = scene.refused("backup", "web01", code="no_space", words=["exports", "free"])
    expect("nothing was asked" in error["hint"].lower(), f"the hint: {error}")
    filler.unlink()
    scene.check_all()
    # Others fill the volume once the export has begun.
    scene.write()
    scene.restart_host(speed=SLOW)
    process = scene.begin("backup", "web01", "--full")
    scene.wait_for_export()
    fill(leave=0)
    error = scene.ended(process, 1)["error"]
    expect(error["code"] == "host_failure", f"the error: {error}")
    for word in ("web01", "0x80070070", "full", "space"):
        expect(word in f"{error}", f"{word} is missing: {error}")
    filler.unlink()
    scene.restart_host(speed=FAST)
    scene.check_all()
    scene.go_on()


@case()
def share_full_as_the_host_says(scene):
    arm = lambda: scene.arm(EXPORT, "fail-export:0x80070070")
    scene.refused("backup", "web01", code="host_failure", words=["web01", "full", "space on the share"], arm=arm)
    scene.check_all()
    scene.back_up(kind="full")
    scene.refused("backup", "web01", code="host_failure", words=["web01", "full", "space on the share"], arm=arm)
    scene.check_all()
    scene.go_on()


@case()
def share_folder_gone(scene):
    scene.back_up(kind="full")
    away = scene.lab.root / "away"
    scene.lab.share_directory.rename(away)
    scene.refused("backup", "web01", code="not_found", words=[str(scene.lab.share_directory)])
    away.rename(scene.lab.share_directory)
    scene.go_on()


@case()
def export_job_fails(scene):
    for code, words in (("0x80070005", ["access is denied", "computer account"]), ("0x80070035", ["network path"])):
        scene.refused("backup", "web01", code="host_failure", words=["web01", *words], arm=lambda: scene.arm(EXPORT, f"fail-job:{code}"))
        scene.check_all()
    scene.refused("backup", "web01", code="host_failure", words=["web01"], arm=lambda: scene.arm(EXPORT, "return:32775"))
    scene.back_up(kind="full")
    # An increment that fails at the host is followed by a full in the same run.
    scene.write()
    scene.arm(EXPORT, "fail-job-late:0x80004005")
    scene.back_up(kind="full", reason="incremental export failed")
    scene.check_all()
    scene.go_on()


@case()
def export_job_fails_without_a_text(scene):
    def arm():
        scene.arm(EXPORT, "no-error-text")
        scene.arm(EXPORT, "fail-job:0x80004005")
    scene.refused("backup", "web01", code="host_failure", words=["web01"], arm=arm)
    scene.check_all()
    scene.go_on(kind="full")


@case()
def snapshot_fails(scene):
    scene.back_up(kind="full")
    for do in ("return:32775", "fail-job:0x80004005", "fail-job-late:0x80004005", "access-denied"):
        scene.refused("backup", "web01", "--consistency", "crash", code="host_failure", words=["snapshot"], arm=lambda do=do: scene.arm("CreateSnapshot", do, 0))
        scene.check_all()
    scene.go_on()


@case()
def guest_vss_fails(scene):
    scene.refused("backup", "web01", "--consistency", "application", code="host_failure", words=["application", "VSS"],
                  arm=lambda: scene.arm("CreateSnapshot", "guest-vss-fails"))
    scene.check_all()
    scene.arm("CreateSnapshot", "guest-vss-fails")
    answer = scene.back_up("--consistency", "prefer-application", kind="full")
    expect(answer["consistency"] == "crash", f"the consistency: {answer['consistency']}")
    expect(any("VSS" in warning for warning in answer["warnings"]), f"no warning: {answer['warnings']}")
    answer = scene.go_on()
    expect(answer["consistency"] == "application", f"the consistency: {answer['consistency']}")


@case()
def reference_point_gone(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.lab.host_control("reference-point", "drop", "web01")
    scene.go_on(kind="full", reason="no longer on the host")
    scene.go_on()
    scene.write()
    scene.arm(EXPORT, "lose-reference-point")  # Between our look and our call.
    scene.back_up(kind="full", reason="incremental export failed")
    scene.check_all()
    scene.go_on()


@case()
def checkpoint_applied(scene):
    checkpoint = scene.lab.host_control("checkpoint", "create", "web01", "before")["id"]
    scene.write()
    scene.back_up(kind="full")
    scene.write()
    scene.lab.host_control("checkpoint", "apply", "web01", checkpoint)
    scene.lab.host_control("checkpoint", "delete", "web01", checkpoint)
    scene.go_on(kind="full")
    scene.go_on()


BROKEN_EXPORTS = (("truncate-image", "corrupt", 4, ["web01.vhdx"]), ("short-image", "corrupt", 4, ["web01.vhdx"]),
                  ("missing-image", "corrupt", 4, ["lacks disk 0"]), ("missing-configuration", "corrupt", 4, [".vmcx"]))


@case()
def broken_full_export(scene):
    for do, code, status, words in BROKEN_EXPORTS:
        scene.refused("backup", "web01", code=code, status=status, words=["web01", *words], arm=lambda do=do: scene.arm(EXPORT, do))
        scene.check_all()
    scene.arm(EXPORT, "extra-files")
    scene.back_up(kind="full", reason="first")
    scene.check_all()
    scene.go_on()


@case()
def broken_incremental_export(scene):
    """Each is answered by a full in the same run."""
    scene.back_up(kind="full")
    for do in ("truncate-image", "missing-image", "foreign-linkage", "fail-export:0x80004005"):
        scene.write()
        scene.arm(EXPORT, do)
        scene.back_up(kind="full", reason="incremental export")
        scene.check_all()
    scene.go_on()


@case()
def parent_that_nobody_knows(scene):
    """The host vouches by the reference point: it is taken, with a warning."""
    scene.back_up(kind="full")
    scene.write()
    scene.arm(EXPORT, "wrong-linkage")
    answer = scene.back_up(kind="incremental")
    expect(answer["warnings"], "no warning about a parent that nobody knows")
    scene.check_all()
    scene.go_on()


@case()
def parent_is_another_image_of_ours(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.arm(EXPORT, "foreign-linkage")
    answer = scene.back_up(kind="full", reason="incremental export can't be used")
    expect("parent" in answer["reason"], f"the reason does not name the parent: {answer['reason']}")
    scene.check_all()
    scene.go_on()


@case()
def complete_image_for_a_differential(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.arm(EXPORT, "complete-image", 2)
    scene.back_up(kind="full", reason="host sent complete disks")
    scene.check_all()
    scene.write()
    scene.arm(EXPORT, "complete-image", 1)  # Of one of the two disks.
    scene.back_up(kind="incremental")
    scene.check_all()
    scene.go_on()


LOST = [(do, method) for do in ("reply-lost", "cut-body", "timed-out", "request-lost", "vanish-job", "synchronous")
        for method in ("CreateSnapshot", EXPORT, "ConvertToReferencePoint")]


def survive(scene, faults):
    scene.back_up(kind="full")
    for do, method in faults:
        scene.write()
        scene.arm(method, do)
        try:
            scene.back_up()
            scene.check_all()
        except Failure as failure:
            raise Failure(f"{do} at {method}: {failure}") from failure
    scene.go_on(kind=None)
    scene.go_on()


for name in dict(LOST):
    @case(name=f"survives_{name.replace('-', '_')}")
    def survives(scene, name=name):
        survive(scene, [fault for fault in LOST if fault[0] == name])


@case()
def conversion_fails(scene):
    scene.back_up(kind="full")
    for do in ("fail-job:0x80004005", "fail-job-late:0x80004005", "return:32775", "empty-rct-ids"):
        scene.write()
        scene.arm("ConvertToReferencePoint", do)
        scene.back_up()
        scene.check_all()
        scene.go_on(kind="full", reason="reference point")
    scene.go_on()


@case()
def clean_up_is_refused_at_first(scene):
    """What could not be destroyed is said, and goes with the next backup."""
    scene.back_up(kind="full")
    scene.write()
    scene.arm("DestroyReferencePoint", "return:32774", 9)
    answer = scene.back_up(kind="incremental", status=3)
    expect(answer["residue"] and answer["residue"][0]["command"], f"no residue is named: {answer}")
    scene.go_on()


@case()
def foreign_recovery_snapshot(scene):
    scene.back_up(kind="full")
    foreign = scene.lab.host_control("checkpoint", "create-recovery", "web01")["id"]
    error = scene.refused("backup", "web01", code="conflict", words=["web01", "not ours", "Remove-VMSnapshot"])
    expect("another backup product" in error["hint"].lower(), f"the hint: {error}")
    scene.check_all(foreign_snapshots=1)
    scene.lab.host_control("checkpoint", "delete", "web01", foreign)
    scene.go_on()


@case()
def foreign_reference_point(scene):
    scene.lab.host_control("reference-point", "create", "web01")
    scene.back_up(kind="full")
    scene.check_all(foreign_points=1)
    scene.go_on(foreign_points=1)
    scene.refused("backup", "web01", code="host_failure", words=["web01"], arm=lambda: scene.arm(EXPORT, "fail-export:0x80070070"))
    scene.check_all(foreign_points=1)
    scene.go_on(foreign_points=1)


SLOW = {"export_bytes_per_second": 3 * MIB, "job_step_ms": 10}
FAST = {"export_bytes_per_second": 0, "job_step_ms": 10}


@case()
def cancelled_during_the_export(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.restart_host(speed=SLOW)
    process = scene.begin("backup", "web01", "--full")
    scene.wait_for_export()
    process.send_signal(signal.SIGINT)
    error = scene.ended(process, 1)["error"]
    expect(error["code"] == "cancelled" and error["message"], f"the error: {error}")
    scene.check_all()
    scene.restart_host(speed=FAST)
    scene.go_on()


@case()
def cancelled_while_the_host_hangs(scene):
    scene.back_up(kind="full")
    for method in (EXPORT, "CreateSnapshot"):
        scene.arm(method, "hang-job")
        process = scene.begin("backup", "web01")
        scene.wait_for_job(method)
        process.send_signal(signal.SIGINT)
        expect(scene.ended(process, 1)["error"]["code"] == "cancelled", "not cancelled")
        scene.check_all()
    scene.go_on()


@case()
def host_reboots_during_the_export(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.restart_host(speed=SLOW)
    process = scene.begin("backup", "web01", "--full")
    scene.wait_for_export()
    scene.lab.host_control("reboot")
    scene.lab.new_exports()
    scene.remember(scene.ended(process, 0))
    scene.check_all()
    scene.restart_host(speed=FAST)
    scene.go_on()


@case()
def connection_lost_during_the_export(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.restart_host(speed=SLOW)
    scene.lab.new_exports()
    process = scene.begin("backup", "web01", "--full")
    scene.wait_for_export()
    scene.arm("connect", "unreachable", 4)
    scene.arm("session", "session-lost", 2)
    scene.remember(scene.ended(process, 0))
    scene.check_all()
    scene.restart_host(speed=FAST)
    scene.go_on()


@case()
def export_held_open(scene):
    """A client of the share that keeps an export open loses its connection; another client does not, and the backup goes on."""
    scene.restart_host(speed=SLOW)
    process = scene.begin("backup", "web01")
    host, run = scene.wait_for_export()[0].relative_to(scene.lab.share_directory).parts[:2]
    holder, bystander = scene.lab.watch_folder(f"{host}/{run}"), scene.lab.watch_folder(host)
    scene.remember(scene.ended(process, 0))
    expect("CLEANUP" in holder.communicate(timeout=30)[0], "the client that held the export was not cut off")
    expect(bystander.poll() is None, "another client was cut off, too")
    bystander.terminate()
    notes = [event["text"] for event in scene.lab.entrepot("job", "show", run)["events"]]
    expect(any("closing the sessions of 127.0.0.1" in note for note in notes), f"the job does not say so: {notes}")
    scene.check_all()
    scene.restart_host(speed=FAST)
    scene.go_on()


@case()
def file_server_down(scene):
    """Without an answer of the file server nothing is asked of the host."""
    scene.back_up(kind="full", reason="first")
    before = scene.lab.new_exports()
    scene.lab.stop_samba()
    scene.refused("backup", "web01", code="unreachable", words=["file server", "smb.conf", "start it"])
    expect(not before and not scene.lab.new_exports(), "the host was asked for an export all the same")
    scene.check_host()
    scene.check_points()


@case()
def two_backups_at_once(scene):
    """Without a daemon the second is told to wait; with one it does wait."""
    scene.restart_host(speed=SLOW | {"export_bytes_per_second": MIB})  # Enough time for the second to begin on a busy machine.
    process = scene.begin("backup", "web01")
    scene.wait_for_export()
    error = scene.lab.entrepot("backup", "web01", status=1)["error"]
    expect(error["code"] == "busy" and str(scene.lab.data) in error["message"] and error["hint"], f"the second backup: {error}")
    scene.remember(scene.ended(process, 0))
    scene.check_all()
    scene.restart_host(speed=FAST)
    daemon = subprocess.Popen([scene.lab.binaries / "entrepotd", *scene.lab.place(), "--listen", f"127.0.0.1:{free_port()}"],
                              stdout=subprocess.DEVNULL, stderr=open(scene.lab.root / "entrepotd.log", "wb"), env=scene.environment())
    scene.lab.processes.append(daemon)
    wait_until(lambda: scene.lab_run("job", "list", "--json").returncode == 0, 30, "the daemon's start")
    scene.write()
    both = [scene.begin("backup", "web01"), scene.begin("backup", "web01")]
    answers = [scene.ended(process, 0) for process in both]
    exports = scene.lab.new_exports()
    for answer in answers:
        expect(answer["kind"] == "incremental", f"{answer['kind']}: {answer['reason']}")
        scene.expected[answer["point"]] = {disk["index"]: exports[(WEB01, disk["index"])] for disk in answer["disks"]}
    expect(answers[0]["point"] != answers[1]["point"], "both backups are one point")
    scene.check_all()
    scene.go_on()


@case()
def host_refuses_rights(scene):
    scene.back_up(kind="full")
    scene.arm("Msvm_ComputerSystem", "access-denied", 0)
    error = scene.lab.entrepot("backup", "web01", status=1)["error"]
    expect("access is denied" in error["message"] and "Hyper-V Administrators" in error["hint"], f"the error: {error}")
    scene.disarm()
    scene.check_all()
    scene.refused("backup", "web01", code="not_found", words=[WEB01, "may not see it"], arm=lambda: scene.arm("*", "empty-inventory", 0))
    scene.go_on()


if __name__ == "__main__":
    import comparison_failures  # noqa: F401  They register their cases.
    import repository_failures  # noqa: F401
    main(__doc__)
