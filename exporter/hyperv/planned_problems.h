// What a host's job on a planned VM complains about: Msvm_Error, out of GetErrorEx
// (hyperv-wmi 1.3).
#pragma once

#include "exporter/hyperv/restore_host.h"

#include <string>
#include <vector>

namespace entrepot::hyperv {

/// `errors` are embedded instances as the host sent them. What cannot be read becomes a problem
/// with its text: nothing that a host complains about is lost.
std::vector<PlannedProblem> decode_problems(const std::vector<std::string>& errors);

}  // namespace entrepot::hyperv
