// The guest's disk as the parent gives it, piece by piece.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_worker/parent_channel.h"

#include <cstdint>
#include <list>
#include <utility>

namespace entrepot::guest {

class ParentDisk final : public disk::DiskSource {
public:
    /// The channel outlives it.
    ParentDisk(ParentChannel& channel, const DiskShape& shape) : channel_(channel), shape_(shape) {}

    std::uint64_t size_bytes() const override { return shape_.size_bytes; }
    std::uint32_t logical_sector_size() const override { return shape_.sector_size; }
    /// Error{io} where the parent cannot read it; the parent knows why.
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;

private:
    void ask(std::uint64_t offset, MutableByteView target) const;
    const Bytes& block(std::uint64_t number) const;

    ParentChannel& channel_;
    DiskShape shape_;
    mutable std::list<std::pair<std::uint64_t, Bytes>> blocks_;  ///< The last used one first.
};

}  // namespace entrepot::guest
