// Lies in VHD files: a sound image from the builder, bytes of it overwritten, and the checksums of
// footers and dynamic headers made right again, so that the lie itself is what is found.
#pragma once

#include "tests/support/vhd_image_builder.h"

#include <cstdint>
#include <string>
#include <utility>

namespace entrepot::test {

/// Where the checksum lies in a footer and in a dynamic header.
inline constexpr std::size_t kVhdFooterChecksum = 64;
inline constexpr std::size_t kVhdHeaderChecksum = 36;

/// A disk of 4 MiB in four blocks, in front of a footer at 8 MiB.
inline VhdImageBuilder small_vhd() {
    VhdImageBuilder builder;
    builder.size_bytes = 4 * kMiB;
    builder.original_size_bytes = 4 * kMiB;
    builder.block_size_bytes = kMiB;
    builder.cylinders = 120;
    builder.file_size_bytes = 8 * kMiB;
    return builder;
}

/// Appends big-endian fields.
class BigEndian {
public:
    BigEndian& u8(std::uint64_t value) { return number(value, 1); }
    BigEndian& u16(std::uint64_t value) { return number(value, 2); }
    BigEndian& u32(std::uint64_t value) { return number(value, 4); }
    BigEndian& u64(std::uint64_t value) { return number(value, 8); }
    BigEndian& bytes(ByteView value) {
        data_.insert(data_.end(), value.begin(), value.end());
        return *this;
    }
    BigEndian& text(const std::string& value) { return bytes(as_bytes(value)); }
    BigEndian& pad_to(std::size_t length) {
        data_.resize(length);
        return *this;
    }
    std::size_t size() const { return data_.size(); }
    Bytes take() { return std::move(data_); }

private:
    BigEndian& number(std::uint64_t value, unsigned length) {
        for (unsigned i = length; i > 0; --i)
            data_.push_back(static_cast<std::byte>(value >> (8 * (i - 1))));
        return *this;
    }
    Bytes data_;
};

/// Makes the checksum of a footer (field at 64) or of a dynamic header (field at 36) right.
inline Bytes with_vhd_checksum(Bytes bytes, std::size_t field) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i < field || i >= field + 4) sum += std::to_integer<std::uint32_t>(bytes[i]);
    }
    const Bytes checksum = BigEndian{}.u32(~sum).take();
    std::copy(checksum.begin(), checksum.end(), bytes.begin() + static_cast<std::ptrdiff_t>(field));
    return bytes;
}

/// Makes the checksums right of the footers at `footer` and 0 and of the dynamic header at
/// `header`, where they are; 0 means none.
inline void fix_vhd_checksums(MemoryFile& file, std::uint64_t footer, std::uint64_t header) {
    const auto fix = [&file](std::uint64_t offset, std::size_t length, std::size_t field) {
        Bytes bytes(length);
        if (file.read_some(offset, bytes) == length)
            file.write(offset, with_vhd_checksum(std::move(bytes), field));
    };
    fix(footer, 512, kVhdFooterChecksum);
    if (header == 0) return;
    fix(0, 512, kVhdFooterChecksum);
    fix(header, 1024, kVhdHeaderChecksum);
}

}  // namespace entrepot::test
