// MS-VHDX 2.2.3.1 and 2.2.3.2, with what real writers do (vhdx.md 1.2).
#include "storage/disk/vhdx_region_table.h"

#include "storage/disk/limits.h"

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
constexpr std::uint32_t kRequired = 1;

struct Entry {
    Guid id;
    FileRange range;
    bool is_required = false;
};

bool is_intact(ByteView table) {
    return load_u32(table, 0) == kRegionSignature &&
           load_u32(table, kChecksumFieldOffset) ==
               crc32c_with_zeroed_field(table, kChecksumFieldOffset);
}

Bytes choose_table(const ImageView& image, std::vector<std::string>& warnings) {
    Bytes first = image.read(kFirstRegionTableOffset, kRegionTableBytes);
    Bytes second = image.read(kSecondRegionTableOffset, kRegionTableBytes);
    const bool is_first_intact = is_intact(first);
    const bool is_second_intact = is_intact(second);
    if (!is_first_intact && !is_second_intact) {
        throw Error{ErrorCode::corrupt,
                    "VHDX region table: both copies (offsets 196608 and 262144) have a wrong "
                    "signature or checksum"};
    }
    if (!is_first_intact) {
        warnings.push_back("region table copy 1 (offset 196608) is damaged; copy 2 is used");
        return second;
    }
    if (!is_second_intact) {
        warnings.push_back("region table copy 2 (offset 262144) is damaged; copy 1 is used");
    } else if (first != second) {
        warnings.push_back("the two region tables differ; copy 1 is used");
    }
    return first;
}

void check_range(const Guid& id, const FileRange& range, std::uint64_t file_size) {
    const auto refuse = [&](std::string_view why) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX region {}: offset {} with length {} {}", id.to_string(),
                                range.offset, range.length, why)};
    };
    if (range.offset % kAlignment != 0 || range.length % kAlignment != 0) {
        refuse("is not aligned to 1 MiB");
    }
    if (range.length == 0) refuse("is empty");
    if (range.offset < kHeaderSectionBytes) refuse("lies in the header section");
    if (range.offset > file_size || range.length > file_size - range.offset) {
        refuse(fmt::format("ends beyond the file of {} bytes", file_size));
    }
}

std::vector<Entry> decode_entries(ByteView table) {
    LittleEndianReader in{table};
    in.skip(8);
    const std::uint32_t count = in.u32();
    if (count > limits::kRegionEntriesMax) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX region table: EntryCount {} is more than {}", count,
                                limits::kRegionEntriesMax)};
    }
    in.skip(kTableHeaderBytes - 12);
    std::vector<Entry> entries;
    std::set<Guid> seen;
    for (std::uint32_t index = 0; index < count; ++index) {
        Entry entry;
        entry.id = in.guid();
        entry.range.offset = in.u64();
        entry.range.length = in.u32();
        entry.is_required = (in.u32() & kRequired) != 0;
        if (!seen.insert(entry.id).second) {
            throw Error{ErrorCode::corrupt, fmt::format("VHDX region table: entry {} repeats {}",
                                                        index, entry.id.to_string())};
        }
        entries.push_back(entry);
    }
    return entries;
}

void add_occupied(Regions& regions, const FileRange& range, const std::string& name) {
    for (const FileRange& other : regions.occupied) {
        if (!other.overlaps(range.offset, range.length)) continue;
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX {} at offset {} with length {} overlaps another structure at "
                                "offset {} with length {}",
                                name, range.offset, range.length, other.offset, other.length)};
    }
    regions.occupied.push_back(range);
}

}  // namespace

static_assert(kTableHeaderBytes + limits::kRegionEntriesMax * kEntryBytes <= kRegionTableBytes);

Regions read_regions(const ImageView& image, const FileRange& log,
                     std::vector<std::string>& warnings) {
    const Bytes table = choose_table(image, warnings);
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
        } else if (entry.is_required) {
            throw Error{ErrorCode::unsupported,
                        fmt::format("VHDX region {} at offset {} is required, but not known",
                                    entry.id.to_string(), entry.range.offset)};
        }
        check_range(entry.id, entry.range, image.size_bytes());
        add_occupied(regions, entry.range, fmt::format("region {}", entry.id.to_string()));
    }
    if (!bat) throw Error{ErrorCode::corrupt, "VHDX region table: there is no BAT region"};
    if (!metadata) {
        throw Error{ErrorCode::corrupt, "VHDX region table: there is no metadata region"};
    }
    regions.bat = *bat;
    regions.metadata = *metadata;
    return regions;
}

}  // namespace entrepot::disk::vhdx
