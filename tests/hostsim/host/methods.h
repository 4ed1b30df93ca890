// Invoke: parameters checked against the schema, methods by class and name (wsman.md section 8).
#pragma once

#include "tests/hostsim/host/inventory.h"
#include "tests/hostsim/host/job_runner.h"
#include "tests/hostsim/wire/soap.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace entrepot::hostsim {

inline constexpr std::uint32_t kCompleted = 0;
inline constexpr std::uint32_t kJobStarted = 4096;
inline constexpr std::uint32_t kFailed = 32768;
inline constexpr std::uint32_t kNotSupported = 32770;
inline constexpr std::uint32_t kInvalidParameter = 32773;
inline constexpr std::uint32_t kInvalidState = 32775;
inline constexpr std::uint32_t kFileInUse = 32779;

/// One call, after its parameters were found to be of the declared names and types.
struct MethodCall {
    Host& host;
    JobRunner& jobs;
    Viewer viewer;
    std::string method;
    ObjectRef target = {};
    std::map<std::string, std::vector<std::string>, NameLess> texts = {};
    std::map<std::string, std::vector<ObjectRef>, NameLess> refs = {};
    std::vector<std::pair<std::string, Value>> outputs = {};  ///< In the order of the answer.

    bool has(const std::string& name) const { return texts.contains(name) || refs.contains(name); }
    std::string text(const std::string& name) const;
    /// Nullptr if the parameter is NULL.
    const ObjectRef* ref(const std::string& name) const;
    /// Starts the job and puts its reference into the outputs; or, where a test wants that, does
    /// the work at once.
    std::uint32_t start(JobPlan plan);
};

/// The connection drops, and nothing was executed.
struct RequestLost {};

class Methods {
public:
    Methods(Host& host, JobRunner& jobs);

    /// The body of the answer; the verdict says what was returned. Throws SoapFault or
    /// RequestLost. Call under the host's mutex.
    std::string invoke(const SoapRequest& request, const Viewer& viewer, std::string& verdict);

    using Handler = std::function<std::uint32_t(MethodCall&)>;

private:
    [[noreturn]] void lose_to_another(const MethodCall& call);
    void add(const char* class_name, const char* method, Handler handler);
    MethodCall read_call(const SoapRequest& request, const Viewer& viewer,
                         const Parameters& parameters);
    ObjectRef need_target(const SoapRequest& request, const Viewer& viewer, const Class& declared);

    Host& host_;
    JobRunner& jobs_;
    std::map<std::string, Handler, NameLess> handlers_;
};

// The methods, by family.
std::uint32_t create_snapshot(MethodCall& call);
std::uint32_t destroy_snapshot(MethodCall& call);
std::uint32_t convert_to_reference_point(MethodCall& call);
std::uint32_t destroy_reference_point(MethodCall& call);
std::uint32_t export_system_definition(MethodCall& call);
std::uint32_t modify_system_settings(MethodCall& call);
std::uint32_t import_system_definition(MethodCall& call);
std::uint32_t import_snapshot_definitions(MethodCall& call);
std::uint32_t validate_planned_system(MethodCall& call);
std::uint32_t realize_planned_system(MethodCall& call);
std::uint32_t destroy_system(MethodCall& call);
std::uint32_t request_vm_state_change(MethodCall& call);
std::uint32_t add_resource_settings(MethodCall& call);
std::uint32_t modify_resource_settings(MethodCall& call);
std::uint32_t remove_resource_settings(MethodCall& call);
std::uint32_t get_definition_file_summary_information(MethodCall& call);
std::uint32_t get_size_of_system_files(MethodCall& call);
std::uint32_t modify_disk_merge_settings(MethodCall& call);
std::uint32_t format_error(MethodCall& call);
std::uint32_t get_virtual_hard_disk_setting_data(MethodCall& call);
std::uint32_t get_virtual_hard_disk_state(MethodCall& call);
std::uint32_t request_job_state_change(MethodCall& call);
std::uint32_t get_error(MethodCall& call);
std::uint32_t get_error_ex(MethodCall& call);

}  // namespace entrepot::hostsim
