// Reading the host's jobs: states, codes and affected objects (hyperv-wmi 1.3).
#pragma once

#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hyperv_host.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hyperv {

/// Success is state 7 or 32768 and no error code; a state that nobody documented still runs.
JobStatus decode_job(const cim::Instance& job);

class JobReader {
public:
    explicit JobReader(cim::WmiNamespace& wmi) : wmi_(wmi) {}

    JobStatus read(const JobRef& job);
    /// Terminate, and kill where the host refuses that.
    void request_end(const JobRef& job);
    void request_kill(const JobRef& job);
    /// InstanceIDs of the snapshots, or of the reference points, that the job affects.
    std::vector<std::string> list_affected(const JobRef& job, std::string_view class_name);
    /// Exports of a VM, those too that have ended and are still shown.
    std::vector<JobRef> list_exports(const std::string& vm_id);
    /// GUIDs of the systems, planned or not, that the job affects.
    std::vector<std::string> list_affected_systems(const JobRef& job, std::string_view class_name);
    /// Running jobs of a type, whatever they concern.
    std::vector<JobRef> list_running(std::uint16_t job_type);
    /// The embedded instances of GetErrorEx; empty where the job, or its errors, are gone.
    std::vector<std::string> list_errors(const JobRef& job);

private:
    cim::ObjectPath path_of(const JobRef& job) const;
    std::uint32_t request_state(const JobRef& job, std::uint16_t state);
    std::string read_errors(const JobRef& job);
    std::vector<cim::Instance> find_affected(const JobRef& job, std::string_view class_name);

    cim::WmiNamespace& wmi_;
};

}  // namespace entrepot::hyperv
