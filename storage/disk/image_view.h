// The content of an image file as it is once its log has been replayed, without touching the file.
#pragma once

#include "base/file_system.h"

#include <map>

namespace entrepot::disk::vhdx {

/// Ranges that lie over a file. Later ones cover earlier ones. Offsets and lengths are multiples of
/// kPageBytes.
class Overlay {
public:
    static constexpr std::size_t kPageBytes = 4096;

    /// Both throw Error{limit} when more would have to be kept than limits.h allows.
    void put_page(std::uint64_t offset, Bytes page);
    void put_zeros(std::uint64_t offset, std::uint64_t length);

    bool empty() const { return ranges_.empty(); }
    bool overlaps(std::uint64_t offset, std::uint64_t length) const;
    /// The end of the last range; 0 if there is none.
    std::uint64_t end() const;
    /// Replaces those bytes of `target`, read from `offset` of the file, that a range covers.
    void apply(std::uint64_t offset, MutableByteView target) const;

private:
    struct Range {
        std::uint64_t length = 0;
        Bytes page;  ///< Empty: zeros.
    };
    void cut_out(std::uint64_t offset, std::uint64_t length);
    void check_bounds() const;

    std::map<std::uint64_t, Range> ranges_;
    std::size_t page_bytes_ = 0;
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
