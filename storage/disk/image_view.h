// The content of an image file as it is once its log has been replayed, without touching the file.
#pragma once

#include "base/file_system.h"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace entrepot::disk::vhdx {

/// A page that a log holds: where its data sector lies in the file, and the bytes that stand in its
/// descriptor because the sector needs theirs for itself.
struct LoggedPage {
    std::uint64_t sector_offset = 0;
    std::uint64_t leading = 0;
    std::uint32_t trailing = 0;
    std::uint32_t checksum = 0;  ///< CRC-32C of the sector, as it was when the log was accepted.
};

/// Ranges that lie over a file: zeros, and pages that are read from its log when they are asked
/// for, straight into the target; who reads a place again and again keeps it (TableCache). Safe to
/// use from several threads.
class Overlay {
public:
    static constexpr std::size_t kPageBytes = 4096;

    bool empty() const { return ranges_.empty(); }
    /// What it keeps in memory.
    std::size_t kept_bytes() const { return ranges_.size() * sizeof(Range); }
    bool overlaps(std::uint64_t offset, std::uint64_t length) const;
    /// The end of the last range; 0 if there is none.
    std::uint64_t end() const;
    /// Replaces those bytes of `target`, read from `offset` of the file, that a range covers.
    /// Throws Error{corrupt} if the log is not what it was when it was accepted.
    void apply(const File& file, std::uint64_t offset, MutableByteView target) const;

private:
    friend class OverlayBuilder;
    struct Range {
        std::uint64_t offset = 0;
        std::uint64_t sector_offset = 0;      ///< 0, where no log can be: zeros.
        std::uint64_t length_or_leading = 0;  ///< Of zeros, or of the page.
        std::uint32_t trailing = 0;
        std::uint32_t checksum = 0;

        bool is_zero() const { return sector_offset == 0; }
        std::uint64_t length() const { return is_zero() ? length_or_leading : kPageBytes; }
        std::uint64_t end() const { return offset + length(); }
    };
    static void read_page(const File& file, const Range& range, std::uint64_t skip,
                          MutableByteView target);
    /// The first range that ends behind `offset`.
    std::vector<Range>::const_iterator find(std::uint64_t offset) const;

    std::vector<Range> ranges_;  ///< By offset; none overlaps another.
};

/// Lays ranges over each other; later ones cover earlier ones. Offsets and lengths are multiples of
/// Overlay::kPageBytes.
class OverlayBuilder {
public:
    /// Both throw Error{limit} when there would be more ranges than limits.h allows.
    void put_page(std::uint64_t offset, const LoggedPage& page);
    void put_zeros(std::uint64_t offset, std::uint64_t length);

    Overlay build() const;

private:
    void cut_out(std::uint64_t offset, std::uint64_t length);
    void put(const Overlay::Range& range);

    std::map<std::uint64_t, Overlay::Range> ranges_;
};

/// A file with its overlay. Safe to read from several threads once it stands.
class ImageView {
public:
    /// `size_bytes` is the size after replay; what lies beyond the real file reads as zeros.
    ImageView(const File& file, Overlay overlay, std::uint64_t size_bytes)
        : file_(file),
          overlay_(std::move(overlay)),
          file_size_bytes_(file.size()),
          size_bytes_(size_bytes) {}

    std::uint64_t size_bytes() const { return size_bytes_; }
    const File& file() const { return file_; }
    /// True if the bytes of the file itself are what counts there.
    bool is_plain(std::uint64_t offset, std::uint64_t length) const {
        return !overlay_.overlaps(offset, length);
    }
    /// Throws Error{corrupt} if the range does not lie in the file.
    void read(std::uint64_t offset, MutableByteView target) const;
    Bytes read(std::uint64_t offset, std::size_t length) const;

private:
    const File& file_;
    Overlay overlay_;
    std::uint64_t file_size_bytes_;
    std::uint64_t size_bytes_;
};

}  // namespace entrepot::disk::vhdx
