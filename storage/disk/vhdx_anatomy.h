// What stands in the structures of a VHDX, without judging it: for people who look into a file, and
// for a check that goes on where a reader stops.
#pragma once

#include "storage/disk/image_view.h"
#include "storage/disk/vhdx_header.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace entrepot::disk::vhdx {

struct HeaderCopy {
    std::uint64_t offset = 0;
    bool has_signature = false;
    std::optional<Header> header;  ///< Unset where signature or checksum is wrong.
    Bytes bytes;                   ///< As long as the file has them.
};

std::array<HeaderCopy, 2> read_header_copies(const File& file);

struct RegionEntry {
    Guid id;
    FileRange range;
    std::uint32_t flags = 0;
    std::uint64_t entry_offset = 0;  ///< Of the entry itself, in the file.
};

struct RegionTableCopy {
    std::uint64_t offset = 0;
    bool has_signature = false;
    bool has_checksum = false;
    std::uint32_t entry_count = 0;     ///< As it stands there.
    std::vector<RegionEntry> entries;  ///< As many as the format allows.
    Bytes bytes;
    bool is_intact() const { return has_signature && has_checksum; }
};

std::array<RegionTableCopy, 2> read_region_tables(const ImageView& image);

struct MetadataEntry {
    Guid id;
    std::uint32_t offset = 0;  ///< In the region.
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
    std::uint64_t entry_offset = 0;  ///< Of the entry itself, in the file.
    bool is_user() const { return (flags & kMetadataIsUser) != 0; }
    bool is_required() const { return (flags & kMetadataIsRequired) != 0; }
};

struct MetadataTable {
    bool has_signature = false;
    std::uint16_t entry_count = 0;       ///< As it stands there.
    std::vector<MetadataEntry> entries;  ///< As many as the format allows.
};

/// Throws Error{corrupt} if the file ends before the table does.
MetadataTable read_metadata_table(const ImageView& image, const FileRange& region);

/// For example "Virtual Disk ID"; empty for what we do not know.
std::string_view metadata_item_name(const Guid& id);
/// "BAT" or "metadata"; empty for what we do not know.
std::string_view region_name(const Guid& id);

}  // namespace entrepot::disk::vhdx
