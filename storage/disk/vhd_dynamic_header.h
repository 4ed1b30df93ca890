// The header of a dynamic or differencing VHD: where its table lies, and who its parent is.
#pragma once

#include "storage/disk/disk_image.h"
#include "storage/disk/vhd_footer.h"

#include "base/file_system.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::disk::vhd {

struct Structure {
    std::string name;  ///< With its article, for a sentence.
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    bool overlaps(std::uint64_t other, std::uint64_t other_length) const {
        return offset < other ? other - offset < length : offset - other < other_length;
    }
};

struct DynamicHeader {
    std::uint64_t table_offset = 0;
    std::uint32_t table_entry_count = 0;
    std::uint32_t block_size = 0;
    // Null or empty in a dynamic image.
    Guid parent_id;
    std::uint32_t parent_time_stamp = 0;
    std::string parent_name;
    std::vector<VhdLocator> locators;
    /// All that no block may overlap: footers, this header, table, locators.
    std::vector<Structure> occupied;

    /// Of the disk; at most table_entry_count.
    std::uint64_t block_count(std::uint64_t disk_size) const {
        return disk_size / block_size + (disk_size % block_size != 0 ? 1 : 0);
    }
    ParentLocator parent() const;
};

/// Throws Error{corrupt} for a field that the format forbids, a table or a locator beyond the file,
/// or structures that overlap; Error{unsupported} for another version; Error{limit} for a table of
/// more entries than limits.h allows.
DynamicHeader read_dynamic_header(const File& file, const FoundFooter& footer,
                                  std::vector<std::string>& warnings);

/// For a dynamic image without a parent.
Bytes encode_dynamic_header(std::uint64_t table_offset, std::uint32_t table_entry_count,
                            std::uint32_t block_size);

}  // namespace entrepot::disk::vhd
