// Copies of the appliance's database in the repository, so that whoever has the repository and its
// key has everything. Follows the architecture, "Catalog and state".
#pragma once

#include "storage/object/store.h"
#include "storage/repository/repository.h"
#include "storage/repository/repository_keys.h"

#include "base/random.h"

#include <string>
#include <vector>

namespace entrepot::repository {

/// Which copies may go, given newest first: neither one of the last ten, nor a day's last one of
/// the last two weeks.
std::vector<std::string> superfluous_copies(const std::vector<StateCopy>& newest_first,
                                            WallTime now);

StateCopy write_state_copy(object::Store& store, Random& random, const RepositoryKeys& keys,
                           WallTime now, ByteView content);
/// Newest first.
std::vector<StateCopy> find_state_copies(object::Store& store);
Bytes read_state_copy(object::Store& store, const RepositoryKeys& keys, const std::string& name);

}  // namespace entrepot::repository
