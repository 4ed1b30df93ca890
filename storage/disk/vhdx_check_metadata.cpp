// The metadata table and its items, one by one (MS-VHDX 2.6; vhdx.md 1.3).
#include "storage/disk/limits.h"
#include "storage/disk/structure_findings.h"
#include "storage/disk/vhdx_anatomy.h"
#include "storage/disk/vhdx_check.h"

#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kCountOffset = 10;
constexpr std::uint64_t kItemOffsetOffset = 16;
constexpr std::uint64_t kItemLengthOffset = 20;
constexpr std::uint64_t kItemFlagsOffset = 24;
constexpr std::uint32_t kKnownFlags =
    kMetadataIsUser | kMetadataIsVirtualDisk | kMetadataIsRequired;

std::string name_of(const MetadataEntry& entry) {
    const std::string_view known = metadata_item_name(entry.id);
    return known.empty() ? fmt::format("item {}", entry.id.to_string()) : std::string{known};
}

const MetadataEntry* find_entry(const MetadataTable& table, const Guid& id) {
    const auto entry = std::find_if(
        table.entries.begin(), table.entries.end(),
        [&](const MetadataEntry& candidate) { return candidate.id == id && !candidate.is_user(); });
    return entry == table.entries.end() ? nullptr : &*entry;
}

class TableCheck {
public:
    TableCheck(const MetadataTable& table, const FileRange& region, StructureFindings& found)
        : table_(table), region_(region), found_(found) {}

    void check_entries() {
        if (table_.entry_count > limits::kMetadataEntriesMax) {
            found_.damage(FindingKind::structure, "EntryCount", region_.offset + kCountOffset,
                          fmt::format("{} entries are more than {}", table_.entry_count,
                                      limits::kMetadataEntriesMax));
        }
        std::set<std::pair<Guid, bool>> seen;
        std::size_t user_count = 0;
        for (const MetadataEntry& entry : table_.entries) {
            check_identity(entry);
            check_place(entry);
            if (entry.is_user()) ++user_count;
            if (!seen.insert({entry.id, entry.is_user()}).second) {
                found_.damage(FindingKind::structure, "ItemId", entry.entry_offset,
                              name_of(entry) + " stands twice");
            }
        }
        if (user_count > limits::kMetadataUserEntriesMax) {
            found_.damage(FindingKind::structure, "EntryCount", region_.offset + kCountOffset,
                          fmt::format("{} user items are more than {}", user_count,
                                      limits::kMetadataUserEntriesMax));
        }
        check_overlaps();
    }

private:
    void check_identity(const MetadataEntry& entry) {
        const std::uint64_t flags_offset = entry.entry_offset + kItemFlagsOffset;
        const bool is_known = !entry.is_user() && !metadata_item_name(entry.id).empty();
        if (entry.id.is_null()) {
            found_.damage(FindingKind::structure, "ItemId", entry.entry_offset,
                          "an item has no identifier");
        }
        if (entry.is_user() && entry.is_required()) {
            found_.damage(FindingKind::structure, "Flags", flags_offset,
                          name_of(entry) + " is a user item and required");
        } else if (!is_known && entry.is_required()) {
            found_.add(Severity::unsupported, FindingKind::structure, "Flags", flags_offset,
                       name_of(entry) + " is required, but not known");
        } else if (!is_known && !entry.is_user()) {
            found_.note(FindingKind::structure, "ItemId", entry.entry_offset,
                        name_of(entry) + " is not known and not required");
        }
        if ((entry.flags & ~kKnownFlags) != 0) {
            found_.warn(FindingKind::structure, "Flags", flags_offset,
                        fmt::format("{} has the flags {:#x}, of which some are not defined",
                                    name_of(entry), entry.flags));
        }
    }

    void check_place(const MetadataEntry& entry) {
        const auto refuse = [&](std::string_view field, std::uint64_t at, std::string_view why) {
            found_.damage(FindingKind::structure, std::string{field}, entry.entry_offset + at,
                          fmt::format("{} at offset {} with length {} {}", name_of(entry),
                                      entry.offset, entry.length, why));
        };
        if (entry.length == 0) {
            if (entry.offset != 0) refuse("Offset", kItemOffsetOffset, "is empty, but has a place");
            return;
        }
        if (entry.length > limits::kMetadataItemBytesMax) {
            refuse("Length", kItemLengthOffset, "is longer than 1 MiB");
        }
        if (entry.offset < kMetadataTableBytes) {
            refuse("Offset", kItemOffsetOffset, "lies in the table");
        } else if (entry.offset > region_.length || entry.length > region_.length - entry.offset) {
            refuse("Offset", kItemOffsetOffset,
                   fmt::format("ends beyond the region of {} bytes", region_.length));
        }
    }

    void check_overlaps() {
        std::vector<const MetadataEntry*> items;
        for (const MetadataEntry& entry : table_.entries) {
            if (entry.length > 0) items.push_back(&entry);
        }
        std::sort(items.begin(), items.end(), [](const MetadataEntry* a, const MetadataEntry* b) {
            return a->offset < b->offset;
        });
        for (std::size_t i = 1; i < items.size(); ++i) {
            const MetadataEntry& before = *items[i - 1];
            const MetadataEntry& entry = *items[i];
            if (entry.offset - before.offset >= before.length) continue;
            found_.damage(FindingKind::overlap, "Offset", entry.entry_offset + kItemOffsetOffset,
                          fmt::format("{} at offset {} overlaps {} at offset {} with length {}",
                                      name_of(entry), entry.offset, name_of(before), before.offset,
                                      before.length));
        }
    }

    const MetadataTable& table_;
    FileRange region_;
    StructureFindings& found_;
};

/// The values that say how to read the allocation table.
class Values {
public:
    Values(const ImageView& view, const MetadataTable& table, const FileRange& region,
           StructureFindings& found)
        : view_(view), table_(table), region_(region), found_(found) {}

    std::optional<Metadata> read() {
        Metadata metadata;
        const auto parameters = find(kFileParameters, 8);
        const auto size = find(kVirtualDiskSize, 8);
        const auto logical = find(kLogicalSectorSize, 4);
        const auto physical = find(kPhysicalSectorSize, 4);
        const auto id = find(kVirtualDiskId, 16);
        if (id) metadata.virtual_disk_id = Guid::from_bytes(id->bytes);
        if (physical) {
            metadata.physical_sector_size = load_u32(physical->bytes, 0);
            check_sector_size(*physical, metadata.physical_sector_size, "Physical Sector Size");
        }
        if (!parameters || !size || !logical) return std::nullopt;
        metadata.block_size_bytes = load_u32(parameters->bytes, 0);
        metadata.size_bytes = load_u64(size->bytes, 0);
        metadata.logical_sector_size = load_u32(logical->bytes, 0);
        const bool is_block_right = check_block_size(*parameters, metadata.block_size_bytes);
        const bool is_sector_right =
            check_sector_size(*logical, metadata.logical_sector_size, "Logical Sector Size");
        if (!is_block_right || !is_sector_right || !check_size(*size, metadata)) {
            return std::nullopt;
        }
        read_flags(*parameters, metadata);
        return metadata;
    }

private:
    struct Value {
        Bytes bytes;
        std::uint64_t offset = 0;  ///< In the file.
    };

    std::optional<Value> find(const Guid& id, std::uint32_t length) {
        const std::string name{metadata_item_name(id)};
        const MetadataEntry* entry = find_entry(table_, id);
        if (entry == nullptr) {
            found_.damage(FindingKind::structure, name, region_.offset, name + " is missing");
            return std::nullopt;
        }
        if (entry->length != length) {
            found_.damage(
                FindingKind::structure, name, entry->entry_offset + kItemLengthOffset,
                fmt::format("{} has {} bytes instead of {}", name, entry->length, length));
            return std::nullopt;
        }
        if (entry->offset > region_.length || length > region_.length - entry->offset) {
            return std::nullopt;  // Told where the entry was checked.
        }
        const std::uint64_t offset = region_.offset + entry->offset;
        return Value{view_.read(offset, length), offset};
    }

    bool check_block_size(const Value& value, std::uint32_t block) {
        const bool is_right = std::has_single_bit(block) && block >= limits::kBlockSizeBytesMin &&
                              block <= limits::kBlockSizeBytesMax;
        if (!is_right) {
            found_.damage(
                FindingKind::structure, "BlockSize", value.offset,
                fmt::format("BlockSize {} is no power of two between 1 MiB and 256 MiB", block));
        }
        return is_right;
    }

    bool check_sector_size(const Value& value, std::uint32_t size, std::string name) {
        if (size == 512 || size == 4096) return true;
        found_.damage(FindingKind::structure, name, value.offset,
                      fmt::format("{} {} is neither 512 nor 4096", name, size));
        return false;
    }

    bool check_size(const Value& value, const Metadata& metadata) {
        const std::uint64_t size = metadata.size_bytes;
        std::string why;
        if (size == 0) why = "is no size";
        if (size > limits::kVirtualSizeBytesMax) why = "is more than 64 TiB";
        if (size % metadata.logical_sector_size != 0) {
            why = fmt::format("is no multiple of the sector size {}", metadata.logical_sector_size);
        }
        if (why.empty()) return true;
        found_.damage(FindingKind::structure, "Virtual Disk Size", value.offset,
                      fmt::format("Virtual Disk Size {} {}", size, why));
        return false;
    }

    void read_flags(const Value& parameters, Metadata& metadata) {
        const std::uint32_t flags = load_u32(parameters.bytes, 4);
        if ((flags & ~(kFileLeaveBlockAllocated | kFileHasParent)) != 0) {
            found_.add(Severity::unsupported, FindingKind::structure, "File Parameters",
                       parameters.offset + 4,
                       fmt::format("the flags {:#x} are not all known", flags));
        }
        metadata.is_fixed = (flags & kFileLeaveBlockAllocated) != 0;
        metadata.has_parent = (flags & kFileHasParent) != 0;
        const MetadataEntry* locator = find_entry(table_, kParentLocator);
        if (!metadata.has_parent && locator != nullptr) {
            found_.warn(FindingKind::parent, "HasParent", parameters.offset + 4,
                        "there is a parent locator, but HasParent is not set: it is ignored");
        }
        if (metadata.has_parent && (locator == nullptr || locator->length == 0)) {
            found_.damage(FindingKind::parent, "HasParent", parameters.offset + 4,
                          "HasParent is set, but there is no parent locator");
        }
    }

    const ImageView& view_;
    const MetadataTable& table_;
    FileRange region_;
    StructureFindings& found_;
};

/// False if a child does not say who its parent is.
bool check_locator(const ImageView& view, const MetadataTable& table, const FileRange& region,
                   ImageCheck& check) {
    StructureFindings found{check, "parent locator"};
    const MetadataEntry* entry = find_entry(table, kParentLocator);
    if (entry == nullptr || entry->length == 0) return false;
    if (entry->offset > region.length || entry->length > region.length - entry->offset) {
        return false;  // Told where the entry was checked.
    }
    if (entry->length > limits::kMetadataItemBytesMax) return false;
    const std::uint64_t offset = region.offset + entry->offset;
    return found
        .ask_reader(offset,
                    [&] { return decode_parent_locator(view.read(offset, entry->length), offset); })
        .has_value();
}

}  // namespace

std::optional<Metadata> check_metadata(const ImageView& view, const FileRange& region,
                                       ImageCheck& check) {
    StructureFindings found{check, "metadata"};
    const auto table =
        found.ask_reader(region.offset, [&] { return read_metadata_table(view, region); });
    if (!table) return std::nullopt;
    if (!table->has_signature) {
        found.damage(FindingKind::checksum, "Signature", region.offset,
                     "the table does not begin with \"metadata\"");
        return std::nullopt;
    }
    TableCheck{*table, region, found}.check_entries();
    auto values = Values{view, *table, region, found}.read();
    if (values && values->has_parent && !check_locator(view, *table, region, check)) return values;

    std::vector<std::string> told_above;
    auto metadata =
        found.ask_reader(region.offset, [&] { return read_metadata(view, region, told_above); });
    return metadata ? metadata : values;
}

}  // namespace entrepot::disk::vhdx
