// What a chain of images and the recovery point below it show together.
#pragma once

#include "appliance/backup/byte_range.h"

#include "storage/disk/disk_source.h"

#include <vector>

namespace entrepot::backup {

/// Reads any range: what the layers leave to their parent is the base's. As extents it shows what
/// differs from the base that the repository counts from: kind parent means unchanged. Where the
/// layers lie on a view other than that, `differing` names the ranges in which the two views may
/// differ; they show as data.
class MergedDisk final : public disk::DiskSource {
public:
    /// `base` may be null for a complete chain. Both outlive this. Error{parent_mismatch} if the
    /// sizes or sector sizes differ.
    MergedDisk(const disk::DiskSource& layers, const disk::DiskSource* base,
               std::vector<ByteRange> differing);

    std::uint64_t size_bytes() const override { return layers_.size_bytes(); }
    std::uint32_t logical_sector_size() const override { return layers_.logical_sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;

    /// As extent_at, but the base's kind where the layers say parent.
    disk::DiskExtent content_extent_at(std::uint64_t offset, std::uint64_t length_max) const;

private:
    const disk::DiskSource& layers_;
    const disk::DiskSource* base_;
    std::vector<ByteRange> differing_;
};

}  // namespace entrepot::backup
