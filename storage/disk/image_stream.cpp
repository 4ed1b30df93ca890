// See image_stream.h.
#include "storage/disk/image_stream.h"

#include "storage/disk/image_sections.h"
#include "storage/disk/target_writers.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::disk {
namespace {

// Small blocks carry fewer zeros, large ones keep the tables of large disks small.
constexpr std::uint64_t kSmallVhdxDiskBytesMax = 2 * kTiB;
constexpr std::uint32_t kVhdxSmallBlockBytes = 2 * kMiB;
constexpr std::uint64_t kSmallQcow2DiskBytesMax = 4 * kTiB;
constexpr std::uint64_t kQcow2SmallClusterBytes = 64 * kKiB;
constexpr std::uint64_t kQcow2LargeClusterBytes = 2 * kMiB;

std::vector<ImageSection> raw_sections(const DiskSource& source) {
    return {{source.size_bytes(), [&source](std::uint64_t offset, std::size_t length) {
                 Bytes content(length);
                 source.read(offset, content);
                 return content;
             }}};
}

std::vector<ImageSection> open_vhdx(const DiskSource& source, const WriteOptions& options,
                                    Random& random, const std::stop_token& stop) {
    vhdx::Metadata metadata = vhdx_metadata_of(source, options, random);
    if (source.size_bytes() <= kSmallVhdxDiskBytesMax) {
        metadata.block_size_bytes = kVhdxSmallBlockBytes;
    }
    const auto map = std::make_shared<const BlockMap>(source, metadata.block_size_bytes, stop);
    return vhdx_sections(source, metadata, map, random);
}

std::vector<ImageSection> open_qcow2(const DiskSource& source, const std::stop_token& stop) {
    const std::uint64_t cluster_bytes = source.size_bytes() <= kSmallQcow2DiskBytesMax
                                            ? kQcow2SmallClusterBytes
                                            : kQcow2LargeClusterBytes;
    return qcow2_sections(source, std::make_shared<const BlockMap>(source, cluster_bytes, stop));
}

}  // namespace

SectionedStream::SectionedStream(std::vector<ImageSection> sections)
    : sections_(std::move(sections)) {
    for (const ImageSection& section : sections_)
        size_bytes_ += section.length;
}

Bytes SectionedStream::next() {
    while (current_ < sections_.size() && offset_ == sections_[current_].length) {
        ++current_;
        offset_ = 0;
    }
    if (current_ == sections_.size()) return {};
    const ImageSection& section = sections_[current_];
    const std::size_t length = std::min<std::uint64_t>(kImagePieceBytes, section.length - offset_);
    return section.make(std::exchange(offset_, offset_ + length), length);
}

std::unique_ptr<ImageStream> open_image_stream(const DiskSource& source,
                                               const WriteOptions& options, Random& random,
                                               const std::stop_token& stop) {
    check_target_limits(source, options);
    switch (options.format) {
        case TargetFormat::raw:
            return std::make_unique<SectionedStream>(raw_sections(source));
        case TargetFormat::vhdx:
            return std::make_unique<SectionedStream>(open_vhdx(source, options, random, stop));
        case TargetFormat::qcow2:
            return std::make_unique<SectionedStream>(open_qcow2(source, stop));
        case TargetFormat::vhdx_fixed:
        case TargetFormat::vhdx_diff:
        case TargetFormat::vhd:
        case TargetFormat::vhd_fixed:
            break;
    }
    throw Error{ErrorCode::unsupported, "only raw, vhdx and qcow2 can be streamed",
                "restore the disk into a file to have another format"};
}

}  // namespace entrepot::disk
