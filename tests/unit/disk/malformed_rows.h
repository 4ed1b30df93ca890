// The table of malformed images: how each is made, when it is refused, and in which words.
#pragma once

#include "storage/disk/disk_image.h"

#include "base/error.h"
#include "tests/support/memory_file.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::disk::malformed {

/// When an image is refused. Opening checks structure only: an entry is checked when it is used,
/// and that no two entries claim one place when somebody asks.
enum class Refused { at_open, when_used, by_aliasing_check, as_chain };

using Open = std::unique_ptr<DiskImage> (*)(std::unique_ptr<File>);
/// The image, or for a chain the leaf and then the candidates for its parents.
using Files = std::vector<std::unique_ptr<test::MemoryFile>>;

struct Row {
    std::string name;
    Refused when = Refused::at_open;
    ErrorCode code = ErrorCode::corrupt;
    /// What the message must hold: structure, field with its value, offset, and what is wrong.
    std::vector<std::string> parts;
    std::function<Files()> make;
    Open open = &open_vhdx;
};

inline Files one(std::unique_ptr<test::MemoryFile> file) {
    Files files;
    files.push_back(std::move(file));
    return files;
}

std::vector<Row> vhdx_file_rows();
std::vector<Row> vhdx_header_rows();
std::vector<Row> vhdx_log_rows();
std::vector<Row> vhdx_region_rows();
std::vector<Row> vhdx_metadata_rows();
std::vector<Row> vhdx_locator_rows();
std::vector<Row> vhdx_table_rows();
std::vector<Row> chain_rows();
std::vector<Row> vhd_rows();

}  // namespace entrepot::disk::malformed
