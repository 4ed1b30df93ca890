// What stands against a VM on this host: disks, switches, files, ids (hyperv-wmi.md 6.1).
#pragma once

#include "tests/hostsim/host/host.h"

#include <vector>

namespace entrepot::hostsim {

/// Every problem, in the order in which a VM is built. Takes the host's mutex for a moment and
/// reads files without it.
std::vector<JobProblem> find_problems(Host& host, const Vm& planned);

/// The problem of one disk's image; nullopt if the host can open it.
std::optional<JobProblem> find_image_problem(Host& host, const Vm& vm, const VmDisk& disk);

/// The files beside a .vmcx that belong to the same VM.
std::vector<std::string> companion_files(const std::string& definition_file);

}  // namespace entrepot::hostsim
