// The table of faults (threats-and-faults F-WM-*, F-SH-*; hyperv-wmi.md 5.5, 5.6, 9).
#include "tests/hostsim/host/fault_plan.h"

#include "base/error.h"
#include "tests/hostsim/cim/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace entrepot::hostsim {

const std::vector<FaultKindRow>& fault_kinds() {
    static const std::vector<FaultKindRow> rows{
        {"unreachable", "*", "", "connections are closed before the TLS handshake"},
        {"request-lost", "method, action", "", "the connection drops; nothing was executed"},
        {"reply-lost", "method, action", "", "executed, then the connection drops"},
        {"http-status", "method, action", "STATUS", "this HTTP status without a SOAP body"},
        {"stall", "method, action", "MILLISECONDS", "the answer comes late"},
        {"cut-body", "method, action", "", "executed; the answer ends in the middle of its body"},
        {"deny-login", "login", "", "401 whatever the credentials"},
        {"lock-account", "login", "", "the account stays locked until faults are cleared"},
        {"session-lost", "session", "", "401 in the middle of a Negotiate session"},
        {"unsealed-answer", "session", "", "a sealed request is answered in plain text"},
        {"broken-seal", "session", "", "one bit of a sealed answer is wrong"},
        {"access-denied", "method, class", "", "w:AccessDenied, code 5"},
        {"quota", "method, action", "", "w:QuotaLimit"},
        {"timed-out", "method, action", "", "w:TimedOut; a method has been executed all the same"},
        {"expire-context", "Pull", "", "n:InvalidEnumerationContext in the middle of a pull"},
        {"refuse-wql", "*", "", "n:CannotProcessFilter for every query on virtualization/v2"},
        {"provider-stopped", "class", "", "vmms is down: a fault for every class of v2"},
        {"empty-inventory", "*", "", "no VMs at all, as with a filtered token"},
        {"wrong-relates-to", "method, action", "", "the answer relates to another message"},
        {"return", "method", "CODE", "the method returns this code and does nothing"},
        {"synchronous", "method", "", "the method returns 0 and its results, without a job"},
        {"fail-job", "method", "HRESULT", "the job fails before it does anything"},
        {"fail-job-late", "method", "HRESULT", "the job does everything, then says it failed"},
        {"vanish-job", "method", "", "the job works, but its object disappears at the end"},
        {"hang-job", "method", "", "the job stays at its percentage until it is cancelled"},
        {"no-error-text", "method", "", "a failed job without ErrorDescription"},
        {"complete-with-error", "method", "", "JobState 7 with ErrorCode 32768"},
        {"guest-vss-fails", "CreateSnapshot", "", "application consistency fails, 0x800423F4"},
        {"second-snapshot-allowed", "CreateSnapshot", "", "several recovery snapshots at once"},
        {"fail-export", "ExportSystemDefinition", "HRESULT", "fails with half of the files there"},
        {"truncate-image", "ExportSystemDefinition", "", "an image ends in the middle"},
        {"short-image", "ExportSystemDefinition", "", "an image lacks its last MiB"},
        {"missing-image", "ExportSystemDefinition", "", "one disk is not there"},
        {"wrong-linkage", "ExportSystemDefinition", "", "parent_linkage names no image at all"},
        {"foreign-linkage", "ExportSystemDefinition", "", "parent_linkage names another disk's"},
        {"complete-image", "ExportSystemDefinition", "",
         "a disk in full where its changes were asked for"},
        {"omit-change", "ExportSystemDefinition", "DISK,OFFSET,LENGTH",
         "a differential lacks this range, whatever was written there"},
        {"incomplete-image", "ExportSystemDefinition", "", "the item of an unfinished image"},
        {"missing-configuration", "ExportSystemDefinition", "", "no .vmcx"},
        {"extra-files", "ExportSystemDefinition", "", "files that do not belong to the export"},
        {"lose-reference-point", "ExportSystemDefinition", "", "the base vanishes at the call"},
        {"endless-merge", "ConvertToReferencePoint, DestroySnapshot", "",
         "the disks stay unmerged"},
        {"empty-rct-ids", "ConvertToReferencePoint", "", "the new point has empty RCT ids"},
        {"japanese", "*", "", "every text is localised"},
    };
    return rows;
}

void FaultPlan::add(const Json& json) {
    const std::string action = json.at("do").get<std::string>();
    const std::size_t colon = action.find(':');
    PlannedFault fault;
    fault.name = action.substr(0, colon);
    if (colon != std::string::npos) fault.argument = action.substr(colon + 1);
    fault.at = json.value("at", std::string{"*"});
    fault.times = json.value("times", 1);
    const auto& rows = fault_kinds();
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const FaultKindRow& candidate) {
        return fault.name == candidate.name;
    });
    if (row == rows.end()) {
        throw Error{ErrorCode::invalid, fmt::format("unknown fault '{}'", fault.name)};
    }
    if ((*row->argument != '\0') != !fault.argument.empty()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("fault '{}': argument '{}'", fault.name, fault.argument)};
    }
    const std::lock_guard lock{mutex_};
    faults_.push_back(std::move(fault));
}

void FaultPlan::clear() {
    const std::lock_guard lock{mutex_};
    faults_.clear();
}

Json FaultPlan::to_json() const {
    const std::lock_guard lock{mutex_};
    Json json = Json::array();
    for (const PlannedFault& fault : faults_) {
        const std::string action =
            fault.argument.empty() ? fault.name : fault.name + ":" + fault.argument;
        json.push_back({{"at", fault.at}, {"do", action}, {"times", fault.times}});
    }
    return json;
}

std::optional<std::string> FaultPlan::take(std::string_view name, std::string_view at) {
    const std::lock_guard lock{mutex_};
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
        if (fault->name != name || (fault->at != "*" && !same_name(fault->at, at))) continue;
        std::string argument = fault->argument;
        if (fault->times > 0 && --fault->times == 0) faults_.erase(fault);
        return argument;
    }
    return std::nullopt;
}

std::optional<std::uint32_t> FaultPlan::take_number(std::string_view name, std::string_view at) {
    const auto text = take(name, at);
    if (!text) return std::nullopt;
    return static_cast<std::uint32_t>(std::strtoul(text->c_str(), nullptr, 0));
}

bool FaultPlan::is_planned(std::string_view name, std::string_view at) const {
    const std::lock_guard lock{mutex_};
    return std::any_of(faults_.begin(), faults_.end(), [&](const PlannedFault& fault) {
        return fault.name == name && (fault.at == "*" || same_name(fault.at, at));
    });
}

}  // namespace entrepot::hostsim
