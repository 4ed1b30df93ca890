// Marks what is seen through each map, not what the maps mention: a chunk that every view has
// overwritten is dead, although its map lives on as a parent.
#include "storage/repository/reachability.h"

#include "storage/repository/limits.h"
#include "storage/repository/manifest.h"
#include "storage/repository/map_view.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

class Marker {
public:
    Marker(RepositoryCore& core, const Work& work) : core_(core), work_(work) {}

    void mark_point(const std::string& id) {
        const PointContent content = read_manifest(core_.store, core_.keys, id);
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

    Reachable take() { return std::move(reachable_); }

private:
    void mark_view(const MapId& map) {
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

    RepositoryCore& core_;
    Work work_;
    Reachable reachable_;
    std::map<MapId, std::vector<bool>> done_;
};

}  // namespace

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

namespace {

// Where a point needs a place, it needs all that lead on from there.
void follow_redirects(const RedirectTable& redirects, Reachable& reachable) {
    if (const auto damaged = redirects.damaged_objects(); !damaged.empty()) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("the redirects {} are damaged: what they lead to is not known",
                                damaged.front()),
                    "bring the file back from a second copy of the repository"};
    }
    for (const Redirect& redirect : redirects.list()) {
        if (!reachable.is_reached(redirect.from)) continue;
        for (const SlotAddress& place : redirects.places(redirect.from))
            reachable.mark(place);
    }
}

}  // namespace

Reachable find_reachable(RepositoryCore& core, const Work& work) {
    Marker marker{core, work};
    std::set<std::string> known;
    for (const catalog::PointRow& row : core.catalog->list_points()) {
        known.insert(row.id);
        if (!row.is_deleting) marker.mark_point(row.id);
    }
    for (const std::string& id : core.store.list(object::Collection::manifests)) {
        if (known.contains(id)) continue;
        throw Error{ErrorCode::conflict,
                    fmt::format("point {} lies in the repository and not in the catalog", id),
                    "run 'entrepot catalog rebuild' first"};
    }
    Reachable reachable = marker.take();
    follow_redirects(core.redirects, reachable);
    return reachable;
}

}  // namespace entrepot::repository
