// MS-VHDX 2.2.3.1 and 2.2.3.2, with what real writers do (vhdx.md 1.2).
#include "storage/disk/vhdx_region_table.h"

#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <optional>
#include <set>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::size_t kTableHeaderBytes = 16;
constexpr std::size_t kEntryBytes = 32;
constexpr std::uint64_t kEntryCountOffset = 8;
// In an entry.
constexpr std::uint64_t kFileOffsetOffset = 16;
constexpr std::uint64_t kLengthOffset = 24;
constexpr std::uint64_t kRequiredOffset = 28;
constexpr std::uint32_t kRequired = 1;

/// The copy that counts.
struct Table {
    std::uint64_t offset = 0;
    Bytes bytes;
};

struct Entry {
    std::uint64_t entry_offset = 0;  ///< Of the entry itself, in the file.
    Guid id;
    FileRange range;
    std::uint32_t flags = 0;
};

Field entry_field(const Entry& entry, std::string_view name, std::string value,
                  std::uint64_t offset) {
    return {"VHDX region table", fmt::format("{} of region {}", name, entry.id.to_string()),
            std::move(value), entry.entry_offset + offset};
}

bool is_intact(ByteView table) {
    return load_u32(table, 0) == kRegionSignature &&
           load_u32(table, kChecksumFieldOffset) ==
               crc32c_with_zeroed_field(table, kChecksumFieldOffset);
}

std::string describe_damage(ByteView table, std::uint64_t offset) {
    const std::uint32_t signature = load_u32(table, 0);
    if (signature != kRegionSignature) {
        return fmt::format("signature {} at offset {} is not \"regi\"", hex32(signature), offset);
    }
    return fmt::format("checksum {} at offset {} should be {}",
                       hex32(load_u32(table, kChecksumFieldOffset)), offset + kChecksumFieldOffset,
                       hex32(crc32c_with_zeroed_field(table, kChecksumFieldOffset)));
}

Table choose_table(const ImageView& image, std::vector<std::string>& warnings) {
    Table first{kFirstRegionTableOffset, image.read(kFirstRegionTableOffset, kRegionTableBytes)};
    Table second{kSecondRegionTableOffset, image.read(kSecondRegionTableOffset, kRegionTableBytes)};
    const bool is_first_intact = is_intact(first.bytes);
    const bool is_second_intact = is_intact(second.bytes);
    if (!is_first_intact && !is_second_intact) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX region table: both copies are damaged: {}, and {}",
                                describe_damage(first.bytes, first.offset),
                                describe_damage(second.bytes, second.offset))};
    }
    if (!is_first_intact) {
        warnings.push_back("region table copy 1 (offset 196608) is damaged; copy 2 is used");
        return second;
    }
    if (!is_second_intact) {
        warnings.push_back("region table copy 2 (offset 262144) is damaged; copy 1 is used");
    } else if (first.bytes != second.bytes) {
        warnings.push_back("the two region tables differ; copy 1 is used");
    }
    return first;
}

void check_range(const Entry& entry, std::uint64_t file_size) {
    const auto [offset, length] = entry.range;
    const Field offset_field =
        entry_field(entry, "FileOffset", fmt::format("{}", offset), kFileOffsetOffset);
    const Field length_field =
        entry_field(entry, "Length", fmt::format("{}", length), kLengthOffset);
    if (offset % kAlignment != 0) {
        refuse_field(ErrorCode::corrupt, offset_field, "is no multiple of 1 MiB");
    }
    if (length % kAlignment != 0) {
        refuse_field(ErrorCode::corrupt, length_field, "is no multiple of 1 MiB");
    }
    if (length == 0) refuse_field(ErrorCode::corrupt, length_field, "makes an empty region");
    if (offset < kHeaderSectionBytes) {
        refuse_field(ErrorCode::corrupt, offset_field, "lies in the header section");
    }
    if (offset > file_size || length > file_size - offset) {
        refuse_field(ErrorCode::corrupt, offset_field,
                     fmt::format("puts a region of {} bytes beyond the end of the file of {} bytes",
                                 length, file_size));
    }
}

std::vector<Entry> decode_entries(const Table& table) {
    LittleEndianReader in{table.bytes};
    in.skip(kEntryCountOffset);
    const std::uint32_t count = in.u32();
    if (count > limits::kRegionEntriesMax) {
        refuse_field(ErrorCode::corrupt,
                     {"VHDX region table", "EntryCount", fmt::format("{}", count),
                      table.offset + kEntryCountOffset},
                     fmt::format("is more than {}", limits::kRegionEntriesMax));
    }
    in.skip(kTableHeaderBytes - kEntryCountOffset - 4);
    std::vector<Entry> entries;
    std::set<Guid> seen;
    for (std::uint32_t index = 0; index < count; ++index) {
        Entry entry;
        entry.entry_offset = table.offset + kTableHeaderBytes + index * kEntryBytes;
        entry.id = in.guid();
        entry.range.offset = in.u64();
        entry.range.length = in.u32();
        entry.flags = in.u32();
        if (!seen.insert(entry.id).second) {
            refuse_field(ErrorCode::corrupt,
                         {"VHDX region table", fmt::format("Guid of entry {}", index),
                          entry.id.to_string(), entry.entry_offset},
                         "stands in the table a second time");
        }
        entries.push_back(entry);
    }
    return entries;
}

void add_occupied(Regions& regions, const Entry& entry) {
    const auto [offset, length] = entry.range;
    for (const FileRange& other : regions.occupied) {
        if (!other.overlaps(offset, length)) continue;
        refuse_field(ErrorCode::corrupt,
                     entry_field(entry, "FileOffset", fmt::format("{}", offset), kFileOffsetOffset),
                     fmt::format("with length {} overlaps the log or region at {} with length {}",
                                 length, other.offset, other.length));
    }
    regions.occupied.push_back(entry.range);
}

Field missing_region(const Table& table, std::string_view name, const Guid& id) {
    const std::uint32_t count = load_u32(table.bytes, kEntryCountOffset);
    return {"VHDX region table",
            fmt::format("the {} region ({}) is missing: EntryCount", name, id.to_string()),
            fmt::format("{}", count), table.offset + kEntryCountOffset};
}

}  // namespace

static_assert(kTableHeaderBytes + limits::kRegionEntriesMax * kEntryBytes <= kRegionTableBytes);

Regions read_regions(const ImageView& image, const FileRange& log,
                     std::vector<std::string>& warnings) {
    const Table table = choose_table(image, warnings);
    Regions regions;
    if (log.length > 0) regions.occupied.push_back(log);
    std::optional<FileRange> bat;
    std::optional<FileRange> metadata;
    for (const Entry& entry : decode_entries(table)) {
        // QEMU leaves Required at 0 for the two that every image needs.
        if (entry.id == kBatRegion) {
            bat = entry.range;
        } else if (entry.id == kMetadataRegion) {
            metadata = entry.range;
        } else if ((entry.flags & kRequired) != 0) {
            refuse_field(ErrorCode::unsupported,
                         entry_field(entry, "Required", hex32(entry.flags), kRequiredOffset),
                         "is set, and that region is not known here");
        }
        check_range(entry, image.size_bytes());
        add_occupied(regions, entry);
    }
    const std::string_view no_entry = "counts no entry for it";
    if (!bat) refuse_field(ErrorCode::corrupt, missing_region(table, "BAT", kBatRegion), no_entry);
    if (!metadata) {
        refuse_field(ErrorCode::corrupt, missing_region(table, "metadata", kMetadataRegion),
                     no_entry);
    }
    regions.bat = *bat;
    regions.metadata = *metadata;
    return regions;
}

}  // namespace entrepot::disk::vhdx
