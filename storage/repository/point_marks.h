// Protection and holds as objects, so that a rebuilt catalog knows them.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/repository_keys.h"

#include "base/random.h"

#include <cstdint>
#include <optional>
#include <string>

namespace entrepot::repository {

struct PointMark {
    std::optional<std::int64_t> protected_until_ms;
    std::string hold_reason;
};

/// Replaces the point's mark, durably.
void write_mark(object::Store& store, Random& random, const RepositoryKeys& keys,
                const std::string& point, const PointMark& mark);
/// An empty mark if there is none. Throws Error{corrupt}.
PointMark read_mark(object::Store& store, const RepositoryKeys& keys, const std::string& point);
void remove_mark(object::Store& store, const std::string& point);

}  // namespace entrepot::repository
