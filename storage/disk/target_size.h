// How much room an image of a disk takes, told before it is written.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/disk/disk_writer.h"

#include <cstdint>

namespace entrepot::disk {

/// What write_disk() occupies at most while it works, its temporary files included, on a file
/// system that has holes. Asks the source where it holds data, and reads nothing. Throws as
/// write_disk() for a disk that the format cannot hold.
std::uint64_t target_bytes_max(const DiskSource& source, const WriteOptions& options);

}  // namespace entrepot::disk
