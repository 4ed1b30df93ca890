// The master boot record and its chain of extended ones; a protective record leads to the GPT.
#include "storage/guest/partition_table.h"

#include "storage/guest/gpt.h"
#include "storage/guest/volume_content.h"
#include "storage/guest/volume_source.h"
#include "storage/guest_model/limits.h"

#include "base/bytes.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace entrepot::guest {
namespace {

constexpr std::size_t kRecordBytes = 512;
constexpr std::size_t kEntriesOffset = 446;
constexpr std::size_t kEntryCount = 4;
constexpr std::uint8_t kProtective = 0xEE;
constexpr std::uint32_t kFirstLogicalNumber = 5;

struct Entry {
    std::uint8_t status = 0;
    std::uint8_t type = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    bool is_used() const { return type != 0 && count != 0; }
    bool is_extended() const { return type == 0x05 || type == 0x0F || type == 0x85; }
};

using Entries = std::array<Entry, kEntryCount>;

// nullopt where no record is, or none that could be one.
std::optional<Entries> read_record(const disk::DiskSource& disk, std::uint64_t sector) {
    const Bytes bytes = read_up_to(disk, sector * disk.logical_sector_size(), kRecordBytes);
    if (bytes.size() < kRecordBytes) return std::nullopt;
    LittleEndianReader in{ByteView{bytes}.subspan(kEntriesOffset)};
    Entries entries;
    for (Entry& entry : entries) {
        entry.status = in.u8();
        in.skip(3);
        entry.type = in.u8();
        in.skip(3);
        entry.first = in.u32();
        entry.count = in.u32();
        if (entry.status != 0 && entry.status != 0x80) return std::nullopt;
    }
    if (in.u16() != 0xAA55) return std::nullopt;
    return entries;
}

Partition make_partition(std::uint32_t number, std::uint64_t base, const Entry& entry) {
    return {number, base + entry.first, entry.count, fmt::format("0x{:02X}", entry.type), {}};
}

// Each record of the chain has one logical partition, relative to itself, and the next record,
// relative to the extended partition.
void read_logical(const disk::DiskSource& disk, const Entry& extended, PartitionTable& table) {
    std::set<std::uint64_t> seen;
    std::uint64_t sector = extended.first;
    std::uint32_t number = kFirstLogicalNumber;
    while (seen.size() < limits::kLogicalPartitionsMax) {
        const auto entries = read_record(disk, sector);
        if (!seen.insert(sector).second || !entries) {
            table.notices.push_back(fmt::format(
                "the chain of logical partitions is {} at sector {}; what lies behind is not shown",
                entries ? "a circle" : "broken", sector));
            return;
        }
        const Entry* next = nullptr;
        const Entry* logical = nullptr;
        for (const Entry& entry : *entries) {
            if (!entry.is_used()) continue;
            const Entry*& place = entry.is_extended() ? next : logical;
            if (place == nullptr) place = &entry;
        }
        if (logical != nullptr) {
            table.partitions.push_back(make_partition(number++, sector, *logical));
        }
        if (next == nullptr) return;
        if (next->first >= extended.count) {
            table.notices.push_back(
                "the chain of logical partitions leaves the extended partition");
            return;
        }
        sector = std::uint64_t{extended.first} + next->first;
    }
    table.notices.push_back(fmt::format("only the first {} logical partitions are shown",
                                        limits::kLogicalPartitionsMax));
}

PartitionTable read_mbr(const disk::DiskSource& disk, const Entries& entries) {
    PartitionTable table{"mbr", {}, {}};
    bool has_extended = false;
    for (std::uint32_t i = 0; i < kEntryCount; ++i) {
        const Entry& entry = entries[i];
        if (!entry.is_used()) continue;
        if (!entry.is_extended()) {
            table.partitions.push_back(make_partition(i + 1, 0, entry));
        } else if (!has_extended) {
            has_extended = true;
            read_logical(disk, entry, table);
        } else {
            table.notices.push_back("a second extended partition is not looked into");
        }
    }
    std::ranges::sort(table.partitions, {}, &Partition::number);
    return table;
}

// What has a boot sector of its own, which ends like a master boot record.
bool has_boot_sector(VolumeContent content) {
    return content == VolumeContent::ntfs || content == VolumeContent::fat ||
           content == VolumeContent::exfat || content == VolumeContent::bitlocker;
}

// Partitioning a disk leaves the signatures behind its first sector as they are: what they speak of
// has been written over since.
void note_remains(VolumeContent content, PartitionTable& table) {
    if (content == VolumeContent::unknown || content == VolumeContent::empty) return;
    table.notices.push_back(
        fmt::format("the disk seems to have held {} before it was partitioned: the partitions are "
                    "shown",
                    to_string(content)));
}

}  // namespace

std::optional<PartitionTable> read_partition_table(const disk::DiskSource& disk) {
    const auto entries = read_record(disk, 0);
    const bool has_entries = entries && std::ranges::any_of(*entries, &Entry::is_used);
    const bool is_protected = entries && std::ranges::any_of(*entries, [](const Entry& entry) {
                                  return entry.type == kProtective;
                              });
    if (is_protected || !has_entries) {
        if (auto table = read_gpt(disk)) {
            if (!is_protected) {
                table->notices.push_back("the protective MBR before the GPT is missing");
            }
            return table;
        }
        if (is_protected) {
            return PartitionTable{"gpt", {}, {"both copies of the GPT are damaged"}};
        }
    }
    if (!has_entries) return std::nullopt;
    const VolumeContent content = recognise_content(disk).content;
    if (has_boot_sector(content)) return std::nullopt;
    PartitionTable table = read_mbr(disk, *entries);
    note_remains(content, table);
    return table;
}

}  // namespace entrepot::guest
