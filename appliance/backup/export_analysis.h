// Proof that an export holds what the plan expects, and what each disk of it lies on.
#pragma once

#include "appliance/backup/ingest.h"
#include "appliance/backup/run.h"

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::backup {

struct ExportAnalysis {
    std::vector<DiskPlan> disks;    ///< One for each expected disk, in its order.
    std::vector<ExportFile> files;  ///< Of the VM's configuration.
    std::vector<std::string> warnings;
};

/// Opens the images in a directory. Every expected disk must be there once: by VirtualDiskId, with
/// its size and sector size, complete or on the goal's base. Exactly one .vmcx must be there.
/// Throws Error{corrupt} where the export lacks or contradicts something, Error{parent_mismatch}
/// and Error{parent_missing} where an image does not belong onto the base.
ExportAnalysis analyse_export(Run& run, const std::filesystem::path& directory,
                              const ExportGoal& goal);

}  // namespace entrepot::backup
