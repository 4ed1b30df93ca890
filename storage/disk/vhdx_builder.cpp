// The order of structures that Windows writes: log at 1 MiB, metadata at 2, table at 3, then blocks
// (vhdx.md sections 1 and 5).
#include "storage/disk/vhdx_builder.h"

#include "storage/disk/limits.h"
#include "storage/disk/utf16.h"
#include "storage/disk/vhdx_format.h"
#include "storage/disk/vhdx_header.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>
#include <vector>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kLogOffset = kMiB;
constexpr std::uint32_t kLogLength = kMiB;
constexpr std::uint64_t kMetadataOffset = 2 * kMiB;
constexpr std::uint32_t kMetadataLength = kMiB;
constexpr std::uint64_t kBatOffset = 3 * kMiB;
constexpr std::uint64_t kEntryBytes = 8;
constexpr std::string_view kCreator = "Entrepot";

std::uint64_t round_up_to_mib(std::uint64_t value) {
    return (value + kMiB - 1) / kMiB * kMiB;
}

struct Item {
    Guid id;
    std::uint32_t flags;
    Bytes content;
};

std::vector<Item> items_of(const Metadata& metadata) {
    constexpr std::uint32_t kOfFile = kMetadataIsRequired;
    constexpr std::uint32_t kOfDisk = kMetadataIsRequired | kMetadataIsVirtualDisk;
    const std::uint32_t flags = (metadata.is_fixed ? kFileLeaveBlockAllocated : 0) |
                                (metadata.has_parent ? kFileHasParent : 0);
    const auto u32 = [](std::uint32_t value) { return LittleEndianWriter{}.u32(value).take(); };
    std::vector<Item> items{
        {kFileParameters, kOfFile,
         LittleEndianWriter{}.u32(metadata.block_size_bytes).u32(flags).take()},
        {kVirtualDiskSize, kOfDisk, LittleEndianWriter{}.u64(metadata.size_bytes).take()},
        {kLogicalSectorSize, kOfDisk, u32(metadata.logical_sector_size)},
        {kPhysicalSectorSize, kOfDisk, u32(metadata.physical_sector_size)},
        {kVirtualDiskId, kOfDisk, LittleEndianWriter{}.guid(metadata.virtual_disk_id).take()},
    };
    if (metadata.parent) {
        items.push_back({kParentLocator, kOfFile, encode_parent_locator(*metadata.parent)});
    }
    return items;
}

}  // namespace

Builder::Builder(File& file, const Metadata& metadata)
    : file_(file),
      metadata_(metadata),
      geometry_(metadata),
      bat_length_(round_up_to_mib(geometry_.entry_count * kEntryBytes)),
      end_(kBatOffset + bat_length_),
      page_(limits::kTablePageBytes) {
    ENTREPOT_CHECK(metadata.has_parent == metadata.parent.has_value());
}

std::uint64_t Builder::allocate(std::uint64_t length) {
    const std::uint64_t offset = end_;
    end_ += round_up_to_mib(length);
    return offset;
}

void Builder::set_block(std::uint64_t block, std::uint64_t state, std::uint64_t file_offset) {
    set_entry(geometry_.entry_of_block(block), file_offset | state);
}

void Builder::set_bitmap(std::uint64_t chunk, std::uint64_t file_offset) {
    set_entry(geometry_.entry_of_bitmap(chunk), file_offset | kFullyPresent);
}

void Builder::set_entry(std::uint64_t index, std::uint64_t value) {
    ENTREPOT_CHECK(index < geometry_.entry_count);
    const std::uint64_t offset = index * kEntryBytes;
    const std::uint64_t number = offset / page_.size();
    if (number != page_number_) {
        ENTREPOT_CHECK(number > page_number_);
        flush_page();
        page_number_ = number;
    }
    store_u64(page_, offset % page_.size(), value);
    is_page_dirty_ = true;
}

/// A page without an entry stays a hole of the file.
void Builder::flush_page() {
    if (is_page_dirty_) file_.write(kBatOffset + page_number_ * page_.size(), page_);
    std::fill(page_.begin(), page_.end(), std::byte{0});
    is_page_dirty_ = false;
}

void Builder::write_metadata() {
    LittleEndianWriter table;
    LittleEndianWriter contents;
    const std::vector<Item> items = items_of(metadata_);
    table.bytes(as_bytes(kMetadataSignature)).u16(0);
    table.u16(static_cast<std::uint16_t>(items.size())).zeros(20);
    for (const Item& item : items) {
        table.guid(item.id);
        table.u32(static_cast<std::uint32_t>(kMetadataTableBytes + contents.size()));
        table.u32(static_cast<std::uint32_t>(item.content.size()));
        table.u32(item.flags).u32(0);
        contents.bytes(item.content);
    }
    file_.write(kMetadataOffset, table.data());
    file_.write(kMetadataOffset + kMetadataTableBytes, contents.data());
}

void Builder::write_region_tables() {
    constexpr std::uint32_t kRequired = 1;
    LittleEndianWriter out;
    out.u32(kRegionSignature).u32(0).u32(2).u32(0);
    out.guid(kBatRegion).u64(kBatOffset).u32(static_cast<std::uint32_t>(bat_length_));
    out.u32(kRequired);
    out.guid(kMetadataRegion).u64(kMetadataOffset).u32(kMetadataLength).u32(kRequired);
    out.zeros(kRegionTableBytes - out.size());
    Bytes table = out.take();
    store_u32(table, kChecksumFieldOffset, crc32c(table));
    file_.write(kFirstRegionTableOffset, table);
    file_.write(kSecondRegionTableOffset, table);
}

void Builder::finish(Random& random) {
    flush_page();
    file_.truncate(end_);
    write_metadata();
    write_region_tables();
    Header header;
    header.file_write_guid = Guid::make_random(random);
    header.data_write_guid = Guid::make_random(random);
    header.version = kVersion;
    header.log_offset = kLogOffset;
    header.log_length = kLogLength;
    header.sequence_number = 1;
    LittleEndianWriter identifier;
    identifier.bytes(as_bytes(kFileSignature)).bytes(utf8_to_utf16le(kCreator));
    file_.write(0, identifier.data());
    file_.write(kFirstHeaderOffset, encode_header(header));
    header.sequence_number = 2;
    file_.write(kSecondHeaderOffset, encode_header(header));
}

}  // namespace entrepot::disk::vhdx
