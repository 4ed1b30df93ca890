// Finding services and reading what their methods return (hyperv-wmi 1, 1.2).
#include "exporter/hyperv/service_call.h"

#include "base/error.h"
#include "exporter/hyperv/hresult.h"

#include <fmt/format.h>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kNoRightsHint =
    "The account sees nothing of Hyper-V: put it into Hyper-V Administrators on the host. A local "
    "administrator other than the built-in one also needs LocalAccountTokenFilterPolicy = 1.";

constexpr std::string_view kWrongStateHint =
    "Something else works on the VM: another backup, a checkpoint, a merge, a migration. Look at "
    "its state and at its disks on the host, then try again.";

constexpr std::string_view kGeneralHint =
    "Look at the VM on the host: its state, other work on it, and the event log "
    "Microsoft-Windows-Hyper-V-VMMS-Admin.";

std::string_view hint_of(std::uint32_t code) {
    constexpr std::uint32_t kReturnAccessDenied = 32769;
    constexpr std::uint32_t kReturnInvalidState = 32775;
    if (code == kReturnAccessDenied) return kNoRightsHint;
    return code == kReturnInvalidState ? kWrongStateHint : kGeneralHint;
}

}  // namespace

void throw_return_code(std::string_view method, std::uint32_t code) {
    throw Error{code == 32769 ? ErrorCode::access_denied : ErrorCode::host_failure,
                fmt::format("the host answers {} with {}", method, explain_return_code(code)),
                std::string{hint_of(code)}};
}

const cim::ObjectPath& ServiceCaller::service(std::string_view class_name) {
    const auto known = services_.find(class_name);
    if (known != services_.end()) return known->second;

    const auto found = wmi_.list(class_name);
    if (found.empty()) {
        throw Error{ErrorCode::access_denied, fmt::format("the host shows no {}", class_name),
                    std::string{kNoRightsHint}};
    }
    cim::ObjectPath path = wmi_.path(class_name, {});
    for (const char* key : {"CreationClassName", "Name", "SystemCreationClassName", "SystemName"}) {
        const auto value = found.front().find_text(key);
        if (value) path.keys.emplace_back(key, *value);
    }
    return services_.emplace(std::string{class_name}, std::move(path)).first->second;
}

cim::MethodOutput ServiceCaller::call(std::string_view service_class, std::string_view method,
                                      const cim::MethodInput& input, wsman::Repeat repeat) {
    return wmi_.invoke(service(service_class), method, input, repeat);
}

JobRef ServiceCaller::job_of(std::string_view method, const cim::MethodOutput& output,
                             std::string_view result_parameter) const {
    const bool is_job = output.return_value == kReturnJobStarted;
    if (!is_job && output.return_value != kReturnDone) {
        throw_return_code(method, output.return_value);
    }
    JobRef job;
    job.is_synchronous = !is_job;
    const auto reference = output.parameters.reference(is_job ? "Job" : result_parameter);
    const auto path = reference ? cim::to_object_path(*reference) : std::nullopt;
    if (path) {
        job.class_name = path->class_name;
        job.instance_id = path->key("InstanceID").value_or("");
    }
    if (is_job && job.instance_id.empty()) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the host started {} and names no job for it", method)};
    }
    return job;
}

}  // namespace entrepot::hyperv
