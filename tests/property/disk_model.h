// What a disk holds, as a sparse map of sectors: writers are given it, readers are judged by it.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

namespace entrepot::property {

/// Of the disk, in bytes.
struct Range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t end() const { return offset + length; }
    bool operator==(const Range&) const = default;
};

/// Sorted, without overlap, joined where they touch.
std::vector<Range> joined(std::vector<Range> ranges);

/// Noise that depends on the place, so that a sector that moved is a sector that differs.
void fill_noise(std::uint32_t stamp, std::uint64_t offset, MutableByteView target);

/// What is not written is zero.
class DiskModel {
public:
    DiskModel(std::uint64_t size_bytes, std::uint32_t sector_size)
        : size_bytes_(size_bytes), sector_size_(sector_size) {}

    std::uint64_t size_bytes() const { return size_bytes_; }
    std::uint32_t sector_size() const { return sector_size_; }

    /// Requires that the range lies in the disk, on sectors.
    void write(const Range& range, std::uint32_t stamp);
    void clear(const Range& range);
    /// A longer disk; a writer may round a size up.
    void grow(std::uint64_t size_bytes);

    void read(std::uint64_t offset, MutableByteView target) const;
    /// The part of the first range of data that lies at or behind `offset`.
    std::optional<Range> find_data(std::uint64_t offset) const;
    bool is_zero_in(const Range& range) const;
    std::uint64_t data_bytes() const;

    /// The first sector (its offset) that is other than this content, which stands at `offset`.
    std::optional<std::uint64_t> find_difference(std::uint64_t offset, ByteView content) const;
    /// The first sector in the range that the two disks hold differently.
    std::optional<std::uint64_t> find_difference(const DiskModel& other, const Range& range) const;

    /// Writes it with holes, as a reference for programs that compare files.
    void save_raw(const std::filesystem::path& path) const;

private:
    struct Run {
        std::uint64_t length = 0;
        std::uint32_t stamp = 0;
    };
    void cut_at(std::uint64_t offset);

    std::uint64_t size_bytes_;
    std::uint32_t sector_size_;
    std::map<std::uint64_t, Run> runs_;  ///< By offset; no two overlap.
};

}  // namespace entrepot::property
