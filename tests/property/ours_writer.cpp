// Our writers, fed by the model or by what our reader sees.
#include "storage/disk/disk_writer.h"
#include "storage/disk/target_writers.h"

#include "base/check.h"
#include "base/error.h"
#include "tests/property/ours.h"
#include "tests/property/writers.h"

#include <algorithm>
#include <optional>

namespace entrepot::property {
namespace {

/// The model as our writers' source. Some zeros are called unmapped, and some are not known to be
/// zeros, as in real sources.
class ModelSource final : public disk::DiskSource {
public:
    ModelSource(const DiskModel& model, std::uint64_t seed) : model_(model), seed_(seed) {}

    std::uint64_t size_bytes() const override { return model_.size_bytes(); }
    std::uint32_t logical_sector_size() const override { return model_.sector_size(); }
    void read(std::uint64_t offset, MutableByteView target) const override {
        model_.read(offset, target);
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        const auto data = model_.find_data(offset);
        const std::uint64_t rest = std::min(length_max, model_.size_bytes() - offset);
        if (data && data->offset == offset) {
            return {offset, std::min(data->length, rest), disk::ExtentKind::data};
        }
        std::uint64_t length = data ? std::min(data->offset - offset, rest) : rest;
        // A change of kind inside of a block makes a writer look closer, which large disks only pay
        // for.
        const std::uint64_t unit = model_.size_bytes() < kGiB ? kMiB : 64 * kMiB;
        length = std::min(length, unit - offset % unit);
        return {offset, length, zero_kind(offset / unit)};
    }

private:
    disk::ExtentKind zero_kind(std::uint64_t number) const {
        switch ((seed_ + number * 7) % 9) {
            case 0:
                return model_.size_bytes() < kGiB ? disk::ExtentKind::data : disk::ExtentKind::zero;
            case 1:
            case 2:
                return disk::ExtentKind::unmapped;
            default:
                return disk::ExtentKind::zero;
        }
    }

    const DiskModel& model_;
    std::uint64_t seed_;
};

disk::TargetFormat target_format(Writer writer) {
    switch (writer) {
        case Writer::ours_raw:
            return disk::TargetFormat::raw;
        case Writer::ours_qcow2:
            return disk::TargetFormat::qcow2;
        case Writer::ours_vhdx_fixed:
            return disk::TargetFormat::vhdx_fixed;
        case Writer::ours_vhdx_diff:
            return disk::TargetFormat::vhdx_diff;
        case Writer::ours_vhd:
            return disk::TargetFormat::vhd;
        case Writer::ours_vhd_fixed:
            return disk::TargetFormat::vhd_fixed;
        default:
            ENTREPOT_CHECK(writer == Writer::ours_vhdx);
            return disk::TargetFormat::vhdx;
    }
}

/// The writer below write_disk(), where the block size is free.
void write_blocks(const disk::DiskSource& source, std::uint32_t block_size_bytes,
                  const std::filesystem::path& target, Chance& chance) {
    disk::vhdx::Metadata metadata;
    metadata.block_size_bytes = block_size_bytes;
    // A fixed image of large blocks is as long as they are.
    metadata.is_fixed =
        block_size_bytes <= 8 * kMiB && source.size_bytes() < kGiB && chance.percent(30);
    metadata.size_bytes = source.size_bytes();
    metadata.logical_sector_size = source.logical_sector_size();
    metadata.physical_sector_size = 4096;
    metadata.virtual_disk_id = Guid::make_random(chance.random());
    PosixFileSystem files;
    NullProgress progress;
    disk::write_vhdx(*files.create(target), metadata, chance.random(), source, Work{progress});
}

void write(const disk::DiskSource& source, Writer writer, std::uint32_t block_size_bytes,
           const std::filesystem::path& target, const disk::ImageChain* base, Chance& chance) {
    if (writer == Writer::ours_vhdx_blocks) {
        return write_blocks(source, block_size_bytes, target, chance);
    }
    disk::WriteOptions options;
    options.format = target_format(writer);
    options.physical_sector_size = chance.percent(30) ? 512 : 4096;
    if (base != nullptr) {
        options.base = base;
        options.base_info = &base->leaf().info();
        options.base_file_name = base->leaf().file().path().filename().string();
    }
    PosixFileSystem files;
    NullProgress progress;
    disk::write_disk(files, chance.random(), source, target, options, Work{progress});
}

}  // namespace

void write_ours(const WriteTask& task) {
    ENTREPOT_CHECK(is_ours(task.layer.writer));
    const ModelSource source{task.after, task.chance.below(1'000)};
    std::optional<disk::ImageChain> base;
    if (is_differencing(task.layer.writer)) base = open_chain(task.below);
    write(source, task.layer.writer, task.layer.block_size_bytes, task.target,
          base ? &*base : nullptr, task.chance);
}

void convert_ours(const Subject& subject, Writer writer, std::uint32_t block_size_bytes,
                  const std::filesystem::path& target, Chance& chance) {
    const disk::ImageChain chain = open_chain(subject);
    write(chain, writer, block_size_bytes, target, nullptr, chance);
}

}  // namespace entrepot::property
