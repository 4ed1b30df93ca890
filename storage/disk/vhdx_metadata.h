// What a VHDX says of its disk (MS-VHDX 2.6).
#pragma once

#include "storage/disk/disk_image.h"
#include "storage/disk/image_view.h"
#include "storage/disk/vhdx_format.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::disk::vhdx {

struct Metadata {
    std::uint32_t block_size_bytes = 0;
    bool is_fixed = false;  ///< LeaveBlockAllocated.
    bool has_parent = false;
    std::uint64_t size_bytes = 0;
    Guid virtual_disk_id;
    std::uint32_t logical_sector_size = 0;
    std::uint32_t physical_sector_size = 0;
    std::optional<ParentLocator> parent;  ///< Present exactly if has_parent.
};

/// Every field checked against the limits of the format. Throws Error{corrupt}, {unsupported} for a
/// required item that we do not know, {conflict} for a file that its host has not finished.
Metadata read_metadata(const ImageView& image, const FileRange& region,
                       std::vector<std::string>& warnings);

/// All keys of a parent locator item with their values, known or not. Throws as the next one.
std::map<std::string, std::string> decode_locator_values(ByteView item, std::uint64_t offset);
/// Decodes a parent locator item, which lies at `offset` of the file. Throws Error{corrupt},
/// {unsupported} for another type.
ParentLocator decode_parent_locator(ByteView item, std::uint64_t offset);
/// The keys in the order that Windows writes them; empty paths are left out.
Bytes encode_parent_locator(const ParentLocator& locator);

}  // namespace entrepot::disk::vhdx
