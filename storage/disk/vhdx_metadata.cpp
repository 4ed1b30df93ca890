// The metadata table and the five items that every VHDX needs (MS-VHDX 2.6.1, 2.6.2).
#include "storage/disk/vhdx_metadata.h"

#include "storage/disk/limits.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

struct Item {
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

[[noreturn]] void refuse(ErrorCode code, std::string text) {
    throw Error{code, "VHDX metadata: " + std::move(text)};
}

void check_item(const Item& item, std::uint64_t region_length) {
    const std::string name = fmt::format("item {} at offset {} with length {}", item.id.to_string(),
                                         item.offset, item.length);
    if (item.id.is_null()) refuse(ErrorCode::corrupt, name + " has no identifier");
    if (item.is_user() && item.is_required()) {
        refuse(ErrorCode::corrupt, name + " is a user item and required");
    }
    if (item.length == 0) {
        if (item.offset != 0) refuse(ErrorCode::corrupt, name + " is empty, but not at offset 0");
        return;
    }
    if (item.length > limits::kMetadataItemBytesMax) {
        refuse(ErrorCode::corrupt, name + " is longer than 1 MiB");
    }
    if (item.offset < kMetadataTableBytes) {
        refuse(ErrorCode::corrupt, name + " lies in the table");
    }
    if (item.offset > region_length || item.length > region_length - item.offset) {
        refuse(ErrorCode::corrupt,
               fmt::format("{} ends beyond the region of {} bytes", name, region_length));
    }
}

void check_items(const std::vector<Item>& items, std::uint64_t region_length) {
    std::set<std::pair<Guid, bool>> seen;
    std::size_t user_count = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    for (const Item& item : items) {
        check_item(item, region_length);
        if (!seen.insert({item.id, item.is_user()}).second) {
            refuse(ErrorCode::corrupt, fmt::format("item {} stands twice", item.id.to_string()));
        }
        if (item.is_user()) ++user_count;
        if (item.length > 0)
            ranges.push_back({item.offset, item.offset + std::uint64_t{item.length}});
    }
    if (user_count > limits::kMetadataUserEntriesMax) {
        refuse(ErrorCode::corrupt, fmt::format("{} user items are more than {}", user_count,
                                               limits::kMetadataUserEntriesMax));
    }
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        if (ranges[i].first < ranges[i - 1].second) {
            refuse(ErrorCode::corrupt, fmt::format("the items at offsets {} and {} overlap",
                                                   ranges[i - 1].first, ranges[i].first));
        }
    }
}

std::vector<Item> read_table(const ImageView& image, const FileRange& region) {
    const Bytes table = image.read(region.offset, kMetadataTableBytes);
    LittleEndianReader in{table};
    if (as_text(in.bytes(kMetadataSignature.size())) != kMetadataSignature) {
        refuse(ErrorCode::corrupt,
               fmt::format("the table at offset {} has a wrong signature", region.offset));
    }
    in.skip(2);
    const std::uint16_t count = in.u16();
    if (count > limits::kMetadataEntriesMax) {
        refuse(ErrorCode::corrupt,
               fmt::format("EntryCount {} is more than {}", count, limits::kMetadataEntriesMax));
    }
    in.skip(20);
    std::vector<Item> items;
    for (std::uint16_t index = 0; index < count; ++index) {
        Item item;
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
    if (find_item(items, kIncompleteFile) != nullptr) {
        throw Error{ErrorCode::conflict,
                    "VHDX image is still being written: its host had not finished creating it "
                    "(it carries the \"incomplete file\" item)"};
    }
    for (const Item& item : items) {
        const bool is_known =
            item.id == kParentLocator || item.id == kChsParameters ||
            std::any_of(std::begin(kNeededItems), std::end(kNeededItems),
                        [&](const KnownItem& known) { return known.id == item.id; });
        if (item.is_required() && !is_known) {
            refuse(ErrorCode::unsupported,
                   fmt::format("item {} is required, but not known", item.id.to_string()));
        }
    }
}

Bytes read_needed_item(const ImageView& image, const FileRange& region,
                       const std::vector<Item>& items, const Guid& id) {
    const auto known = std::find_if(std::begin(kNeededItems), std::end(kNeededItems),
                                    [&](const KnownItem& candidate) { return candidate.id == id; });
    const Item* item = find_item(items, id);
    if (item == nullptr) refuse(ErrorCode::corrupt, fmt::format("{} is missing", known->name));
    if (item->length != known->length) {
        refuse(ErrorCode::corrupt, fmt::format("{} has {} bytes instead of {}", known->name,
                                               item->length, known->length));
    }
    return image.read(region.offset + item->offset, item->length);
}

void check_geometry(const Metadata& metadata) {
    const auto refuse_value = [](std::string_view name, std::uint64_t value, std::string_view why) {
        refuse(ErrorCode::corrupt, fmt::format("{} {} {}", name, value, why));
    };
    const std::uint32_t block = metadata.block_size_bytes;
    if (!std::has_single_bit(block)) refuse_value("BlockSize", block, "is no power of two");
    if (block < limits::kBlockSizeBytesMin || block > limits::kBlockSizeBytesMax) {
        refuse_value("BlockSize", block, "is not between 1 MiB and 256 MiB");
    }
    const std::uint32_t logical = metadata.logical_sector_size;
    const std::uint32_t physical = metadata.physical_sector_size;
    if (logical != 512 && logical != 4096) {
        refuse_value("Logical Sector Size", logical, "is neither 512 nor 4096");
    }
    if (physical != 512 && physical != 4096) {
        refuse_value("Physical Sector Size", physical, "is neither 512 nor 4096");
    }
    const std::uint64_t size = metadata.size_bytes;
    if (size == 0) refuse_value("Virtual Disk Size", size, "is no size");
    if (size > limits::kVirtualSizeBytesMax) {
        refuse_value("Virtual Disk Size", size, "is more than 64 TiB");
    }
    if (size % logical != 0) {
        refuse_value("Virtual Disk Size", size,
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
    if (item == nullptr || item->length == 0) {
        refuse(ErrorCode::corrupt, "HasParent is set, but there is no parent locator");
    }
    metadata.parent = decode_parent_locator(image.read(region.offset + item->offset, item->length));
}

}  // namespace

Metadata read_metadata(const ImageView& image, const FileRange& region,
                       std::vector<std::string>& warnings) {
    const std::vector<Item> items = read_table(image, region);
    refuse_unknown_items(items);
    const auto value_of = [&](const Guid& id) {
        return read_needed_item(image, region, items, id);
    };
    Metadata metadata;
    const Bytes parameters = value_of(kFileParameters);
    metadata.block_size_bytes = load_u32(parameters, 0);
    const std::uint32_t flags = load_u32(parameters, 4);
    if ((flags & ~(kFileLeaveBlockAllocated | kFileHasParent)) != 0) {
        refuse(ErrorCode::unsupported,
               fmt::format("File Parameters has flags {:#x}, of which some are not known", flags));
    }
    metadata.is_fixed = (flags & kFileLeaveBlockAllocated) != 0;
    metadata.has_parent = (flags & kFileHasParent) != 0;
    metadata.size_bytes = load_u64(value_of(kVirtualDiskSize), 0);
    metadata.virtual_disk_id = Guid::from_bytes(value_of(kVirtualDiskId));
    metadata.logical_sector_size = load_u32(value_of(kLogicalSectorSize), 0);
    metadata.physical_sector_size = load_u32(value_of(kPhysicalSectorSize), 0);
    check_geometry(metadata);
    read_locator(image, region, items, metadata, warnings);
    return metadata;
}

}  // namespace entrepot::disk::vhdx
