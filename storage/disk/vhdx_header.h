// The file identifier and the two header copies of a VHDX (MS-VHDX 2.2.1, 2.2.2).
#pragma once

#include "storage/disk/vhdx_format.h"

#include "base/file_system.h"

#include <optional>
#include <string>
#include <vector>

namespace entrepot::disk::vhdx {

inline constexpr std::size_t kHeaderBytes = 4096;

/// One of two copies. A writer overwrites the stale copy and gives it the higher sequence number,
/// so at any moment at least one is whole.
struct Header {
    std::uint64_t offset = 0;  ///< Of the copy in the file; the readers of files set it.
    std::uint64_t sequence_number = 0;
    Guid file_write_guid;
    Guid data_write_guid;
    Guid log_guid;  ///< Null means: nothing to replay.
    std::uint16_t log_version = 0;
    std::uint16_t version = 0;
    std::uint32_t log_length = 0;
    std::uint64_t log_offset = 0;
    bool operator==(const Header&) const = default;
};

/// Nullopt if signature or checksum is wrong, which the format allows for one copy.
std::optional<Header> decode_header(ByteView copy);
/// With its checksum.
Bytes encode_header(const Header& header);

/// Throws Error{corrupt} saying what the file looks like, Error{unsupported} for VHD and VHD Sets.
/// Returns the creator's name as UTF-8.
std::string read_file_identifier(const File& file);
/// The current header; tolerated oddities are added to the warnings. Throws Error{corrupt} or
/// {unsupported}.
Header read_current_header(const File& file, std::vector<std::string>& warnings);

/// Where the log lies; length 0 if there is none. Throws Error{corrupt}.
FileRange checked_log_range(const Header& header, std::uint64_t file_size_bytes);

}  // namespace entrepot::disk::vhdx
