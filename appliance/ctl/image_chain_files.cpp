// Parents by identity among the files beside a child.
#include "appliance/ctl/image_chain_files.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kCandidatesMax = 1000;

using Image = std::shared_ptr<const disk::DiskImage>;

Image open_image(FileSystem& file_system, const std::filesystem::path& path) {
    return with_context(fmt::format("opening {}", path.string()),
                        [&]() -> Image { return disk::open_any(file_system.open_read(path)); });
}

bool may_be_image(const std::string& name) {
    std::string extension = std::filesystem::path{name}.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".vhdx" || extension == ".avhdx" || extension == ".vhd" ||
           extension == ".avhd";
}

}  // namespace

// What cannot be opened is no candidate: the folder may hold anything.
std::shared_ptr<const disk::DiskImage> find_parent_beside(FileSystem& file_system,
                                                          const disk::DiskImage& child) {
    auto directory = child.file().path().parent_path();
    if (directory.empty()) directory = ".";
    std::size_t candidates = 0;
    std::vector<Image> fitting;
    for (const auto& entry : file_system.list(directory)) {
        if (entry.type != FileType::regular || !may_be_image(entry.name)) continue;
        if (++candidates > kCandidatesMax) {
            throw Error{
                ErrorCode::limit,
                fmt::format("more than {} images in {}", kCandidatesMax, directory.string()),
                "name the parents with --parent"};
        }
        try {
            Image image = disk::open_any(file_system.open_read(directory / entry.name));
            if (!disk::is_parent_of(image->info(), child.info())) continue;
            fitting.push_back(std::move(image));
            // Only copies of a VHD share an identity without having the same content.
            if (child.info().format != disk::ImageFormat::vhd) break;
        } catch (const Error&) {
            continue;
        }
    }
    return disk::choose_parent(child, fitting);
}

disk::ImageChain open_chain(FileSystem& file_system, const std::filesystem::path& image,
                            const std::vector<std::filesystem::path>& parents) {
    Image leaf = open_image(file_system, image);
    if (!parents.empty()) {
        std::vector<Image> candidates;
        for (const auto& parent : parents)
            candidates.push_back(open_image(file_system, parent));
        return disk::build_chain_of(std::move(leaf), std::move(candidates));
    }
    std::vector<Image> layers{std::move(leaf)};
    while (layers.back()->info().type == disk::ImageType::differencing &&
           layers.size() < disk::kChainDepthMax) {
        Image parent = find_parent_beside(file_system, *layers.back());
        if (!parent) break;
        layers.push_back(std::move(parent));
    }
    return disk::ImageChain{std::move(layers)};
}

disk::ImageChain open_complete_chain(FileSystem& file_system, const std::filesystem::path& image,
                                     const std::vector<std::filesystem::path>& parents) {
    auto chain = open_chain(file_system, image, parents);
    if (chain.is_complete()) return chain;
    const auto& locator = chain.lowest().info().parent;
    throw Error{
        ErrorCode::parent_missing,
        fmt::format("{} needs a parent{}", chain.lowest().file().path().string(),
                    locator ? fmt::format(" \"{}\" with the identity {}", locator->leaf_name(),
                                          locator->linkage.to_string())
                            : ""),
        "name it with --parent, or put it beside the child"};
}

}  // namespace entrepot::ctl
