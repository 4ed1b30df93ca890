// Pages of the allocation table and of bitmaps, read on demand and kept within a bound.
#pragma once

#include "storage/disk/image_view.h"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace entrepot::disk::vhdx {

/// Safe to use from several threads. A page stays valid as long as its holder keeps it.
class TableCache {
public:
    using Page = std::shared_ptr<const Bytes>;  // Shared: the cache may drop a page in use.

    explicit TableCache(const ImageView& image) : image_(image) {}

    /// The page that holds the file offset; shorter at the end of the file.
    Page page_of(std::uint64_t file_offset) const;

private:
    struct Slot {
        Page page;
        std::list<std::uint64_t>::iterator use;
    };
    const ImageView& image_;
    mutable std::mutex mutex_;
    mutable std::unordered_map<std::uint64_t, Slot> slots_;
    mutable std::list<std::uint64_t> uses_;  ///< Most recent first.
};

}  // namespace entrepot::disk::vhdx
