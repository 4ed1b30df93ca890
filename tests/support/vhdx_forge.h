// Lies in VHDX files: a sound image from the builder, bytes of it overwritten, and the checksums of
// headers, region tables and log entries made right again, so that the lie itself is what is found.
#pragma once

#include "tests/support/vhdx_image_builder.h"

#include <initializer_list>
#include <memory>
#include <vector>

namespace entrepot::test {

struct Patch {
    std::uint64_t offset = 0;
    Bytes bytes;
};

inline Bytes bytes_u16(std::uint16_t value) {
    return LittleEndianWriter{}.u16(value).take();
}
inline Bytes bytes_u32(std::uint32_t value) {
    return LittleEndianWriter{}.u32(value).take();
}
inline Bytes bytes_u64(std::uint64_t value) {
    return LittleEndianWriter{}.u64(value).take();
}

inline void fix_checksum(MemoryFile& file, std::uint64_t offset, std::size_t length) {
    Bytes bytes(length);
    static_cast<const File&>(file).read_exactly(offset, bytes);
    file.write(offset, VhdxImageBuilder::with_checksum(std::move(bytes)));
}

/// Both header copies and both region tables. Requires a file of more than 320 KiB.
inline void fix_checksums(MemoryFile& file) {
    fix_checksum(file, 64 * kKiB, 4096);
    fix_checksum(file, 128 * kKiB, 4096);
    fix_checksum(file, 192 * kKiB, 64 * kKiB);
    fix_checksum(file, 256 * kKiB, 64 * kKiB);
}

inline std::unique_ptr<MemoryFile> forge(const VhdxImageBuilder& builder,
                                         const std::vector<Patch>& patches,
                                         const std::string& name = "disk.vhdx") {
    auto file = builder.build(name);
    for (const Patch& patch : patches)
        file->write(patch.offset, patch.bytes);
    fix_checksums(*file);
    return file;
}

/// The same patch in the header copies at 64 and 128 KiB.
inline std::unique_ptr<MemoryFile> forge_headers(const VhdxImageBuilder& builder,
                                                 std::uint64_t offset, const Bytes& bytes) {
    return forge(builder, {{64 * kKiB + offset, bytes}, {128 * kKiB + offset, bytes}});
}

/// The same patch in the region tables at 192 and 256 KiB.
inline std::unique_ptr<MemoryFile> forge_region_tables(const VhdxImageBuilder& builder,
                                                       std::uint64_t offset, const Bytes& bytes) {
    return forge(builder, {{192 * kKiB + offset, bytes}, {256 * kKiB + offset, bytes}});
}

/// An entry of the log with a lie in it, under a right checksum.
inline Bytes forge_entry(const VhdxLogEntry& entry, std::size_t offset, const Bytes& patch) {
    Bytes bytes = entry.build();
    std::copy(patch.begin(), patch.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    return VhdxImageBuilder::with_checksum(std::move(bytes));
}

}  // namespace entrepot::test
