// The table of images that are odd, but sound: how each is made and what its disk holds.
#pragma once

#include "storage/disk/disk_image.h"

#include "tests/support/memory_file.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::disk::odd {

/// Everything else of the disk is zero. A later piece may not lie over an earlier one.
using Content = std::map<std::uint64_t, Bytes>;

struct Odd {
    /// The leaf, then its ancestors in any order.
    std::vector<std::unique_ptr<test::MemoryFile>> files;
    std::uint64_t size_bytes = 0;
    Content content;
    std::size_t warning_count = 0;  ///< Of the leaf.
};

using Open = std::unique_ptr<DiskImage> (*)(std::unique_ptr<File>);

struct Row {
    std::string name;
    std::function<Odd()> make;
    Open open = &open_vhdx;
};

inline Bytes filled(std::size_t length, int value) {
    return Bytes(length, static_cast<std::byte>(value));
}

std::vector<Row> vhdx_structure_rows();
std::vector<Row> vhdx_geometry_rows();
std::vector<Row> vhdx_log_rows();
std::vector<Row> vhdx_child_rows();
std::vector<Row> vhd_rows();

}  // namespace entrepot::disk::odd
