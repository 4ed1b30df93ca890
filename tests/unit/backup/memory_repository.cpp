// See memory_repository.h.
#include "tests/unit/backup/memory_repository.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace entrepot::test {

using namespace entrepot::repository;

namespace {

void require(bool condition, const char* what) {
    if (!condition) throw std::logic_error{what};
}

class MemoryPointDisk final : public PointDisk {
public:
    MemoryPointDisk(std::shared_ptr<StoredPoint> point, std::uint32_t index, View view)
        : point_(std::move(point)),
          content_(view == View::restore ? point_->restore.at(index) : point_->tracking.at(index)),
          sector_size_(point_->summary.disks.at(index).draft.logical_sector_size) {}
    std::uint64_t size_bytes() const override { return content_.size(); }
    std::uint32_t logical_sector_size() const override { return sector_size_; }
    std::uint32_t chunk_size_bytes() const override { return MemoryRepository::kChunkBytes; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), target.size(),
                    target.begin());
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return {offset, std::min<std::uint64_t>(length_max, content_.size() - offset),
                disk::ExtentKind::data};
    }

private:
    std::shared_ptr<StoredPoint> point_;  // Shared with the repository.
    const Bytes& content_;
    std::uint32_t sector_size_;
};

class MemoryReader final : public PointReader {
public:
    explicit MemoryReader(std::shared_ptr<StoredPoint> point) : point_(std::move(point)) {}
    const PointSummary& summary() const override { return point_->summary; }
    std::unique_ptr<PointDisk> open_disk(std::uint32_t index, View view) override {
        return std::make_unique<MemoryPointDisk>(point_, index, view);
    }
    std::vector<std::string> file_names() const override {
        std::vector<std::string> names;
        for (const auto& [name, content] : point_->files)
            names.push_back(name);
        return names;
    }
    Bytes read_file(const std::string& name) override { return point_->files.at(name); }

private:
    std::shared_ptr<StoredPoint> point_;  // Shared with the repository.
};

class MemorySink final : public DiskSink {
public:
    MemorySink(Bytes& content, std::uint64_t& changed, const std::function<void()>& on_write)
        : content_(content), changed_(changed), on_write_(on_write) {}
    void write(std::uint64_t offset, ByteView data) override {
        on_write_();
        check(offset, data.size());
        std::copy(data.begin(), data.end(), content_.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    void write_zeros(std::uint64_t offset, std::uint64_t length) override {
        check(offset, length);
        std::fill_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), length, std::byte{0});
    }
    void finish() override {}

private:
    void check(std::uint64_t offset, std::uint64_t length) {
        require(offset % MemoryRepository::kChunkBytes == 0, "write at no chunk's start");
        require(offset >= next_, "writes not in ascending order");
        require(length > 0 && length <= content_.size() - offset, "write beyond the disk");
        require(length % MemoryRepository::kChunkBytes == 0 || offset + length == content_.size(),
                "write of part of a chunk");
        next_ = offset + length;
        changed_ += length;
    }
    Bytes& content_;
    std::uint64_t& changed_;
    const std::function<void()>& on_write_;
    std::uint64_t next_ = 0;
};

}  // namespace

class MemoryWriter final : public PointWriter {
public:
    MemoryWriter(MemoryRepository& repository, const PointDraft& draft)
        : repository_(repository), point_(std::make_shared<StoredPoint>()) {
        require(draft.kind == PointKind::incremental || draft.base_point.empty(),
                "a full has no base");
        if (!draft.base_point.empty()) base_ = repository.get(draft.base_point);
        point_->summary.draft = draft;
        point_->summary.id = fmt::format("{:032x}", repository.next_);
        point_->summary.sequence = repository.next_++;
    }
    const std::string& id() const override { return point_->summary.id; }
    void add_disk(const DiskDraft& draft, std::optional<std::uint32_t> base_index) override {
        require(draft.index == point_->summary.disks.size(), "disks not in order");
        DiskSummary disk;
        disk.draft = draft;
        point_->summary.disks.push_back(disk);
        Bytes content(static_cast<std::size_t>(draft.size_bytes));
        if (base_index) {
            content = base_->tracking.at(*base_index);
            require(content.size() == draft.size_bytes, "base of another size");
        }
        point_->restore[draft.index] = content;
        point_->tracking[draft.index] = content;
    }
    std::unique_ptr<DiskSink> open_sink(std::uint32_t index, View view) override {
        require(opened_.insert({index, view == View::tracking}).second, "view opened twice");
        DiskSummary& disk = point_->summary.disks.at(index);
        if (view == View::tracking) {
            require(!opened_.contains({index, false}), "tracking comes first");
            disk.has_tracking_map = true;
            return std::make_unique<MemorySink>(point_->tracking[index], disk.changed_bytes,
                                                repository_.on_write);
        }
        if (disk.has_tracking_map) point_->restore[index] = point_->tracking[index];
        return std::make_unique<MemorySink>(point_->restore[index], disk.changed_bytes,
                                            repository_.on_write);
    }
    void set_sha256(std::uint32_t index, std::string sha256) override {
        point_->summary.disks.at(index).sha256 = std::move(sha256);
    }
    void add_file(const std::string& name, ByteView content) override {
        require(point_->files.emplace(name, Bytes{content.begin(), content.end()}).second,
                "file added twice");
    }
    PointSummary commit() override {
        repository_.on_commit("before");
        for (DiskSummary& disk : point_->summary.disks) {
            const std::uint32_t index = disk.draft.index;
            require(opened_.contains({index, false}), "a disk was never written");
            if (!disk.has_tracking_map) point_->tracking[index] = point_->restore[index];
            point_->summary.logical_bytes += disk.draft.size_bytes;
        }
        point_->summary.time = repository_.clock_.wall_now();
        point_->summary.trusted_time = point_->summary.time;
        repository_.points.push_back(point_);
        repository_.on_commit("after");
        return point_->summary;
    }

private:
    MemoryRepository& repository_;
    std::shared_ptr<StoredPoint> point_;  // Shared with the repository from commit() on.
    std::shared_ptr<StoredPoint> base_;   // Shared with the repository.
    std::set<std::pair<std::uint32_t, bool>> opened_;
};

std::shared_ptr<StoredPoint> MemoryRepository::get(const std::string& id) {
    for (const auto& point : points) {
        if (point->summary.id == id) return point;
    }
    throw Error{ErrorCode::not_found, "no point " + id};
}

RepositoryInfo MemoryRepository::info() {
    RepositoryInfo info;
    info.chunk_size_bytes = kChunkBytes;
    info.points = points.size();
    info.damaged_chunks = damaged_chunks;
    return info;
}

std::vector<PointSummary> MemoryRepository::list_points(const PointFilter& filter) {
    std::vector<PointSummary> list;
    for (const auto& point : points) {
        const auto& draft = point->summary.draft;
        const bool is_of_vm =
            filter.vm.empty() || filter.vm == draft.vm_id || filter.vm == draft.vm_name;
        const bool is_before =
            !filter.before_sequence || point->summary.sequence < *filter.before_sequence;
        const bool has_id = filter.vm_id.empty() || filter.vm_id == draft.vm_id;
        if (is_of_vm && has_id && is_before) list.push_back(point->summary);
    }
    if (filter.newest_max > 0 && list.size() > filter.newest_max) {
        list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(filter.newest_max));
    }
    return list;
}

std::vector<repository::VmStamp> MemoryRepository::list_vms() {
    // Another stamp each time: nothing that somebody keeps is what it was.
    std::vector<repository::VmStamp> vms;
    for (const auto& point : points) {
        const std::string& id = point->summary.draft.vm_id;
        const bool is_new =
            std::none_of(vms.begin(), vms.end(), [&](const auto& vm) { return vm.vm_id == id; });
        if (is_new) vms.push_back({id, ++last_stamp_});
    }
    return vms;
}

PointSummary MemoryRepository::find_point(std::string_view text) {
    return get(std::string{text})->summary;
}

std::unique_ptr<PointReader> MemoryRepository::open_point(const std::string& id) {
    on_open();
    return std::make_unique<MemoryReader>(get(id));
}

std::unique_ptr<PointWriter> MemoryRepository::begin_point(const PointDraft& draft) {
    on_begin();
    return std::make_unique<MemoryWriter>(*this, draft);
}

void MemoryRepository::delete_point(const std::string& id) {
    const auto point = get(id);
    if (!frozen.empty()) throw Error{ErrorCode::conflict, frozen};
    if (busy_deletions > 0) {
        --busy_deletions;
        throw Error{ErrorCode::busy, "a rebuild"};
    }
    if (!point->summary.hold_reason.empty()) throw Error{ErrorCode::conflict, "held"};
    std::erase(points, point);
}

void MemoryRepository::protect_point(const std::string& id, WallTime until) {
    get(id)->summary.protected_until = until;
}

void MemoryRepository::hold_point(const std::string& id, const std::string& reason) {
    get(id)->summary.hold_reason = reason;
}

void MemoryRepository::release_point(const std::string& id) {
    get(id)->summary.hold_reason = {};
}

std::vector<PointVerdict> MemoryRepository::verify(const std::vector<std::string>& ids,
                                                   const repository::VerifyOptions&, const Work&) {
    on_open();
    std::vector<PointVerdict> verdicts;
    for (const auto& point : points) {
        const std::string& id = point->summary.id;
        if (!ids.empty() && std::find(ids.begin(), ids.end(), id) == ids.end()) continue;
        PointVerdict verdict;
        verdict.point = id;
        verdict.is_sound = !point->summary.has_known_damage;
        if (!verdict.is_sound) verdict.damage.push_back({0, 0, kChunkBytes, "it was so marked"});
        verdicts.push_back(verdict);
    }
    return verdicts;
}

GcResult MemoryRepository::collect_garbage(DryRun, const Work&) {
    return {};
}

}  // namespace entrepot::test
