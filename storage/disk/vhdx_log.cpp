// Which entries count, and what they change (MS-VHDX 2.3.2, 2.3.3; vhdx.md section 3).
#include "storage/disk/vhdx_log.h"

#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"
#include "storage/disk/vhdx_log_buffer.h"

#include "base/crc32c.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace entrepot::disk::vhdx {
namespace {

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

/// Reads an entry sector by sector: descriptors in front, then the data sectors in their order.
void apply_entry(const LogBuffer& log, const FoundEntry& found, OverlayBuilder& overlay) {
    const std::uint64_t count = found.header.descriptor_count;
    std::uint64_t data_position = found.position + descriptor_sector_count(count) * kLogSectorBytes;
    const std::uint64_t end = found.position + found.header.length;
    Bytes sector;
    for (std::uint64_t index = 0; index < count; ++index) {
        const std::uint64_t at = kLogEntryHeaderBytes + index * kLogDescriptorBytes;
        const std::uint64_t in_sector = at % kLogSectorBytes;
        if (index == 0 || in_sector == 0) {
            sector = log.read_sector(found.position + at - in_sector);
        }
        Rejection rejection;
        const auto descriptor =
            log.decode_descriptor(ByteView{sector}.subspan(in_sector, kLogDescriptorBytes),
                                  found.header.sequence_number, found.position + at, rejection);
        if (!descriptor || (!descriptor->is_zero && data_position >= end)) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("VHDX log: the entry at offset {} changed while it was read",
                                    log.file_offset(found.position))};
        }
        if (descriptor->is_zero) {
            overlay.put_zeros(descriptor->target_offset, descriptor->length);
            continue;
        }
        overlay.put_page(descriptor->target_offset,
                         {log.file_offset(data_position), descriptor->leading, descriptor->trailing,
                          crc32c(log.read_sector(data_position))});
        data_position += kLogSectorBytes;
    }
}

}  // namespace

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
    OverlayBuilder overlay;
    for (const FoundEntry& entry : *sequence)
        apply_entry(buffer, entry, overlay);
    Replay replay;
    replay.overlay = overlay.build();
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
