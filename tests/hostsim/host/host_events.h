// What happens on a host while a job works: other products, administrators, failures (F-WM-15,
// F-WM-20, F-WM-25).
#pragma once

#include "tests/hostsim/host/job_runner.h"

namespace entrepot::hostsim {

/// Carries out the events that are planned for the job's method, before its work begins. Takes the
/// host's mutex.
void make_planned_events(JobContext& job, const JobPlan& plan);

inline constexpr const char* kExportMethod = "ExportSystemDefinition";

/// What another product makes with the same method: a recovery snapshot, a reference point, a
/// planned VM, a VM. Takes the host's mutex.
void add_foreign_object(Host& host, const std::string& method, const std::string& vm_id);

/// Another product's export of a VM: it ends after the VM's other exports, and fails.
JobPlan make_foreign_export(Host& host, const std::string& vm_id);

/// A planned VM of another product. Returns its id. Takes the host's mutex.
std::string add_foreign_planned(Host& host, const std::string& name);

}  // namespace entrepot::hostsim
