// Entries of the log of a VHDX, one at a time (MS-VHDX 2.3.1).
#pragma once

#include "storage/disk/refusal.h"
#include "storage/disk/vhdx_format.h"

#include "base/file_system.h"
#include "base/guid.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace entrepot::disk::vhdx {

inline constexpr std::uint64_t kLogSectorBytes = 4096;
inline constexpr std::size_t kLogEntryHeaderBytes = 64;
inline constexpr std::size_t kLogDescriptorBytes = 32;
// Where fields lie in an entry.
inline constexpr std::uint64_t kLogTailOffset = 12;
inline constexpr std::uint64_t kLogFlushedFileOffsetOffset = 48;

struct LogEntryHeader {
    std::uint32_t checksum = 0;
    std::uint32_t length = 0;
    std::uint32_t tail = 0;
    std::uint64_t sequence_number = 0;
    std::uint32_t descriptor_count = 0;
    Guid log_guid;
    std::uint64_t flushed_file_offset = 0;
    std::uint64_t last_file_offset = 0;
};

struct LogDescriptor {
    bool is_zero = false;
    std::uint64_t length = 0;  ///< Of the target.
    std::uint64_t target_offset = 0;
    std::uint64_t leading = 0;
    std::uint32_t trailing = 0;
};

/// The sectors at the start of an entry that hold its header and descriptors.
std::uint64_t descriptor_sector_count(std::uint64_t descriptor_count);

/// Why the first thing that looks like an entry of this log is none. A log that cannot be replayed
/// is refused in these words; in one that can, torn entries are nothing special.
class Rejection {
public:
    /// Returns false, so that a check can end with it.
    bool note(const Field& field, std::string_view why);
    /// Entries of former logs are no surprise: they count only if there is nothing else.
    void note_other_log(const Field& field);
    const std::string& text() const { return text_.empty() ? other_log_ : text_; }

private:
    std::string text_;
    std::string other_log_;
};

/// The circular buffer, by log offsets.
class LogBuffer {
public:
    LogBuffer(const File& file, const FileRange& log, const Guid& guid)
        : file_(file), log_(log), guid_(guid) {}

    std::uint64_t length() const { return log_.length; }
    /// Where a place of the buffer lies in the file.
    std::uint64_t file_offset(std::uint64_t position) const {
        return log_.offset + position % log_.length;
    }
    /// A signature and the GUID of this log; the rest may be torn.
    bool is_begun_at(std::uint64_t position) const;
    /// The header and every descriptor are right, and so is the checksum; nullopt otherwise.
    std::optional<LogEntryHeader> find_entry(std::uint64_t position, Rejection& rejection) const;
    Bytes read_sector(std::uint64_t position) const {
        return file_.read_exactly(file_offset(position), kLogSectorBytes);
    }
    /// Nullopt if a field is not as it must be. `position` is the descriptor's.
    std::optional<LogDescriptor> decode_descriptor(ByteView bytes, std::uint64_t sequence,
                                                   std::uint64_t position,
                                                   Rejection& rejection) const;

private:
    Field field(std::string name, std::string value, std::uint64_t position) const {
        return {"VHDX log", std::move(name), std::move(value), file_offset(position)};
    }
    Field field(std::string name, std::uint64_t value, std::uint64_t position) const {
        return field(std::move(name), fmt::format("{}", value), position);
    }
    // Each returns true if all is well, and otherwise says in `rejection` what is not.
    bool check_sizes(const LogEntryHeader& header, std::uint64_t position,
                     Rejection& rejection) const;
    bool check_file_sizes(const LogEntryHeader& header, std::uint64_t position,
                          Rejection& rejection) const;
    bool check_target(const LogDescriptor& descriptor, std::uint64_t position,
                      Rejection& rejection) const;
    std::optional<LogEntryHeader> decode_header(ByteView sector, std::uint64_t position,
                                                Rejection& rejection) const;
    /// Adds to `data_count` the data descriptors of a sector; false if one is not right.
    bool check_descriptors(ByteView descriptors, std::uint64_t sequence, std::uint64_t position,
                           std::uint64_t& data_count, Rejection& rejection) const;
    bool check_data_sector(ByteView sector, std::uint64_t sequence, std::uint64_t position,
                           Rejection& rejection) const;

    const File& file_;
    FileRange log_;
    Guid guid_;
};

}  // namespace entrepot::disk::vhdx
