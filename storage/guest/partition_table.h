// Partition tables: MBR with logical partitions, and GPT. Follows the UEFI specification 2.10,
// chapter 5. Our own, because The Sleuth Kit tells neither a partition's type GUID, by which
// dynamic disks are recognised, nor reads the second copy of a damaged GPT.
#pragma once

#include "storage/disk/disk_source.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::guest {

struct Partition {
    std::uint32_t number = 0;
    std::uint64_t first_sector = 0;
    std::uint64_t sector_count = 0;
    std::string type;
    std::string name;
    bool operator==(const Partition&) const = default;
};

struct PartitionTable {
    std::string scheme;
    std::vector<Partition> partitions;
    std::vector<std::string> notices;
};

/// nullopt if the disk has none. Numbers are those of the table: nothing says that a partition lies
/// in the disk.
std::optional<PartitionTable> read_partition_table(const disk::DiskSource& disk);

}  // namespace entrepot::guest
