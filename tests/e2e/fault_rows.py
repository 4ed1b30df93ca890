"""What each of the simulator's faults must lead to in a backup and in a restore of a VM: the table of fault_table.py, written from
threats-and-faults.md (F-WM, F-SH) and hyperv-wmi.md (5.5, 5.6, 8, 9)."""
import dataclasses

CREATE, EXPORT, CONVERT = "CreateSnapshot", "ExportSystemDefinition", "ConvertToReferencePoint"
DESTROY, DESTROY_POINT = "DestroySnapshot", "DestroyReferencePoint"
IMPORT, VALIDATE, REALISE = "ImportSystemDefinition", "ValidatePlannedSystem", "RealizePlannedSystem"
FOREVER = 1000


@dataclasses.dataclass
class Run:
    """One fault in one run. `code` is None where the run must end well."""
    at: str
    argument: str = ""
    code: str | None = None
    words: tuple = ()           # Of the message, the hint or the context; where it ends well, of a reason or a warning.
    times: int = 1
    also: tuple = ()            # Faults that must be there with it: (at, do).
    kind: str | None = None     # Of the point, where the run ends well.
    status: int | None = None   # 0 where it ends well, 1 where not; corrupt data gives 4, residue 3.
    scene: str = "plain"        # plain: a directory; samba: a real share; sealed: HTTP with sealed messages; many: a host of many VMs.
    foreign: str = ""           # What of another product is there afterwards, untouched: snapshots, points, planned, machines.
    in_doubt: str = ""          # What of ours stays there with it, since nothing tells it from theirs.
    cancels: bool = False       # Somebody cancels it.
    mends: str = ""             # What puts the VM right again afterwards.
    counts: bool = True         # False: the fault lasts, whatever it is used for.
    takes_long: bool = False
    reboots: bool = False       # The host reboots when its disks stay unmerged.
    is_blind: bool = False      # The content is wrong, and nothing in it says so.


@dataclasses.dataclass
class NotHere:
    """The fault does not apply in this phase."""
    why: str


def well(at, argument="", *words, **more):
    return Run(at, argument, None, words, **more)


def bad(at, argument, code, *words, **more):
    return Run(at, argument, code, words, **more)


def both(make, *arguments, **more):
    """The same in both phases; a method's name stands for that of the other phase."""
    other = {CREATE: IMPORT, EXPORT: IMPORT, CONVERT: REALISE}
    return [make(*arguments, **more)], [make(other.get(arguments[0], arguments[0]), *arguments[1:], **more)]


def only_backup(*runs, why="nothing is exported, and no checkpoint made, in a restore"):
    return list(runs), NotHere(why)


def only_restore(*runs, why="a backup imports nothing"):
    return NotHere(why), list(runs)


def new_full(at, argument="", **more):
    """A failed or useless increment is followed by a full in the same run (hyperv-wmi.md 5.6)."""
    return Run(at, argument, None, ("incremental export",), kind="full", **more)


NO_ANSWER = "F-WM-04: a read without a whole answer is asked for again"
HOSTILE = ("doctype", "entities", "depth", "attributes", "nul", "utf8")

NOT_PROVEN = ("not proven", "touched none", "Remove-VMSnapshot")

LANGUAGE = ([bad("*", "", "host_failure", "space on the share", times=FOREVER, counts=False, also=((EXPORT, "fail-export:0x80070070"),))],
            [bad("*", "", "host_failure", "0x80070020", times=FOREVER, counts=False, also=((IMPORT, "fail-job:0x80070020"),))])

ROWS = {
    # The connection. A read is asked for again; what acts is looked for (F-WM-01 to 04, 11, 15).
    "unreachable": both(well, "connect"),
    "half-open": both(well, "Enumerate", takes_long=True),
    "slow-body": both(well, "Enumerate", "1", takes_long=True),
    "stall": both(well, CREATE, "300"),
    "cut-body": both(well, CREATE),
    "wrong-length": both(bad, "Enumerate", "", "protocol"),
    "broken-chunks": both(well, "Enumerate"),
    "endless-body": both(bad, "Enumerate", "", "limit", "8.0 MiB"),
    "gzip-body": both(bad, "Enumerate", "", "protocol", "gzip"),
    "redirect": both(bad, "Enumerate", "http://127.0.0.1:1/wsman", "protocol", "307"),
    "other-certificate": both(bad, "connect", "", "untrusted", "certificate"),
    "expired-certificate": both(bad, "connect", "", "untrusted", "certificate"),
    "wrong-name-certificate": both(bad, "connect", "", "untrusted", "certificate"),
    "old-tls": both(bad, "connect", "", "untrusted", "TLS"),
    "request-lost": both(well, CREATE),
    # For each call that makes or destroys something, alone and with another product's object at the same moment.
    "reply-lost": ([well(CREATE), well(EXPORT), well(CONVERT), well(DESTROY_POINT),
                    well(DESTROY, also=((CONVERT, "return:32775"),)),
                    # Our name on a snapshot proves whose it is.
                    well(CREATE, also=((CREATE, "foreign-object"),), foreign="snapshots"),
                    # A job does not name its directory: both are waited for, none is ended.
                    well(EXPORT, "", "nothing tells which is ours", also=((EXPORT, "foreign-object"),)),
                    # Which of two new points is ours nothing proves: neither is touched nor adopted, and it is said.
                    well(CONVERT, "", "none is proven to be ours", also=((CONVERT, "foreign-object"),), foreign="points", in_doubt="points"),
                    well(DESTROY, also=((CONVERT, "return:32775"), (DESTROY, "foreign-object")), foreign="snapshots"),
                    well(DESTROY_POINT, also=((DESTROY_POINT, "foreign-object"),), foreign="points")],
                   [well(IMPORT), well(REALISE), well(IMPORT, also=((IMPORT, "foreign-object"),), foreign="planned"),
                    well(REALISE, also=((REALISE, "foreign-object"),), foreign="machines")]),
    "http-status": both(well, "Enumerate", "503"),
    # The login: two refusals, then no more (F-WM-08).
    "deny-login": both(bad, "login", "", "unauthenticated", "password", times=FOREVER),
    "lock-account": both(bad, "login", "", "unauthenticated", "password", times=FOREVER, counts=False),
    "session-lost": both(well, "session"),
    "unsealed-answer": both(bad, "session", "", "protocol", "seal", scene="sealed"),
    "broken-seal": both(bad, "session", "", "protocol", "seal", scene="sealed"),
    # The message: nothing that is not the answer to the question is believed (F-WM-06, 07).
    "hostile-xml": tuple([bad("Enumerate", kind, "limit" if kind == "attributes" else "protocol") for kind in HOSTILE] for _ in "12"),
    "wrong-relates-to": both(bad, "Enumerate", "", "protocol"),
    "wrong-action": both(bad, "Enumerate", "", "protocol"),
    "wrong-namespace": both(bad, "Enumerate", "", "protocol"),
    "stale-reply": both(bad, "Enumerate", "", "protocol"),
    "access-denied": ([bad(CREATE, "", "host_failure", "snapshot", "access", times=FOREVER)], [bad(IMPORT, "", "access_denied", "access")]),
    # Overload: asked for again, with less (F-WM-12, 13).
    "quota": both(well, "Enumerate"),
    "rate-quota": both(well, "Enumerate"),
    "timed-out": both(well, CREATE),
    "envelope-limit": both(well, "Enumerate"),
    "expire-context": both(well, "Pull", scene="many"),
    "refuse-wql": both(well, "Enumerate", times=FOREVER),
    "provider-stopped": both(bad, "Msvm_ComputerSystem", "", "busy", "vmms", times=FOREVER),
    "empty-inventory": ([bad("*", "", "not_found", "may not see it", times=FOREVER, counts=False)], [bad("*", "", "access_denied", "Hyper-V Administrators", times=FOREVER, counts=False)]),
    # The method and its job (hyperv-wmi.md 5.5; F-WM-16, 17).
    "return": ([new_full(EXPORT, "32775"), bad(CREATE, "32775", "host_failure", "snapshot", times=FOREVER)], [bad(IMPORT, "32779", "host_failure", "32779")]),
    "synchronous": both(well, CREATE),
    "fail-job": ([well(CONVERT, "0x8007052F", "log on as a service"), new_full(EXPORT, "0x80070020")],
                 [bad(IMPORT, "0x80070020", "host_failure", "0x80070020"), bad(REALISE, "0xC03A001A", "host_failure", "0xC03A001A", "sparse")]),
    "fail-job-late": ([well(CONVERT, "0x80004005")], [bad(REALISE, "0x80004005", "host_failure", "0x80004005")]),
    "vanish-job": both(well, EXPORT),
    "hang-job": both(bad, EXPORT, "", "cancelled", cancels=True, counts=False),
    "no-error-text": ([new_full(EXPORT, also=((EXPORT, "fail-job:0x80004005"),))], [bad(IMPORT, "", "host_failure", also=((IMPORT, "fail-job:0x80004005"),))]),
    "complete-with-error": ([new_full(EXPORT)], [bad(IMPORT, "", "host_failure")]),
    "complete-with-warning": both(well, EXPORT),
    "job-goes-back": both(well, EXPORT),
    "job-full-but-running": both(well, EXPORT),
    "odd-job-state": both(well, EXPORT, "4711"),
    "reboot": both(well, EXPORT),
    # Another product's object is never taken for ours (F-WM-15).
    "foreign-object": ([well(CREATE, foreign="snapshots"), well(EXPORT), well(CONVERT, foreign="points")],
                       [well(IMPORT, foreign="planned"), well(REALISE, foreign="machines")]),
    # Ours never reached the host, and theirs is the only new one: it is not adopted either.
    "foreign-instead": ([bad(CREATE, "", "conflict", *NOT_PROVEN, foreign="snapshots"), well(CONVERT, foreign="points")],
                        [bad(IMPORT, "", "conflict", "not proven", "touched none", foreign="planned"), well(REALISE, foreign="machines")]),
    # Without our name on it a snapshot whose answer is lost proves nothing: it stays, and is reported.
    "unnamed-snapshot": only_backup(well(CREATE), well(CREATE, also=((CREATE, "synchronous"),)),
                                    bad(CREATE, "", "conflict", *NOT_PROVEN, also=((CREATE, "reply-lost"),), in_doubt="snapshots"),
                                    bad(CREATE, "", "conflict", *NOT_PROVEN, also=((CREATE, "reply-lost"), (CREATE, "foreign-object")), foreign="snapshots", in_doubt="snapshots")),
    "vm-event": (([bad(EXPORT, "moved", "not_found", "web01", mends="add"), bad(EXPORT, "deleted", "not_found", "web01", mends="add"),
                   well(EXPORT, "renamed", mends="rename"), well(EXPORT, "resized"), well(EXPORT, "disk-added", mends="remove-disk"),
                   well(EXPORT, "disk-removed", mends="add-disk"), well(EXPORT, "checkpointed", mends="checkpoint")]),
                 NotHere("a restore changes no VM but its own; `same-id-appears` and `planned-vanishes` are what happens to that")),
    # Snapshots and reference points.
    "guest-vss-fails": only_backup(well(CREATE, "", "VSS"),
                                   # What appeared while ours failed may be another product's (F-WM-15).
                                   bad(CREATE, "", "conflict", "not proven", "Remove-VMSnapshot", also=((CREATE, "foreign-object"),), foreign="snapshots")),
    "second-snapshot-allowed": (NotHere("a VM that has a recovery snapshot is refused before the call: e2e_failures, foreign_recovery_snapshot"), NotHere("a restore takes no checkpoint")),
    # It waits five minutes before it switches merging on again (unit_backup sees that); a host that reboots goes on merging (5.4).
    "endless-merge": only_backup(well(CONVERT, reboots=True)),
    "empty-rct-ids": only_backup(well(CONVERT)),
    "lose-reference-point": only_backup(new_full(EXPORT)),
    "stale-base": only_backup(*[new_full(EXPORT, answer, times=2 if answer == "32773" else 1) for answer in ("32768", "32773", "0xC03A0029", "0xC03A002A", "0xC03A0030", "0xC03A0020", "0x80070490")],
                              well(EXPORT, "full", "complete disks", kind="full")),
    # What lands on the share. A useless increment is followed by a full (F-WM-18, F-SH).
    "fail-export": only_backup(bad(EXPORT, "0x80070070", "host_failure", "web01", "space on the share"),
                               bad(EXPORT, "0x80070005", "host_failure", "web01", "access is denied"),
                               bad(EXPORT, "0x80070035", "host_failure", "web01", "network path")),
    "empty-export": only_backup(new_full(EXPORT)),
    "keep-open": only_backup(well(EXPORT, "1500", scene="samba")),
    "late-write": only_backup(well(EXPORT, "1500", scene="samba")),
    "truncate-image": only_backup(new_full(EXPORT)),
    "short-image": only_backup(new_full(EXPORT)),
    # Zeros that were really written where a block was: VHDX has no checksum over blocks, and a guest writes zeros too. It is said, no more.
    "zero-tail": only_backup(well(EXPORT, "", "zeros as a whole", is_blind=True, mends="full")),
    "unwritten-tail": only_backup(new_full(EXPORT), bad(EXPORT, "", "corrupt", "nothing was ever written", "share.accept_holes", times=FOREVER, status=4)),
    "missing-image": only_backup(new_full(EXPORT)),
    "missing-configuration": only_backup(new_full(EXPORT)),
    "nested-export": only_backup(well(EXPORT, kind="incremental")),
    "second-configuration": only_backup(new_full(EXPORT)),
    "extra-files": only_backup(well(EXPORT, kind="incremental")),
    "many-files": only_backup(well(EXPORT, "2000", kind="incremental")),
    "huge-file": only_backup(well(EXPORT)),
    "odd-names": only_backup(well(EXPORT)),
    # An attack: it rejects the export, and says so (F-SH-07).
    "link-for-image": only_backup(bad(EXPORT, "", "untrusted", "no plain file", "access to the share")),
    "fifo-beside": only_backup(bad(EXPORT, "", "untrusted", "no plain file", "access to the share")),
    "wrong-linkage": only_backup(well(EXPORT, "", "parent", kind="incremental")),
    "foreign-linkage": only_backup(new_full(EXPORT)),
    "complete-image": only_backup(well(EXPORT, times=1, kind="incremental"), well(EXPORT, "", "complete disks", times=2, kind="full")),
    "omit-change": (NotHere("nobody can see it in one run; e2e_failures (comparison_failures.py) finds it with --full-every"), NotHere("nothing is exported in a restore")),
    "incomplete-image": only_backup(new_full(EXPORT)),
    # Import.
    "late-version-check": (NotHere("a backup imports nothing"), NotHere("the point's version is compared with the host's before anything is asked of it: e2e_restore_vm, on_an_older_host")),
    "same-id-appears": only_restore(bad(REALISE, "", "conflict", "0x800700B7", foreign="machines")),
    "planned-vanishes": only_restore(bad(VALIDATE, "", "host_failure", "somebody else removed it")),
    "problem": only_restore(bad(VALIDATE, "12345", "conflict", "12345"), bad(VALIDATE, "33012", "conflict")),
    # The language: the code at the end of a text is read, its words never.
    "german": LANGUAGE,
    "japanese": LANGUAGE,
}
