// The footer of a VHD, and which of its two copies counts.
#pragma once

#include "storage/disk/disk_image.h"
#include "storage/disk/vhd_format.h"

#include "base/file_system.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::disk::vhd {

struct Footer {
    std::uint32_t features = kFeatureReserved;
    std::uint32_t version = kVersion;
    std::uint64_t data_offset = kNoOffset;  ///< Of the dynamic header.
    std::uint32_t time_stamp = 0;
    std::array<char, 4> creator_application{};
    std::uint32_t creator_version = 0;
    std::array<char, 4> creator_system{};
    std::uint64_t original_size = 0;
    std::uint64_t current_size = 0;
    std::uint16_t cylinders = 0;
    std::uint8_t heads = 0;
    std::uint8_t sectors_per_track = 0;
    std::uint32_t type = 0;
    Guid unique_id;
    std::uint8_t saved_state = 0;

    bool operator==(const Footer&) const = default;
};

/// The one's complement of the sum of all bytes, the four at `field_offset` taken as zero.
std::uint32_t checksum_of(ByteView structure, std::size_t field_offset);

/// Decodes a footer of 511 or 512 bytes; nullopt with the reason in `problem` if it is none or its
/// checksum is wrong.
std::optional<Footer> decode_footer(ByteView bytes, std::string& problem);
Bytes encode_footer(const Footer& footer);

struct FoundFooter {
    Footer footer;
    std::uint64_t data_end = 0;  ///< Where a footer at the end begins, or the file ends.
    std::uint32_t length = kFooterBytes;
    bool is_copy = false;  ///< The one at the start: the other is damaged.
};

/// Throws Error{corrupt} if no footer is intact, if the two contradict each other, or for a field
/// without sense; Error{unsupported} for another version or type. Adds what it tolerated to
/// `warnings`.
FoundFooter read_footer(const File& file, std::vector<std::string>& warnings);

/// Bytes of a file as a person may see them.
std::string printable_code(ByteView bytes);

}  // namespace entrepot::disk::vhd
