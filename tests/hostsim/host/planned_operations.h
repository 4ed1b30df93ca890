// Planned VMs: import, what stands against them, and making VMs of them (hyperv-wmi.md 6.1).
#pragma once

#include "tests/hostsim/host/job_runner.h"

#include <string>
#include <vector>

namespace entrepot::hostsim {

struct ImportOrder {
    std::string definition_file;
    bool has_new_id = false;
};

/// Reads the definition and adds a planned VM, which the job names. Throws JobFailure.
void run_import(JobContext& job, const ImportOrder& order);

/// Ends the job with what stands against the planned VM: in state 10, or 32768 where there are
/// warnings only.
void run_validate(JobContext& job, const std::string& planned_id);

/// Makes a VM of it. Throws JobFailure for what validation would say; then it stays planned.
void run_realize(JobContext& job, const std::string& planned_id);

/// Removes a VM with its configuration, or a planned VM. Its disks stay. Throws JobFailure.
void run_destroy(JobContext& job, const std::string& id, bool is_planned);

/// Reads the image in a drive and gives the guest its content; without the host's mutex. Throws
/// TargetFailure.
void load_image(JobContext& job, const Vm& vm, VmDisk& disk);

}  // namespace entrepot::hostsim
