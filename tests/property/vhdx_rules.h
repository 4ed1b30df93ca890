// What Windows demands of a VHDX, as far as MS-VHDX says it: stricter than any reader, for files
// that are complete and whose log is empty.
#pragma once

#include "base/guid.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::property {

struct ExpectedVhdx {
    std::uint64_t disk_size_bytes = 0;
    std::uint32_t sector_size = 512;
    /// For a differencing image: its parent, in the same directory.
    std::optional<std::filesystem::path> parent;
};

/// Each broken rule in a sentence; empty for a file that keeps all. Whether Windows sees a file as
/// sparse (which it refuses) is a matter of the server that gives it out, not of its bytes here.
std::vector<std::string> find_broken_rules(const std::filesystem::path& path,
                                           const ExpectedVhdx& expected);

}  // namespace entrepot::property
