// The host simulator's VHDX writer, fed by the model.
#include "base/check.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/little_endian.h"
#include "tests/hostsim/disk/vhdx_writer.h"
#include "tests/property/writers.h"

#include <fmt/format.h>

namespace entrepot::property {
namespace {

class ModelContent final : public hostsim::DiskContent {
public:
    explicit ModelContent(const DiskModel& model) : model_(model) {}
    std::uint64_t size() const override { return model_.size_bytes(); }
    void read(std::uint64_t offset, MutableByteView target) const override {
        model_.read(offset, target);
    }
    std::optional<hostsim::ByteRange> find_data(std::uint64_t offset) const override {
        const auto data = model_.find_data(offset);
        if (!data) return std::nullopt;
        return hostsim::ByteRange{data->offset, data->length};
    }

private:
    const DiskModel& model_;
};

struct Identity {
    Guid data_write_guid;
    Guid disk_id;
};

/// Of an image that was just written and has two sound headers. Windows children keep the disk's
/// id.
Identity read_identity(const std::filesystem::path& path) {
    PosixFileSystem files;
    const auto file = files.open_read(path);
    const Bytes first = file->read_exactly(64 * kKiB, 4096);
    const Bytes second = file->read_exactly(128 * kKiB, 4096);
    const Bytes& current = load_u64(first, 8) > load_u64(second, 8) ? first : second;
    Identity identity;
    identity.data_write_guid = Guid::from_bytes(ByteView{current}.subspan(32, Guid::kSizeBytes));
    // Both writers that can be below put the items in the order of Windows.
    identity.disk_id = Guid::from_bytes(file->read_exactly(2 * kMiB + 64 * kKiB + 24, 16));
    return identity;
}

hostsim::ParentLocator locator_of(const std::filesystem::path& parent, const Identity& identity) {
    const std::string name = parent.filename().string();
    return {
        {"parent_linkage", "{" + identity.data_write_guid.to_string() + "}"},
        {"absolute_win32_path", "D:\\Exports\\" + name},
        {"relative_path", ".\\" + name},
        {"volume_path", "\\\\?\\Volume{0d2c0d4e-0000-0000-0000-100000000000}\\Exports\\" + name},
        {"parent_linkage2", "{00000000-0000-0000-0000-000000000000}"}};
}

}  // namespace

void write_hostsim(const WriteTask& task) {
    ENTREPOT_CHECK(is_hostsim(task.layer.writer));
    hostsim::ImageGeometry geometry;
    geometry.size_bytes = task.after.size_bytes();
    geometry.block_size = task.layer.block_size_bytes;
    geometry.logical_sector_size = task.after.sector_size();
    geometry.data_write_guid = Guid::make_random(task.chance.random());
    geometry.disk_id = Guid::make_random(task.chance.random());
    const bool is_child = task.layer.writer == Writer::hostsim_vhdx_diff;
    if (is_child) {
        const std::filesystem::path& parent = task.below.leaf().path;
        const Identity identity = read_identity(parent);
        geometry.disk_id = identity.disk_id;
        geometry.parent = locator_of(parent, identity);
    }
    hostsim::ImageVariety variety;
    variety.marks_zero_blocks = task.chance.percent(50);
    variety.leaves_garbage = task.chance.percent(50);
    variety.uses_bitmaps_always = task.chance.percent(50);
    try {
        const auto target = hostsim::make_directory_target(task.target.parent_path())
                                ->create(task.target.filename().string());
        hostsim::VhdxWriter writer{*target, geometry, variety, task.chance.random(),
                                   [](std::uint64_t) {}};
        const ModelContent content{task.after};
        if (is_child) {
            std::vector<hostsim::ByteRange> ranges;
            for (const Range& range : touched_ranges(task.layer.operations))
                ranges.push_back({range.offset, range.length});
            writer.write_ranges(content, ranges);
        } else {
            writer.write_all(content);
        }
        writer.finish();
        target->close();
    } catch (const hostsim::TargetFailure& failure) {
        throw Error{ErrorCode::io, "the simulator's writer: " + failure.text};
    }
}

}  // namespace entrepot::property
