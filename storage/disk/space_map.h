// Which parts of an image file are taken: one bit for each MiB.
#pragma once

#include "base/bytes.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace entrepot::disk {

class SpaceMap {
public:
    /// The caller bounds the size: 16 MiB of memory for 128 TiB.
    explicit SpaceMap(std::uint64_t file_size_bytes) : bits_(unit_end(file_size_bytes), false) {}

    /// The offset of the first MiB that was taken already; the rest is taken all the same. What
    /// lies beyond the file is left out.
    std::optional<std::uint64_t> take(std::uint64_t offset, std::uint64_t length) {
        std::optional<std::uint64_t> collision;
        const std::uint64_t size = bits_.size();
        const std::uint64_t begin = offset / kMiB;
        if (begin >= size || length == 0) return collision;
        const std::uint64_t end =
            length > (size - begin) * kMiB - offset % kMiB ? size : unit_end(offset + length);
        for (std::uint64_t unit = begin; unit < end; ++unit) {
            if (bits_[unit] && !collision) collision = unit * kMiB;
            bits_[unit] = true;
        }
        return collision;
    }

    struct Run {
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };
    /// The first run at or behind `offset` that nobody took; nullopt at the end of the file.
    std::optional<Run> find_free(std::uint64_t offset) const {
        const auto first = std::find(at(offset), bits_.end(), false);
        if (first == bits_.end()) return std::nullopt;
        const auto last = std::find(first, bits_.end(), true);
        return Run{static_cast<std::uint64_t>(first - bits_.begin()) * kMiB,
                   static_cast<std::uint64_t>(last - first) * kMiB};
    }

private:
    static std::uint64_t unit_end(std::uint64_t offset) {
        return offset / kMiB + (offset % kMiB != 0 ? 1 : 0);
    }
    std::vector<bool>::const_iterator at(std::uint64_t offset) const {
        const std::uint64_t unit = std::min<std::uint64_t>(offset / kMiB, bits_.size());
        return bits_.begin() + static_cast<std::ptrdiff_t>(unit);
    }

    std::vector<bool> bits_;
};

}  // namespace entrepot::disk
