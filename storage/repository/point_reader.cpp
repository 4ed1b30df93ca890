// Points of an open repository: a session pins each of them while it is read.
#include "storage/repository/point_reader.h"

#include "storage/repository/map_disk.h"
#include "storage/repository/pinned_point.h"
#include "storage/repository/point_writer.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

// What was found counts, not whether there was room to write it down.
void mark_damaged(RepositoryCore& core, const std::string& point) noexcept {
    try {
        core.catalog->mark_damaged(point);
    } catch (const std::exception& error) {
        core.environment.log.error("a damaged point could not be marked",
                                   {{"point", point}, {"error", error.what()}});
    }
}

// A point that cannot be read is known as damaged from then on: the VM's next backup is a full.
template <typename Body>
auto marking_damage(RepositoryCore& core, const std::string& point, Body&& body) {
    try {
        return body();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::corrupt) mark_damaged(core, point);
        throw;
    }
}

/// A disk that keeps its point pinned and the repository open.
class LocalPointDisk final : public PointDisk {
public:
    LocalPointDisk(std::shared_ptr<RepositoryCore> core, std::shared_ptr<Sessions::Guard> session,
                   std::string point, std::string name, const DiskDraft& draft, const MapId& map)
        : core_(std::move(core)),
          session_(std::move(session)),
          point_(std::move(point)),
          disk_(open_map_disk(
              {core_->store, core_->keys, *core_->reader, core_->config.chunk_size_bytes},
              std::move(name), draft, map)) {}

    std::uint64_t size_bytes() const override { return disk_->size_bytes(); }
    std::uint32_t logical_sector_size() const override { return disk_->logical_sector_size(); }
    std::uint32_t chunk_size_bytes() const override { return disk_->chunk_size_bytes(); }
    void read(std::uint64_t offset, MutableByteView target) const override {
        marking_damage(*core_, point_, [&] { disk_->read(offset, target); });
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return disk_->extent_at(offset, length_max);
    }

private:
    std::shared_ptr<RepositoryCore> core_;
    std::shared_ptr<Sessions::Guard> session_;  // Shared with the point's reader.
    std::string point_;
    std::unique_ptr<PointDisk> disk_;
};

class LocalPointReader final : public PointReader {
public:
    LocalPointReader(std::shared_ptr<RepositoryCore> core, const std::string& id)
        : core_(std::move(core)),
          session_(core_->sessions.enter(SessionKind::reader)),
          content_(pin_point(*core_, *session_, id)),
          summary_(summary_of(require_point(*core_, id))) {}

    const PointSummary& summary() const override { return summary_; }

    std::unique_ptr<PointDisk> open_disk(std::uint32_t index, View view) override {
        if (index >= content_->summary.disks.size()) {
            throw Error{ErrorCode::not_found,
                        fmt::format("point {} has no disk {}; it has {}", summary_.id, index,
                                    content_->summary.disks.size())};
        }
        const DiskMaps& maps = content_->maps[index];
        return std::make_unique<LocalPointDisk>(
            core_, session_, summary_.id, fmt::format("point {}, disk {}", summary_.id, index),
            content_->summary.disks[index].draft,
            view == View::restore ? maps.restore : maps.tracking);
    }

    std::vector<std::string> file_names() const override {
        std::vector<std::string> names;
        for (const PointFile& file : content_->files)
            names.push_back(file.name);
        return names;
    }

    Bytes read_file(const std::string& name) override {
        const auto file = std::ranges::find(content_->files, name, &PointFile::name);
        if (file == content_->files.end()) {
            throw Error{ErrorCode::not_found,
                        fmt::format("point {} has no file '{}'", summary_.id, name)};
        }
        return marking_damage(*core_, summary_.id, [&] {
            return read_point_file(*core_->reader, fmt::format("point {}", summary_.id), *file);
        });
    }

private:
    std::shared_ptr<RepositoryCore> core_;
    std::shared_ptr<Sessions::Guard> session_;     // Shared with the disks, which may outlive this.
    std::shared_ptr<const PointContent> content_;  // Shared with the session.
    PointSummary summary_;
};

}  // namespace

std::unique_ptr<PointReader> make_point_reader(std::shared_ptr<RepositoryCore> core,
                                               const std::string& id) {
    return std::make_unique<LocalPointReader>(std::move(core), id);
}

}  // namespace entrepot::repository
