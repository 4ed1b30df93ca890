// Makes the log of a finished VHDX dirty: as if its host had lost power after it wrote the log and
// before it wrote the tables.
#pragma once

#include "tests/property/sequence.h"

#include <filesystem>

namespace entrepot::property {

struct LogFacts {
    /// Who takes no notice of the entries' Tail field replays too much, or too little.
    bool needs_tail = false;
};

/// Moves pages of the tables into entries of the log and spoils them in their places. The disk
/// stays the same for who replays the log. Requires an image with an empty log of at least 1 MiB.
LogFacts make_log_dirty(const std::filesystem::path& path, Chance& chance);

}  // namespace entrepot::property
