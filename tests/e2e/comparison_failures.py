"""A full that --full-every forces is compared with what the increments say: a host whose change tracking left something
out is found out, and whatever fails beside the full, the full is made. Imported by failures.py."""
import signal

from cases import case
from harness import MIB, expect
from scene import EXPORT

CHUNK = 64 * 1024


def overwrite(scene, disk, offset, length):
    with open(scene.disks[disk][0], "r+b") as file:
        file.seek(offset)
        file.write(scene.chance.randbytes(length))


def compared(scene, *arguments, result, reason=""):
    """A full that was due, and how its comparison came out; the point keeps the same."""
    answer = scene.back_up("--full-every", 1, *arguments, kind="full", reason="every backup is to be a full one")
    comparison = answer["comparison"]
    expect(comparison and comparison["result"] == result, f"the comparison is {comparison}, not {result}")
    expect(reason in comparison["reason"], f"'{reason}' is not in: {comparison['reason']}")
    kept = scene.lab.entrepot("point", "show", answer["point"])["comparison"]
    expect(kept == comparison, f"the point keeps {kept}, the job said {comparison}")
    scene.check_host()
    scene.check_share()
    return answer


def ranges(comparison):
    return {disk["index"]: [(part["offset"], part["length"]) for part in disk["ranges"]] for disk in comparison["disks"] if disk["ranges"]}


@case()
def full_every_agrees(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.back_up("--full-every", 3, kind="incremental")
    scene.write()
    answer = compared(scene, result="agrees")
    expect([disk["compared_bytes"] for disk in answer["comparison"]["disks"]] == [12 * MIB, 6 * MIB], f"the disks: {answer['comparison']}")
    expect(not answer["warnings"], f"warnings: {answer['warnings']}")
    compared(scene, result="agrees")  # The guest was idle: the changes are empty.
    text = scene.lab_run("point", "show", "web01@latest").stdout
    expect("agrees with the increments, 18.0 MiB" in text, f"for people: {text}")
    scene.check_all()
    scene.go_on()


def never_disagrees(scene):
    """With all that a host may vary, a full never disagrees with the increments of an honest one."""
    scene.back_up()
    results = []
    for _ in range(4):
        scene.write()
        scene.back_up("--full-every", 2)
        scene.write()
        answer = scene.back_up("--full-every", 1, kind="full")
        results.append(answer["comparison"]["result"])
        expect("disagrees" not in results, f"it disagrees: {answer['comparison']}")
    expect("agrees" in results, f"not one was compared: {results}")
    scene.check_all()
    scene.go_on(kind=None)


for seed in (3, 17):
    @case(name=f"full_every_agrees_with_variations_{seed}", seed=seed)
    def agrees_with_variations(scene):
        never_disagrees(scene)


@case()
def full_every_finds_what_the_host_left_out(scene):
    scene.back_up(kind="full")
    scene.write()
    suspect = scene.back_up("--full-every", 2, kind="incremental")["point"]
    scene.write()
    overwrite(scene, 0, 5 * CHUNK, 2 * CHUNK)
    overwrite(scene, 0, 9 * CHUNK, CHUNK)
    scene.arm(EXPORT, f"omit-change:0,{5 * CHUNK},{2 * CHUNK}")
    answer = compared(scene, result="disagrees")
    comparison = answer["comparison"]
    expect(ranges(comparison) == {0: [(5 * CHUNK, 2 * CHUNK)]}, f"the ranges: {comparison}")
    expect(comparison["suspect_points"] == [suspect], f"suspect: {comparison['suspect_points']}")
    warnings = [text for text in answer["warnings"] if "DISAGREES" in text]
    expect(len(warnings) == 1 and suspect in warnings[0] and str(5 * CHUNK) in warnings[0], f"warnings: {answer['warnings']}")
    job = next(job for job in scene.lab.entrepot("job", "list")["jobs"] if job["kind"] == "backup")
    told = scene.lab.entrepot("job", "show", job["id"])
    expect(told["result"]["comparison"] == comparison, f"the job says {told['result']}")
    expect([event["text"] for event in told["events"] if event["level"] == "warning"] == warnings, f"the job's log: {told['events']}")
    text = scene.lab_run("point", "show", answer["point"]).stdout
    expect("DISAGREES" in text and str(5 * CHUNK) in text and suspect[:12] in text, f"for people: {text}")
    scene.check_all()
    scene.go_on()


@case()
def full_every_finds_what_an_increment_left_out(scene):
    scene.back_up(kind="full")
    overwrite(scene, 1, 3 * CHUNK, CHUNK)
    scene.arm(EXPORT, f"omit-change:1,{3 * CHUNK},{CHUNK}")
    wrong = scene.lab.entrepot("backup", "web01")["point"]  # Nobody can know yet.
    scene.write(beyond=4 * CHUNK)  # What is written once more, the next increment brings.
    overwrite(scene, 1, 8 * CHUNK, CHUNK)
    said = scene.lab_run("backup", "web01", "--full-every", 2)
    expect(said.returncode == 0, f"exit {said.returncode}: {said.stderr}")
    expect("DISAGREES" in said.stderr and "DISAGREES" in said.stdout and wrong in said.stderr, f"for people: {said.stdout}\n{said.stderr}")
    comparison = scene.lab.entrepot("point", "show", "web01@latest")["comparison"]
    expect(ranges(comparison) == {1: [(3 * CHUNK, CHUNK)]}, f"the ranges: {comparison}")
    scene.lab.entrepot("point", "delete", wrong, "--yes")
    latest = scene.lab.entrepot("point", "show", "web01@latest")["id"]
    exports = scene.lab.new_exports()
    scene.expected[latest] = {index: exports[("11111111-1111-4111-8111-111111111111", index)] for index in (0, 1)}
    scene.check_all()
    compared(scene, result="agrees")
    scene.go_on()


@case()
def full_every_without_the_changes(scene):
    scene.back_up(kind="full")
    for do, reason in (("fail-job:0xC03A0029", "C03A0029"), ("fail-job-late:0x80070070", "80070070"), ("truncate-image", "can't be used"),
                       ("missing-image", "lacks disk"), ("return:32775", "failed")):
        scene.write()
        scene.arm(EXPORT, do)
        answer = compared(scene, result="not_possible", reason=reason)
        expect(any(reason in warning for warning in answer["warnings"]), f"{do}: warnings: {answer['warnings']}")
        scene.check_all()
    scene.write()
    scene.arm(EXPORT, "complete-image", 2)
    compared(scene, result="not_possible", reason="sent the complete disk")
    scene.write()
    scene.arm(EXPORT, "complete-image", 1)  # Of one of the two disks.
    answer = compared(scene, result="agrees")
    expect(sorted(disk["result"] for disk in answer["comparison"]["disks"]) == ["agrees", "not_compared"], f"{answer['comparison']}")
    scene.check_all()
    scene.go_on()


@case()
def full_every_where_nothing_can_be_compared(scene):
    answer = scene.back_up("--full-every", 1, kind="full", reason="first")
    expect(answer["comparison"] is None, f"the first full was compared: {answer['comparison']}")
    scene.lab.host_control("reference-point", "drop", "web01")
    compared(scene, result="not_possible", reason="no longer on the host")
    path = scene.lab.raw_disk("web01-2", 2 * MIB)
    scene.lab.host_control("disk", "add", "web01", '{"raw": "%s", "controller": "scsi", "location": 2, "format": "vhdx"}' % path)
    scene.disks.append((path, 2 * MIB, 512))
    scene.write()
    answer = compared(scene, result="not_possible", reason="is new since point")
    expect(not answer["warnings"], f"warnings: {answer['warnings']}")
    scene.check_all()
    scene.write()
    compared(scene, result="agrees")
    scene.go_on()


@case()
def full_every_cancelled_between_the_exports(scene):
    scene.back_up(kind="full")
    scene.write()
    scene.restart_host(speed={"export_bytes_per_second": 4 * MIB, "job_step_ms": 10})
    process = scene.begin("backup", "web01", "--full-every", 1)
    scene.wait_for_export()  # Of the full: the changes' images are .avhdx.
    process.send_signal(signal.SIGINT)
    error = scene.ended(process, 1)["error"]
    expect(error["code"] == "cancelled", f"the error: {error}")
    scene.restart_host(speed={"job_step_ms": 10})
    scene.check_all()
    scene.go_on()
