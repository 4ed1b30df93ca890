// Images on top of each other, resolved by identity and never by a path inside an image.
#pragma once

#include "storage/disk/disk_image.h"

#include <memory>
#include <vector>

namespace entrepot::disk {

inline constexpr std::size_t kChainDepthMax = 64;

/// A leaf and those of its ancestors that are at hand. As a DiskSource it shows the merged content;
/// where the lowest image is differencing, what no layer holds is of kind parent. Where a parent is
/// smaller than its child, what lies beyond it is zero.
class ImageChain final : public DiskSource {
public:
    /// Layers from the leaf down. Each must be the parent that the one before names, of the same
    /// format and logical sector size, for VHD also size: Error{parent_mismatch}. More than
    /// kChainDepthMax, or more than KeptMemory allows: Error{limit}.
    explicit ImageChain(std::vector<std::shared_ptr<const DiskImage>> layers);

    /// True if the lowest image needs no parent.
    bool is_complete() const;
    const DiskImage& leaf() const { return *layers_.front(); }
    const DiskImage& lowest() const { return *layers_.back(); }
    const std::vector<std::shared_ptr<const DiskImage>>& layers() const { return layers_; }

    std::uint64_t size_bytes() const override { return leaf().size_bytes(); }
    std::uint32_t logical_sector_size() const override { return leaf().logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;
    /// Of every layer.
    void check_unchanged() const override;

private:
    // Shared: one image may be the ancestor of several chains of an export.
    std::vector<std::shared_ptr<const DiskImage>> layers_;
};

/// True if `parent` is what `child` names by linkage (or linkage2), and of its format.
bool is_parent_of(const ImageInfo& parent, const ImageInfo& child);

/// The parent that a child names, among candidates; nullptr if none fits. Copies of a VHD all have
/// its unique id, whatever became of their content: there the file name decides, and
/// Error{parent_mismatch} is thrown where it does not.
std::shared_ptr<const DiskImage> choose_parent(
    const DiskImage& child, const std::vector<std::shared_ptr<const DiskImage>>& candidates);

/// Sorts the images of one export into chains, one for each image that is nobody's parent. Chains
/// may end incomplete. Throws Error{corrupt} for a cycle, Error{limit} for more images than
/// limits.h allows, and Error{parent_mismatch} where an image
/// has a fitting file name, but another identity.
std::vector<ImageChain> build_chains(std::vector<std::shared_ptr<const DiskImage>> images);

/// The chain of one leaf from candidates (nearest first or in any order).
ImageChain build_chain_of(std::shared_ptr<const DiskImage> leaf,
                          std::vector<std::shared_ptr<const DiskImage>> candidates);

}  // namespace entrepot::disk
