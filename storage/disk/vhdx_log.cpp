// Which entries count, and what they say (MS-VHDX 2.3.2, 2.3.3; vhdx.md section 3).
//
// Sectors of an entry are checked by their signature before its checksum is computed. No sector but
// the first of an entry begins with "loge", so entries cannot nest, and a hostile log costs no more
// than reading it twice.
#include "storage/disk/vhdx_log.h"

#include "storage/disk/limits.h"

#include "base/crc32c.h"
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

constexpr std::uint64_t kSectorBytes = 4096;
constexpr std::size_t kEntryHeaderBytes = 64;
constexpr std::size_t kDescriptorBytes = 32;
constexpr std::uint64_t kDescriptorsInFirstSector = 126;
constexpr std::uint64_t kDescriptorsPerSector = 128;
constexpr std::size_t kLeadingBytes = 8;
constexpr std::size_t kTrailingBytes = 4;
constexpr std::size_t kDataSectorBodyBytes = 4084;

struct EntryHeader {
    std::uint32_t checksum = 0;
    std::uint32_t length = 0;
    std::uint32_t tail = 0;
    std::uint64_t sequence_number = 0;
    std::uint32_t descriptor_count = 0;
    Guid log_guid;
    std::uint64_t flushed_file_offset = 0;
    std::uint64_t last_file_offset = 0;
};

struct Descriptor {
    bool is_zero = false;
    std::uint64_t length = 0;  ///< Of the target.
    std::uint64_t target_offset = 0;
    std::uint64_t leading = 0;
    std::uint32_t trailing = 0;
};

std::uint64_t descriptor_sector_count(std::uint64_t descriptor_count) {
    if (descriptor_count <= kDescriptorsInFirstSector) return 1;
    const std::uint64_t rest = descriptor_count - kDescriptorsInFirstSector;
    return 1 + (rest + kDescriptorsPerSector - 1) / kDescriptorsPerSector;
}

/// The circular buffer, by log offsets.
class LogBuffer {
public:
    LogBuffer(const File& file, const FileRange& log, const Guid& guid)
        : file_(file), log_(log), guid_(guid) {}

    std::uint64_t length() const { return log_.length; }
    /// The header and every descriptor are right, and so is the checksum; nullopt otherwise.
    std::optional<EntryHeader> find_entry(std::uint64_t position) const;
    /// An entry that find_entry() found, whole.
    Bytes read_entry(std::uint64_t position, const EntryHeader& header) const;
    /// Nullopt if a field is not as it must be.
    std::optional<Descriptor> decode_descriptor(ByteView bytes, std::uint64_t sequence) const;

private:
    Bytes read_sector(std::uint64_t position) const {
        return file_.read_exactly(log_.offset + position % log_.length, kSectorBytes);
    }
    std::optional<EntryHeader> decode_header(ByteView sector) const;
    bool is_target_allowed(std::uint64_t offset, std::uint64_t length) const;
    /// Adds to `data_count` the data descriptors of a sector; false if one is not right.
    bool check_descriptors(ByteView descriptors, std::uint64_t sequence,
                           std::uint64_t& data_count) const;

    const File& file_;
    FileRange log_;
    Guid guid_;
};

std::optional<EntryHeader> LogBuffer::decode_header(ByteView sector) const {
    LittleEndianReader in{sector};
    if (in.u32() != kLogEntrySignature) return std::nullopt;
    EntryHeader header;
    header.checksum = in.u32();
    header.length = in.u32();
    header.tail = in.u32();
    header.sequence_number = in.u64();
    header.descriptor_count = in.u32();
    in.skip(4);
    header.log_guid = in.guid();
    header.flushed_file_offset = in.u64();
    header.last_file_offset = in.u64();
    const bool is_length_right =
        header.length >= kSectorBytes && header.length % kSectorBytes == 0 &&
        header.length <= log_.length && header.length <= limits::kLogEntryBytesMax;
    if (!is_length_right) return std::nullopt;
    if (header.tail % kSectorBytes != 0 || header.tail >= log_.length) return std::nullopt;
    if (header.sequence_number == 0 || header.log_guid != guid_) return std::nullopt;
    if (header.flushed_file_offset % kAlignment != 0) return std::nullopt;
    if (header.last_file_offset % kAlignment != 0) return std::nullopt;
    if (header.last_file_offset > limits::kFileSizeBytesMax) return std::nullopt;
    if (descriptor_sector_count(header.descriptor_count) > header.length / kSectorBytes) {
        return std::nullopt;
    }
    return header;
}

bool LogBuffer::is_target_allowed(std::uint64_t offset, std::uint64_t length) const {
    if (offset % kSectorBytes != 0 || length % kSectorBytes != 0) return false;
    if (offset > limits::kFileSizeBytesMax || length > limits::kFileSizeBytesMax - offset) {
        return false;
    }
    // The headers decide whether there is a log at all, so no log can change them.
    return offset >= kFirstRegionTableOffset && !log_.overlaps(offset, length);
}

std::optional<Descriptor> LogBuffer::decode_descriptor(ByteView bytes,
                                                       std::uint64_t sequence) const {
    LittleEndianReader in{bytes};
    const std::uint32_t signature = in.u32();
    Descriptor descriptor;
    descriptor.is_zero = signature == kZeroDescriptorSignature;
    if (!descriptor.is_zero && signature != kDataDescriptorSignature) return std::nullopt;
    descriptor.trailing = in.u32();
    const std::uint64_t second = in.u64();
    descriptor.leading = second;
    descriptor.length = descriptor.is_zero ? second : kSectorBytes;
    descriptor.target_offset = in.u64();
    if (in.u64() != sequence) return std::nullopt;
    if (!is_target_allowed(descriptor.target_offset, descriptor.length)) return std::nullopt;
    return descriptor;
}

bool LogBuffer::check_descriptors(ByteView descriptors, std::uint64_t sequence,
                                  std::uint64_t& data_count) const {
    for (; !descriptors.empty(); descriptors = descriptors.subspan(kDescriptorBytes)) {
        const auto descriptor = decode_descriptor(descriptors.first(kDescriptorBytes), sequence);
        if (!descriptor) return false;
        if (!descriptor->is_zero) ++data_count;
    }
    return true;
}

bool is_data_sector(ByteView sector, std::uint64_t sequence) {
    return load_u32(sector, 0) == kDataSectorSignature &&
           load_u32(sector, 4) == static_cast<std::uint32_t>(sequence >> 32) &&
           load_u32(sector, kSectorBytes - 4) == static_cast<std::uint32_t>(sequence);
}

std::optional<EntryHeader> LogBuffer::find_entry(std::uint64_t position) const {
    Bytes sector = read_sector(position);
    const auto header = decode_header(sector);
    if (!header) return std::nullopt;

    std::uint64_t descriptors_left = header->descriptor_count;
    std::uint64_t data_count = 0;
    const std::uint64_t descriptor_sectors = descriptor_sector_count(descriptors_left);
    const std::uint64_t sector_count = header->length / kSectorBytes;
    std::uint32_t checksum = 0;
    for (std::uint64_t index = 0; index < sector_count; ++index) {
        if (index > 0) sector = read_sector(position + index * kSectorBytes);
        if (index < descriptor_sectors) {
            const std::size_t skip = index == 0 ? kEntryHeaderBytes : 0;
            const std::uint64_t room = (kSectorBytes - skip) / kDescriptorBytes;
            const std::uint64_t count = std::min(room, descriptors_left);
            const ByteView used = ByteView{sector}.subspan(skip, count * kDescriptorBytes);
            if (!check_descriptors(used, header->sequence_number, data_count)) return std::nullopt;
            descriptors_left -= count;
        } else if (!is_data_sector(sector, header->sequence_number)) {
            return std::nullopt;
        }
        checksum = index == 0 ? crc32c_with_zeroed_field(sector, kChecksumFieldOffset)
                              : crc32c(sector, checksum);
    }
    if (descriptor_sectors + data_count != sector_count) return std::nullopt;
    if (checksum != header->checksum) return std::nullopt;
    return header;
}

Bytes LogBuffer::read_entry(std::uint64_t position, const EntryHeader& header) const {
    Bytes entry(header.length);
    const std::uint64_t first_part = std::min<std::uint64_t>(header.length, log_.length - position);
    const MutableByteView target{entry};
    file_.read_exactly(log_.offset + position, target.first(first_part));
    file_.read_exactly(log_.offset, target.subspan(first_part));
    return entry;
}

struct FoundEntry {
    std::uint64_t position = 0;
    EntryHeader header;
};
using Sequence = std::vector<FoundEntry>;

std::map<std::uint64_t, EntryHeader> find_entries(const LogBuffer& log) {
    std::map<std::uint64_t, EntryHeader> entries;
    for (std::uint64_t position = 0; position < log.length(); position += kSectorBytes) {
        if (const auto header = log.find_entry(position)) entries.emplace(position, *header);
    }
    return entries;
}

/// The entries from `start` on, each right behind the one before and one higher in number.
Sequence grow_sequence(const std::map<std::uint64_t, EntryHeader>& entries, std::uint64_t start,
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
std::optional<Sequence> find_active_sequence(const LogBuffer& log) {
    const auto entries = find_entries(log);
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
        const EntryHeader& head = sequence.back().header;
        if (best && best->back().header.sequence_number >= head.sequence_number) continue;
        const auto tail = std::find_if(sequence.begin(), sequence.end(), [&](const auto& entry) {
            return entry.position == head.tail;
        });
        if (tail == sequence.end()) continue;
        sequence.erase(sequence.begin(), tail);
        best = std::move(sequence);
    }
    return best;
}

void apply_entry(const LogBuffer& log, const FoundEntry& found, Overlay& overlay) {
    const Bytes entry = log.read_entry(found.position, found.header);
    const std::uint64_t count = found.header.descriptor_count;
    std::size_t data_offset = descriptor_sector_count(count) * kSectorBytes;
    for (std::uint64_t index = 0; index < count; ++index) {
        const ByteView bytes =
            ByteView{entry}.subspan(kEntryHeaderBytes + index * kDescriptorBytes, kDescriptorBytes);
        const auto descriptor = log.decode_descriptor(bytes, found.header.sequence_number);
        if (!descriptor || (!descriptor->is_zero && data_offset >= entry.size())) {
            throw Error{ErrorCode::corrupt, "VHDX log changed while it was read"};
        }
        if (descriptor->is_zero) {
            overlay.put_zeros(descriptor->target_offset, descriptor->length);
            continue;
        }
        LittleEndianWriter page;
        page.u64(descriptor->leading);
        page.bytes(ByteView{entry}.subspan(data_offset + kLeadingBytes, kDataSectorBodyBytes));
        page.u32(descriptor->trailing);
        overlay.put_page(descriptor->target_offset, page.take());
        data_offset += kSectorBytes;
    }
}

}  // namespace

static_assert(kLeadingBytes + kDataSectorBodyBytes + kTrailingBytes == kSectorBytes);
static_assert(kSectorBytes == Overlay::kPageBytes);

Replay replay_log(const File& file, const FileRange& log, const Guid& log_guid) {
    const LogBuffer buffer{file, log, log_guid};
    const auto sequence = find_active_sequence(buffer);
    if (!sequence) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX log at offset {} cannot be replayed: no valid sequence of "
                                "entries with LogGuid {}",
                                log.offset, log_guid.to_string())};
    }
    const EntryHeader& head = sequence->back().header;
    const std::uint64_t size = file.size();
    if (size < head.flushed_file_offset) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX image is truncated: {} bytes, but its log entry {} says that "
                                "{} bytes were written",
                                size, head.sequence_number, head.flushed_file_offset)};
    }
    Replay replay;
    for (const FoundEntry& entry : *sequence)
        apply_entry(buffer, entry, replay.overlay);
    replay.file_size_bytes = std::max({size, head.last_file_offset, replay.overlay.end()});
    replay.entry_count = sequence->size();
    return replay;
}

}  // namespace entrepot::disk::vhdx
