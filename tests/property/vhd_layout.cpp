// Offsets and fields from the specification's tables.
#include "tests/property/vhd_layout.h"

#include "base/error.h"

#include <algorithm>

namespace entrepot::property {

std::uint64_t load_big(ByteView bytes, std::size_t offset, std::size_t length) {
    std::uint64_t value = 0;
    for (const std::byte byte : bytes.subspan(offset, length))
        value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
}

void store_big(MutableByteView bytes, std::size_t offset, std::size_t length, std::uint64_t value) {
    for (std::size_t i = length; i > 0; --i) {
        bytes[offset + i - 1] = static_cast<std::byte>(value & 0xFF);
        value >>= 8;
    }
}

std::uint32_t vhd_checksum(ByteView bytes, std::size_t field_offset) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool is_field = i >= field_offset && i < field_offset + 4;
        if (!is_field) sum += std::to_integer<std::uint32_t>(bytes[i]);
    }
    return ~sum;
}

std::array<std::uint32_t, 3> vhd_geometry(std::uint64_t size_bytes) {
    const std::uint64_t total =
        std::min<std::uint64_t>(size_bytes / kVhdSectorBytes, 65535ULL * 16 * 255);
    std::uint64_t heads = 16;
    std::uint64_t sectors = 255;
    std::uint64_t rows = total / sectors;  // Cylinders times heads.
    if (total < 65535ULL * 16 * 63) {
        sectors = 17;
        rows = total / sectors;
        heads = std::max<std::uint64_t>((rows + 1023) / 1024, 4);
        if (rows >= heads * 1024 || heads > 16) {
            sectors = 31;
            heads = 16;
            rows = total / sectors;
        }
        if (rows >= heads * 1024) {
            sectors = 63;
            heads = 16;
            rows = total / sectors;
        }
    }
    return {static_cast<std::uint32_t>(rows / heads), static_cast<std::uint32_t>(heads),
            static_cast<std::uint32_t>(sectors)};
}

VhdLayout::VhdLayout(const std::filesystem::path& path) {
    PosixFileSystem files;
    file_ = files.open_read(path);
    if (file_->size() < kVhdFooterBytes) throw Error{ErrorCode::corrupt, "no place for a footer"};
    footer_ = file_->read_exactly(file_->size() - kVhdFooterBytes, kVhdFooterBytes);
    if (data_offset() != kVhdNoOffset)
        header_ = file_->read_exactly(data_offset(), kVhdHeaderBytes);
}

std::uint64_t VhdLayout::bitmap_bytes() const {
    const std::uint64_t bytes = block_size() / kVhdSectorBytes / 8;
    return (bytes + kVhdSectorBytes - 1) / kVhdSectorBytes * kVhdSectorBytes;
}

std::uint64_t VhdLayout::entry(std::uint64_t block) const {
    return load_big(file_->read_exactly(table_offset() + block * 4, std::size_t{4}), 0, 4);
}

std::byte VhdLayout::bitmap_byte(std::uint64_t sector) const {
    const std::uint64_t sectors_in_block = block_size() / kVhdSectorBytes;
    const std::uint64_t bitmap = entry(sector / sectors_in_block) * kVhdSectorBytes;
    return file_->read_exactly(bitmap + sector % sectors_in_block / 8, std::size_t{1})[0];
}

}  // namespace entrepot::property
