// Methods of jobs, and rendering errors (hyperv-wmi.md section 1.3).
#include "tests/hostsim/host/methods.h"

#include "tests/hostsim/cim/embedded.h"

#include <fmt/format.h>

#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr unsigned long kTerminate = 4;
constexpr unsigned long kKill = 5;

const Job* find_job(MethodCall& call) {
    const auto id = call.target.keys.find("InstanceID");
    if (id == call.target.keys.end()) return nullptr;
    for (const auto& [name, job] : call.host.model().jobs) {
        if (same_name(name, id->second)) return &job;
    }
    return nullptr;
}

std::string error_xml(MethodCall& call, const Job& job) {
    Instance error{.class_name = "Msvm_Error"};
    error["CIMStatusCode"] = 1;
    error["ErrorSource"] = job.vm_id;
    error["ErrorType"] = 4;
    error["Message"] = job.error_text;
    error["MessageID"] = fmt::format("{}", job.error_code);
    error["OwningEntity"] = "Microsoft-Windows-Hyper-V-VMMS";
    error["PerceivedSeverity"] = 6;
    error["ProbableCause"] = 1;
    return format_embedded(error, *call.host.schema().find(kVirtualizationNamespace, "Msvm_Error"));
}

}  // namespace

std::uint32_t request_job_state_change(MethodCall& call) {
    const Job* job = find_job(call);
    if (job == nullptr || !call.has("RequestedState")) return kInvalidParameter;
    const unsigned long state = std::strtoul(call.text("RequestedState").c_str(), nullptr, 10);
    if (state != kTerminate && state != kKill) return kNotSupported;
    if (job->is_terminal()) return kInvalidState;
    const std::uint32_t end_state = state == kTerminate ? 8 : 9;
    return call.jobs.cancel(job->id, end_state) ? kCompleted : kInvalidState;
}

std::uint32_t get_error(MethodCall& call) {
    const Job* job = find_job(call);
    if (job == nullptr) return kInvalidParameter;
    if (job->error_code != 0) call.outputs.emplace_back("Error", error_xml(call, *job));
    return kCompleted;
}

std::uint32_t get_error_ex(MethodCall& call) {
    const Job* job = find_job(call);
    if (job == nullptr) return kInvalidParameter;
    if (job->error_code != 0) call.outputs.emplace_back("Errors", error_xml(call, *job));
    return kCompleted;
}

std::uint32_t format_error(MethodCall& call) {
    if (!call.has("Errors")) return kInvalidParameter;
    std::string message;
    for (const std::string& text : call.texts.at("Errors")) {
        const EmbeddedResult error = parse_embedded(text, "Msvm_Error", call.host.schema());
        if (!error.instance) return error.return_value;
        message += error.instance->at("Message").text() + "\r\n";
    }
    call.outputs.emplace_back("ErrorMessage", message);
    return kCompleted;
}

}  // namespace entrepot::hostsim
