// Offsets and fields from MS-VHDX 2.2 (headers, region table), 2.5 (BAT) and 2.6 (metadata).
#include "tests/property/vhdx_layout.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

namespace entrepot::property {
namespace {

constexpr std::size_t kEntriesMax = 2047;
constexpr std::size_t kChecksumOffset = 4;

VhdxHeader decode_header(const Bytes& bytes) {
    VhdxHeader header;
    LittleEndianReader in{bytes};
    const bool is_signed = as_text(in.bytes(4)) == "head";
    header.is_valid = is_signed && in.u32() == crc32c_with_zeroed_field(bytes, kChecksumOffset);
    if (!header.is_valid) return header;
    header.sequence_number = in.u64();
    header.file_write_guid = in.guid();
    header.data_write_guid = in.guid();
    header.log_guid = in.guid();
    header.log_version = in.u16();
    header.version = in.u16();
    header.log_length = in.u32();
    header.log_offset = in.u64();
    header.is_rest_zero = is_zero(in.bytes(in.remaining()));
    return header;
}

[[noreturn]] void refuse(const std::string& words) {
    throw Error{ErrorCode::corrupt, words};
}

}  // namespace

VhdxLayout::VhdxLayout(const std::filesystem::path& path) {
    PosixFileSystem files;
    file_ = files.open_read(path);
    read_headers();
    read_regions();
    read_items();
}

void VhdxLayout::read_headers() {
    for (std::size_t copy = 0; copy < 2; ++copy) {
        headers_[copy] =
            decode_header(file_->read_exactly(kFirstHeaderOffset * (copy + 1), kHeaderBytes));
    }
    if (!headers_[0].is_valid && !headers_[1].is_valid) refuse("no header is valid");
    const bool is_second_newer = headers_[1].sequence_number > headers_[0].sequence_number;
    current_ = headers_[1].is_valid && (!headers_[0].is_valid || is_second_newer) ? 1 : 0;
}

void VhdxLayout::read_regions() {
    const Bytes table = file_->read_exactly(kFirstRegionTableOffset, kRegionTableBytes);
    LittleEndianReader in{table};
    in.skip(8);
    const std::uint32_t count = in.u32();
    if (count > kEntriesMax) refuse(fmt::format("{} regions", count));
    in.skip(4);
    for (std::uint32_t i = 0; i < count; ++i) {
        VhdxRegion region;
        region.id = in.guid();
        region.offset = in.u64();
        region.length = in.u32();
        region.flags = in.u32();
        regions_.push_back(region);
    }
}

const VhdxRegion& VhdxLayout::region(const char* id) const {
    for (const VhdxRegion& region : regions_) {
        if (region.id == *Guid::parse(id)) return region;
    }
    refuse(fmt::format("there is no region {}", id));
}

void VhdxLayout::read_items() {
    const std::uint64_t begin = metadata().offset;
    const Bytes table = file_->read_exactly(begin, kMetadataTableBytes);
    LittleEndianReader in{table};
    in.skip(10);
    const std::uint16_t count = in.u16();
    if (count > kEntriesMax) refuse(fmt::format("{} metadata items", count));
    in.skip(20);
    for (std::uint16_t i = 0; i < count; ++i) {
        VhdxItem item;
        item.id = in.guid();
        item.offset = in.u32();
        item.length = in.u32();
        item.flags = in.u32();
        item.reserved = in.u32();
        if (item.length > kMiB) refuse(fmt::format("a metadata item of {} bytes", item.length));
        item.content = file_->read_exactly(begin + item.offset, std::size_t{item.length});
        items_.push_back(std::move(item));
    }
    const auto content_of = [&](const char* id, std::size_t length) -> const Bytes& {
        const VhdxItem* item = find_item(id);
        if (item == nullptr || item->content.size() != length) {
            refuse(fmt::format("metadata item {} is missing or of another length", id));
        }
        return item->content;
    };
    const Bytes& parameters = content_of("caa16737-fa36-4d43-b3b6-33f0aa44e76b", 8);
    block_size_ = load_u32(parameters, 0);
    file_flags_ = load_u32(parameters, 4);
    disk_size_ = load_u64(content_of("2fa54224-cd1b-4876-b211-5dbed83bf4b8", 8), 0);
    sector_size_ = load_u32(content_of("8141bf1d-a96f-4709-ba47-f233a8faab5f", 4), 0);
    content_of("cda348c7-445d-4471-9cc9-e9885251c556", 4);
    content_of("beca12ab-b2e6-4523-93ef-c309e000c746", Guid::kSizeBytes);
    if (block_size_ == 0 || sector_size_ == 0 || disk_size_ == 0) refuse("a size is 0");
    if (block_size_ > 256 * kMiB || sector_size_ > 4096) refuse("a size is too large");
}

const VhdxItem* VhdxLayout::find_item(const char* id) const {
    for (const VhdxItem& item : items_) {
        if (item.id == *Guid::parse(id)) return &item;
    }
    return nullptr;
}

std::uint64_t VhdxLayout::entry_count() const {
    if (has_parent()) return chunk_count() * (chunk_ratio() + 1);
    return block_count() + (block_count() - 1) / chunk_ratio();
}

std::uint64_t VhdxLayout::entry(std::uint64_t index) const {
    return load_u64(file_->read_exactly(bat().offset + index * 8, std::size_t{8}), 0);
}

bool VhdxLayout::bit(std::uint64_t sector) const {
    const std::uint64_t sectors_in_chunk = kBitmapBytes * 8;
    const std::uint64_t bitmap = offset_of(bitmap_entry(sector / sectors_in_chunk));
    const std::uint64_t number = sector % sectors_in_chunk;
    const Bytes byte = file_->read_exactly(bitmap + number / 8, std::size_t{1});
    return (byte[0] >> (number % 8) & std::byte{1}) != std::byte{0};
}

}  // namespace entrepot::property
