// What an entry of a log must be like to count (MS-VHDX 2.3.1; vhdx.md section 3).
//
// Sectors of an entry are checked by their signature before its checksum is computed. No sector but
// the first of an entry begins with "loge", so entries cannot nest, and a hostile log costs no more
// than reading it twice.
#include "storage/disk/vhdx_log_buffer.h"

#include "storage/disk/limits.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <algorithm>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::uint64_t kDescriptorsInFirstSector = 126;
constexpr std::uint64_t kDescriptorsPerSector = 128;

// Where the fields of an entry and of a descriptor lie in it.
constexpr std::uint64_t kLengthOffset = 8;
constexpr std::uint64_t kSequenceNumberOffset = 16;
constexpr std::uint64_t kDescriptorCountOffset = 24;
constexpr std::uint64_t kLogGuidOffset = 32;
constexpr std::uint64_t kLastFileOffsetOffset = 56;
constexpr std::uint64_t kTargetLengthOffset = 8;
constexpr std::uint64_t kTargetOffsetOffset = 16;
constexpr std::uint64_t kDescriptorSequenceOffset = 24;

}  // namespace

std::uint64_t descriptor_sector_count(std::uint64_t descriptor_count) {
    if (descriptor_count <= kDescriptorsInFirstSector) return 1;
    const std::uint64_t rest = descriptor_count - kDescriptorsInFirstSector;
    return 1 + (rest + kDescriptorsPerSector - 1) / kDescriptorsPerSector;
}

bool Rejection::note(const Field& field, std::string_view why) {
    if (text_.empty()) {
        text_ = fmt::format("{} {} at offset {} {}", field.name, field.value, field.offset, why);
    }
    return false;
}

void Rejection::note_other_log(const Field& field) {
    if (!other_log_.empty()) return;
    other_log_ =
        fmt::format("{} {} at offset {} is another log's", field.name, field.value, field.offset);
}

bool LogBuffer::is_begun_at(std::uint64_t position) const {
    const Bytes sector = read_sector(position);
    const ByteView guid = ByteView{sector}.subspan(kLogGuidOffset, Guid::kSizeBytes);
    return load_u32(sector, 0) == kLogEntrySignature && Guid::from_bytes(guid) == guid_;
}

bool LogBuffer::check_sizes(const LogEntryHeader& header, std::uint64_t position,
                            Rejection& rejection) const {
    const auto length = [&] {
        return field("EntryLength", header.length, position + kLengthOffset);
    };
    if (header.length < kLogSectorBytes || header.length % kLogSectorBytes != 0) {
        return rejection.note(length(), "is no positive multiple of 4096");
    }
    if (header.length > log_.length) {
        return rejection.note(length(), fmt::format("is more than the log's {}", log_.length));
    }
    if (header.length > limits::kLogEntryBytesMax) {
        return rejection.note(length(),
                              fmt::format("is more than {} bytes", limits::kLogEntryBytesMax));
    }
    const auto tail = [&] { return field("Tail", header.tail, position + kLogTailOffset); };
    if (header.tail % kLogSectorBytes != 0) return rejection.note(tail(), "is no multiple of 4096");
    if (header.tail >= log_.length) {
        return rejection.note(tail(),
                              fmt::format("lies outside of the log of {} bytes", log_.length));
    }
    if (descriptor_sector_count(header.descriptor_count) > header.length / kLogSectorBytes) {
        return rejection.note(
            field("DescriptorCount", header.descriptor_count, position + kDescriptorCountOffset),
            fmt::format("does not fit into an entry of {} bytes", header.length));
    }
    return true;
}

bool LogBuffer::check_file_sizes(const LogEntryHeader& header, std::uint64_t position,
                                 Rejection& rejection) const {
    if (header.flushed_file_offset % kAlignment != 0) {
        return rejection.note(field("FlushedFileOffset", header.flushed_file_offset,
                                    position + kLogFlushedFileOffsetOffset),
                              "is no multiple of 1 MiB");
    }
    const auto last = [&] {
        return field("LastFileOffset", header.last_file_offset, position + kLastFileOffsetOffset);
    };
    if (header.last_file_offset % kAlignment != 0) {
        return rejection.note(last(), "is no multiple of 1 MiB");
    }
    if (header.last_file_offset > limits::kFileSizeBytesMax) {
        return rejection.note(last(),
                              fmt::format("is more than {} bytes", limits::kFileSizeBytesMax));
    }
    return true;
}

std::optional<LogEntryHeader> LogBuffer::decode_header(ByteView sector, std::uint64_t position,
                                                       Rejection& rejection) const {
    LittleEndianReader in{sector};
    if (in.u32() != kLogEntrySignature) return std::nullopt;
    LogEntryHeader header;
    header.checksum = in.u32();
    header.length = in.u32();
    header.tail = in.u32();
    header.sequence_number = in.u64();
    header.descriptor_count = in.u32();
    in.skip(4);
    header.log_guid = in.guid();
    header.flushed_file_offset = in.u64();
    header.last_file_offset = in.u64();
    if (header.log_guid != guid_) {
        rejection.note_other_log(
            field("LogGuid", header.log_guid.to_string(), position + kLogGuidOffset));
        return std::nullopt;
    }
    if (header.sequence_number == 0) {
        rejection.note(field("SequenceNumber", 0, position + kSequenceNumberOffset),
                       "is no sequence number");
        return std::nullopt;
    }
    if (!check_sizes(header, position, rejection)) return std::nullopt;
    if (!check_file_sizes(header, position, rejection)) return std::nullopt;
    return header;
}

bool LogBuffer::check_target(const LogDescriptor& descriptor, std::uint64_t position,
                             Rejection& rejection) const {
    const std::uint64_t length = descriptor.length;
    const std::uint64_t offset = descriptor.target_offset;
    const auto length_field = [&] {
        return field("ZeroLength", length, position + kTargetLengthOffset);
    };
    const auto offset_field = [&] {
        return field("FileOffset", offset, position + kTargetOffsetOffset);
    };
    if (length % kLogSectorBytes != 0)
        return rejection.note(length_field(), "is no multiple of 4096");
    if (offset % kLogSectorBytes != 0)
        return rejection.note(offset_field(), "is no multiple of 4096");
    if (offset > limits::kFileSizeBytesMax) {
        return rejection.note(offset_field(),
                              fmt::format("is beyond {} bytes", limits::kFileSizeBytesMax));
    }
    if (length > limits::kFileSizeBytesMax - offset) {
        return rejection.note(length_field(), fmt::format("from {} on ends beyond {} bytes", offset,
                                                          limits::kFileSizeBytesMax));
    }
    // The headers decide whether there is a log at all, so no log can change them.
    if (offset < kFirstRegionTableOffset) {
        return rejection.note(offset_field(), "lies in the headers, which no log can change");
    }
    if (log_.overlaps(offset, length)) {
        return rejection.note(offset_field(),
                              fmt::format("with length {} lies in the log itself", length));
    }
    return true;
}

std::optional<LogDescriptor> LogBuffer::decode_descriptor(ByteView bytes, std::uint64_t sequence,
                                                          std::uint64_t position,
                                                          Rejection& rejection) const {
    LittleEndianReader in{bytes};
    const std::uint32_t signature = in.u32();
    LogDescriptor descriptor;
    descriptor.is_zero = signature == kZeroDescriptorSignature;
    if (!descriptor.is_zero && signature != kDataDescriptorSignature) {
        rejection.note(field("descriptor signature", hex32(signature), position),
                       "is neither \"zero\" nor \"desc\"");
        return std::nullopt;
    }
    descriptor.trailing = in.u32();
    const std::uint64_t second = in.u64();
    descriptor.leading = second;
    descriptor.length = descriptor.is_zero ? second : kLogSectorBytes;
    descriptor.target_offset = in.u64();
    const std::uint64_t descriptor_sequence = in.u64();
    if (descriptor_sequence != sequence) {
        rejection.note(field("SequenceNumber of a descriptor", descriptor_sequence,
                             position + kDescriptorSequenceOffset),
                       fmt::format("is not its entry's {}", sequence));
        return std::nullopt;
    }
    if (!check_target(descriptor, position, rejection)) return std::nullopt;
    return descriptor;
}

bool LogBuffer::check_descriptors(ByteView descriptors, std::uint64_t sequence,
                                  std::uint64_t position, std::uint64_t& data_count,
                                  Rejection& rejection) const {
    for (; !descriptors.empty(); descriptors = descriptors.subspan(kLogDescriptorBytes)) {
        const auto descriptor = decode_descriptor(descriptors.first(kLogDescriptorBytes), sequence,
                                                  position, rejection);
        if (!descriptor) return false;
        if (!descriptor->is_zero) ++data_count;
        position += kLogDescriptorBytes;
    }
    return true;
}

bool LogBuffer::check_data_sector(ByteView sector, std::uint64_t sequence, std::uint64_t position,
                                  Rejection& rejection) const {
    const std::uint32_t signature = load_u32(sector, 0);
    if (signature != kDataSectorSignature) {
        return rejection.note(field("data sector signature", hex32(signature), position),
                              "is not \"data\"");
    }
    const std::uint32_t high = load_u32(sector, 4);
    if (high != static_cast<std::uint32_t>(sequence >> 32)) {
        return rejection.note(field("SequenceHigh of a data sector", high, position + 4),
                              fmt::format("does not fit its entry's number {}", sequence));
    }
    const std::uint32_t low = load_u32(sector, kLogSectorBytes - 4);
    if (low != static_cast<std::uint32_t>(sequence)) {
        return rejection.note(
            field("SequenceLow of a data sector", low, position + kLogSectorBytes - 4),
            fmt::format("does not fit its entry's number {}", sequence));
    }
    return true;
}

std::optional<LogEntryHeader> LogBuffer::find_entry(std::uint64_t position,
                                                    Rejection& rejection) const {
    Bytes sector = read_sector(position);
    const auto header = decode_header(sector, position, rejection);
    if (!header) return std::nullopt;

    const std::uint64_t sequence = header->sequence_number;
    std::uint64_t descriptors_left = header->descriptor_count;
    std::uint64_t data_count = 0;
    const std::uint64_t descriptor_sectors = descriptor_sector_count(descriptors_left);
    const std::uint64_t sector_count = header->length / kLogSectorBytes;
    std::uint32_t checksum = 0;
    for (std::uint64_t index = 0; index < sector_count; ++index) {
        const std::uint64_t at = position + index * kLogSectorBytes;
        if (index > 0) sector = read_sector(at);
        if (index < descriptor_sectors) {
            const std::size_t skip = index == 0 ? kLogEntryHeaderBytes : 0;
            const std::uint64_t room = (kLogSectorBytes - skip) / kLogDescriptorBytes;
            const std::uint64_t count = std::min(room, descriptors_left);
            const ByteView used = ByteView{sector}.subspan(skip, count * kLogDescriptorBytes);
            if (!check_descriptors(used, sequence, at + skip, data_count, rejection)) {
                return std::nullopt;
            }
            descriptors_left -= count;
        } else if (!check_data_sector(sector, sequence, at, rejection)) {
            return std::nullopt;
        }
        checksum = index == 0 ? crc32c_with_zeroed_field(sector, kChecksumFieldOffset)
                              : crc32c(sector, checksum);
    }
    if (descriptor_sectors + data_count != sector_count) {
        rejection.note(
            field("DescriptorCount", header->descriptor_count, position + kDescriptorCountOffset),
            fmt::format("needs {} sectors, and EntryLength {} has {}",
                        descriptor_sectors + data_count, header->length, sector_count));
        return std::nullopt;
    }
    if (checksum != header->checksum) {
        rejection.note(field("checksum", hex32(header->checksum), position + kChecksumFieldOffset),
                       fmt::format("should be {}", hex32(checksum)));
        return std::nullopt;
    }
    return header;
}

}  // namespace entrepot::disk::vhdx
