// Parents by identity: those that a person names, then those beside a child.
#include "appliance/ctl/image_chain_files.h"

#include "storage/disk/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kCandidatesMax = 1000;

using Image = std::shared_ptr<const disk::DiskImage>;

Image open_image(FileSystem& file_system, const std::filesystem::path& path) {
    return disk::open_any(file_system.open_read(path));
}

std::string lower_case(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool may_be_image(const std::string& name) {
    const std::string extension = lower_case(std::filesystem::path{name}.extension().string());
    return extension == ".vhdx" || extension == ".avhdx" || extension == ".vhd" ||
           extension == ".avhd";
}

std::filesystem::path directory_of(const disk::DiskImage& child) {
    const auto directory = child.file().path().parent_path();
    return directory.empty() ? "." : directory;
}

/// The names of the image files in a directory.
std::vector<std::string> image_names(FileSystem& file_system,
                                     const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : file_system.list(directory)) {
        if (entry.type != FileType::regular || !may_be_image(entry.name)) continue;
        if (names.size() == kCandidatesMax) {
            throw Error{
                ErrorCode::limit,
                fmt::format("more than {} images in {}", kCandidatesMax, directory.string()),
                "name the parents with --parent"};
        }
        names.push_back(entry.name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A file beside the child that bears the name which the child has for its parent. Windows compares
/// names without case.
std::optional<std::string> find_namesake(FileSystem& file_system, const disk::DiskImage& child) {
    const std::string wanted = lower_case(child.info().parent->leaf_name());
    for (const std::string& name : image_names(file_system, directory_of(child))) {
        if (lower_case(name) != wanted || name == child.file().path().filename()) continue;
        return name;
    }
    return std::nullopt;
}

bool is_in(const std::vector<Image>& layers, const disk::DiskImage& image) {
    return std::any_of(layers.begin(), layers.end(), [&](const Image& layer) {
        return layer->file().identity() == image.file().identity();
    });
}

/// "child.avhdx needs a parent "base.vhdx" with the identity ..."
std::string tell_need(const disk::DiskImage& child) {
    const std::string path = child.file().path().string();
    const auto& locator = child.info().parent;
    if (!locator) return path + " needs a parent";
    return fmt::format("{} needs a parent {} with the identity {}", path,
                       disk::quote_text(locator->leaf_name()), locator->linkage.to_string());
}

Error mismatch(const disk::DiskImage& child, const disk::DiskImage& other) {
    return Error{ErrorCode::parent_mismatch,
                 fmt::format("{}, and {} has {}", tell_need(child), other.file().path().string(),
                             other.info().data_write_guid.to_string()),
                 "its data changed after the child was made, or it is another image: name the "
                 "right one with --parent"};
}

}  // namespace

// What cannot be opened is no candidate: the folder may hold anything. Only what decides is kept of
// the others, since there may be many.
const std::vector<ParentSearch::Candidate>& ParentSearch::candidates_in(
    const std::filesystem::path& directory) {
    const auto known = candidates_.find(directory);
    if (known != candidates_.end()) return known->second;
    std::vector<Candidate> candidates;
    for (const std::string& name : image_names(file_system_, directory)) {
        try {
            const Image image = open_image(file_system_, directory / name);
            candidates.push_back(
                {directory / name, image->info().format, image->info().data_write_guid});
        } catch (const Error&) {
            continue;
        }
    }
    return candidates_.emplace(directory, std::move(candidates)).first->second;
}

std::shared_ptr<const disk::DiskImage> ParentSearch::find_beside(const disk::DiskImage& child) {
    std::vector<Image> fitting;
    disk::KeptMemory kept;
    for (const Candidate& candidate : candidates_in(directory_of(child))) {
        disk::ImageInfo identity;
        identity.format = candidate.format;
        identity.data_write_guid = candidate.identity;
        if (!disk::is_parent_of(identity, child.info())) continue;
        fitting.push_back(open_image(file_system_, candidate.path));
        kept.add(*fitting.back());
        // Only copies of a VHD share an identity without having the same content.
        if (child.info().format != disk::ImageFormat::vhd) break;
    }
    return disk::choose_parent(child, fitting);
}

Error explain_missing_parent(FileSystem& file_system, const disk::DiskImage& child) {
    const auto namesake = child.info().parent ? find_namesake(file_system, child) : std::nullopt;
    if (!namesake) {
        return Error{ErrorCode::parent_missing, tell_need(child),
                     "name it with --parent, or put it beside the child"};
    }
    try {
        return mismatch(child, *open_image(file_system, directory_of(child) / *namesake));
    } catch (const Error& error) {
        Error told = error;
        told.add_context(tell_need(child));
        return told;
    }
}

disk::ImageChain open_chain(FileSystem& file_system, const std::filesystem::path& image,
                            const std::vector<std::filesystem::path>& parents) {
    std::vector<Image> layers{open_image(file_system, image)};
    // Counted while they are opened: the chain itself would refuse too much when it is there.
    disk::KeptMemory kept;
    kept.add(*layers.front());
    std::vector<Image> given;
    for (const auto& parent : parents) {
        given.push_back(open_image(file_system, parent));
        kept.add(*given.back());
    }
    ParentSearch search{file_system};
    // One too many is for the chain's constructor to refuse.
    while (layers.back()->info().parent && layers.size() <= disk::kChainDepthMax) {
        const disk::DiskImage& child = *layers.back();
        Image parent = disk::choose_parent(child, given);
        const bool is_given = parent != nullptr;
        if (!parent) parent = search.find_beside(child);
        if (!parent) break;
        if (!is_given) kept.add(*parent);
        if (is_in(layers, *parent)) {
            throw Error{ErrorCode::corrupt,
                        fmt::format("image {} is its own ancestor by way of {}",
                                    parent->file().path().string(), child.file().path().string())};
        }
        layers.push_back(std::move(parent));
    }
    return disk::ImageChain{std::move(layers)};
}

disk::ImageChain open_complete_chain(FileSystem& file_system, const std::filesystem::path& image,
                                     const std::vector<std::filesystem::path>& parents) {
    auto chain = open_chain(file_system, image, parents);
    if (chain.is_complete()) return chain;
    for (const auto& path : parents) {
        const Image given = open_image(file_system, path);
        if (!is_in(chain.layers(), *given)) throw mismatch(chain.lowest(), *given);
    }
    throw explain_missing_parent(file_system, chain.lowest());
}

}  // namespace entrepot::ctl
