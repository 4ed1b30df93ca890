// Merged reads over layers, and which image is whose parent (vhdx.md section 4).
#include "storage/disk/image_chain.h"

#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>
#include <string>
#include <utility>

namespace entrepot::disk {
namespace {

using Layers = std::vector<std::shared_ptr<const DiskImage>>;

/// The first window of a search for the end of a merged extent; it doubles while one kind lasts, so
/// that the work stays in proportion to what is found.
constexpr std::uint64_t kWindowBytes = kMiB;

std::string name_of(const DiskImage& image) {
    return image.file().path().filename().string();
}

/// What the layers from `index` down say from `offset` on. A lower layer is asked only as far as
/// the one above passes the question on.
DiskExtent resolve(const Layers& layers, std::uint64_t offset, std::uint64_t length_max) {
    DiskExtent extent{offset, length_max, ExtentKind::parent};
    for (const auto& layer : layers) {
        if (offset >= layer->size_bytes()) {
            extent.kind = ExtentKind::zero;
            return extent;
        }
        extent = layer->extent_at(offset, extent.length);
        if (extent.kind != ExtentKind::parent) return extent;
    }
    return extent;
}

void read_layers(const Layers& layers, std::size_t index, std::uint64_t offset,
                 MutableByteView target) {
    const DiskImage& layer = *layers[index];
    if (offset >= layer.size_bytes()) {
        std::memset(target.data(), 0, target.size());
        return;
    }
    const std::uint64_t inside =
        std::min<std::uint64_t>(target.size(), layer.size_bytes() - offset);
    std::memset(target.data() + inside, 0, target.size() - inside);
    if (index + 1 == layers.size()) return layer.read(offset, target.first(inside));

    const std::uint64_t sector = layer.logical_sector_size();
    for (std::uint64_t done = 0; done < inside;) {
        const std::uint64_t at = offset + done;
        const std::uint64_t skip = at % sector;
        const std::uint64_t wanted = (skip + inside - done + sector - 1) / sector * sector;
        const DiskExtent extent = layer.extent_at(at - skip, wanted);
        const std::uint64_t length = std::min(extent.length - skip, inside - done);
        const MutableByteView part = target.subspan(done, length);
        switch (extent.kind) {
            case ExtentKind::data:
                layer.read(at, part);
                break;
            case ExtentKind::zero:
            case ExtentKind::unmapped:
                std::memset(part.data(), 0, part.size());
                break;
            case ExtentKind::parent:
                read_layers(layers, index + 1, at, part);
                break;
        }
        done += length;
    }
}

void check_pair(const DiskImage& parent, const DiskImage& child) {
    if (!child.info().parent) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("image {} needs no parent, but {} was given as its parent",
                                name_of(child), name_of(parent))};
    }
    if (parent.info().format != child.info().format) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("image {} is {}, and {}, given as its parent, is {}: a chain is of "
                                "one format",
                                name_of(child), to_string(child.info().format), name_of(parent),
                                to_string(parent.info().format))};
    }
    if (!is_parent_of(parent.info(), child.info())) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("image {} needs parent {} with linkage {}, and {} has {}",
                                name_of(child), shorten_text(child.info().parent->leaf_name()),
                                child.info().parent->linkage.to_string(), name_of(parent),
                                parent.info().data_write_guid.to_string()),
                    "the parent's data changed after the child was made, or it is another image"};
    }
    if (parent.logical_sector_size() != child.logical_sector_size()) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("image {} has sectors of {} bytes, and its parent {} of {}",
                                name_of(child), child.logical_sector_size(), name_of(parent),
                                parent.logical_sector_size())};
    }
    // A VHD cannot be resized below a child, and Windows refuses such a chain.
    if (child.info().format == ImageFormat::vhd && parent.size_bytes() != child.size_bytes()) {
        throw Error{
            ErrorCode::parent_mismatch,
            fmt::format("image {} is a disk of {} bytes, and its parent {} of {}", name_of(child),
                        child.size_bytes(), name_of(parent), parent.size_bytes())};
    }
}

bool is_same_name(const std::string& first, const std::string& second) {
    // Windows compares file names without case.
    return std::equal(
        first.begin(), first.end(), second.begin(), second.end(),
        [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

bool is_beside(const DiskImage& first, const DiskImage& second) {
    return first.file().path().parent_path() == second.file().path().parent_path();
}

/// Whose file name counts: in an export two disks may have equal names in different directories.
enum class NamesFrom { same_directory, anywhere };

/// The candidate that the image names; nullptr if it is not there. A candidate that only its name
/// recommends is an error: going on would end in an incomplete chain that nobody can explain.
std::shared_ptr<const DiskImage> find_parent(const DiskImage& child, const Layers& candidates,
                                             NamesFrom names_from) {
    if (auto parent = choose_parent(child, candidates)) return parent;
    const std::string wanted = child.info().parent->leaf_name();
    for (const auto& candidate : candidates) {
        if (candidate.get() == &child || !is_same_name(name_of(*candidate), wanted)) continue;
        if (names_from == NamesFrom::same_directory && !is_beside(*candidate, child)) continue;
        check_pair(*candidate, child);
    }
    return nullptr;
}

Layers collect_layers(std::shared_ptr<const DiskImage> leaf, const Layers& candidates,
                      NamesFrom names_from) {
    Layers layers{std::move(leaf)};
    std::set<const DiskImage*> seen{layers.front().get()};
    while (layers.back()->info().parent) {
        auto parent = find_parent(*layers.back(), candidates, names_from);
        if (!parent) break;
        if (!seen.insert(parent.get()).second) {
            throw Error{ErrorCode::corrupt, fmt::format("image {} is its own ancestor by way of {}",
                                                        name_of(*parent), name_of(*layers.back()))};
        }
        layers.push_back(std::move(parent));
        if (layers.size() > kChainDepthMax) break;  // The chain's constructor says so.
    }
    return layers;
}

}  // namespace

ImageChain::ImageChain(std::vector<std::shared_ptr<const DiskImage>> layers)
    : layers_(std::move(layers)) {
    ENTREPOT_CHECK(!layers_.empty());
    if (layers_.size() > kChainDepthMax) {
        throw Error{ErrorCode::limit, fmt::format("the chain of image {} has more than {} layers",
                                                  name_of(leaf()), kChainDepthMax)};
    }
    KeptMemory kept;
    for (const auto& layer : layers_)
        kept.add(*layer);
    for (std::size_t i = 1; i < layers_.size(); ++i)
        check_pair(*layers_[i], *layers_[i - 1]);
}

bool ImageChain::is_complete() const {
    return !lowest().info().parent;
}

void ImageChain::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_bytes() && target.size() <= size_bytes() - offset);
    read_layers(layers_, 0, offset, target);
}

DiskExtent ImageChain::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    ENTREPOT_CHECK(offset < size_bytes() && length_max > 0);
    length_max = std::min(length_max, size_bytes() - offset);
    if (layers_.size() == 1) return leaf().extent_at(offset, length_max);
    DiskExtent whole{offset, 0, ExtentKind::zero};
    std::uint64_t window = kWindowBytes;
    while (whole.length < length_max) {
        const std::uint64_t wanted = std::min(window, length_max - whole.length);
        const DiskExtent next = resolve(layers_, offset + whole.length, wanted);
        if (whole.length > 0 && next.kind != whole.kind) break;
        whole.kind = next.kind;
        whole.length += next.length;
        if (next.length == wanted) window *= 2;
    }
    return whole;
}

void ImageChain::check_unchanged() const {
    for (const auto& layer : layers_)
        layer->check_unchanged();
}

bool is_parent_of(const ImageInfo& parent, const ImageInfo& child) {
    if (!child.parent || parent.data_write_guid.is_null()) return false;
    if (parent.format != child.format) return false;  // The two kinds of ids never meet.
    if (child.parent->linkage == parent.data_write_guid) return true;
    return child.parent->linkage2 && *child.parent->linkage2 == parent.data_write_guid;
}

std::shared_ptr<const DiskImage> choose_parent(
    const DiskImage& child, const std::vector<std::shared_ptr<const DiskImage>>& candidates) {
    Layers fitting;
    for (const auto& candidate : candidates) {
        if (is_parent_of(candidate->info(), child.info())) fitting.push_back(candidate);
    }
    if (fitting.empty()) return nullptr;
    // DataWriteGuids of VHDX are of one content each. A VHD keeps its id when its data changes.
    if (fitting.size() == 1 || child.info().format != ImageFormat::vhd) return fitting.front();
    const std::string wanted = child.info().parent->leaf_name();
    Layers named;
    for (const auto& candidate : fitting) {
        if (is_same_name(name_of(*candidate), wanted)) named.push_back(candidate);
    }
    if (named.size() == 1) return named.front();
    Layers beside;
    for (const auto& candidate : named) {
        if (is_beside(*candidate, child)) beside.push_back(candidate);
    }
    if (beside.size() == 1) return beside.front();
    throw Error{
        ErrorCode::parent_mismatch,
        fmt::format("image {} needs parent {} with unique id {}, which {} and {} both have",
                    name_of(child), shorten_text(wanted), child.info().parent->linkage.to_string(),
                    name_of(*fitting[0]), name_of(*fitting[1])),
        "copies of a VHD keep its id: leave only the right one there"};
}

ImageChain build_chain_of(std::shared_ptr<const DiskImage> leaf,
                          std::vector<std::shared_ptr<const DiskImage>> candidates) {
    ENTREPOT_CHECK(leaf != nullptr);
    return ImageChain{collect_layers(std::move(leaf), candidates, NamesFrom::anywhere)};
}

std::vector<ImageChain> build_chains(std::vector<std::shared_ptr<const DiskImage>> images) {
    // Each is held against each other.
    if (images.size() > limits::kChainImagesMax) {
        throw Error{ErrorCode::limit, fmt::format("{} images are more than {} to sort into chains",
                                                  images.size(), limits::kChainImagesMax)};
    }
    std::set<const DiskImage*> parents;
    for (const auto& image : images) {
        if (!image->info().parent) continue;
        if (const auto parent = find_parent(*image, images, NamesFrom::same_directory))
            parents.insert(parent.get());
    }
    std::vector<ImageChain> chains;
    std::set<const DiskImage*> used;
    for (const auto& image : images) {
        if (parents.contains(image.get())) continue;
        chains.emplace_back(collect_layers(image, images, NamesFrom::same_directory));
        for (const auto& layer : chains.back().layers())
            used.insert(layer.get());
    }
    // An image that is a parent, but of no chain, stands in a ring.
    for (const auto& image : images) {
        if (used.contains(image.get())) continue;
        throw Error{ErrorCode::corrupt,
                    fmt::format("image {} is its own ancestor", name_of(*image))};
    }
    return chains;
}

}  // namespace entrepot::disk
