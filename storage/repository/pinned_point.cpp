// Pinned first, then looked for again: a deletion that came in between is seen here, and one that
// comes later meets a gc that sees the pin.
#include "storage/repository/pinned_point.h"

#include "storage/repository/manifest.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::repository {

catalog::PointRow require_point(RepositoryCore& core, const std::string& id) {
    const auto row = core.catalog->find_point(id);
    if (!row || row->is_deleting) {
        throw Error{ErrorCode::not_found, fmt::format("there is no recovery point '{}'", id),
                    "entrepot point list shows them"};
    }
    return *row;
}

std::shared_ptr<const PointContent> pin_point(RepositoryCore& core, Sessions::Guard& session,
                                              const std::string& id) {
    require_point(core, id);
    std::shared_ptr<const PointContent> content;
    try {
        content = std::make_shared<const PointContent>(read_manifest(core.store, core.keys, id));
    } catch (const Error& error) {
        if (error.code() == ErrorCode::not_found) require_point(core, id);  // Deleted just now.
        throw;
    }
    session.pin(content);
    require_point(core, id);
    return content;
}

}  // namespace entrepot::repository
