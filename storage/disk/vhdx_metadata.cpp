// The metadata table and the five items that every VHDX needs (MS-VHDX 2.6.1, 2.6.2).
#include "storage/disk/vhdx_metadata.h"

#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::string_view kStructure = "VHDX metadata";
// Where fields lie in the table, and in an entry of it.
constexpr std::uint64_t kEntryCountOffset = 10;
constexpr std::uint64_t kFirstEntryOffset = 32;
constexpr std::uint64_t kEntryBytes = 32;
constexpr std::uint64_t kItemOffsetOffset = 16;
constexpr std::uint64_t kItemLengthOffset = 20;
constexpr std::uint64_t kItemFlagsOffset = 24;
/// Of the flags in the item File Parameters.
constexpr std::uint64_t kFileFlagsOffset = 4;

struct Item {
    std::uint64_t entry_offset = 0;  ///< Of the item's entry in the table, in the file.
    Guid id;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
    bool is_user() const { return (flags & kMetadataIsUser) != 0; }
    bool is_required() const { return (flags & kMetadataIsRequired) != 0; }
};

struct KnownItem {
    Guid id;
    std::string_view name;
    std::uint32_t length;
};
constexpr KnownItem kNeededItems[] = {
    {kFileParameters, "File Parameters", 8},
    {kVirtualDiskSize, "Virtual Disk Size", 8},
    {kVirtualDiskId, "Virtual Disk ID", 16},
    {kLogicalSectorSize, "Logical Sector Size", 4},
    {kPhysicalSectorSize, "Physical Sector Size", 4},
};

/// An item's name where we know it.
std::string name_of(const Guid& id) {
    const auto known = std::find_if(std::begin(kNeededItems), std::end(kNeededItems),
                                    [&](const KnownItem& candidate) { return candidate.id == id; });
    if (known != std::end(kNeededItems)) return std::string{known->name};
    if (id == kParentLocator) return "Parent Locator";
    return "item " + id.to_string();
}

Field entry_field(const Item& item, std::string_view name, std::string value,
                  std::uint64_t offset) {
    return {kStructure, fmt::format("{} of {}", name, name_of(item.id)), std::move(value),
            item.entry_offset + offset};
}

void check_item(const Item& item, std::uint64_t region_length) {
    const Field offset =
        entry_field(item, "Offset", fmt::format("{}", item.offset), kItemOffsetOffset);
    const Field length =
        entry_field(item, "Length", fmt::format("{}", item.length), kItemLengthOffset);
    if (item.id.is_null()) {
        refuse_field(ErrorCode::corrupt,
                     {kStructure, "ItemId", item.id.to_string(), item.entry_offset},
                     "identifies no item");
    }
    if (item.is_user() && item.is_required()) {
        refuse_field(ErrorCode::corrupt,
                     entry_field(item, "flags", hex32(item.flags), kItemFlagsOffset),
                     "make an item of a user required");
    }
    if (item.length == 0) {
        if (item.offset == 0) return;
        refuse_field(ErrorCode::corrupt, offset, "must be 0 where Length is 0");
    }
    if (item.length > limits::kMetadataItemBytesMax) {
        refuse_field(ErrorCode::corrupt, length, "is more than 1 MiB");
    }
    if (item.offset < kMetadataTableBytes) {
        refuse_field(ErrorCode::corrupt, offset, "lies in the table");
    }
    if (item.offset > region_length || item.length > region_length - item.offset) {
        refuse_field(ErrorCode::corrupt, offset,
                     fmt::format("puts {} bytes beyond the end of the region of {} bytes",
                                 item.length, region_length));
    }
}

void check_overlap(std::vector<Item> items) {
    std::sort(items.begin(), items.end(),
              [](const Item& a, const Item& b) { return a.offset < b.offset; });
    const Item* before = nullptr;
    for (const Item& item : items) {
        if (item.length == 0) continue;
        if (before != nullptr && item.offset - before->offset < before->length) {
            refuse_field(
                ErrorCode::corrupt,
                entry_field(item, "Offset", fmt::format("{}", item.offset), kItemOffsetOffset),
                fmt::format("overlaps {} at {} with length {}", name_of(before->id), before->offset,
                            before->length));
        }
        before = &item;
    }
}

void check_items(const std::vector<Item>& items, std::uint64_t region_length) {
    std::set<std::pair<Guid, bool>> seen;
    std::size_t user_count = 0;
    for (const Item& item : items) {
        check_item(item, region_length);
        if (!seen.insert({item.id, item.is_user()}).second) {
            refuse_field(ErrorCode::corrupt,
                         {kStructure, "ItemId", item.id.to_string(), item.entry_offset},
                         "stands in the table a second time");
        }
        if (item.is_user() && ++user_count > limits::kMetadataUserEntriesMax) {
            refuse_field(
                ErrorCode::corrupt, {kStructure, "ItemId", item.id.to_string(), item.entry_offset},
                fmt::format("is one user item more than {}", limits::kMetadataUserEntriesMax));
        }
    }
    check_overlap(items);
}

std::vector<Item> read_table(const ImageView& image, const FileRange& region) {
    const Bytes table = image.read(region.offset, kMetadataTableBytes);
    LittleEndianReader in{table};
    const ByteView signature = in.bytes(kMetadataSignature.size());
    if (as_text(signature) != kMetadataSignature) {
        refuse_field(ErrorCode::corrupt,
                     {kStructure, "signature", "0x" + to_hex(signature), region.offset},
                     "is not \"metadata\"");
    }
    in.skip(2);
    const std::uint16_t count = in.u16();
    if (count > limits::kMetadataEntriesMax) {
        refuse_field(
            ErrorCode::corrupt,
            {kStructure, "EntryCount", fmt::format("{}", count), region.offset + kEntryCountOffset},
            fmt::format("is more than {}", limits::kMetadataEntriesMax));
    }
    in.skip(20);
    std::vector<Item> items;
    for (std::uint16_t index = 0; index < count; ++index) {
        Item item;
        item.entry_offset = region.offset + kFirstEntryOffset + index * kEntryBytes;
        item.id = in.guid();
        item.offset = in.u32();
        item.length = in.u32();
        item.flags = in.u32();
        in.skip(4);
        items.push_back(item);
    }
    check_items(items, region.length);
    return items;
}

const Item* find_item(const std::vector<Item>& items, const Guid& id) {
    const auto item = std::find_if(items.begin(), items.end(), [&](const Item& candidate) {
        return candidate.id == id && !candidate.is_user();
    });
    return item == items.end() ? nullptr : &*item;
}

void refuse_unknown_items(const std::vector<Item>& items) {
    if (const Item* item = find_item(items, kIncompleteFile)) {
        throw Error{ErrorCode::conflict,
                    fmt::format("VHDX image is still being written: its host had not finished "
                                "creating it (its metadata carries the \"incomplete file\" item "
                                "{} at offset {})",
                                item->id.to_string(), item->entry_offset)};
    }
    for (const Item& item : items) {
        const bool is_known =
            item.id == kParentLocator || item.id == kChsParameters ||
            std::any_of(std::begin(kNeededItems), std::end(kNeededItems),
                        [&](const KnownItem& known) { return known.id == item.id; });
        if (item.is_required() && !is_known) {
            refuse_field(ErrorCode::unsupported,
                         entry_field(item, "flags", hex32(item.flags), kItemFlagsOffset),
                         "require to know that item, and it is not known here");
        }
    }
}

/// An item of the file, and where it lies.
struct Value {
    std::uint64_t offset = 0;
    Bytes bytes;
};

Value read_needed_item(const ImageView& image, const FileRange& region,
                       const std::vector<Item>& items, const KnownItem& known) {
    const Item* item = find_item(items, known.id);
    if (item == nullptr) {
        refuse_field(ErrorCode::corrupt,
                     {kStructure, fmt::format("{} is missing: EntryCount", known.name),
                      fmt::format("{}", items.size()), region.offset + kEntryCountOffset},
                     "counts no entry for it");
    }
    if (item->length != known.length) {
        refuse_field(
            ErrorCode::corrupt,
            entry_field(*item, "Length", fmt::format("{}", item->length), kItemLengthOffset),
            fmt::format("should be {}", known.length));
    }
    const std::uint64_t offset = region.offset + item->offset;
    return {offset, image.read(offset, item->length)};
}

/// Where the values lie that geometry is made of.
struct GeometryOffsets {
    std::uint64_t block_size = 0;
    std::uint64_t logical_sector_size = 0;
    std::uint64_t physical_sector_size = 0;
    std::uint64_t virtual_disk_size = 0;
};

void check_geometry(const Metadata& metadata, const GeometryOffsets& offsets) {
    const auto refuse_value = [](std::string name, std::uint64_t value, std::uint64_t offset,
                                 std::string_view why) {
        refuse_field(ErrorCode::corrupt,
                     {kStructure, std::move(name), fmt::format("{}", value), offset}, why);
    };
    const std::uint32_t block = metadata.block_size_bytes;
    if (!std::has_single_bit(block)) {
        refuse_value("BlockSize", block, offsets.block_size, "is no power of two");
    }
    if (block < limits::kBlockSizeBytesMin) {
        refuse_value("BlockSize", block, offsets.block_size, "is less than 1 MiB");
    }
    if (block > limits::kBlockSizeBytesMax) {
        refuse_value("BlockSize", block, offsets.block_size, "is more than 256 MiB");
    }
    const std::uint32_t logical = metadata.logical_sector_size;
    if (logical != 512 && logical != 4096) {
        refuse_value("LogicalSectorSize", logical, offsets.logical_sector_size,
                     "is neither 512 nor 4096");
    }
    const std::uint32_t physical = metadata.physical_sector_size;
    if (physical != 512 && physical != 4096) {
        refuse_value("PhysicalSectorSize", physical, offsets.physical_sector_size,
                     "is neither 512 nor 4096");
    }
    const std::uint64_t size = metadata.size_bytes;
    const std::uint64_t size_offset = offsets.virtual_disk_size;
    if (size == 0) refuse_value("VirtualDiskSize", size, size_offset, "leaves no disk");
    if (size > limits::kVirtualSizeBytesMax) {
        refuse_value("VirtualDiskSize", size, size_offset, "is more than 64 TiB");
    }
    if (size % logical != 0) {
        refuse_value("VirtualDiskSize", size, size_offset,
                     fmt::format("is no multiple of the sector size {}", logical));
    }
}

void read_locator(const ImageView& image, const FileRange& region, const std::vector<Item>& items,
                  Metadata& metadata, std::vector<std::string>& warnings) {
    const Item* item = find_item(items, kParentLocator);
    if (!metadata.has_parent) {
        if (item != nullptr) {
            warnings.push_back(
                "there is a parent locator, but HasParent is not set: it is ignored");
        }
        return;
    }
    if (item == nullptr) {
        refuse_field(ErrorCode::corrupt,
                     {kStructure, "Parent Locator is missing, though HasParent is set: EntryCount",
                      fmt::format("{}", items.size()), region.offset + kEntryCountOffset},
                     "counts no entry for it");
    }
    const std::uint64_t offset = region.offset + item->offset;
    if (item->length == 0) {
        refuse_field(ErrorCode::corrupt, entry_field(*item, "Length", "0", kItemLengthOffset),
                     "leaves it empty, though HasParent is set");
    }
    metadata.parent = decode_parent_locator(image.read(offset, item->length), offset);
}

}  // namespace

Metadata read_metadata(const ImageView& image, const FileRange& region,
                       std::vector<std::string>& warnings) {
    const std::vector<Item> items = read_table(image, region);
    refuse_unknown_items(items);
    const auto value_of = [&](std::size_t index) {
        return read_needed_item(image, region, items, kNeededItems[index]);
    };
    const Value parameters = value_of(0);
    const Value size = value_of(1);
    const Value disk_id = value_of(2);
    const Value logical = value_of(3);
    const Value physical = value_of(4);
    Metadata metadata;
    metadata.block_size_bytes = load_u32(parameters.bytes, 0);
    const std::uint32_t flags = load_u32(parameters.bytes, kFileFlagsOffset);
    if ((flags & ~(kFileLeaveBlockAllocated | kFileHasParent)) != 0) {
        refuse_field(ErrorCode::unsupported,
                     {kStructure, "flags of File Parameters", hex32(flags),
                      parameters.offset + kFileFlagsOffset},
                     "have bits that are not known");
    }
    metadata.is_fixed = (flags & kFileLeaveBlockAllocated) != 0;
    metadata.has_parent = (flags & kFileHasParent) != 0;
    metadata.size_bytes = load_u64(size.bytes, 0);
    metadata.virtual_disk_id = Guid::from_bytes(disk_id.bytes);
    metadata.logical_sector_size = load_u32(logical.bytes, 0);
    metadata.physical_sector_size = load_u32(physical.bytes, 0);
    check_geometry(metadata, {parameters.offset, logical.offset, physical.offset, size.offset});
    read_locator(image, region, items, metadata, warnings);
    return metadata;
}

}  // namespace entrepot::disk::vhdx
