// GUID partition tables.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest/partition_table.h"

#include <optional>

namespace entrepot::guest {

/// From the first copy, else from the second, with a notice. nullopt if neither is whole.
std::optional<PartitionTable> read_gpt(const disk::DiskSource& disk);

}  // namespace entrepot::guest
