// What the points reach: the mark phase of gc.
#pragma once

#include "storage/repository/map_format.h"
#include "storage/repository/repository_core.h"

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace entrepot::repository {

struct Reachable {
    std::unordered_map<PackId, std::vector<bool>, IdHash> slots;  ///< By number.
    std::set<MapId> maps;

    void mark(const SlotAddress& address);
    bool is_reached(const SlotAddress& address) const;
};

/// What is there at one moment: no commit and no deletion came between its parts.
struct Roots {
    std::vector<catalog::PointRow> points;                    ///< Those that nobody is deleting.
    std::vector<std::shared_ptr<const PointContent>> pinned;  ///< Shared with the sessions.
    std::set<std::string>
        writers;  ///< Sessions that write: packs and maps of theirs are no garbage.
    std::vector<catalog::PackRow> packs;
    std::vector<std::string> maps;  ///< Names; listed before the rest.
};

/// Throws Error{conflict} for a manifest that the catalog does not know.
Roots read_roots(RepositoryCore& core);

/// Marks what roots reach; what was marked stays marked.
class Marking {
public:
    Marking(RepositoryCore& core, const Work& work) : core_(core), work_(work) {}

    /// Reads every manifest and every map that was not read yet, and follows redirects. Any doubt
    /// throws: a manifest or map that is missing or damaged.
    void add(const Roots& roots);
    const Reachable& reachable() const { return reachable_; }

private:
    void mark_point(const catalog::PointRow& row);
    void mark_content(const PointContent& content);
    void mark_view(const MapId& map);
    void follow_redirects();

    RepositoryCore& core_;
    Work work_;
    Reachable reachable_;
    std::set<std::string> points_;  // Marked already.
    std::map<MapId, std::vector<bool>> done_;
};

}  // namespace entrepot::repository
