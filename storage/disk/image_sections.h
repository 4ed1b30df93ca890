// A stream that is made of sections: each says how long it is and makes its bytes in order.
#pragma once

#include "storage/disk/block_map.h"
#include "storage/disk/image_stream.h"
#include "storage/disk/vhdx_metadata.h"

#include <functional>
#include <memory>
#include <vector>

namespace entrepot::disk {

struct ImageSection {
    std::uint64_t length = 0;
    /// Called with offsets in the section that follow each other from 0 on.
    std::function<Bytes(std::uint64_t offset, std::size_t length)> make;
};

class SectionedStream final : public ImageStream {
public:
    /// What the sections refer to beside the source is theirs to keep.
    explicit SectionedStream(std::vector<ImageSection> sections);
    std::uint64_t size_bytes() const override { return size_bytes_; }
    Bytes next() override;

private:
    std::vector<ImageSection> sections_;
    std::uint64_t size_bytes_ = 0;
    std::size_t current_ = 0;
    std::uint64_t offset_ = 0;
};

/// The parts of each format; the map is shared by a stream's sections.
std::vector<ImageSection> vhdx_sections(const DiskSource& source, const vhdx::Metadata& metadata,
                                        const std::shared_ptr<const BlockMap>& map, Random& random);
std::vector<ImageSection> qcow2_sections(const DiskSource& source,
                                         const std::shared_ptr<const BlockMap>& map);

}  // namespace entrepot::disk
