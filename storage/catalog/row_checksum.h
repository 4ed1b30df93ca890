// SQLite does not notice a bit that rots in a row's content, and one is enough to make "is being
// deleted" of "is not". CRC-32C over all other columns.
#pragma once

#include "storage/catalog/catalog.h"

#include <cstdint>

namespace entrepot::catalog {

std::int64_t checksum_of(const PackRow& row);
std::int64_t checksum_of(const PointRow& row);

}  // namespace entrepot::catalog
