// What is left on the host: for tests that prove that nothing is.
#pragma once

#include "tests/hostsim/host/host.h"

namespace entrepot::hostsim {

/// Snapshots, reference points, unmerged disks, jobs, files. "foreign" marks what `ctl` made. Call
/// under the host's mutex.
Json make_audit(Host& host);

}  // namespace entrepot::hostsim
