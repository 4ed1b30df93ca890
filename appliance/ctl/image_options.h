// Options that several image commands take.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>
#include <vector>

namespace entrepot::ctl {

/// An image and its parents, as most image commands name them.
struct NamedImage {
    std::filesystem::path path;
    std::vector<std::filesystem::path> parents;
};

void declare_image(CLI::App& command, NamedImage& image);
/// --parent, any number of times.
void declare_parents(CLI::App& command, std::vector<std::filesystem::path>& parents);

}  // namespace entrepot::ctl
