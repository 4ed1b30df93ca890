// Those who write images: our engine, the host simulator, qemu, and for VHD chains the tests. None
// shares code with another.
#pragma once

#include "tests/property/disk_model.h"
#include "tests/property/sequence.h"

#include "base/guid.h"

#include <filesystem>
#include <vector>

namespace entrepot::property {

/// An image file and what it has to show together with its parents.
struct Image {
    std::filesystem::path path;
    Writer writer = Writer::ours_vhdx;
    DiskModel model;
    bool is_log_dirty = false;
    bool needs_log_tail = false;  ///< See LogFacts.
};

/// From the base to the leaf. All files lie in one directory.
struct Subject {
    std::vector<Image> images;
    std::uint64_t seed = 0;

    const Image& leaf() const { return images.back(); }
    const DiskModel& model() const { return leaf().model; }
    Format format() const { return format_of(leaf().writer); }
    bool is_chain() const { return images.size() > 1; }
};

/// Everything that a writer needs for one more image.
struct WriteTask {
    std::filesystem::path target;
    const Layer& layer;
    const DiskModel& before;
    DiskModel& after;      ///< A writer that rounds the size up lets it grow.
    const Subject& below;  ///< The parents; empty for a base.
    Chance& chance;
};

/// Throw Error. Require a writer of their own.
void write_ours(const WriteTask& task);
void write_hostsim(const WriteTask& task);
void write_qemu(const WriteTask& task);
void write_maker(const WriteTask& task);

/// Our engine reads the subject and writes it once more, without a parent.
void convert_ours(const Subject& subject, Writer writer, std::uint32_t block_size_bytes,
                  const std::filesystem::path& target, Chance& chance);

/// Applies the layer to a copy of what is below, writes it and adds it to the subject.
void add_image(Subject& subject, const Sequence& sequence, std::size_t number,
               const std::filesystem::path& directory, Chance& chance);

}  // namespace entrepot::property
