// Writing a point; see ingest.h. Follows the architecture, section 3, "ingest" and the leaf rule.
#include "appliance/backup/ingest.h"

#include "appliance/backup/chunk_runs.h"
#include "appliance/backup/comparison_report.h"
#include "appliance/backup/content_digest.h"
#include "appliance/backup/disk_copy.h"
#include "appliance/backup/limits.h"
#include "appliance/backup/merged_disk.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::backup {

using repository::DiskSummary;
using repository::PointSummary;
using repository::View;

namespace {

const DiskSummary* find_base_disk(const ExportedDisk& disk, const Base& base) {
    for (const DiskSummary& candidate : base.point->disks) {
        if (!disk.virtual_disk_id.empty() && candidate.draft.id == disk.virtual_disk_id) {
            return &candidate;
        }
    }
    if (base.voucher == Voucher::reference_point) return nullptr;
    // Nobody vouches for the id either: linkage is the proof, so it may find the disk as well.
    for (const DiskSummary& candidate : base.point->disks) {
        if (is_linked_to(disk.restore.lowest().info(), candidate)) return &candidate;
    }
    return nullptr;
}

std::vector<ByteRange> recorded_leaf_ranges(const PointSummary& point, const DiskSummary& disk) {
    const Json facts = point.draft.host_facts.value("disks", Json::object());
    const Json of_disk = facts.value(disk.draft.id, Json::object());
    if (!of_disk.contains("leaf_ranges")) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("point {} does not say where the leaf of disk {} wrote", point.id,
                                disk.draft.index)};
    }
    std::vector<ByteRange> ranges;
    for (const Json& range : of_disk.at("leaf_ranges")) {
        ranges.push_back({range.at(0).get<std::uint64_t>(), range.at(1).get<std::uint64_t>()});
    }
    return ranges;
}

void decide_base(DiskPlan& plan, const Base& base) {
    const disk::ImageInfo& lowest = plan.disk.restore.lowest().info();
    if (base.point == nullptr) {
        throw Error{ErrorCode::parent_missing,
                    fmt::format("image {} needs its parent '{}', which is not among the files",
                                plan.disk.restore.lowest().file().path().filename().string(),
                                lowest.parent ? lowest.parent->leaf_name() : ""),
                    "Give the parent image as well, or name the recovery point that holds its "
                    "content with --base."};
    }
    const DiskSummary* below = find_base_disk(plan.disk, base);
    if (below == nullptr) {
        throw Error{ErrorCode::parent_mismatch,
                    fmt::format("the base point {} has no disk that image {} could lie on",
                                base.point->id, plan.disk.name),
                    "Nothing was merged. Take a full instead, or name the right base point."};
    }
    const BaseView view = choose_base_view(lowest, *below, base.voucher, base.is_image_of_ours);
    plan.base_index = below->draft.index;
    plan.base_view = view.view;
    plan.warning = view.warning;
    if (plan.draft.id.empty()) plan.draft.id = below->draft.id;
    if (view.view == View::restore && below->has_tracking_map) {
        plan.differing = recorded_leaf_ranges(*base.point, *below);
    }
}

Json facts_of(const DiskPlan& plan, std::uint32_t chunk_size_bytes) {
    Json ranges = Json::array();
    for (const ByteRange& range : find_leaf_ranges(plan.disk, chunk_size_bytes)) {
        ranges.push_back(Json::array({range.offset, range.length}));
    }
    Json inner = Json::array();
    for (const Guid& guid : plan.disk.inner_images())
        inner.push_back(guid.to_string());
    Json facts{{"leaf_ranges", ranges}, {"inner_images", inner}};
    if (!plan.warning.empty()) facts["warning"] = plan.warning;
    return facts;
}

/// The base of one disk, opened in the view that its images lie on.
struct OpenBase {
    std::unique_ptr<repository::PointReader> point;
    std::unique_ptr<repository::PointDisk> disk;
};

OpenBase open_base(repository::Repository& repository, const IngestPlan& plan,
                   const DiskPlan& disk) {
    OpenBase base;
    if (!disk.base_index) return base;
    base.point = repository.open_point(plan.draft.base_point);
    base.disk = base.point->open_disk(*disk.base_index, disk.base_view);
    return base;
}

class Writing {
public:
    Writing(const IngestServices& services, const IngestPlan& plan, const Work& work)
        : services_(services),
          plan_(plan),
          work_(work),
          chunk_size_bytes_(services.repository.info().chunk_size_bytes) {}

    std::unique_ptr<repository::PointWriter> run() {
        begin();
        count_work();
        for (const DiskPlan& disk : plan_.disks) {
            with_context(fmt::format("ingesting disk {} ({})", disk.draft.index, disk.draft.name),
                         [&] { write_disk(disk); });
        }
        for (const ExportFile& file : plan_.files)
            add_file(file);
        return std::move(writer_);
    }

private:
    void begin() {
        repository::PointDraft draft = plan_.draft;
        Json disks = draft.host_facts.value("disks", Json::object());
        for (const DiskPlan& disk : plan_.disks) {
            Json merged = disks.value(disk.draft.id, Json::object());
            merged.update(facts_of(disk, chunk_size_bytes_));
            disks[disk.draft.id] = merged;
        }
        draft.host_facts["disks"] = disks;
        writer_ = services_.repository.begin_point(draft);
        for (const DiskPlan& disk : plan_.disks)
            writer_->add_disk(disk.draft, disk.base_index);
    }

    void count_work() {
        for (const DiskPlan& disk : plan_.disks) {
            progress_.total_bytes += count_data_bytes(disk.disk.restore, chunk_size_bytes_);
        }
    }

    void copy(const DiskPlan& disk, View view, const disk::DiskSource& changes,
              const disk::DiskSource& content, Zeros zeros) {
        const auto sink = writer_->open_sink(disk.draft.index, view);
        copy_changes(changes, content, *sink, {chunk_size_bytes_, zeros, services_.limit},
                     progress_, work_);
        sink->finish();
    }

    void write_disk(const DiskPlan& disk) {
        const OpenBase base = open_base(services_.repository, plan_, disk);
        const MergedDisk restore{disk.disk.restore, base.disk.get(), disk.differing};
        // Below a complete image there is nothing: unwritten chunks are zero already.
        const Zeros zeros = disk.base_index ? Zeros::write : Zeros::skip;
        if (disk.disk.tracking) {
            const MergedDisk tracking{*disk.disk.tracking, base.disk.get(), disk.differing};
            copy(disk, View::tracking, tracking, tracking, zeros);
            copy(disk, View::restore, disk.disk.restore.leaf(), restore, Zeros::write);
        } else {
            copy(disk, View::restore, restore, restore, zeros);
        }
        if (plan_.wants_sha256) writer_->set_sha256(disk.draft.index, hash_content(restore, work_));
        disk.disk.check_unchanged();
    }

    void add_file(const ExportFile& file) {
        const auto opened = services_.file_system.open_read(file.path, FollowLinks::no);
        if (opened->size() > limits::kConfigurationFileBytesMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("configuration file {} has {}", file.relative_name,
                                    format_size(opened->size()))};
        }
        const Bytes content = opened->read_exactly(0, static_cast<std::size_t>(opened->size()));
        writer_->add_file(file.relative_name, content);
    }

    const IngestServices& services_;
    const IngestPlan& plan_;
    const Work& work_;
    std::uint32_t chunk_size_bytes_;
    CopyProgress progress_;
    std::unique_ptr<repository::PointWriter> writer_;
};

}  // namespace

DiskPlan plan_disk(ExportedDisk disk, repository::DiskDraft draft, const Base& base) {
    DiskPlan plan{std::move(disk), std::move(draft), std::nullopt, View::restore, {}, {}};
    const disk::ImageInfo& info = plan.disk.info();
    if (plan.draft.id.empty()) plan.draft.id = plan.disk.virtual_disk_id;
    if (plan.draft.name.empty()) plan.draft.name = plan.disk.name;
    plan.draft.size_bytes = info.size_bytes;
    plan.draft.logical_sector_size = info.logical_sector_size;
    plan.draft.physical_sector_size = info.physical_sector_size;
    plan.draft.images = plan.disk.image_records();
    if (!plan.disk.restore.is_complete()) {
        with_context(fmt::format("disk {}", plan.draft.name), [&] { decide_base(plan, base); });
    }
    return plan;
}

IsImageOfOurs make_image_lookup(repository::Repository& repository) {
    return [&repository](const Guid& guid) {
        const std::string text = guid.to_string();
        for (const PointSummary& point : repository.list_points({})) {
            for (const DiskSummary& disk : point.disks) {
                for (const repository::ImageRecord& image : disk.draft.images) {
                    if (image.data_write_guid == guid) return true;
                }
            }
            const Json disks = point.draft.host_facts.value("disks", Json::object());
            for (const Json& disk : disks) {
                for (const Json& inner : disk.value("inner_images", Json::array())) {
                    if (inner == text) return true;
                }
            }
        }
        return false;
    };
}

std::unique_ptr<repository::PointWriter> write_point(const IngestServices& services,
                                                     const IngestPlan& plan, const Work& work) {
    return Writing{services, plan, work}.run();
}

bool uses_base(const std::vector<DiskPlan>& disks) {
    return std::any_of(disks.begin(), disks.end(),
                       [](const DiskPlan& disk) { return disk.base_index.has_value(); });
}

Json point_result(const PointSummary& point) {
    Json disks = Json::array();
    for (const DiskSummary& disk : point.disks) {
        disks.push_back({{"id", disk.draft.id},
                         {"index", disk.draft.index},
                         {"name", disk.draft.name},
                         {"virtual_size_bytes", disk.draft.size_bytes},
                         {"changed_bytes", disk.changed_bytes},
                         {"new_stored_bytes", disk.new_stored_bytes},
                         {"sha256", disk.sha256.empty() ? Json{} : Json(disk.sha256)}});
    }
    Json skipped = Json::array();
    for (const repository::SkippedDisk& disk : point.draft.skipped) {
        skipped.push_back({{"name", disk.name}, {"reason", disk.reason}});
    }
    return {
        {"point", point.id},
        {"vm",
         {{"id", point.draft.vm_id}, {"name", point.draft.vm_name}, {"host", point.draft.host}}},
        {"kind", repository::to_string(point.draft.kind)},
        {"reason", point.draft.reason},
        {"reason_code", point.draft.host_facts.value("reason_code", "")},
        {"consistency", repository::to_string(point.draft.consistency)},
        {"base_point", point.draft.base_point.empty() ? Json{} : Json(point.draft.base_point)},
        {"disks", disks},
        {"skipped", skipped},
        {"comparison", comparison_of(point.draft.host_facts)}};
}

}  // namespace entrepot::backup
