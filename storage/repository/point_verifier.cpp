// Each stored chunk and each pack is checked once a run, however many points share it.
#include "storage/repository/point_verifier.h"

#include "storage/repository/limits.h"
#include "storage/repository/manifest.h"
#include "storage/repository/map_view.h"
#include "storage/repository/pinned_point.h"
#include "storage/repository/verify_progress.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace entrepot::repository {
namespace {

constexpr std::size_t kChunksAtOnce = 64;
/// So much is looked at again after a kill, at the most.
constexpr std::uint64_t kProgressBytes = 256 * kMiB;

bool is_damage(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::not_found || code == ErrorCode::io ||
           code == ErrorCode::limit || code == ErrorCode::unsupported;
}

void require_run_name(const std::string& name) {
    const bool is_good =
        name.size() <= limits::kVerificationNameMax &&
        name.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos;
    if (!is_good) {
        throw Error{ErrorCode::invalid, fmt::format("\"{:.80}\" names no verification", name)};
    }
}

// What is known of a pack in this run. There are as many as packs, so they are small.
struct PackCheck {
    std::string fault;  // Why the whole pack is unusable; empty if it is not.
    std::uint32_t generation = 0;
    std::vector<DamagedRange> damaged;
    SlotSet sound;                                // Decoded ones.
    std::map<std::uint32_t, std::string> faults;  // Decoded ones, and what is wrong with them.

    bool is_decoded(std::uint32_t slot) const {
        return sound.contains(slot) || faults.contains(slot);
    }
    std::string fault_of(std::uint32_t slot) const {
        const auto found = faults.find(slot);
        return found == faults.end() ? std::string{} : found->second;
    }
};

class Verifier {
public:
    Verifier(RepositoryCore& core, VerificationRun run, RateLimit* limit, const Work& work)
        : core_(core),
          depth_(run.depth),
          limit_(limit),
          work_(work),
          progress_(core.environment, core.paths, core.keys, run) {
        if (!run.points.empty() || depth_ == VerifyDepth::manifests) return;
        for (const catalog::PackRow& pack : core.catalog->list_packs()) {
            if (!is_readable(pack.state)) continue;
            total_bytes_ += depth_ == VerifyDepth::packs ? pack.size_bytes : pack.plain_bytes;
        }
    }

    /// nullopt if the point was deleted meanwhile: nobody asks for it any more.
    std::optional<PointVerdict> verify(const catalog::PointRow& row) {
        const auto session = core_.sessions.enter(SessionKind::reader);
        verdict_ = {};
        verdict_.point = row.id;
        try {
            const Bytes bytes =
                core_.store.read_whole(manifest_key(row.id), limits::kManifestBytesMax);
            const auto content =
                std::make_shared<const PointContent>(decode_manifest(core_.keys, row.id, bytes));
            session->pin(content);
            require_point(core_, row.id);
            if (sha256(bytes).hex() != row.manifest_digest) {
                add_damage(0, 0, 0, "the manifest is not the one that was committed");
            }
            for (std::size_t i = 0; i < content->maps.size(); ++i)
                verify_disk(*content, i);
            for (const PointFile& file : content->files)
                verify_file(file);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            const auto now = core_.catalog->find_point(row.id);
            if (!now || now->is_deleting) return std::nullopt;
            add_damage(0, 0, 0, error.what());
        }
        verdict_.is_sound = verdict_.damage.empty();
        return verdict_;
    }

    /// The run came to its end.
    void finish() { progress_.finish(); }

    /// All that were found in this run.
    const std::vector<IndexEntry>& damaged_chunks() const { return damaged_chunks_; }

private:
    void add_damage(std::uint32_t disk, std::uint64_t offset, std::uint64_t length,
                    const std::string& reason) {
        if (!verdict_.damage.empty()) {
            Damage& last = verdict_.damage.back();
            const bool is_next = last.disk == disk && last.offset + last.length == offset &&
                                 last.reason == reason && length > 0;
            if (is_next) {
                last.length += length;
                return;
            }
        }
        verdict_.damage.push_back({disk, offset, length, reason});
    }

    void verify_disk(const PointContent& content, std::size_t i) {
        const auto disk = static_cast<std::uint32_t>(i);
        const std::uint64_t size_bytes = content.summary.disks[i].draft.size_bytes;
        const DiskMaps& maps = content.maps[i];
        verify_view(disk, size_bytes, maps.restore, content.summary.disks[i].root);
        if (maps.tracking != maps.restore) {
            verify_view(disk, size_bytes, maps.tracking, maps.tracking_root);
        }
    }

    void verify_view(std::uint32_t disk, std::uint64_t size_bytes, const MapId& map,
                     const std::string& root) {
        std::shared_ptr<const MapView> view;
        try {
            view = MapView::open(core_.store, core_.keys, map);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            add_damage(disk, 0, size_bytes, error.what());
            return;
        }
        if (view->header().disk_size_bytes != size_bytes) {
            add_damage(disk, 0, size_bytes, fmt::format("map {} is of another size", map.name()));
            return;
        }
        RootHasher hasher{view->header()};
        const Digest zero_hash = zero_span_hash(kSpanChunks);
        bool is_readable = true;
        for (std::uint32_t span = 0; span < view->header().span_count(); ++span) {
            if (span % 64 == 0) work_.throw_if_stopped();
            const std::uint32_t count = view->header().chunks_in(span);
            if (view->nearest(span) == view->chain().size()) {
                hasher.add(count == kSpanChunks ? zero_hash : zero_span_hash(count));
            } else {
                is_readable = verify_span(disk, *view, span, hasher) && is_readable;
            }
        }
        if (is_readable && hasher.finish().hex() != root) {
            add_damage(disk, 0, size_bytes,
                       fmt::format("map {} does not have the root of the manifest", map.name()));
        }
    }

    bool verify_span(std::uint32_t disk, const MapView& view, std::uint32_t span,
                     RootHasher& hasher) {
        const MapHeader& header = view.header();
        const std::uint64_t offset = std::uint64_t{span} * kSpanChunks * header.chunk_size_bytes;
        try {
            const std::vector<MapEntry> entries = view.resolve(span);
            hasher.add(span_hash(entries));
            verify_entries(disk, header, offset, entries);
            return true;
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            const std::uint64_t length =
                std::uint64_t{header.chunks_in(span)} * header.chunk_size_bytes;
            add_damage(disk, offset, std::min(length, header.disk_size_bytes - offset),
                       error.what());
            return false;
        }
    }

    void verify_entries(std::uint32_t disk, const MapHeader& header, std::uint64_t offset,
                        const std::vector<MapEntry>& entries) {
        if (depth_ == VerifyDepth::data) decode_entries(header, offset, entries);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (entries[i].state != MapEntry::State::stored) continue;
            const std::uint64_t start = offset + i * header.chunk_size_bytes;
            const std::uint64_t length =
                std::min<std::uint64_t>(header.chunk_size_bytes, header.disk_size_bytes - start);
            const std::string fault = check_chunk(entries[i].id, entries[i].address, length);
            if (!fault.empty()) add_damage(disk, start, length, fault);
        }
    }

    void verify_file(const PointFile& file) {
        for (const FileChunk& chunk : file.chunks) {
            if (chunk.id == ShortId{}) continue;
            const std::string fault = check_chunk(chunk.id, chunk.address, chunk.length);
            if (!fault.empty()) {
                add_damage(0, 0, 0, fmt::format("file '{}': {}", file.name, fault));
            }
        }
    }

    // Decodes what this run has not seen, in pieces that keep all threads busy.
    void decode_entries(const MapHeader& header, std::uint64_t offset,
                        const std::vector<MapEntry>& entries) {
        std::vector<ChunkRequest> requests;
        buffer_.resize(kChunksAtOnce * header.chunk_size_bytes);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            const MapEntry& entry = entries[i];
            if (entry.state != MapEntry::State::stored) continue;
            const PackCheck& pack = pack_of(entry.address.pack);
            if (!pack.fault.empty() || pack.is_decoded(entry.address.slot)) continue;
            const std::uint64_t start = offset + i * header.chunk_size_bytes;
            const auto length = static_cast<std::size_t>(
                std::min<std::uint64_t>(header.chunk_size_bytes, header.disk_size_bytes - start));
            const std::size_t place = requests.size() * header.chunk_size_bytes;
            requests.push_back(
                {entry.id, entry.address, MutableByteView{buffer_}.subspan(place, length)});
            if (requests.size() == kChunksAtOnce) decode(requests);
        }
        if (!requests.empty()) decode(requests);
    }

    void decode(std::vector<ChunkRequest>& requests) {
        work_.throw_if_stopped();
        core_.reader->read(requests, Copies::addressed);
        std::uint64_t bytes = 0;
        for (const ChunkRequest& request : requests) {
            PackCheck& pack = pack_of(request.address.pack);
            if (request.damage.empty()) {
                pack.sound.add(request.address.slot);
                progress_.note(request.address.pack, {pack.generation, pack.sound});
            } else {
                pack.faults[request.address.slot] = request.damage;
            }
            bytes += request.target.size();
        }
        requests.clear();
        pass(bytes);
    }

    // So many more bytes were looked at.
    void pass(std::uint64_t bytes) {
        done_bytes_ += bytes;
        unwritten_bytes_ += bytes;
        if (unwritten_bytes_ >= kProgressBytes) {
            progress_.flush();
            unwritten_bytes_ = 0;
        }
        report();
        if (limit_ != nullptr) limit_->take(bytes, work_.stop);
        work_.throw_if_stopped();
    }

    // Chunks of files count, and dead ones do not: the total is nearly right.
    void report() {
        const std::uint64_t total = total_bytes_ == 0 ? 0 : std::max(total_bytes_, done_bytes_);
        work_.progress.report("verify", done_bytes_, total);
    }

    // Empty if the chunk is sound. What is damaged here and sound elsewhere is no damage of a
    // point, since a read finds the other copy; the slot is quarantined all the same.
    std::string check_chunk(const ShortId& id, const SlotAddress& address, std::uint64_t length) {
        PackCheck& pack = pack_of(address.pack);
        std::string fault = pack.fault;
        if (fault.empty() && depth_ != VerifyDepth::manifests)
            fault = check_slot(pack, id, address, length);
        // Without looking at the content only what was found before tells.
        if (fault.empty() && depth_ != VerifyDepth::data && core_.packs->is_damaged(address)) {
            fault = fmt::format("slot {} of pack {} was found damaged", address.slot,
                                address.pack.hex());
        }
        if (depth_ == VerifyDepth::data && pack.fault.empty()) {
            if (!pack.is_decoded(address.slot)) decode_alone(id, address, length);
            fault = pack.fault_of(address.slot);
        }
        if (fault.empty()) return fault;
        if (seen_damage_.insert({address.pack, address.slot}).second) {
            damaged_chunks_.push_back({id, address});
        }
        return has_other_copy(id, address, length) ? std::string{} : fault;
    }

    bool has_other_copy(const ShortId& id, const SlotAddress& address, std::uint64_t length) {
        std::vector<SlotAddress> copies = core_.packs->redirects(address);
        const std::vector<SlotAddress> hints = core_.packs->find_copies(id);
        copies.insert(copies.end(), hints.begin(), hints.end());
        return std::ranges::any_of(copies, [&](const SlotAddress& copy) {
            if (copy == address) return false;
            Bytes content(static_cast<std::size_t>(length));
            std::vector<ChunkRequest> requests;
            requests.push_back({id, copy, content});
            core_.reader->read(requests, Copies::addressed);
            return requests.front().damage.empty();
        });
    }

    void decode_alone(const ShortId& id, const SlotAddress& address, std::uint64_t length) {
        buffer_.resize(static_cast<std::size_t>(length));
        std::vector<ChunkRequest> requests;
        requests.push_back({id, address, buffer_});
        decode(requests);
    }

    // A digest covers many slots: which of them is damaged, its decoding says. Otherwise a point
    // whose lost chunk is healed elsewhere would stay damaged for the slot's neighbours.
    std::string check_slot(PackCheck& pack, const ShortId& id, const SlotAddress& address,
                           std::uint64_t length) {
        const auto reader = reader_of(address.pack, pack);
        if (!reader) return pack.fault;
        const PackSlot* slot = reader->find(address.slot);
        if (slot == nullptr || short_id(slot->id) != id) {
            return fmt::format("pack {} does not hold the chunk in slot {}", address.pack.hex(),
                               address.slot);
        }
        for (const DamagedRange& range : pack.damaged) {
            // Ranges are those of the generation that was looked at.
            const bool is_apart = reader->header().generation == pack.generation &&
                                  (slot->offset + slot->size_bytes() <= range.offset ||
                                   range.offset + range.length <= slot->offset);
            if (is_apart) continue;
            if (!pack.is_decoded(address.slot)) decode_alone(id, address, length);
            if (pack.fault_of(address.slot).empty()) return {};
            return fmt::format("pack {}: the digest of {} bytes at {} differs", address.pack.hex(),
                               range.length, range.offset);
        }
        return {};
    }

    PackCheck& pack_of(const PackId& pack) {
        const auto known = packs_.find(pack);
        if (known != packs_.end()) return known->second;
        PackCheck& check = packs_[pack];
        // Gc may exchange the generation while we look: then the row tells another one.
        std::optional<std::uint32_t> generation;
        for (;;) {
            const auto row = core_.catalog->find_pack(pack.hex());
            if (!row || !is_readable(row->state)) {
                check.fault = fmt::format("pack {} is not in the catalog", pack.hex());
                return check;
            }
            if (generation == row->generation) return check;
            generation = row->generation;
            check = {};
            check.generation = row->generation;
            look_at_pack(check, *row);
            if (check.fault.empty()) return check;
        }
    }

    void look_at_pack(PackCheck& check, const catalog::PackRow& row) {
        const PackId pack = PackId::from_hex_text(row.id);
        const object::Key key = pack_key(pack, row.generation);
        const auto size_bytes = core_.store.find_size(key);
        if (!size_bytes) require_volume();
        if (!size_bytes || *size_bytes != row.size_bytes) {
            check.fault = size_bytes ? fmt::format("pack {} has {} bytes, should have {}", key.name,
                                                   *size_bytes, row.size_bytes)
                                     : fmt::format("pack {} is missing", key.name);
            return;
        }
        if (depth_ != VerifyDepth::manifests) check_pack(check, key, pack);
    }

    // A volume that went away is no damage of every point on it.
    void require_volume() {
        if (core_.environment.file_system.exists(core_.paths.config())) return;
        throw Error{
            ErrorCode::unreachable,
            fmt::format("the repository is not in {} any more", core_.paths.directory.string()),
            "is the volume mounted?"};
    }

    void check_pack(PackCheck& check, const object::Key& key, const PackId& pack) {
        work_.throw_if_stopped();
        try {
            const SlotSet known = progress_.known(pack, check.generation);
            // Decoding finds all that the digests find.
            if (depth_ == VerifyDepth::packs) {
                check_digests(check, key, pack, known);
            } else {
                check.sound = known;
                done_bytes_ += known.count() * core_.config.chunk_size_bytes;
            }
            // Header and table as they are on the disk, not as they were when somebody read them.
            core_.packs->forget(pack);
            reader_ = core_.packs->open(pack);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            check.fault = error.what();
        }
    }

    // Of a pack whose digests are right, the first bit says so.
    void check_digests(PackCheck& check, const object::Key& key, const PackId& pack,
                       const SlotSet& known) {
        const auto object = core_.store.open(key);
        if (known.contains(0)) {
            done_bytes_ += object->size_bytes();
            return;
        }
        check.damaged = check_pack_digests(*object, pack);
        if (check.damaged.empty()) {
            SoundSlots sound{check.generation, {}};
            sound.slots.add(0);
            progress_.note(pack, sound);
        }
        pass(object->size_bytes());
    }

    // Null, with the pack's fault, where it can't be opened any more. Chunks of one pack mostly
    // follow each other, so the last one is kept.
    std::shared_ptr<const PackReader> reader_of(const PackId& pack, PackCheck& check) {
        if (reader_ && reader_->header().pack == pack) return reader_;
        try {
            reader_ = core_.packs->open(pack);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            reader_ = nullptr;
            check.fault = error.what();
        }
        return reader_;
    }

    RepositoryCore& core_;
    VerifyDepth depth_;
    RateLimit* limit_;
    Work work_;
    VerifyProgress progress_;
    std::shared_ptr<const PackReader> reader_;
    PointVerdict verdict_;
    std::unordered_map<PackId, PackCheck, IdHash> packs_;
    std::set<std::pair<PackId, std::uint32_t>> seen_damage_;
    std::vector<IndexEntry> damaged_chunks_;
    Bytes buffer_;
    std::uint64_t done_bytes_ = 0;
    std::uint64_t total_bytes_ = 0;  // 0: nobody knows.
    std::uint64_t unwritten_bytes_ = 0;
};

// What was proven stays known when somebody looks less closely and finds nothing.
bool is_less_than_known(const catalog::PointRow& point, const PointVerdict& verdict,
                        VerifyDepth depth) {
    const auto known = verified_depth(point.verified_result);
    return verdict.is_sound && !point.is_damaged && known && *known > depth;
}

}  // namespace

std::string_view to_string(VerifyDepth depth) {
    switch (depth) {
        case VerifyDepth::manifests:
            return "manifests";
        case VerifyDepth::packs:
            return "packs";
        case VerifyDepth::data:
            break;
    }
    return "data";
}

std::optional<VerifyDepth> verify_depth_from(std::string_view name) {
    for (const VerifyDepth depth :
         {VerifyDepth::manifests, VerifyDepth::packs, VerifyDepth::data}) {
        if (name == to_string(depth)) return depth;
    }
    return std::nullopt;
}

std::string verified_text(bool is_sound, VerifyDepth depth) {
    if (!is_sound) return "damaged";
    if (depth == VerifyDepth::manifests) return "sound";
    return depth == VerifyDepth::packs ? "sound packs" : "sound data";
}

std::optional<VerifyDepth> verified_depth(std::string_view text) {
    if (text == "sound data") return VerifyDepth::data;
    if (text == "sound packs") return VerifyDepth::packs;
    return text == "sound" ? std::optional{VerifyDepth::manifests} : std::nullopt;
}

std::vector<PointVerdict> verify_points(RepositoryCore& core,
                                        const std::vector<catalog::PointRow>& points,
                                        VerificationRun run, RateLimit* limit, const Work& work) {
    require_run_name(run.id);
    forget_old_verifications(core.environment, core.paths, core.keys);
    const VerifyDepth depth = run.depth;
    Verifier verifier{core, std::move(run), limit, work};
    std::vector<PointVerdict> verdicts;
    std::size_t quarantined = 0;
    for (const catalog::PointRow& point : points) {
        work.throw_if_stopped();
        auto found = verifier.verify(point);
        if (!found) continue;
        verdicts.push_back(std::move(*found));
        const PointVerdict& verdict = verdicts.back();
        const std::int64_t now_ms = core.environment.clock.wall_now().time_since_epoch().count();
        // A shallow look that finds nothing does not clear what a deep one found.
        const bool is_damaged =
            !verdict.is_sound || (point.is_damaged && depth != VerifyDepth::data);
        if (!is_less_than_known(point, verdict, depth)) {
            core.catalog->set_verified(point.id, now_ms, verified_text(verdict.is_sound, depth),
                                       is_damaged);
        }
        const auto& damaged = verifier.damaged_chunks();
        if (damaged.size() > quarantined) {
            core.packs->mark_damaged(
                {damaged.begin() + static_cast<std::ptrdiff_t>(quarantined), damaged.end()});
        }
        quarantined = damaged.size();
    }
    verifier.finish();
    return verdicts;
}

}  // namespace entrepot::repository
