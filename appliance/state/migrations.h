// The schema of the state database, as the steps that lead to it.
#pragma once

#include <cstdint>
#include <span>

namespace entrepot::state {

/// The statements that lead from schema version - 1 to version, run in one transaction.
struct Migration {
    std::int64_t version = 0;
    std::span<const char* const> statements;
};

/// In ascending order without a gap; the last one's version is the schema's.
std::span<const Migration> state_migrations();

}  // namespace entrepot::state
