// Where an image file has holes, so that preallocated space that was never written shows as zero.
#pragma once

#include "base/file_system.h"

#include <cstdint>
#include <mutex>

namespace entrepot::disk {

/// Remembers the last answer of the file system: asking for each block of a large file that has no
/// holes would cost a search of the whole file each time. Safe to use from several threads.
class HoleMap {
public:
    explicit HoleMap(const File& file) : file_(file) {}

    struct Run {
        bool is_hole = false;
        std::uint64_t length = 0;
    };
    /// The run that begins at `offset`, at most length_max. A hole's length is a multiple of
    /// `granularity`, and data begins and ends at one (counted from `offset`).
    Run run_at(std::uint64_t offset, std::uint64_t length_max, std::uint64_t granularity) const;

private:
    FileExtent find_data(std::uint64_t offset) const;

    const File& file_;
    mutable std::mutex mutex_;
    mutable std::uint64_t known_from_ = 1;  ///< Hole from here to known_data_, then data.
    mutable FileExtent known_data_{};
};

}  // namespace entrepot::disk
