// Headers, regions, metadata and BAT of one image, all checked before anything is read.
#include "tests/hostsim/disk/vhdx_reader.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"
#include "tests/hostsim/disk/vhdx_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFormatUnknown = 0xC03A0004;
constexpr std::uint32_t kVersionUnknown = 0xC03A0005;
constexpr std::uint32_t kHeaderCorrupt = 0xC03A0008;
constexpr std::uint32_t kSectorSizeUnknown = 0xC03A001D;
constexpr std::uint32_t kFileCorrupt = 0x80070570;
constexpr std::uint64_t kDiskBytesMax = 64 * kTiB;
constexpr std::size_t kMetadataBytesMax = kMiB;
constexpr std::size_t kItemCountMax = 1023;
constexpr std::size_t kRegionCountMax = 2047;

[[noreturn]] void fail(std::uint32_t hresult, const std::string& why) {
    throw TargetFailure{hresult, why};
}

struct Header {
    std::uint64_t sequence = 0;
    Guid data_write_guid;
    Guid log_guid;
    std::uint16_t version = 0;
};

std::optional<Header> decode_header(ByteView bytes) {
    LittleEndianReader in{bytes};
    if (in.u32() != kHeadSignature) return std::nullopt;
    if (in.u32() != crc32c_with_zeroed_field(bytes, 4)) return std::nullopt;
    Header header;
    header.sequence = in.u64();
    in.skip(Guid::kSizeBytes);
    header.data_write_guid = in.guid();
    header.log_guid = in.guid();
    in.skip(2);
    header.version = in.u16();
    return header;
}

std::string from_utf16(ByteView bytes) {
    std::string text;
    for (LittleEndianReader in{bytes}; in.remaining() >= 2;) {
        std::uint32_t code = in.u16();
        if (code >= 0xD800 && code < 0xDC00 && in.remaining() >= 2) {
            code = 0x10000 + ((code - 0xD800) << 10) + (in.u16() - 0xDC00U);
        }
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else if (code < 0x800) {
            text +=
                {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
        } else if (code < 0x10000) {
            text += {static_cast<char>(0xE0 | (code >> 12)),
                     static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
                     static_cast<char>(0x80 | (code & 0x3F))};
        } else {
            text += {static_cast<char>(0xF0 | (code >> 18)),
                     static_cast<char>(0x80 | ((code >> 12) & 0x3F)),
                     static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
                     static_cast<char>(0x80 | (code & 0x3F))};
        }
    }
    return text;
}

Bytes read_bytes(const SourceFile& file, std::uint64_t offset, std::size_t length,
                 const char* what) {
    if (offset > file.size() || length > file.size() - offset) {
        fail(kFileCorrupt, fmt::format("the {} lies outside of the file", what));
    }
    Bytes bytes(length);
    file.read(offset, bytes);
    return bytes;
}

bool is_power_of_two(std::uint64_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

}  // namespace

VhdxReader::VhdxReader(std::unique_ptr<SourceFile> file) : file_(std::move(file)) {
    try {
        read_headers();
        const Regions regions = read_regions();
        read_metadata(regions.metadata);
        check_facts();
        read_bat(regions.bat);
    } catch (const Error& error) {
        // A length that lied ran off the end of its structure.
        fail(kFileCorrupt, error.what());
    }
}

void VhdxReader::read_headers() {
    constexpr std::string_view kSignature = "vhdxfile";
    if (file_->size() < kMiB) fail(kFormatUnknown, "the file is too short for a VHDX");
    if (as_text(read_bytes(*file_, 0, kSignature.size(), "signature")) != kSignature) {
        fail(kFormatUnknown, "the file is no VHDX");
    }
    std::optional<Header> current;
    for (const std::uint64_t offset : {64 * kKiB, 128 * kKiB}) {
        const auto header = decode_header(read_bytes(*file_, offset, kHeaderBytes, "header"));
        if (header && (!current || header->sequence > current->sequence)) current = header;
    }
    if (!current) fail(kHeaderCorrupt, "both headers are damaged");
    if (current->version != 1) fail(kVersionUnknown, "the version is not supported");
    if (!current->log_guid.is_null()) fail(kFileCorrupt, "the log holds changes");
    facts_.data_write_guid = current->data_write_guid;
}

VhdxReader::Regions VhdxReader::read_regions() const {
    Bytes table;
    for (const std::uint64_t offset : {192 * kKiB, 256 * kKiB}) {
        table = read_bytes(*file_, offset, kRegionTableBytes, "region table");
        const bool is_sound = load_u32(table, 0) == kRegionSignature &&
                              load_u32(table, 4) == crc32c_with_zeroed_field(table, 4);
        if (is_sound) break;
        table.clear();
    }
    if (table.empty()) fail(kHeaderCorrupt, "both region tables are damaged");
    LittleEndianReader in{table};
    in.skip(8);
    const std::uint32_t count = in.u32();
    if (count > kRegionCountMax) fail(kHeaderCorrupt, "the region table has too many entries");
    in.skip(4);
    Regions regions;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Guid id = in.guid();
        const Region region{in.u64(), in.u32()};
        const bool is_required = (in.u32() & 1) != 0;
        const bool is_inside = region.offset >= kMiB && region.offset % kMiB == 0 &&
                               region.offset <= file_->size() &&
                               region.length <= file_->size() - region.offset;
        if (!is_inside) fail(kHeaderCorrupt, "a region lies outside of the file");
        if (id == Guid::parse(kBatRegion)) {
            regions.bat = region;
        } else if (id == Guid::parse(kMetadataRegion)) {
            regions.metadata = region;
        } else if (is_required) {
            fail(kVersionUnknown, "a required region is not known");
        }
    }
    if (regions.bat.length == 0 || regions.metadata.length == 0) {
        fail(kHeaderCorrupt, "a region is missing");
    }
    return regions;
}

void VhdxReader::read_metadata(const Region& region) {
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(region.length, kMetadataBytesMax));
    const Bytes bytes = read_bytes(*file_, region.offset, length, "metadata");
    LittleEndianReader in{bytes};
    if (as_text(in.bytes(8)) != "metadata") fail(kHeaderCorrupt, "the metadata is damaged");
    in.skip(2);
    const std::uint16_t count = in.u16();
    if (count > kItemCountMax) fail(kHeaderCorrupt, "the metadata has too many items");
    in.skip(20);
    for (std::uint16_t i = 0; i < count; ++i) {
        const Guid id = in.guid();
        const std::uint32_t offset = in.u32();
        const std::uint32_t size = in.u32();
        const bool is_required = (in.u32() & 4) != 0;
        in.skip(4);
        if (offset > bytes.size() || size > bytes.size() - offset) {
            fail(kHeaderCorrupt, "a metadata item lies outside of its region");
        }
        read_item(id, ByteView{bytes}.subspan(offset, size), is_required);
    }
}

void VhdxReader::read_item(const Guid& id, ByteView item, bool is_required) {
    LittleEndianReader in{item};
    if (id == Guid::parse(kFileParameters)) {
        facts_.block_size = in.u32();
        const std::uint32_t flags = in.u32();
        facts_.is_fixed = (flags & 1) != 0;
        facts_.has_parent = (flags & 2) != 0;
    } else if (id == Guid::parse(kDiskSize)) {
        facts_.size_bytes = in.u64();
    } else if (id == Guid::parse(kLogicalSector)) {
        facts_.logical_sector_size = in.u32();
    } else if (id == Guid::parse(kPhysicalSector)) {
        facts_.physical_sector_size = in.u32();
    } else if (id == Guid::parse(kDiskId)) {
        facts_.disk_id = in.guid();
    } else if (id == Guid::parse(kParentLocator)) {
        read_locator(item);
    } else if (is_required) {
        // The item of an image that is still being made is one of these.
        fail(kVersionUnknown, "a required metadata item is not known");
    }
}

void VhdxReader::read_locator(ByteView item) {
    LittleEndianReader in{item};
    if (in.guid() != Guid::parse(kLocatorType)) fail(kVersionUnknown, "the locator is not known");
    in.skip(2);
    const std::uint16_t count = in.u16();
    const auto text = [&](std::uint32_t offset, std::uint16_t length) {
        if (offset > item.size() || length > item.size() - offset) {
            fail(kHeaderCorrupt, "the parent locator is damaged");
        }
        return from_utf16(item.subspan(offset, length));
    };
    for (std::uint16_t i = 0; i < count; ++i) {
        const std::uint32_t key = in.u32();
        const std::uint32_t value = in.u32();
        const std::uint16_t key_length = in.u16();
        const std::uint16_t value_length = in.u16();
        facts_.locator[text(key, key_length)] = text(value, value_length);
    }
}

void VhdxReader::check_facts() const {
    const std::uint32_t sector = facts_.logical_sector_size;
    if (sector != 512 && sector != 4096) fail(kSectorSizeUnknown, "the sector size is not known");
    const bool is_block = is_power_of_two(facts_.block_size) && facts_.block_size >= kMiB &&
                          facts_.block_size <= 256 * kMiB;
    const bool is_size = facts_.size_bytes > 0 && facts_.size_bytes <= kDiskBytesMax &&
                         facts_.size_bytes % sector == 0;
    if (!is_block || !is_size) fail(kHeaderCorrupt, "the geometry is damaged");
    if (facts_.disk_id.is_null()) fail(kHeaderCorrupt, "the disk has no identity");
    if (facts_.has_parent && !facts_.locator.contains("parent_linkage")) {
        fail(kHeaderCorrupt, "the parent locator has no linkage");
    }
}

}  // namespace entrepot::hostsim
