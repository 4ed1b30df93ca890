// Both region tables, entry by entry (MS-VHDX 2.2.3; vhdx.md 1.2).
#include "storage/disk/limits.h"
#include "storage/disk/structure_findings.h"
#include "storage/disk/vhdx_anatomy.h"
#include "storage/disk/vhdx_check.h"

#include "base/little_endian.h"

#include <fmt/format.h>

#include <set>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kCountOffset = 8;
constexpr std::uint64_t kFileOffsetOffset = 16;
constexpr std::uint64_t kFlagsOffset = 28;
constexpr std::uint32_t kRequired = 1;

std::string name_of(const RegionEntry& entry) {
    const std::string_view known = region_name(entry.id);
    return known.empty() ? fmt::format("region {}", entry.id.to_string())
                         : fmt::format("the {} region", known);
}

/// One table of two; what it lacks counts as much as the other one is worth.
class TableCheck {
public:
    TableCheck(const RegionTableCopy& table, std::uint64_t file_size, StructureFindings& found)
        : table_(table), file_size_(file_size), found_(found) {}

    void check_entries(const FileRange& log) {
        if (table_.entry_count > limits::kRegionEntriesMax) {
            found_.damage(FindingKind::structure, "EntryCount", table_.offset + kCountOffset,
                          fmt::format("{} entries are more than {}", table_.entry_count,
                                      limits::kRegionEntriesMax));
        }
        std::vector<std::pair<FileRange, std::string>> owners;
        if (log.length > 0) owners.emplace_back(log, "the log");
        std::set<Guid> seen;
        for (const RegionEntry& entry : table_.entries) {
            if (!seen.insert(entry.id).second) {
                found_.damage(FindingKind::structure, "Guid", entry.entry_offset,
                              name_of(entry) + " stands twice");
            }
            check_flags(entry);
            if (!check_range(entry)) continue;
            for (const auto& [range, owner] : owners) {
                if (!range.overlaps(entry.range.offset, entry.range.length)) continue;
                found_.damage(FindingKind::overlap, "FileOffset",
                              entry.entry_offset + kFileOffsetOffset,
                              fmt::format("{} at offset {} with length {} overlaps {} at offset "
                                          "{} with length {}",
                                          name_of(entry), entry.range.offset, entry.range.length,
                                          owner, range.offset, range.length));
            }
            owners.emplace_back(entry.range, name_of(entry));
        }
    }

private:
    void check_flags(const RegionEntry& entry) {
        const bool is_known = !region_name(entry.id).empty();
        const bool is_required = (entry.flags & kRequired) != 0;
        const std::uint64_t offset = entry.entry_offset + kFlagsOffset;
        if (is_known && !is_required) {
            found_.note(FindingKind::structure, "Required", offset,
                        name_of(entry) + " is not marked as required, which QEMU does");
        } else if (!is_known && is_required) {
            found_.add(Severity::unsupported, FindingKind::structure, "Required", offset,
                       name_of(entry) + " is required, but not known");
        } else if (!is_known) {
            found_.note(FindingKind::structure, "Guid", entry.entry_offset,
                        name_of(entry) + " is not known and not required");
        }
        if ((entry.flags & ~kRequired) != 0) {
            found_.warn(FindingKind::structure, "Required", offset,
                        fmt::format("{} has the flags {:#x}, of which only 1 is defined",
                                    name_of(entry), entry.flags));
        }
    }

    bool check_range(const RegionEntry& entry) {
        const auto& [offset, length] = entry.range;
        std::string why;
        if (offset % kAlignment != 0 || length % kAlignment != 0) {
            why = "is not aligned to 1 MiB";
        } else if (length == 0) {
            why = "is empty";
        } else if (offset < kHeaderSectionBytes) {
            why = "lies in the header section";
        } else if (offset > file_size_ || length > file_size_ - offset) {
            why = fmt::format("ends beyond the file of {} bytes", file_size_);
        }
        if (why.empty()) return true;
        found_.damage(
            FindingKind::structure, "FileOffset", entry.entry_offset + kFileOffsetOffset,
            fmt::format("{} at offset {} with length {} {}", name_of(entry), offset, length, why));
        return false;
    }

    const RegionTableCopy& table_;
    std::uint64_t file_size_;
    StructureFindings& found_;
};

void check_copy(const RegionTableCopy& copy, int number, bool is_other_intact,
                StructureFindings& found) {
    if (copy.is_intact()) return;
    const Severity severity = is_other_intact ? Severity::warning : Severity::damage;
    if (!copy.has_signature) {
        found.add(severity, FindingKind::checksum, "Signature", copy.offset,
                  fmt::format("copy {} does not begin with \"regi\"", number));
    } else {
        found.add(severity, FindingKind::checksum, "Checksum", copy.offset + kChecksumFieldOffset,
                  fmt::format("copy {} has the checksum {:#010x}, which does not fit its bytes",
                              number, load_u32(copy.bytes, kChecksumFieldOffset)));
    }
}

/// From a table that the reader refuses: the first entries that can be used.
std::optional<Regions> collect(const RegionTableCopy& table, const FileRange& log,
                               std::uint64_t file_size) {
    Regions regions;
    if (log.length > 0) regions.occupied.push_back(log);
    for (const RegionEntry& entry : table.entries) {
        const auto& [offset, length] = entry.range;
        if (length == 0 || offset < kHeaderSectionBytes || offset > file_size) continue;
        if (length > file_size - offset) continue;
        regions.occupied.push_back(entry.range);
        if (entry.id == kBatRegion && regions.bat.length == 0) regions.bat = entry.range;
        if (entry.id == kMetadataRegion && regions.metadata.length == 0) {
            regions.metadata = entry.range;
        }
    }
    if (regions.bat.length == 0 || regions.metadata.length == 0) return std::nullopt;
    return regions;
}

}  // namespace

std::optional<Regions> check_region_tables(const ImageView& view, const FileRange& log,
                                           ImageCheck& check) {
    StructureFindings found{check, "region table"};
    const auto tables = read_region_tables(view);
    const auto& [first, second] = tables;
    check_copy(first, 1, second.is_intact(), found);
    check_copy(second, 2, first.is_intact(), found);
    if (first.is_intact() && second.is_intact() && first.bytes != second.bytes) {
        found.warn(FindingKind::copies_differ, "", second.offset,
                   "the two copies differ; copy 1 counts");
    }
    const bool is_first_used = first.is_intact() || !second.is_intact();
    const RegionTableCopy& used = is_first_used ? first : second;
    TableCheck{used, view.size_bytes(), found}.check_entries(log);

    std::vector<std::string> told_above;
    auto regions =
        found.ask_reader(used.offset, [&] { return read_regions(view, log, told_above); });
    return regions ? regions : collect(used, log, view.size_bytes());
}

}  // namespace entrepot::disk::vhdx
