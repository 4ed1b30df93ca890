// Commit order: packs, maps, manifest, then one catalog transaction.
#include "storage/repository/point_writer.h"

#include "storage/repository/chunk_pipeline.h"
#include "storage/repository/limits.h"
#include "storage/repository/map_view.h"
#include "storage/repository/map_writer.h"
#include "storage/repository/pinned_point.h"
#include "storage/repository/point_verifier.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::repository {
namespace {

// One of a disk's maps while it is being written. The receiver's side runs on the packing thread,
// everything else on the caller's, and the two meet in ChunkPipeline::drain().
class MapReceiver final : public ChunkReceiver {
public:
    explicit MapReceiver(std::unique_ptr<MapWriter> writer) : writer_(std::move(writer)) {}

    void take(std::uint64_t first_chunk, std::span<const MapEntry> entries,
              std::uint64_t new_stored_bytes) override {
        for (std::size_t i = 0; i < entries.size(); ++i)
            writer_->put(first_chunk + i, entries[i]);
        new_stored_bytes_ += new_stored_bytes;
    }
    void take_zeros(std::uint64_t first_chunk, std::uint64_t count) override {
        writer_->put_zeros(first_chunk, count);
    }

    MapWriter& writer() { return *writer_; }
    std::uint64_t new_stored_bytes() const { return new_stored_bytes_; }

private:
    std::unique_ptr<MapWriter> writer_;
    std::uint64_t new_stored_bytes_ = 0;
};

class FileReceiver final : public ChunkReceiver {
public:
    FileReceiver(std::string name, std::uint64_t size_bytes, std::uint32_t chunk_size_bytes)
        : size_bytes_(size_bytes), chunk_size_bytes_(chunk_size_bytes) {
        file_.name = std::move(name);
    }
    void take(std::uint64_t first_chunk, std::span<const MapEntry> entries,
              std::uint64_t new_stored_bytes) override {
        for (std::size_t i = 0; i < entries.size(); ++i) {
            const std::uint64_t offset = (first_chunk + i) * chunk_size_bytes_;
            const auto length = std::min<std::uint64_t>(chunk_size_bytes_, size_bytes_ - offset);
            file_.chunks.push_back(
                {entries[i].id, entries[i].address, static_cast<std::uint32_t>(length)});
        }
        new_stored_bytes_ += new_stored_bytes;
    }
    void take_zeros(std::uint64_t, std::uint64_t) override {}

    const PointFile& file() const { return file_; }
    std::uint64_t new_stored_bytes() const { return new_stored_bytes_; }

private:
    PointFile file_;
    std::uint64_t size_bytes_;
    std::uint32_t chunk_size_bytes_;
    std::uint64_t new_stored_bytes_ = 0;
};

class Sink final : public DiskSink {
public:
    Sink(ChunkPipeline& pipeline, MapReceiver& receiver, std::uint64_t disk_size_bytes,
         std::uint32_t chunk_size_bytes, bool& is_finished)
        : pipeline_(pipeline),
          receiver_(receiver),
          disk_size_bytes_(disk_size_bytes),
          chunk_size_bytes_(chunk_size_bytes),
          is_finished_(is_finished) {}

    void write(std::uint64_t offset, ByteView data) override {
        check_range(offset, data.size());
        if (offset != batch_end_) flush();
        const std::size_t batch_bytes = ChunkPipeline::kBatchChunksMax * chunk_size_bytes_;
        while (!data.empty()) {
            if (batch_.empty()) batch_start_ = offset;
            batch_.reserve(batch_bytes);
            const std::size_t count = std::min(data.size(), batch_bytes - batch_.size());
            batch_.insert(batch_.end(), data.begin(),
                          data.begin() + static_cast<std::ptrdiff_t>(count));
            data = data.subspan(count);
            offset += count;
            batch_end_ = offset;
            if (batch_.size() == batch_bytes) flush();
        }
    }

    void write_zeros(std::uint64_t offset, std::uint64_t length) override {
        check_range(offset, length);
        flush();
        if (length == 0) return;
        const std::uint64_t count = (length + chunk_size_bytes_ - 1) / chunk_size_bytes_;
        pipeline_.submit_zeros(receiver_, offset / chunk_size_bytes_, count);
    }

    void finish() override {
        flush();
        pipeline_.drain();
        is_finished_ = true;
    }

private:
    void check_range(std::uint64_t offset, std::uint64_t length) {
        ENTREPOT_CHECK(!is_finished_ && offset % chunk_size_bytes_ == 0 && offset >= next_offset_ &&
                       offset <= disk_size_bytes_ && length <= disk_size_bytes_ - offset);
        ENTREPOT_CHECK(length % chunk_size_bytes_ == 0 || offset + length == disk_size_bytes_);
        next_offset_ = offset + length;
    }

    void flush() {
        if (batch_.empty()) return;
        pipeline_.submit(receiver_, batch_start_ / chunk_size_bytes_, batch_);
        batch_.clear();
    }

    ChunkPipeline& pipeline_;
    MapReceiver& receiver_;
    std::uint64_t disk_size_bytes_;
    std::uint32_t chunk_size_bytes_;
    bool& is_finished_;
    Bytes batch_;
    std::uint64_t batch_start_ = 0;
    std::uint64_t batch_end_ = 0;
    std::uint64_t next_offset_ = 0;
};

struct DiskUnderWay {
    DiskSummary summary;
    std::shared_ptr<const MapView> base;  // Shared with the map writers on top of it.
    struct Side {
        std::unique_ptr<MapReceiver> receiver;
        bool is_finished = false;
        std::optional<WrittenMap> written;
    };
    Side tracking;
    Side restore;
};

class LocalPointWriter final : public PointWriter {
public:
    LocalPointWriter(std::shared_ptr<RepositoryCore> core, const PointDraft& draft)
        : core_(std::move(core)), session_(core_->sessions.enter(SessionKind::writer)) {
        PointId id;
        core_->environment.random.fill(id.bytes);
        content_.summary.id = id.hex();
        content_.summary.draft = draft;
        point_ = id;
        if (!draft.base_point.empty()) {
            base_ = pin_point(*core_, *session_, draft.base_point);
        }
        core_->catalog->add_session({content_.summary.id, "ingest"});
        pipeline_.emplace(
            PipelineParts{core_->store, *core_->catalog, *core_->packs, core_->redirects,
                          core_->environment.random, core_->keys, core_->compression_level},
            content_.summary.id, core_->config.chunk_size_bytes);
    }
    LocalPointWriter(const LocalPointWriter&) = delete;
    LocalPointWriter& operator=(const LocalPointWriter&) = delete;

    ~LocalPointWriter() override {
        pipeline_.reset();
        if (is_committed_) return;
        try {
            disks_.clear();
            // A commit that failed may have taken effect all the same: the row decides.
            if (core_->catalog->find_point(content_.summary.id)) return;
            remove_point_objects(core_->store, content_.summary.id, Maps::remove);
            core_->catalog->remove_session(content_.summary.id);
        } catch (...) {
            // The session's row is still there: the next start does this again.
        }
    }

    const std::string& id() const override { return content_.summary.id; }

    void add_disk(const DiskDraft& draft, std::optional<std::uint32_t> base_index) override {
        check_disk(draft);
        auto disk = std::make_unique<DiskUnderWay>();
        disk->summary.draft = draft;
        if (base_index) {
            if (!base_ || *base_index >= base_->maps.size()) {
                throw Error{ErrorCode::invalid,
                            fmt::format("the base point has no disk {}", *base_index)};
            }
            disk->base =
                MapView::open(core_->store, core_->keys, base_->maps[*base_index].tracking);
            if (disk->base->header().disk_size_bytes != draft.size_bytes) {
                throw Error{ErrorCode::conflict,
                            fmt::format("disk {} has {} bytes, its base has {}", draft.index,
                                        draft.size_bytes, disk->base->header().disk_size_bytes)};
            }
        }
        disks_.push_back(std::move(disk));
    }

    std::unique_ptr<DiskSink> open_sink(std::uint32_t index, View view) override {
        DiskUnderWay& disk = disk_at(index);
        DiskUnderWay::Side& side = view == View::tracking ? disk.tracking : disk.restore;
        ENTREPOT_CHECK(!side.receiver);
        if (view == View::tracking) ENTREPOT_CHECK(!disk.restore.receiver);
        std::shared_ptr<const MapView> base = disk.base;
        if (view == View::restore && disk.tracking.receiver) {
            ENTREPOT_CHECK(disk.tracking.is_finished);
            finish_side(disk.tracking);
            base = MapView::open(core_->store, core_->keys, disk.tracking.written->id);
        }
        side.receiver = std::make_unique<MapReceiver>(make_map(disk, std::move(base)));
        return std::make_unique<Sink>(*pipeline_, *side.receiver, disk.summary.draft.size_bytes,
                                      core_->config.chunk_size_bytes, side.is_finished);
    }

    void set_sha256(std::uint32_t index, std::string sha256) override {
        disk_at(index).summary.sha256 = std::move(sha256);
    }

    void add_file(const std::string& name, ByteView content) override {
        if (content.size() > limits::kFileBytesMax || files_.size() >= limits::kFilesMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("file '{}' of {} bytes is beyond the bounds of a point", name,
                                    content.size())};
        }
        const std::uint32_t chunk_size = core_->config.chunk_size_bytes;
        files_.push_back(std::make_unique<FileReceiver>(name, content.size(), chunk_size));
        const std::size_t batch_bytes = ChunkPipeline::kBatchChunksMax * chunk_size;
        std::uint64_t first_chunk = 0;
        while (!content.empty()) {
            const ByteView part = content.first(std::min(content.size(), batch_bytes));
            Bytes batch(part.begin(), part.end());
            pipeline_->submit(*files_.back(), first_chunk, batch);
            first_chunk += ChunkPipeline::kBatchChunksMax;
            content = content.subspan(part.size());
        }
    }

    PointSummary commit() override {
        ENTREPOT_CHECK(!is_committed_);
        pipeline_->finish();
        for (const auto& disk : disks_)
            finish_disk(*disk);
        for (const auto& file : files_) {
            content_.files.push_back(file->file());
            content_.summary.unique_bytes += file->new_stored_bytes();
        }
        const std::scoped_lock lock{core_->commit_mutex};
        content_.summary.sequence = core_->catalog->next_sequence(0);
        const TimeState time = core_->time.read();
        content_.summary.time = time.wall;
        content_.summary.trusted_time = time.now;
        link_to_previous();
        const Bytes manifest = encode_manifest(core_->environment.random, core_->keys, content_);
        core_->store.put(manifest_key(content_.summary.id), manifest);

        const PointDraft& draft = content_.summary.draft;
        core_->packs->note_revived(
            core_->catalog->commit_point({.id = content_.summary.id,
                                          .sequence = content_.summary.sequence,
                                          .vm_id = draft.vm_id,
                                          .vm_name = draft.vm_name,
                                          .body = dump_json(to_json(content_)),
                                          .manifest_digest = sha256(manifest).hex()},
                                         content_.summary.id, pipeline_->referenced_packs()));
        is_committed_ = true;
        session_.reset();  // From here on the point keeps what it needs.
        return content_.summary;
    }

private:
    void check_disk(const DiskDraft& draft) const {
        const bool is_sane = draft.size_bytes > 0 &&
                             draft.size_bytes <= limits::kDiskSizeBytesMax &&
                             draft.index == disks_.size() && disks_.size() < limits::kDisksMax;
        if (is_sane) return;
        throw Error{ErrorCode::invalid,
                    fmt::format("disk {} of {} bytes cannot be number {} of a point", draft.index,
                                draft.size_bytes, disks_.size())};
    }

    DiskUnderWay& disk_at(std::uint32_t index) {
        ENTREPOT_CHECK(index < disks_.size());
        return *disks_[index];
    }

    std::unique_ptr<MapWriter> make_map(const DiskUnderWay& disk,
                                        std::shared_ptr<const MapView> base) {
        return std::make_unique<MapWriter>(
            core_->store, core_->environment.random, core_->keys, MapId{point_, map_count_++},
            core_->config.chunk_size_bytes, disk.summary.draft.size_bytes, std::move(base));
    }

    static void finish_side(DiskUnderWay::Side& side) {
        if (!side.written) side.written = side.receiver->writer().finish();
    }

    void finish_disk(DiskUnderWay& disk) {
        if (!disk.tracking.receiver && !disk.restore.receiver) {
            // Nothing was written: the base's content as it is, or a disk of zeros.
            disk.restore.receiver = std::make_unique<MapReceiver>(make_map(disk, disk.base));
            disk.restore.is_finished = true;
        }
        DiskMaps maps;
        std::uint64_t stored_chunks = 0;
        for (DiskUnderWay::Side* side : {&disk.tracking, &disk.restore}) {
            if (!side->receiver) continue;
            ENTREPOT_CHECK(side->is_finished);
            finish_side(*side);
            disk.summary.changed_bytes += side->written->changed_bytes;
            disk.summary.new_stored_bytes += side->receiver->new_stored_bytes();
            stored_chunks = side->written->stored_chunks;
        }
        const WrittenMap& restore =
            disk.restore.written ? *disk.restore.written : *disk.tracking.written;
        const WrittenMap& tracking =
            disk.tracking.written ? *disk.tracking.written : *disk.restore.written;
        maps.restore = restore.id;
        maps.tracking = tracking.id;
        maps.tracking_root = tracking.root.hex();
        disk.summary.root = restore.root.hex();
        disk.summary.has_tracking_map = maps.restore != maps.tracking;
        content_.summary.logical_bytes +=
            std::min(stored_chunks * core_->config.chunk_size_bytes, disk.summary.draft.size_bytes);
        content_.summary.unique_bytes += disk.summary.new_stored_bytes;
        content_.summary.disks.push_back(disk.summary);
        content_.maps.push_back(maps);
    }

    void link_to_previous() {
        // By its id only: another VM may have that for a name.
        for (const catalog::PointRow& row :
             core_->catalog->list_points({.vm = content_.summary.draft.vm_id})) {
            if (row.vm_id != content_.summary.draft.vm_id) continue;
            content_.previous_point = row.id;
            content_.previous_digest = row.manifest_digest;
        }
    }

    std::shared_ptr<RepositoryCore> core_;
    std::unique_ptr<Sessions::Guard> session_;
    PointContent content_;
    PointId point_;
    std::shared_ptr<const PointContent> base_;  // Shared with the session, which pins it.
    std::vector<std::unique_ptr<DiskUnderWay>> disks_;
    std::vector<std::unique_ptr<FileReceiver>> files_;
    std::uint32_t map_count_ = 0;
    bool is_committed_ = false;
    std::optional<ChunkPipeline> pipeline_;
};

}  // namespace

std::unique_ptr<PointWriter> make_point_writer(std::shared_ptr<RepositoryCore> core,
                                               const PointDraft& draft) {
    return std::make_unique<LocalPointWriter>(std::move(core), draft);
}

PointSummary summary_of(const catalog::PointRow& row) {
    PointSummary summary = immutable_summary_of(row);
    add_what_is_known(row, summary);
    return summary;
}

PointSummary immutable_summary_of(const catalog::PointRow& row) {
    return point_content_from(parse_json(row.body, "catalog row")).summary;
}

void add_what_is_known(const catalog::PointRow& row, PointSummary& summary) {
    const auto time_of = [](std::int64_t ms) { return WallTime{std::chrono::milliseconds{ms}}; };
    if (row.protected_until_ms) summary.protected_until = time_of(*row.protected_until_ms);
    summary.hold_reason = row.hold_reason;
    if (row.verified_ms) {
        const auto depth = verified_depth(row.verified_result);
        summary.verification = Verification{time_of(*row.verified_ms), depth ? "sound" : "damaged",
                                            depth ? std::string{to_string(*depth)} : ""};
    }
    summary.has_known_damage = row.is_damaged;
}

void remove_point_objects(object::Store& store, const std::string& point, Maps maps) {
    store.remove(manifest_key(point));
    if (maps == Maps::keep) return;
    const std::string prefix = point + "-";
    for (const std::string& name : store.list(object::Collection::maps)) {
        if (name.starts_with(prefix)) store.remove({object::Collection::maps, name});
    }
}

}  // namespace entrepot::repository
