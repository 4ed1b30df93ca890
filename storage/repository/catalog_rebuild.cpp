// What the objects say is the truth; the catalog only says it faster.
#include "storage/repository/catalog_rebuild.h"

#include "storage/repository/limits.h"
#include "storage/repository/manifest.h"
#include "storage/repository/map_view.h"
#include "storage/repository/point_marks.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

namespace entrepot::repository {
namespace {

bool is_damage(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::not_found || code == ErrorCode::limit ||
           code == ErrorCode::unsupported;
}

catalog::PackRow row_of(const PackReader& pack) {
    catalog::PackRow row{.id = pack.header().pack.hex(),
                         .generation = pack.header().generation,
                         .state = catalog::PackState::live,
                         .size_bytes = pack.size_bytes(),
                         .slot_count = pack.slots().size()};
    for (const PackSlot& slot : pack.slots())
        row.plain_bytes += slot.plain_length;
    return row;
}

// The highest generation that can be opened.
void adopt_packs(RepositoryCore& core, catalog::Catalog& fresh, const Work& work) {
    std::map<PackId, std::vector<std::uint32_t>> generations;
    for (const std::string& name : core.store.list(object::Collection::packs)) {
        if (const auto parsed = parse_pack_name(name)) {
            generations[parsed->pack].push_back(parsed->generation);
        }
    }
    for (auto& [pack, numbers] : generations) {
        work.throw_if_stopped();
        std::ranges::sort(numbers, std::greater{});
        for (const std::uint32_t generation : numbers) {
            try {
                fresh.put_pack(row_of({core.store, core.keys, pack, generation}));
                break;
            } catch (const Error& error) {
                if (!is_damage(error.code())) throw;
                core.environment.log.error("a pack is damaged and left out",
                                           {{"pack", pack.hex()}, {"error", error.what()}});
            }
        }
    }
}

// The packs that the views of a point refer to; where a chunk was stored anew, the new ones.
std::set<PackId> packs_of(RepositoryCore& core, const PointContent& content) {
    std::set<PackId> packs;
    const auto add = [&](const SlotAddress& place) {
        const std::vector<SlotAddress> places = core.redirects.places(place);
        packs.insert(places.empty() ? place.pack : places.back().pack);
    };
    for (const DiskMaps& maps : content.maps) {
        for (const MapId& map : {maps.restore, maps.tracking}) {
            const auto view = MapView::open(core.store, core.keys, map);
            for (std::uint32_t span = 0; span < view->header().span_count(); ++span) {
                if (view->nearest(span) == view->chain().size()) continue;
                for (const MapEntry& entry : view->resolve(span)) {
                    if (entry.state == MapEntry::State::stored) add(entry.address);
                }
            }
        }
    }
    for (const PointFile& file : content.files) {
        for (const FileChunk& chunk : file.chunks) {
            if (chunk.id != ShortId{}) add(chunk.address);
        }
    }
    return packs;
}

using RowsById = std::map<std::string, catalog::PointRow>;

// What the catalog knows and no object tells, or may tell no more: which points were verified, and
// how it ended, which are being deleted, and which may not be.
RowsById known_rows(RepositoryCore& core) {
    RowsById rows;
    try {
        for (catalog::PointRow& row : core.catalog->list_points()) {
            const bool is_kept = row.protected_until_ms || !row.hold_reason.empty();
            if (row.verified_ms || row.is_deleting || is_kept) {
                rows.emplace(row.id, std::move(row));
            }
        }
    } catch (const Error& error) {
        core.environment.log.warning("what was verified is not known any more",
                                     {{"error", error.what()}});
    }
    return rows;
}

// A mark that can't be read loses no point, and gives none up to be deleted.
PointMark mark_of(RepositoryCore& core, const std::string& id, const RowsById& rows) {
    try {
        return read_mark(core.store, core.keys, id);
    } catch (const Error& error) {
        if (!is_damage(error.code())) throw;
        core.environment.log.error("a point is held: its mark is damaged",
                                   {{"point", id}, {"error", error.what()}});
        const auto known = rows.find(id);
        PointMark mark;
        if (known != rows.end()) {
            mark = {known->second.protected_until_ms, known->second.hold_reason};
        }
        if (mark.hold_reason.empty()) {
            mark.hold_reason = "its mark is damaged: nobody knows whether it was protected or held";
        }
        return mark;
    }
}

std::optional<catalog::PointRow> adoptable(RepositoryCore& core, catalog::Catalog& fresh,
                                           const PointContent& content, ByteView manifest,
                                           const RowsById& rows) {
    const std::string& id = content.summary.id;
    for (const PackId& pack : packs_of(core, content)) {
        if (fresh.find_pack(pack.hex())) continue;
        core.environment.log.error("a point is left out: a pack is missing",
                                   {{"point", id}, {"pack", pack.hex()}});
        return std::nullopt;
    }
    const PointMark mark = mark_of(core, id, rows);
    return catalog::PointRow{.id = id,
                             .sequence = content.summary.sequence,
                             .vm_id = content.summary.draft.vm_id,
                             .vm_name = content.summary.draft.vm_name,
                             .body = dump_json(to_json(content)),
                             .manifest_digest = sha256(manifest).hex(),
                             .protected_until_ms = mark.protected_until_ms,
                             .hold_reason = mark.hold_reason};
}

// No object tells it: forgotten, a damaged slot would be taken for a sound copy again.
void adopt_damage(RepositoryCore& core, catalog::Catalog& fresh) {
    std::vector<catalog::DamagedSlot> slots;
    for (const IndexEntry& chunk : core.packs->damaged_slots())
        slots.push_back({chunk.address.pack.hex(), chunk.address.slot, chunk.id.hex()});
    if (!slots.empty()) fresh.add_damaged_slots(slots);
}

// Returns the number of the newest.
std::uint64_t adopt_points(RepositoryCore& core, catalog::Catalog& fresh, const Work& work) {
    const RowsById rows = known_rows(core);
    std::uint64_t sequence_max = 0;
    for (const std::string& id : core.store.list(object::Collection::manifests)) {
        work.throw_if_stopped();
        try {
            const Bytes bytes = core.store.read_whole(manifest_key(id), limits::kManifestBytesMax);
            const PointContent content = decode_manifest(core.keys, id, bytes);
            sequence_max = std::max(sequence_max, content.summary.sequence);
            auto row = adoptable(core, fresh, content, bytes, rows);
            if (!row) continue;
            if (const auto known = rows.find(id); known != rows.end()) {
                row->is_deleting = known->second.is_deleting;
                row->is_damaged = known->second.is_damaged;
                row->verified_ms = known->second.verified_ms;
                row->verified_result = known->second.verified_result;
            }
            fresh.add_point(*row);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            core.environment.log.error("a point is left out",
                                       {{"point", id}, {"error", error.what()}});
        }
    }
    return sequence_max;
}

std::filesystem::path fresh_catalog(const RepositoryCore& core) {
    std::filesystem::path path = core.paths.catalog();
    path += ".fresh";
    return path;
}

}  // namespace

void remove_unfinished_catalog(RepositoryCore& core) {
    std::filesystem::path journal = fresh_catalog(core);
    journal += "-journal";
    core.environment.file_system.remove(journal);
    core.environment.file_system.remove(fresh_catalog(core));
}

std::uint64_t remake_catalog(RepositoryCore& core, const Work& work) {
    remove_unfinished_catalog(core);
    std::uint64_t count = 0;
    {
        const auto fresh = catalog::Catalog::open(fresh_catalog(core));
        adopt_damage(core, *fresh);
        adopt_packs(core, *fresh, work);
        const std::uint64_t sequence_max = adopt_points(core, *fresh, work);
        // Numbers that were given to points which are gone must not come again, either.
        fresh->next_sequence(std::max(sequence_max, core.catalog->next_sequence(0)));
        count = fresh->list_point_ids().size();
        fresh->mark_complete();
    }
    core.replace_catalog(fresh_catalog(core));
    return count;
}

bool is_catalog_behind(RepositoryCore& core) {
    const std::vector<std::string> ids = core.catalog->list_point_ids();
    const std::set<std::string> known{ids.begin(), ids.end()};
    std::optional<std::uint64_t> next;
    for (const std::string& id : core.store.list(object::Collection::manifests)) {
        if (known.contains(id)) continue;
        try {
            // A commit takes its number before it writes the manifest: a manifest with a number
            // that this catalog has not given yet was made with a later one.
            const PointContent content = read_manifest(core.store, core.keys, id);
            if (!next) next = core.catalog->next_sequence(0);
            if (content.summary.sequence >= *next) return true;
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
        }
    }
    return false;
}

void fill_index(RepositoryCore& core, const Work& work) {
    for (const catalog::PackRow& row : core.catalog->list_packs()) {
        work.throw_if_stopped();
        if (!is_readable(row.state)) continue;
        try {
            const auto pack = core.packs->open(PackId::from_hex_text(row.id));
            std::vector<IndexEntry> entries;
            for (const PackSlot& slot : pack->slots()) {
                const SlotAddress address{pack->header().pack, slot.number};
                if (!core.packs->is_damaged(address))
                    entries.push_back({short_id(slot.id), address});
            }
            core.index->put(entries);
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            core.environment.log.warning("a damaged pack is not indexed",
                                         {{"pack", row.id}, {"error", error.what()}});
        }
    }
}

namespace {

// One that failed: it runs no more, and its row tells the next start or gc to clean up after it.
bool has_failed_gc(catalog::Catalog& catalog) {
    return std::ranges::any_of(catalog.list_sessions(),
                               [](const catalog::SessionRow& row) { return row.kind == "gc"; });
}

// Empty if there is none, or if somebody changed the pack while we looked.
std::string pack_difference(RepositoryCore& core, const catalog::PackRow& row,
                            const object::Key& key) {
    const auto size_bytes = core.store.find_size(key);
    if (size_bytes == row.size_bytes) return {};
    const auto now = core.catalog->find_pack(row.id);
    const bool is_same = now && now->generation == row.generation && is_readable(now->state);
    if (!is_same) return {};
    if (!size_bytes) return fmt::format("Pack {} is in the catalog only.", key.name);
    return fmt::format("Pack {} has {} bytes, the catalog says {}.", key.name, *size_bytes,
                       row.size_bytes);
}

bool is_stray(RepositoryCore& core, const std::string& name) {
    const auto parsed = parse_pack_name(name);
    const auto row = parsed ? core.catalog->find_pack(parsed->pack.hex()) : std::nullopt;
    if (row && row->generation == parsed->generation) return false;
    // A backup that was cancelled meanwhile has removed the file first, and then the row.
    return core.store.find_size({object::Collection::packs, name}).has_value();
}

void find_strays(RepositoryCore& core, const std::set<std::string>& known,
                 std::vector<std::string>& differences) {
    // A gc has two generations of a pack there for a moment, and removes packs.
    const std::uint64_t collections = core.sessions.collections_begun();
    if (core.sessions.is_collecting()) return;
    const char* why = has_failed_gc(*core.catalog)
                          ? " A gc that failed may have left it; the next one removes it."
                          : "";
    std::vector<std::string> strays;
    for (const std::string& name : core.store.list(object::Collection::packs)) {
        if (known.contains(name) || !is_stray(core, name)) continue;
        strays.push_back(fmt::format("Pack {} is not in the catalog.{}", name, why));
    }
    if (core.sessions.collections_begun() != collections) return;
    std::ranges::move(strays, std::back_inserter(differences));
}

void compare_packs(RepositoryCore& core, const Work& work, std::vector<std::string>& differences) {
    std::set<std::string> known;
    for (const catalog::PackRow& row : core.catalog->list_packs()) {
        work.throw_if_stopped();
        if (!is_readable(row.state)) continue;  // Being written by a session, or removed by gc.
        const object::Key key = pack_key(PackId::from_hex_text(row.id), row.generation);
        known.insert(key.name);
        std::string difference = pack_difference(core, row, key);
        if (!difference.empty()) differences.push_back(std::move(difference));
    }
    find_strays(core, known, differences);
}

void compare_points(RepositoryCore& core, std::vector<std::string>& differences) {
    std::set<std::string> known;
    for (const catalog::PointRow& row : core.catalog->list_points()) {
        known.insert(row.id);
        try {
            const Bytes bytes =
                core.store.read_whole(manifest_key(row.id), limits::kManifestBytesMax);
            if (sha256(bytes).hex() != row.manifest_digest) {
                differences.push_back(
                    fmt::format("The manifest of point {} is not the one committed.", row.id));
            }
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            if (!core.catalog->find_point(row.id)) continue;  // Deleted since.
            differences.push_back(fmt::format("Point {} has no manifest.", row.id));
        }
    }
    for (const catalog::SessionRow& row : core.catalog->list_sessions())
        known.insert(row.id);
    for (const std::string& id : core.store.list(object::Collection::manifests)) {
        if (known.contains(id) || core.catalog->find_point(id)) continue;
        differences.push_back(fmt::format("Point {} is not in the catalog.", id));
    }
}

}  // namespace

std::vector<std::string> compare_catalog(RepositoryCore& core, const Work& work) {
    std::vector<std::string> differences;
    compare_packs(core, work, differences);
    compare_points(core, differences);
    return differences;
}

}  // namespace entrepot::repository
