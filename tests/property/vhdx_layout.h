// The structures of a VHDX as MS-VHDX describes them, decoded for tests. Shares no code with the
// engine, trusts the file's writer, and says what stands there, not what it means.
#pragma once

#include "base/file_system.h"
#include "base/guid.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::property {

struct VhdxHeader {
    bool is_valid = false;  ///< Signature and checksum.
    std::uint64_t sequence_number = 0;
    Guid file_write_guid;
    Guid data_write_guid;
    Guid log_guid;
    std::uint16_t log_version = 0;
    std::uint16_t version = 0;
    std::uint32_t log_length = 0;
    std::uint64_t log_offset = 0;
    bool is_rest_zero = false;
};

struct VhdxRegion {
    Guid id;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
};

struct VhdxItem {
    Guid id;
    std::uint32_t offset = 0;  ///< In the region.
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
    std::uint32_t reserved = 0;
    Bytes content;
};

// MS-VHDX 2.5.1.1, 2.5.1.2.
inline constexpr std::uint64_t kStateNotPresent = 0;
inline constexpr std::uint64_t kStateUndefined = 1;
inline constexpr std::uint64_t kStateZero = 2;
inline constexpr std::uint64_t kStateUnmapped = 3;
inline constexpr std::uint64_t kStateFullyPresent = 6;
inline constexpr std::uint64_t kStatePartiallyPresent = 7;

class VhdxLayout {
public:
    static constexpr std::uint64_t kFirstHeaderOffset = 64 * kKiB;
    static constexpr std::size_t kHeaderBytes = 4096;
    static constexpr std::uint64_t kFirstRegionTableOffset = 192 * kKiB;
    static constexpr std::size_t kRegionTableBytes = 64 * kKiB;
    static constexpr std::size_t kMetadataTableBytes = 64 * kKiB;
    static constexpr std::uint64_t kBitmapBytes = kMiB;

    /// Throws Error{corrupt} where nothing can be decoded at all.
    explicit VhdxLayout(const std::filesystem::path& path);

    const File& file() const { return *file_; }
    const std::array<VhdxHeader, 2>& headers() const { return headers_; }
    /// 0 or 1: the valid header with the greater sequence number.
    std::size_t current_header() const { return current_; }
    const VhdxHeader& header() const { return headers_[current_]; }
    /// Of the first table.
    const std::vector<VhdxRegion>& regions() const { return regions_; }
    const VhdxRegion& bat() const { return region("2dc27766-f623-4200-9d64-115e9bfd4a08"); }
    const VhdxRegion& metadata() const { return region("8b7ca206-4790-4b9a-b8fe-575f050f886e"); }
    const std::vector<VhdxItem>& items() const { return items_; }
    const VhdxItem* find_item(const char* id) const;
    const VhdxItem* parent_locator() const {
        return find_item("a8d35f2d-b30b-454d-abf7-d3d84834ab0c");
    }

    std::uint32_t block_size() const { return block_size_; }
    bool leaves_blocks_allocated() const { return (file_flags_ & 1) != 0; }
    bool has_parent() const { return (file_flags_ & 2) != 0; }
    std::uint32_t file_flags() const { return file_flags_; }
    std::uint64_t disk_size() const { return disk_size_; }
    std::uint32_t sector_size() const { return sector_size_; }
    std::uint64_t chunk_ratio() const { return (kMiB * 8) * sector_size_ / block_size_; }
    std::uint64_t block_count() const { return (disk_size_ + block_size_ - 1) / block_size_; }
    std::uint64_t chunk_count() const {
        return (block_count() + chunk_ratio() - 1) / chunk_ratio();
    }
    std::uint64_t entry_count() const;

    std::uint64_t entry(std::uint64_t index) const;
    std::uint64_t block_entry(std::uint64_t block) const {
        return entry(block + block / chunk_ratio());
    }
    std::uint64_t bitmap_entry(std::uint64_t chunk) const {
        const std::uint64_t index = chunk * (chunk_ratio() + 1) + chunk_ratio();
        return index < entry_count() ? entry(index) : 0;
    }
    static std::uint64_t state_of(std::uint64_t entry) { return entry & 7; }
    static std::uint64_t offset_of(std::uint64_t entry) { return entry & ~(kMiB - 1); }
    /// The bit of a sector of the disk; its chunk has a bitmap.
    bool bit(std::uint64_t sector) const;

private:
    void read_headers();
    void read_regions();
    void read_items();
    const VhdxRegion& region(const char* id) const;

    std::unique_ptr<File> file_;
    std::array<VhdxHeader, 2> headers_;
    std::size_t current_ = 0;
    std::vector<VhdxRegion> regions_;
    std::vector<VhdxItem> items_;
    std::uint32_t block_size_ = 0;
    std::uint32_t file_flags_ = 0;
    std::uint64_t disk_size_ = 0;
    std::uint32_t sector_size_ = 0;
};

}  // namespace entrepot::property
