// Which entries count, and what they change (MS-VHDX 2.3.2, 2.3.3; vhdx.md section 3).
#include "storage/disk/vhdx_log.h"

#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"
#include "storage/disk/vhdx_log_buffer.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace entrepot::disk::vhdx {
namespace {

// A page that is logged: its first and last bytes stand in the descriptor.
constexpr std::size_t kLeadingBytes = 8;
constexpr std::size_t kTrailingBytes = 4;
constexpr std::size_t kDataSectorBodyBytes = 4084;

struct FoundEntry {
    std::uint64_t position = 0;
    LogEntryHeader header;
};
using Sequence = std::vector<FoundEntry>;

std::map<std::uint64_t, LogEntryHeader> find_entries(const LogBuffer& log, Rejection& rejection) {
    std::map<std::uint64_t, LogEntryHeader> entries;
    for (std::uint64_t position = 0; position < log.length(); position += kLogSectorBytes) {
        const auto header = log.find_entry(position, rejection);
        if (!header) continue;
        entries.emplace(position, *header);
        if (entries.size() > limits::kLogEntriesMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("VHDX log: the entry at offset {} is one more than {}",
                                    log.file_offset(position), limits::kLogEntriesMax)};
        }
    }
    return entries;
}

/// The entries from `start` on, each right behind the one before and one higher in number.
Sequence grow_sequence(const std::map<std::uint64_t, LogEntryHeader>& entries, std::uint64_t start,
                       std::uint64_t log_length) {
    Sequence sequence;
    auto entry = entries.find(start);
    while (entry != entries.end()) {
        sequence.push_back({entry->first, entry->second});
        const std::uint64_t number = entry->second.sequence_number;
        entry = entries.find((entry->first + entry->second.length) % log_length);
        if (entry == entries.end() || entry->second.sequence_number - 1 != number) break;
    }
    return sequence;
}

/// The sequence with the newest head whose tail lies inside it, cut to begin at that tail.
std::optional<Sequence> find_active_sequence(const LogBuffer& log, Rejection& rejection) {
    const auto entries = find_entries(log, rejection);
    std::set<std::uint64_t> followers;  // An entry that continues another starts no sequence.
    for (const auto& [position, header] : entries) {
        const auto next = entries.find((position + header.length) % log.length());
        if (next != entries.end() && next->second.sequence_number - 1 == header.sequence_number) {
            followers.insert(next->first);
        }
    }
    std::optional<Sequence> best;
    for (const auto& [position, header] : entries) {
        if (followers.contains(position)) continue;
        Sequence sequence = grow_sequence(entries, position, log.length());
        const LogEntryHeader& head = sequence.back().header;
        if (best && best->back().header.sequence_number >= head.sequence_number) continue;
        const auto tail = std::find_if(sequence.begin(), sequence.end(), [&](const auto& entry) {
            return entry.position == head.tail;
        });
        if (tail == sequence.end()) {
            rejection.note({"VHDX log", "Tail", fmt::format("{}", head.tail),
                            log.file_offset(sequence.back().position) + kLogTailOffset},
                           "names no entry of the sequence that its entry ends");
            continue;
        }
        sequence.erase(sequence.begin(), tail);
        best = std::move(sequence);
    }
    return best;
}

void apply_entry(const LogBuffer& log, const FoundEntry& found, Overlay& overlay) {
    const Bytes entry = log.read_entry(found.position, found.header);
    const std::uint64_t count = found.header.descriptor_count;
    std::size_t data_offset = descriptor_sector_count(count) * kLogSectorBytes;
    for (std::uint64_t index = 0; index < count; ++index) {
        const std::uint64_t at = kLogEntryHeaderBytes + index * kLogDescriptorBytes;
        Rejection rejection;
        const auto descriptor =
            log.decode_descriptor(ByteView{entry}.subspan(at, kLogDescriptorBytes),
                                  found.header.sequence_number, found.position + at, rejection);
        if (!descriptor || (!descriptor->is_zero && data_offset >= entry.size())) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("VHDX log: the entry at offset {} changed while it was read",
                                    log.file_offset(found.position))};
        }
        if (descriptor->is_zero) {
            overlay.put_zeros(descriptor->target_offset, descriptor->length);
            continue;
        }
        // Of its own size and no larger: there may be thousands.
        Bytes page(kLogSectorBytes);
        store_u64(page, 0, descriptor->leading);
        const auto body = entry.begin() + static_cast<std::ptrdiff_t>(data_offset + kLeadingBytes);
        std::copy_n(body, kDataSectorBodyBytes, page.begin() + kLeadingBytes);
        store_u32(page, kLogSectorBytes - kTrailingBytes, descriptor->trailing);
        overlay.put_page(descriptor->target_offset, std::move(page));
        data_offset += kLogSectorBytes;
    }
}

}  // namespace

static_assert(kLeadingBytes + kDataSectorBodyBytes + kTrailingBytes == kLogSectorBytes);
static_assert(kLogSectorBytes == Overlay::kPageBytes);

Replay replay_log(const File& file, const FileRange& log, const Guid& log_guid) {
    const LogBuffer buffer{file, log, log_guid};
    Rejection rejection;
    const auto sequence = find_active_sequence(buffer, rejection);
    if (!sequence) {
        const std::string why = rejection.text().empty() ? "there is no entry" : rejection.text();
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX log at offset {} cannot be replayed: no valid sequence of "
                                "entries with LogGuid {}: {}",
                                log.offset, log_guid.to_string(), why)};
    }
    const LogEntryHeader& head = sequence->back().header;
    const std::uint64_t size = file.size();
    if (size < head.flushed_file_offset) {
        refuse_field(
            ErrorCode::corrupt,
            {"VHDX log", "FlushedFileOffset", fmt::format("{}", head.flushed_file_offset),
             buffer.file_offset(sequence->back().position) + kLogFlushedFileOffsetOffset},
            fmt::format("is more than the {} bytes of the file: the image is truncated", size));
    }
    Replay replay;
    for (const FoundEntry& entry : *sequence)
        apply_entry(buffer, entry, replay.overlay);
    replay.file_size_bytes = std::max({size, head.last_file_offset, replay.overlay.end()});
    replay.entry_count = sequence->size();
    return replay;
}

LogSurvey survey_log(const File& file, const FileRange& log, const Guid& log_guid) {
    const LogBuffer buffer{file, log, log_guid};
    Rejection rejection;
    LogSurvey survey;
    const auto entries = find_entries(buffer, rejection);
    survey.valid_count = entries.size();
    for (std::uint64_t position = 0; position < log.length; position += kLogSectorBytes) {
        if (!entries.contains(position) && buffer.is_begun_at(position)) ++survey.torn_count;
    }
    return survey;
}

}  // namespace entrepot::disk::vhdx
