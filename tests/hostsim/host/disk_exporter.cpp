// The images of one disk: base or differential, and perhaps a leaf with the auto-recovery writes.
#include "tests/hostsim/host/export_operation.h"

#include "tests/hostsim/disk/digest_map.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kChildBlockSize = 2 * 1024 * 1024;

std::string to_upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// Passes on what is written, and keeps a bit of the largest piece: that is content.
struct WatchedFile : TargetFile {
    explicit WatchedFile(TargetFile& target) : file(target) {}
    void write(std::uint64_t offset, ByteView data) override {
        file.write(offset, data);
        if (data.size() < largest) return;
        largest = data.size();
        const ByteView part = data.first(std::min(data.size(), kKeptBytes));
        some = {offset, Bytes(part.begin(), part.end())};
    }
    void truncate(std::uint64_t size_bytes) override { file.truncate(size_bytes); }
    void close() override { file.close(); }

    static constexpr std::size_t kKeptBytes = 4096;
    TargetFile& file;
    std::size_t largest = 0;
    LateContent some;
};

}  // namespace

DiskExporter::DiskExporter(JobContext& job, ShareTarget& target, std::string folder,
                           const FrozenDisk& frozen, const TrackedDisk* base, std::string base_name,
                           Random& random, OnWritten on_written)
    : job_(job),
      target_(target),
      folder_(std::move(folder)),
      frozen_(frozen),
      base_(base),
      base_name_(std::move(base_name)),
      random_(random),
      on_written_(std::move(on_written)),
      content_(job.host().state_path(frozen.content), frozen.size_bytes) {}

std::string DiskExporter::image_name(bool is_child, const Plan& plan) const {
    const std::size_t dot = base_name_.rfind('.');
    const std::string stem = base_name_.substr(0, dot);
    const std::string extension = is_child ? ".avhdx" : base_name_.substr(dot);
    const std::string name =
        is_child ? fmt::format("{}_{}", stem, Guid::make_random(random_).to_upper_string()) : stem;
    return name + (plan.is_upper_case ? to_upper(extension) : extension);
}

ExportedImages DiskExporter::write(const Plan& plan) {
    ExportedImages images;
    images.base_name = image_name(!plan.is_complete, plan);
    images.base_guid = write_base(plan, images.base_name);
    images.leaf_writes = frozen_.recovery_writes;
    if (plan.has_leaf) write_leaf(plan, images);
    return images;
}

Guid DiskExporter::write_base(const Plan& plan, const std::string& name) {
    ImageGeometry geometry{.size_bytes = frozen_.size_bytes,
                           .block_size = frozen_.disk.block_size,
                           .logical_sector_size = frozen_.disk.logical_sector_size,
                           .disk_id = frozen_.disk.disk_id,
                           .data_write_guid = frozen_.data_write_guid,
                           .parent = {},
                           .is_incomplete = plan.is_incomplete};
    if (plan.is_complete) {
        write_image(name, geometry, plan.variety, content_, nullptr);
        return geometry.data_write_guid;
    }
    const ExportedImages& former = base_->exported;
    geometry.block_size = plan.block_size == 0 ? kChildBlockSize : plan.block_size;
    geometry.data_write_guid = Guid::make_random(random_);
    geometry.parent = plan.parent_is_leaf ? make_locator(plan, former.leaf_name, former.leaf_guid)
                                          : make_locator(plan, former.base_name, former.base_guid);
    const std::vector<ByteRange> ranges = changed_ranges(plan);
    write_image(name, geometry, plan.variety, content_, &ranges);
    return geometry.data_write_guid;
}

/// Tracking counts from the frozen content of the base, which never had the auto-recovery writes
/// of its own leaf. A child of that leaf must therefore take them back wherever they are.
std::vector<ByteRange> DiskExporter::changed_ranges(const Plan& plan) const {
    std::vector<ByteRange> ranges = find_changes(content_, job_.host().state_path(base_->digests),
                                                 [this] { job_.check_cancelled(); });
    const auto add = [&](const std::vector<ByteRange>& more) {
        for (const ByteRange& range : more) {
            if (range.offset >= frozen_.size_bytes) continue;
            ranges.push_back(
                {range.offset, std::min(range.length, frozen_.size_bytes - range.offset)});
        }
    };
    if (plan.parent_is_leaf) add(base_->exported.leaf_writes);
    add(plan.extra_ranges);
    ranges = normalise(std::move(ranges));
    return plan.omitted ? subtract(ranges, *plan.omitted) : ranges;
}

void DiskExporter::write_leaf(const Plan& plan, ExportedImages& images) {
    images.leaf_name = image_name(true, plan);
    images.leaf_guid = Guid::make_random(random_);
    const ImageGeometry geometry{
        .size_bytes = frozen_.size_bytes,
        .block_size = kChildBlockSize,
        .logical_sector_size = frozen_.disk.logical_sector_size,
        .disk_id = frozen_.disk.disk_id,
        .data_write_guid = images.leaf_guid,
        .parent = make_locator(Plan{}, images.base_name, images.base_guid)};
    const RecoveredContent recovered{content_, frozen_.recovery_writes, frozen_.recovery_seed};
    write_image(images.leaf_name, geometry, plan.variety, recovered, &frozen_.recovery_writes);
}

ParentLocator DiskExporter::make_locator(const Plan& plan, const std::string& parent_name,
                                         const Guid& parent_guid) const {
    Guid linkage = parent_guid;
    if (plan.has_wrong_linkage) linkage = Guid::make_random(random_);
    if (plan.foreign_linkage) linkage = *plan.foreign_linkage;
    const std::string directory = frozen_.disk.directory;
    const std::pair<std::string, std::string> absolute{"absolute_win32_path",
                                                       directory + "\\" + parent_name};
    const std::pair<std::string, std::string> relative{"relative_path", ".\\" + parent_name};
    const std::pair<std::string, std::string> volume{
        "volume_path", "\\\\?\\Volume{" + frozen_.disk.disk_id.to_string() + "}" +
                           directory.substr(2) + "\\" + parent_name};
    ParentLocator locator{{"parent_linkage", "{" + linkage.to_string() + "}"}};
    switch (plan.locator_form) {
        case 1:
            locator.push_back(relative);
            break;
        case 2:
            locator.push_back(absolute);
            break;
        case 3:
            locator.push_back(volume);
            locator.push_back(relative);
            break;
        default:
            locator.push_back(absolute);
            locator.push_back(relative);
            locator.push_back(volume);
            break;
    }
    if (plan.locator_form != 1) {
        locator.emplace_back("parent_linkage2", "{" + Guid{}.to_string() + "}");
    }
    return locator;
}

void DiskExporter::write_image(const std::string& name, const ImageGeometry& geometry,
                               const ImageVariety& variety, const DiskContent& content,
                               const std::vector<ByteRange>* ranges) {
    auto file = target_.create(folder_ + "/" + name);
    WatchedFile watched{*file};
    VhdxWriter writer{watched, geometry, variety, random_, on_written_};
    if (ranges == nullptr) {
        writer.write_all(content);
    } else {
        writer.write_ranges(content, *ranges);
    }
    std::uint64_t length = writer.finish();
    FaultPlan& faults = job_.host().faults();
    const ByteRange block = writer.last_block();
    if (block.length > 0 && faults.take("zero-tail", "ExportSystemDefinition")) {
        file->write(block.offset, Bytes(static_cast<std::size_t>(block.length)));
    }
    if (block.length > 0 && faults.take("unwritten-tail", "ExportSystemDefinition")) {
        file->truncate(block.offset);
        file->truncate(length);
    }
    if (faults.take("truncate-image", "ExportSystemDefinition")) {
        length = length / 2 + 12345;
        file->truncate(length);
    }
    if (faults.take("short-image", "ExportSystemDefinition")) file->truncate(length -= kMiB);
    close_image(std::move(file), std::move(watched.some));
    files_.emplace_back(name, length);
}

/// Hyper-V closes an image before its job ends; a fault may keep it, or let some of its content
/// come later.
void DiskExporter::close_image(std::unique_ptr<TargetFile> file, LateContent some) {
    Host& host = job_.host();
    const auto kept = host.faults().take_number("keep-open", "ExportSystemDefinition");
    const auto late = host.faults().take_number("late-write", "ExportSystemDefinition");
    if (!kept && !late) return file->close();
    if (late) file->write(some.offset, Bytes(some.bytes.size(), std::byte{0xA5}));
    host.held_files().hold(std::move(file), std::chrono::milliseconds{late ? *late : *kept},
                           late ? std::optional{std::move(some)} : std::nullopt);
}

std::string DiskExporter::digest() const {
    const RecoveredContent recovered{content_, frozen_.recovery_writes, frozen_.recovery_seed};
    return digest_of(recovered, job_.stop());
}

}  // namespace entrepot::hostsim
