// A disk whose content is bytes in memory.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace entrepot::test {

class MemorySource final : public disk::DiskSource {
public:
    MemorySource(Bytes content, std::uint32_t sector_size)
        : content_(std::move(content)), sector_size_(sector_size) {}

    std::uint64_t size_bytes() const override { return content_.size(); }
    std::uint32_t logical_sector_size() const override { return sector_size_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), target.size(),
                    target.begin());
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        const bool zero = is_zero_at(offset);
        std::uint64_t length = sector_size_;
        const std::uint64_t limit = std::min<std::uint64_t>(length_max, content_.size() - offset);
        while (length < limit && is_zero_at(offset + length) == zero)
            length += sector_size_;
        return {offset, length, zero ? disk::ExtentKind::zero : disk::ExtentKind::data};
    }

private:
    bool is_zero_at(std::uint64_t offset) const {
        return is_zero(ByteView{content_}.subspan(static_cast<std::size_t>(offset), sector_size_));
    }
    Bytes content_;
    std::uint32_t sector_size_;
};

}  // namespace entrepot::test
