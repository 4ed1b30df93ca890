// What the VHD specification demands of a fixed or dynamic image, for files that are complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::property {

/// Each broken rule in a sentence; empty for a file that keeps all.
std::vector<std::string> find_broken_vhd_rules(const std::filesystem::path& path,
                                               std::uint64_t disk_size_bytes);

}  // namespace entrepot::property
