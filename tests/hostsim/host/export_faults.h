// What an export leaves on the share that does not belong there (threats-and-faults.md F-SH).
#pragma once

#include "base/random.h"
#include "tests/hostsim/disk/share_target.h"
#include "tests/hostsim/host/fault_plan.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace entrepot::hostsim {

struct ExportPlace {
    FaultPlan& faults;
    ShareTarget& target;
    std::string path;             ///< Of the tree, below the share.
    std::filesystem::path local;  ///< The same on this machine; empty if the share is a server's.
    Random& random;
};

/// Adds what is planned for the export, beside the files of a whole one. Throws TargetFailure
/// only for what a plain file may fail with.
void add_export_faults(const ExportPlace& place);

/// A file that nobody looks into: a signature, some noise, zeros.
void write_opaque(ShareTarget& target, const std::string& path, std::size_t size,
                  std::string_view signature, Random& random);

}  // namespace entrepot::hostsim
