// Marks what is seen through each map, not what the maps mention: a chunk that every view has
// overwritten is dead, although its map lives on as a parent.
#include "storage/repository/reachability.h"

#include "storage/repository/limits.h"
#include "storage/repository/manifest.h"
#include "storage/repository/map_view.h"

#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

namespace entrepot::repository {
Roots read_roots(RepositoryCore& core) {
    Roots roots;
    // First: the maps of a session that ends meanwhile are then those of a point.
    roots.maps = core.store.list(object::Collection::maps);
    const std::scoped_lock lock{core.commit_mutex};
    roots.pinned = core.sessions.pinned_points();
    std::set<std::string> known;
    for (const catalog::SessionRow& row : core.catalog->list_sessions()) {
        known.insert(row.id);
        if (row.kind == "ingest") roots.writers.insert(row.id);
    }
    for (catalog::PointRow& row : core.catalog->list_points()) {
        known.insert(row.id);
        if (!row.is_deleting) roots.points.push_back(std::move(row));
    }
    for (const std::string& id : core.store.list(object::Collection::manifests)) {
        if (known.contains(id)) continue;
        throw Error{ErrorCode::conflict,
                    fmt::format("point {} lies in the repository and not in the catalog", id),
                    "run 'entrepot catalog rebuild' first"};
    }
    roots.packs = core.catalog->list_packs();
    return roots;
}

void Reachable::mark(const SlotAddress& address) {
    if (address.slot >= limits::kPackSlotsMax) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("slot {} of pack {} cannot be", address.slot, address.pack.hex())};
    }
    std::vector<bool>& marks = slots[address.pack];
    if (marks.size() <= address.slot) marks.resize(address.slot + 1);
    marks[address.slot] = true;
}

bool Reachable::is_reached(const SlotAddress& address) const {
    const auto found = slots.find(address.pack);
    return found != slots.end() && address.slot < found->second.size() &&
           found->second[address.slot];
}

void Marking::add(const Roots& roots) {
    for (const catalog::PointRow& row : roots.points)
        mark_point(row);
    for (const auto& content : roots.pinned) {
        if (points_.insert(content->summary.id).second) mark_content(*content);
    }
    follow_redirects();
}

void Marking::mark_point(const catalog::PointRow& row) {
    if (!points_.insert(row.id).second) return;
    try {
        mark_content(read_manifest(core_.store, core_.keys, row.id));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) throw;
        const auto now = core_.catalog->find_point(row.id);
        if (now && !now->is_deleting) throw;
        // Deleted since: what it reaches stays for this time, since somebody may have pinned it.
        mark_content(point_content_from(parse_json(row.body, "catalog row")));
    }
}

void Marking::mark_content(const PointContent& content) {
    for (const DiskMaps& maps : content.maps) {
        mark_view(maps.restore);
        if (maps.tracking != maps.restore) mark_view(maps.tracking);
    }
    for (const PointFile& file : content.files) {
        for (const FileChunk& chunk : file.chunks) {
            if (chunk.id != ShortId{}) reachable_.mark(chunk.address);
        }
    }
}

void Marking::mark_view(const MapId& map) {
    const auto view = MapView::open(core_.store, core_.keys, map);
    for (const auto& file : view->chain())
        reachable_.maps.insert(file->header().id);
    for (std::uint32_t span = 0; span < view->header().span_count(); ++span) {
        if (span % 64 == 0) work_.throw_if_stopped();
        const std::size_t nearest = view->nearest(span);
        if (nearest == view->chain().size()) continue;
        // Every view in which this map is the nearest shows the same span.
        std::vector<bool>& done = done_[view->chain()[nearest]->header().id];
        if (done.size() <= span) done.resize(view->header().span_count());
        if (done[span]) continue;
        done[span] = true;
        for (const MapEntry& entry : view->resolve(span)) {
            if (entry.state == MapEntry::State::stored) reachable_.mark(entry.address);
        }
    }
}

// Where a point needs a place, it needs all that lead on from there.
void Marking::follow_redirects() {
    if (const auto damaged = core_.redirects.damaged_objects(); !damaged.empty()) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("the redirects {} are damaged: what they lead to is not known",
                                damaged.front()),
                    "bring the file back from a second copy of the repository"};
    }
    for (const Redirect& redirect : core_.redirects.list()) {
        if (!reachable_.is_reached(redirect.from)) continue;
        for (const SlotAddress& place : core_.redirects.places(redirect.from))
            reachable_.mark(place);
    }
}

}  // namespace entrepot::repository
