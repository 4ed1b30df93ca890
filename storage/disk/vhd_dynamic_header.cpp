// Checks of the dynamic header and of the parent's names. The names come from a host, or through it
// from a guest: they are decoded for people and never opened.
#include "storage/disk/vhd_dynamic_header.h"

#include "storage/disk/big_endian.h"
#include "storage/disk/limits.h"
#include "storage/disk/utf16.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <utility>

namespace entrepot::disk::vhd {
namespace {

constexpr std::string_view kWindowsAbsolute = "W2ku";
constexpr std::string_view kWindowsRelative = "W2ru";

/// What the bytes say, before anything is checked.
struct RawHeader {
    std::uint64_t offset = 0;
    std::uint64_t data_offset = 0;
    std::uint64_t table_offset = 0;
    std::uint32_t version = 0;
    std::uint32_t table_entry_count = 0;
    std::uint32_t block_size = 0;
    Guid parent_id;
    std::uint32_t parent_time_stamp = 0;
    Bytes parent_name;
    struct Locator {
        std::uint32_t code = 0;
        std::uint32_t data_space = 0;
        std::uint32_t data_length = 0;
        std::uint64_t data_offset = 0;
    };
    std::array<Locator, kLocatorCount> locators;
};

[[noreturn]] void refuse(const RawHeader& raw, ErrorCode code, std::string text) {
    throw Error{code, fmt::format("VHD dynamic header (offset {}): {}", raw.offset, text)};
}

RawHeader read_raw(const File& file, const FoundFooter& found) {
    RawHeader raw;
    raw.offset = found.footer.data_offset;
    if (raw.offset < kFooterBytes || raw.offset % kSectorBytes != 0 ||
        raw.offset > found.data_end || kHeaderBytes > found.data_end - raw.offset) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHD footer: Data Offset {} is no place for the dynamic header of "
                                "{} bytes in front of offset {}",
                                raw.offset, kHeaderBytes, found.data_end)};
    }
    const Bytes bytes = file.read_exactly(raw.offset, kHeaderBytes);
    BigEndianReader in{bytes};
    if (as_text(in.bytes(kHeaderCookie.size())) != kHeaderCookie) {
        refuse(raw, ErrorCode::corrupt, "lacks the cookie \"cxsparse\"");
    }
    raw.data_offset = in.u64();
    raw.table_offset = in.u64();
    raw.version = in.u32();
    raw.table_entry_count = in.u32();
    raw.block_size = in.u32();
    const std::uint32_t checksum = in.u32();
    const std::uint32_t computed = checksum_of(bytes, kHeaderChecksumOffset);
    if (checksum != computed) {
        refuse(
            raw, ErrorCode::corrupt,
            fmt::format("Checksum is {:#010x} where its bytes give {:#010x}", checksum, computed));
    }
    raw.parent_id = Guid::from_bytes(in.bytes(Guid::kSizeBytes));
    raw.parent_time_stamp = in.u32();
    in.u32();
    const ByteView name = in.bytes(kParentNameBytes);
    raw.parent_name.assign(name.begin(), name.end());
    for (RawHeader::Locator& locator : raw.locators) {
        locator.code = in.u32();
        locator.data_space = in.u32();
        locator.data_length = in.u32();
        in.u32();
        locator.data_offset = in.u64();
    }
    return raw;
}

void check_table(const RawHeader& raw, const FoundFooter& found) {
    if (raw.version >> 16 != kVersion >> 16) {
        refuse(raw, ErrorCode::unsupported,
               fmt::format("Header Version {:#010x} is not 1.0", raw.version));
    }
    const std::uint64_t block = raw.block_size;
    if (!std::has_single_bit(block) || block < limits::kVhdBlockSizeBytesMin ||
        block > limits::kVhdBlockSizeBytesMax) {
        refuse(raw, ErrorCode::corrupt,
               fmt::format("Block Size {} is no power of two from {} to {}", block,
                           limits::kVhdBlockSizeBytesMin, limits::kVhdBlockSizeBytesMax));
    }
    const std::uint64_t size = found.footer.current_size;
    const std::uint64_t needed = (size + block - 1) / block;
    if (raw.table_entry_count < needed) {
        refuse(raw, ErrorCode::corrupt,
               fmt::format("Max Table Entries {} are too few for the {} blocks of {} bytes of a "
                           "disk of {} bytes",
                           raw.table_entry_count, needed, block, size));
    }
    if (needed > limits::kVhdTableEntriesMax) {
        refuse(raw, ErrorCode::limit,
               fmt::format("Block Size {} cuts the disk of {} bytes into {} blocks, more than {}",
                           block, size, needed, limits::kVhdTableEntriesMax));
    }
    const std::uint64_t length = raw.table_entry_count * kTableEntryBytes;
    if (raw.table_offset % kSectorBytes != 0 || raw.table_offset > found.data_end ||
        length > found.data_end - raw.table_offset) {
        refuse(raw, ErrorCode::corrupt,
               fmt::format("Table Offset {} is no place for a table of {} entries in front of "
                           "offset {}",
                           raw.table_offset, raw.table_entry_count, found.data_end));
    }
}

/// The specification counts it in sectors, Windows in bytes; no path needs 512 sectors.
std::uint64_t space_bytes(const RawHeader::Locator& locator) {
    if (locator.data_space < kSectorBytes) return locator.data_space * kSectorBytes;
    return locator.data_space;
}

std::string code_text(std::uint32_t code) {
    return printable_code(BigEndianWriter{}.u32(code).take());
}

std::string decode_text(const RawHeader& raw, const std::string& name, const std::string& code,
                        const Bytes& bytes) {
    if (code == "MacX") return printable_code(bytes);
    if (code != kWindowsAbsolute && code != kWindowsRelative) return {};
    ByteView text{bytes};
    while (text.size() >= 2 && is_zero(text.last(2)))
        text = text.first(text.size() - 2);
    auto decoded = utf16le_to_utf8(text);
    if (!decoded) {
        refuse(raw, ErrorCode::corrupt, name + " is no valid UTF-16 or has a NUL in it");
    }
    return *std::move(decoded);
}

VhdLocator read_locator(const File& file, const FoundFooter& found, const RawHeader& raw,
                        std::size_t index) {
    const RawHeader::Locator& from = raw.locators[index];
    VhdLocator locator;
    locator.platform_code = code_text(from.code);
    locator.data_space = from.data_space;
    locator.data_length_bytes = from.data_length;
    locator.data_offset = from.data_offset;
    const std::string name =
        fmt::format("Parent Locator {} ({}, offset {}, length {}, space {})", index,
                    locator.platform_code, from.data_offset, from.data_length, from.data_space);
    if (from.data_length == 0) return locator;
    if (from.data_length > limits::kVhdLocatorBytesMax) {
        refuse(raw, ErrorCode::corrupt,
               fmt::format("{} is longer than {} bytes", name, limits::kVhdLocatorBytesMax));
    }
    if (from.data_length > space_bytes(from)) {
        refuse(raw, ErrorCode::corrupt, name + " is longer than its space");
    }
    if (from.data_offset > found.data_end || from.data_length > found.data_end - from.data_offset) {
        refuse(raw, ErrorCode::corrupt,
               fmt::format("{} ends beyond offset {}", name, found.data_end));
    }
    locator.text = decode_text(raw, name, locator.platform_code,
                               file.read_exactly(from.data_offset, from.data_length));
    return locator;
}

/// Up to the first NUL, like a text of a fixed size.
std::string decode_parent_name(const RawHeader& raw) {
    Bytes swapped;
    for (std::size_t i = 0; i + 1 < raw.parent_name.size(); i += 2) {
        if (is_zero(ByteView{raw.parent_name}.subspan(i, 2))) break;
        swapped.push_back(raw.parent_name[i + 1]);
        swapped.push_back(raw.parent_name[i]);
    }
    const auto name = utf16le_to_utf8(swapped);
    if (!name) refuse(raw, ErrorCode::corrupt, "Parent Unicode Name is no valid UTF-16");
    return *name;
}

void add_parent(DynamicHeader& header, const File& file, const FoundFooter& found,
                const RawHeader& raw) {
    header.parent_id = raw.parent_id;
    header.parent_time_stamp = raw.parent_time_stamp;
    if (raw.parent_id.is_null()) {
        refuse(raw, ErrorCode::corrupt,
               "Parent Unique ID is zero in a differencing image (Disk Type 4)");
    }
    if (raw.parent_id == found.footer.unique_id) {
        refuse(raw, ErrorCode::corrupt,
               fmt::format("Parent Unique ID {} is the image's own", raw.parent_id.to_string()));
    }
    header.parent_name = decode_parent_name(raw);
    for (std::size_t index = 0; index < kLocatorCount; ++index) {
        if (raw.locators[index].code == 0) continue;
        header.locators.push_back(read_locator(file, found, raw, index));
    }
}

void check_apart(const RawHeader& raw, const std::vector<Structure>& structures) {
    for (std::size_t i = 0; i < structures.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const Structure& a = structures[j];
            const Structure& b = structures[i];
            if (!a.overlaps(b.offset, b.length)) continue;
            refuse(raw, ErrorCode::corrupt,
                   fmt::format("{} at offset {} with length {} and {} at offset {} with length {} "
                               "overlap",
                               a.name, a.offset, a.length, b.name, b.offset, b.length));
        }
    }
}

std::vector<Structure> structures_of(const RawHeader& raw, const DynamicHeader& header) {
    std::vector<Structure> structures{
        {"the copy of the footer", 0, kFooterBytes},
        {"the dynamic header", raw.offset, kHeaderBytes},
        {"the table", raw.table_offset, raw.table_entry_count * kTableEntryBytes}};
    for (const VhdLocator& locator : header.locators) {
        if (locator.data_length_bytes == 0) continue;
        structures.push_back({"the parent locator " + locator.platform_code, locator.data_offset,
                              locator.data_length_bytes});
    }
    return structures;
}

}  // namespace

ParentLocator DynamicHeader::parent() const {
    ParentLocator parent;
    parent.linkage = parent_id;
    parent.parent_name = parent_name;
    for (const VhdLocator& locator : locators) {
        if (locator.platform_code == kWindowsRelative) parent.relative_path = locator.text;
        if (locator.platform_code == kWindowsAbsolute) parent.absolute_path = locator.text;
    }
    return parent;
}

DynamicHeader read_dynamic_header(const File& file, const FoundFooter& found,
                                  std::vector<std::string>& warnings) {
    const RawHeader raw = read_raw(file, found);
    check_table(raw, found);
    if (raw.data_offset != kNoOffset) {
        warnings.push_back(
            fmt::format("Data Offset of the dynamic header is {:#x}, and nothing is expected there",
                        raw.data_offset));
    }
    DynamicHeader header;
    header.table_offset = raw.table_offset;
    header.table_entry_count = raw.table_entry_count;
    header.block_size = raw.block_size;
    if (found.footer.type == kTypeDifferencing) add_parent(header, file, found, raw);
    header.occupied = structures_of(raw, header);
    check_apart(raw, header.occupied);
    return header;
}

Bytes encode_dynamic_header(std::uint64_t table_offset, std::uint32_t table_entry_count,
                            std::uint32_t block_size) {
    const auto encode = [&](std::uint32_t checksum) {
        BigEndianWriter out;
        out.bytes(as_bytes(kHeaderCookie)).u64(kNoOffset).u64(table_offset).u32(kVersion);
        out.u32(table_entry_count).u32(block_size).u32(checksum);
        out.zeros(kHeaderBytes - out.size());
        return out.take();
    };
    return encode(checksum_of(encode(0), kHeaderChecksumOffset));
}

}  // namespace entrepot::disk::vhd
