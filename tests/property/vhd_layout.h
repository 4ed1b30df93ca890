// The structures of a VHD as the "Virtual Hard Disk Image Format Specification" (2006) describes
// them, decoded for tests. Shares no code with the engine and trusts the file's writer.
#pragma once

#include "base/file_system.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace entrepot::property {

inline constexpr std::uint64_t kVhdSectorBytes = 512;
inline constexpr std::size_t kVhdFooterBytes = 512;
inline constexpr std::size_t kVhdHeaderBytes = 1024;
inline constexpr std::uint32_t kVhdAbsent = 0xFFFFFFFF;
inline constexpr std::uint64_t kVhdNoOffset = 0xFFFFFFFFFFFFFFFF;
inline constexpr std::uint32_t kVhdFixed = 2;
inline constexpr std::uint32_t kVhdDynamic = 3;
inline constexpr std::uint32_t kVhdDifferencing = 4;

/// Big-endian numbers at a place.
std::uint64_t load_big(ByteView bytes, std::size_t offset, std::size_t length);
void store_big(MutableByteView bytes, std::size_t offset, std::size_t length, std::uint64_t value);

/// The complement of the sum of all bytes, with the field itself taken as zero.
std::uint32_t vhd_checksum(ByteView bytes, std::size_t field_offset);

/// The appendix "CHS Calculation": cylinders, heads, sectors for each track.
std::array<std::uint32_t, 3> vhd_geometry(std::uint64_t size_bytes);

class VhdLayout {
public:
    // Fields of the footer.
    static constexpr std::size_t kDataOffset = 16;
    static constexpr std::size_t kCurrentSize = 48;
    static constexpr std::size_t kType = 60;
    static constexpr std::size_t kFooterChecksum = 64;
    static constexpr std::size_t kUniqueId = 68;
    // Fields of the dynamic header.
    static constexpr std::size_t kTableOffset = 16;
    static constexpr std::size_t kEntryCount = 28;
    static constexpr std::size_t kBlockSize = 32;
    static constexpr std::size_t kHeaderChecksum = 36;
    static constexpr std::size_t kParentId = 40;

    /// Throws Error{corrupt} if the file is too short for what it says.
    explicit VhdLayout(const std::filesystem::path& path);

    const File& file() const { return *file_; }
    const Bytes& footer() const { return footer_; }
    /// Empty in a fixed image.
    const Bytes& header() const { return header_; }

    std::uint64_t data_offset() const { return load_big(footer_, kDataOffset, 8); }
    std::uint64_t disk_size() const { return load_big(footer_, kCurrentSize, 8); }
    std::uint64_t type() const { return load_big(footer_, kType, 4); }
    std::uint64_t table_offset() const { return load_big(header_, kTableOffset, 8); }
    std::uint64_t entry_count() const { return load_big(header_, kEntryCount, 4); }
    std::uint64_t block_size() const { return load_big(header_, kBlockSize, 4); }
    /// In front of each block, in whole sectors.
    std::uint64_t bitmap_bytes() const;

    /// In sectors; kVhdAbsent for a block that is not here.
    std::uint64_t entry(std::uint64_t block) const;
    /// The byte of the bitmap with the sector's bit. Requires that the block is here.
    std::byte bitmap_byte(std::uint64_t sector) const;

private:
    std::unique_ptr<File> file_;
    Bytes footer_;
    Bytes header_;
};

}  // namespace entrepot::property
