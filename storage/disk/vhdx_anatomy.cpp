// Field by field (MS-VHDX 2.2.2, 2.2.3, 2.6.1); counts are bounded, nothing else is checked.
#include "storage/disk/vhdx_anatomy.h"

#include "storage/disk/limits.h"

#include "base/crc32c.h"
#include "base/little_endian.h"

#include <algorithm>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::size_t kTableHeaderBytes = 16;
constexpr std::size_t kEntryBytes = 32;
constexpr std::size_t kMetadataHeaderBytes = 32;

HeaderCopy read_header_copy(const File& file, std::uint64_t offset) {
    HeaderCopy copy;
    copy.offset = offset;
    copy.bytes.resize(kHeaderBytes);
    copy.bytes.resize(file.read_some(offset, copy.bytes));
    if (copy.bytes.size() < kHeaderBytes) return copy;
    copy.has_signature = load_u32(copy.bytes, 0) == kHeaderSignature;
    copy.header = decode_header(copy.bytes);
    if (copy.header) copy.header->offset = offset;
    return copy;
}

RegionTableCopy read_region_table(const ImageView& image, std::uint64_t offset) {
    RegionTableCopy copy;
    copy.offset = offset;
    copy.bytes = image.read(offset, kRegionTableBytes);
    copy.has_signature = load_u32(copy.bytes, 0) == kRegionSignature;
    copy.has_checksum = load_u32(copy.bytes, kChecksumFieldOffset) ==
                        crc32c_with_zeroed_field(copy.bytes, kChecksumFieldOffset);
    copy.entry_count = load_u32(copy.bytes, 8);
    if (!copy.has_signature) return copy;
    LittleEndianReader in{copy.bytes};
    in.skip(kTableHeaderBytes);
    const std::size_t count = std::min<std::size_t>(copy.entry_count, limits::kRegionEntriesMax);
    for (std::size_t index = 0; index < count; ++index) {
        RegionEntry entry;
        entry.entry_offset = offset + kTableHeaderBytes + index * kEntryBytes;
        entry.id = in.guid();
        entry.range.offset = in.u64();
        entry.range.length = in.u32();
        entry.flags = in.u32();
        copy.entries.push_back(entry);
    }
    return copy;
}

struct Name {
    Guid id;
    std::string_view name;
};
constexpr Name kItemNames[] = {
    {kFileParameters, "File Parameters"},
    {kVirtualDiskSize, "Virtual Disk Size"},
    {kVirtualDiskId, "Virtual Disk ID"},
    {kLogicalSectorSize, "Logical Sector Size"},
    {kPhysicalSectorSize, "Physical Sector Size"},
    {kParentLocator, "Parent Locator"},
    {kChsParameters, "CHS Parameters"},
    {kIncompleteFile, "Incomplete File"},
};
constexpr Name kRegionNames[] = {
    {kBatRegion, "BAT"},
    {kMetadataRegion, "metadata"},
};

template <typename Names>
std::string_view name_in(const Names& names, const Guid& id) {
    const auto known = std::find_if(std::begin(names), std::end(names),
                                    [&](const Name& name) { return name.id == id; });
    return known == std::end(names) ? std::string_view{} : known->name;
}

}  // namespace

std::array<HeaderCopy, 2> read_header_copies(const File& file) {
    return {read_header_copy(file, kFirstHeaderOffset),
            read_header_copy(file, kSecondHeaderOffset)};
}

std::array<RegionTableCopy, 2> read_region_tables(const ImageView& image) {
    return {read_region_table(image, kFirstRegionTableOffset),
            read_region_table(image, kSecondRegionTableOffset)};
}

MetadataTable read_metadata_table(const ImageView& image, const FileRange& region) {
    const Bytes bytes = image.read(region.offset, kMetadataTableBytes);
    LittleEndianReader in{bytes};
    MetadataTable table;
    table.has_signature = as_text(in.bytes(kMetadataSignature.size())) == kMetadataSignature;
    in.skip(2);
    table.entry_count = in.u16();
    if (!table.has_signature) return table;
    in.skip(kMetadataHeaderBytes - 12);
    const std::size_t count = std::min<std::size_t>(table.entry_count, limits::kMetadataEntriesMax);
    for (std::size_t index = 0; index < count; ++index) {
        MetadataEntry entry;
        entry.entry_offset = region.offset + kMetadataHeaderBytes + index * kEntryBytes;
        entry.id = in.guid();
        entry.offset = in.u32();
        entry.length = in.u32();
        entry.flags = in.u32();
        in.skip(4);
        table.entries.push_back(entry);
    }
    return table;
}

std::string_view metadata_item_name(const Guid& id) {
    return name_in(kItemNames, id);
}

std::string_view region_name(const Guid& id) {
    return name_in(kRegionNames, id);
}

}  // namespace entrepot::disk::vhdx
