// The table (threats-and-faults.md F-WM, F-SH; hyperv-wmi.md 5.5, 5.6, 8, 9), and its form in JSON.
#include "tests/hostsim/host/fault_kinds.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hostsim {
namespace {

constexpr std::string_view kBackup =
    "CreateSnapshot|ExportSystemDefinition|ConvertToReferencePoint|DestroySnapshot|"
    "DestroyReferencePoint";
constexpr std::string_view kRestore =
    "ImportSystemDefinition|ModifySystemSettings|ModifyResourceSettings|ValidatePlannedSystem|"
    "RealizePlannedSystem|DestroySystem|RequestStateChange";
constexpr std::string_view kReads = "Get|Enumerate|Pull";

constexpr FaultKindRow kRows[] = {
    // The connection.
    {"unreachable", "connect", "", "", "F-WM-01",
     "connections are closed before the TLS handshake"},
    {"half-open", "@reads|@backup|@restore", "", "", "F-WM-02",
     "executed; no answer comes, and the connection stays open"},
    {"slow-body", "@reads", "BYTES_PER_SECOND", "1|64", "F-WM-03", "the answer trickles"},
    {"stall", "@reads|@backup|@restore", "MILLISECONDS", "300", "F-WM-03", "the answer comes late"},
    {"cut-body", "@reads|@backup|@restore", "", "", "F-WM-04|F-WM-15",
     "executed; the answer ends in the middle of its body"},
    {"wrong-length", "@reads", "", "", "F-WM-04", "Content-Length is half of the body"},
    {"broken-chunks", "@reads", "", "", "F-WM-04", "chunked, and a chunk's length is no number"},
    {"endless-body", "@reads", "", "", "F-WM-05", "the body does not end"},
    {"gzip-body", "@reads", "", "", "F-WM-05", "Content-Encoding that nobody asked for"},
    {"redirect", "@reads", "URL", "http://127.0.0.1:1/wsman", "F-WM-10", "307 to another place"},
    {"other-certificate", "connect", "", "", "F-WM-09", "the TLS key is another one"},
    {"expired-certificate", "connect", "", "", "F-WM-09", "a certificate that has ended"},
    {"wrong-name-certificate", "connect", "", "", "F-WM-09", "a certificate of another host"},
    {"old-tls", "connect", "", "", "F-WM-09", "nothing above TLS 1.0"},
    {"request-lost", "@reads|@backup|@restore", "", "", "F-WM-15",
     "the connection drops; nothing was executed"},
    {"reply-lost", "@reads|@backup|@restore", "", "", "F-WM-15|5.5/2",
     "executed, then the connection drops"},
    {"http-status", "@reads|@backup|@restore", "STATUS", "404|500|503", "F-WM-12",
     "this HTTP status without a SOAP body; nothing was executed"},
    // The login.
    {"deny-login", "login", "", "", "F-WM-08", "401 whatever the credentials"},
    {"lock-account", "login", "", "", "F-WM-08", "the account is locked until faults are cleared"},
    {"session-lost", "session", "", "", "F-WM-08", "401 in the middle of a Negotiate session"},
    {"unsealed-answer", "session", "", "", "F-WM-07", "a sealed request is answered in the open"},
    {"broken-seal", "session", "", "", "F-WM-07", "one bit of a sealed answer is wrong"},
    // The message.
    {"hostile-xml", "@reads", "KIND", "doctype|entities|depth|attributes|nul|utf8", "F-WM-06",
     "the answer is XML that no parser should take"},
    {"wrong-relates-to", "@reads|@backup|@restore", "", "", "F-WM-07",
     "the answer relates to another message"},
    {"wrong-action", "@reads", "", "", "F-WM-07", "the answer's action is another one"},
    {"wrong-namespace", "@reads", "", "", "F-WM-07", "the answer's body is in another namespace"},
    {"stale-reply", "@reads", "", "", "F-WM-07", "the former answer once more"},
    {"access-denied", "@reads|@backup|@restore", "", "", "8/permissions|5.5/1|5.5/3",
     "w:AccessDenied, code 5"},
    {"quota", "@reads|@backup|@restore", "", "", "F-WM-12", "w:QuotaLimit, too many operations"},
    {"rate-quota", "@reads|@backup|@restore", "", "", "F-WM-12", "w:QuotaLimit, too fast"},
    {"timed-out", "@reads|@backup|@restore", "", "", "F-WM-11",
     "w:TimedOut; a method has been executed all the same"},
    {"envelope-limit", "Enumerate|Pull", "", "", "F-WM-13",
     "the answer would exceed MaxEnvelopeSize"},
    {"expire-context", "Pull", "", "", "F-WM-14|8/bug-7",
     "n:InvalidEnumerationContext in the middle of a list"},
    {"refuse-wql", "*", "", "", "9/1", "n:CannotProcessFilter for queries on virtualization/v2"},
    {"provider-stopped", "Msvm_ComputerSystem", "", "", "1/vmms",
     "vmms is down: a fault for every class of v2"},
    {"empty-inventory", "*", "", "", "8/permissions|9/1", "no VMs, as with a filtered token"},
    // The method and its job.
    {"return", "@backup|@restore", "CODE", "32768|32769|32773|32775|32779",
     "1.2|5.5/1|5.5/3|5.5/6|5.5/8|9/10|F-WM-26", "the method returns this code and does nothing"},
    {"synchronous", "@backup|@restore", "", "", "9/2",
     "the method returns 0 and its results, without a job"},
    {"fail-job", "@backup|@restore", "HRESULT",
     "0x80070005|0x80070020|0x8007052F|0x80070569|0x80070050|0xC03A001A",
     "5.5/2|5.5/6|5.5/8|5.6/0x80070005|5.6/0x80070020|5.6/0x8007052F|5.6/0xC03A001A|"
     "8/bug-2|8/bug-4|8/bug-6|F-WM-26",
     "the job fails before it does anything"},
    {"fail-job-late", "@backup|@restore", "HRESULT", "0x80004005|0x8007052F", "5.5/2|5.5/6",
     "the job does everything, then says it failed"},
    {"vanish-job", "@backup|@restore", "", "", "F-WM-16|8/limits|9/3",
     "the job works, but its object is gone at the end"},
    {"hang-job", "@backup|@restore", "", "", "5.5/9|8/timeouts|9/5",
     "the job stays at its percentage until it is cancelled"},
    {"no-error-text", "@backup|@restore", "", "", "9/11",
     "a failed job without ErrorDescription; together with fail-job"},
    {"complete-with-error", "@backup|@restore", "", "", "F-WM-17",
     "JobState 7 with ErrorCode 32768"},
    {"complete-with-warning", "@backup|@restore", "", "", "1.3", "JobState 32768 with ErrorCode 0"},
    {"job-goes-back", "@backup|@restore", "", "", "F-WM-17",
     "JobState and PercentComplete fall for a while"},
    {"job-full-but-running", "@backup|@restore", "", "", "F-WM-17",
     "PercentComplete is 100 and JobState 4 for a while"},
    {"odd-job-state", "@backup|@restore", "STATE", "4711", "F-WM-17",
     "a JobState that no page knows, for a while"},
    {"reboot", "@backup|@restore", "", "", "F-WM-19|5.6/host-crash",
     "the host reboots while the job works"},
    {"foreign-object", "@backup|ImportSystemDefinition|RealizePlannedSystem", "", "",
     "F-WM-15|F-WM-25|5.5/2|5.5/6|8/conflicts|9/10",
     "another product's object of the same kind, or its export, appears at the same moment"},
    {"foreign-instead",
     "CreateSnapshot|ConvertToReferencePoint|ImportSystemDefinition|RealizePlannedSystem", "", "",
     "F-WM-15|5.5/2",
     "the connection drops, nothing was executed, and another product's object appears"},
    {"unnamed-snapshot", "CreateSnapshot", "", "", "F-WM-15|5.2",
     "the snapshot has the host's name, not the one of SnapshotSettings"},
    {"vm-event", "CreateSnapshot|ExportSystemDefinition|ConvertToReferencePoint", "KIND",
     "moved|deleted|renamed|resized|disk-added|disk-removed|checkpointed",
     "F-WM-20|5.6/disk-added|5.6/disk-removed|5.6/disk-resized|"
     "5.6/checkpoint-created|5.6/migration",
     "something happens to the VM while the job works"},
    // Snapshots and reference points.
    {"guest-vss-fails", "CreateSnapshot", "", "", "5.2|5.6/0x800423Fx|8/linux-guests",
     "application consistency fails, 0x800423F4"},
    {"second-snapshot-allowed", "CreateSnapshot", "", "", "8/limits|9/4",
     "several recovery snapshots at once"},
    {"endless-merge", "ConvertToReferencePoint|DestroySnapshot", "", "",
     "5.4|8/bug-1|8/bug-3|8/bug-5|9/7|9/9", "the disks stay unmerged"},
    {"empty-rct-ids", "ConvertToReferencePoint", "", "", "2.2|F-WM-22",
     "the new point has empty RCT ids"},
    {"lose-reference-point", "ExportSystemDefinition", "", "", "F-WM-22|5.6/other-product|9/8",
     "the base vanishes at the call"},
    {"stale-base", "ExportSystemDefinition", "ANSWER",
     "32768|32773|0xC03A0029|0xC03A002A|0xC03A0030|0xC03A0020|0xC03A0022|0xC03A000D|"
     "0xC03A000E|0xC03A0016|0xC03A0018|0xC03A0004|0xC03A001B|0x80070002|0x80070490|"
     "full",
     "F-WM-22|5.6/side-files-lost|5.6/written-offline|5.6/0xC03A0029|5.6/0xC03A002A|"
     "5.6/0xC03A0030|5.6/0xC03A0020|5.6/0xC03A000D|5.6/0xC03A000E|5.6/0xC03A0016|"
     "5.6/0xC03A0018|5.6/0xC03A0004|5.6/0xC03A001B|5.6/0x80070002|9/8",
     "a differential ends so: a return code, an HRESULT of its job, or a complete image"},
    // What lands on the share.
    {"fail-export", "ExportSystemDefinition", "HRESULT",
     "0x80070070|0x80070005|0x80070035|0x80070040|0x8007003B|0x80070043",
     "F-SH-01|F-SH-15|5.5/4|5.6/0x80070005|5.6/0x80070070|5.6/0x80070035|"
     "8/who-writes|8/bug-10|9/5",
     "fails with half of the files there"},
    {"empty-export", "ExportSystemDefinition", "", "", "F-WM-18",
     "ends well and leaves empty folders"},
    {"keep-open", "ExportSystemDefinition", "MILLISECONDS", "1500", "F-SH-02",
     "an image stays open when the job has ended"},
    {"late-write", "ExportSystemDefinition", "MILLISECONDS", "1500", "F-SH-02|F-SH-03",
     "a part of an image is rubbish until that long after the job has ended"},
    {"truncate-image", "ExportSystemDefinition", "", "", "F-SH-04|9/5",
     "an image ends in the middle"},
    {"short-image", "ExportSystemDefinition", "", "", "F-SH-04", "an image lacks its last MiB"},
    {"zero-tail", "ExportSystemDefinition", "", "", "F-SH-04",
     "zeros are written over the last block of an image"},
    {"unwritten-tail", "ExportSystemDefinition", "", "", "F-SH-04",
     "an image has its length, but from its last block on nothing was written"},
    {"missing-image", "ExportSystemDefinition", "", "", "F-WM-18", "one disk is not there"},
    {"missing-configuration", "ExportSystemDefinition", "", "", "F-WM-18", "no .vmcx"},
    {"nested-export", "ExportSystemDefinition", "", "", "F-SH-05",
     "the tree lies one folder deeper"},
    {"second-configuration", "ExportSystemDefinition", "", "", "F-SH-05",
     "the .vmcx of another VM lies beside ours"},
    {"extra-files", "ExportSystemDefinition", "", "", "F-SH-09",
     "files that do not belong to the export"},
    {"many-files", "ExportSystemDefinition", "COUNT", "2000", "F-SH-09", "that many small files"},
    {"huge-file", "ExportSystemDefinition", "", "", "F-SH-09", "a sparse file of 8 TiB"},
    {"odd-names", "ExportSystemDefinition", "", "", "F-SH-06",
     "names that differ in case or form only, reserved ones, very long ones"},
    {"link-for-image", "ExportSystemDefinition", "", "", "F-SH-07",
     "a symbolic link stands where an image was; directory shares only"},
    {"fifo-beside", "ExportSystemDefinition", "", "", "F-SH-07",
     "a FIFO lies among the images; directory shares only"},
    {"wrong-linkage", "ExportSystemDefinition", "", "", "9/6|F-WM-22",
     "parent_linkage names no image at all"},
    {"foreign-linkage", "ExportSystemDefinition", "", "", "9/6|F-WM-25",
     "parent_linkage names another disk's"},
    {"complete-image", "ExportSystemDefinition", "", "", "5.6/disk-added|9/6",
     "a disk in full where its changes were asked for"},
    {"omit-change", "ExportSystemDefinition", "DISK,OFFSET,LENGTH", "0,0,65536", "F-WM-25",
     "a differential lacks this range, whatever was written there"},
    {"incomplete-image", "ExportSystemDefinition", "", "", "F-WM-18",
     "the item of an unfinished image"},
    // Import.
    {"late-version-check", "ImportSystemDefinition", "", "", "6.1|9/10",
     "a version above the host's is found by ValidatePlannedSystem only"},
    {"same-id-appears", "ValidatePlannedSystem|RealizePlannedSystem", "", "", "6.1|9/10|F-WM-21",
     "a VM with the planned VM's id appears at that moment"},
    {"planned-vanishes", "ModifySystemSettings|ValidatePlannedSystem|RealizePlannedSystem", "", "",
     "F-WM-16|9/10", "the planned VM is gone"},
    {"problem", "ValidatePlannedSystem", "MESSAGE_ID", "33012|40010|12345", "6.1|9/10",
     "validation finds one problem more, of that id"},
    // The language.
    {"german", "*", "", "", "9/11", "every text is German"},
    {"japanese", "*", "", "", "9/11", "every text is Japanese"},
};

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t bar = text.find('|');
        items.emplace_back(text.substr(0, bar));
        text.remove_prefix(bar == std::string_view::npos ? text.size() : bar + 1);
    }
    return items;
}

bool contains(const std::vector<std::string>& items, const std::string& item) {
    return std::find(items.begin(), items.end(), item) != items.end();
}

std::vector<std::string> places_of(const FaultKindRow& row) {
    std::vector<std::string> places;
    for (const std::string& item : split(row.places)) {
        std::string_view group = item;
        if (item == "@backup") group = kBackup;
        if (item == "@restore") group = kRestore;
        if (item == "@reads") group = kReads;
        for (std::string& place : split(group))
            places.push_back(std::move(place));
    }
    return places;
}

std::string phase_of(const std::string& place) {
    if (contains(split(kBackup), place)) return "backup";
    return contains(split(kRestore), place) ? "restore" : "both";
}

}  // namespace

std::span<const FaultKindRow> fault_kinds() {
    return kRows;
}

Json describe_fault_kinds() {
    Json kinds = Json::array();
    Json cases = Json::array();
    for (const FaultKindRow& row : fault_kinds()) {
        const auto places = places_of(row);
        auto examples = split(row.examples);
        kinds.push_back({{"name", row.name},
                         {"at", places},
                         {"argument", row.argument},
                         {"examples", examples},
                         {"stands_for", split(row.stands_for)},
                         {"text", row.text}});
        if (examples.empty()) examples.emplace_back();
        for (const std::string& place : places) {
            for (const std::string& example : examples) {
                const std::string action =
                    example.empty() ? std::string{row.name} : row.name + (":" + example);
                cases.push_back({{"at", place}, {"do", action}, {"phase", phase_of(place)}});
            }
        }
    }
    return {{"kinds", std::move(kinds)}, {"cases", std::move(cases)}};
}

}  // namespace entrepot::hostsim
