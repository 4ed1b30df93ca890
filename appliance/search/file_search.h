// Files by a part of their name, in all points that have an index.
#pragma once

#include "appliance/files/file_versions.h"
#include "appliance/search/index_block.h"
#include "appliance/search/index_store.h"
#include "storage/repository/repository.h"

#include "base/clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::search {

/// One file in the points that hold it unchanged, as far as name, size and time tell.
struct FoundFile {
    std::string host;
    std::string vm_id;
    std::string vm_name;  ///< As the newest of the points has it.
    std::string disk_id;
    std::uint32_t disk = 0;
    std::uint32_t volume = 0;
    std::string path;
    guest::FileKind kind = guest::FileKind::other;
    std::uint64_t size_bytes = 0;
    std::optional<WallTime> modified;
    std::vector<files::PointMoment> points;  ///< Newest first.

    bool is_same_file(const FoundFile& other) const;
};

struct SearchQuery {
    std::string name;                              ///< See NamePattern.
    std::vector<repository::PointSummary> points;  ///< Where to look; oldest first.
    std::size_t count_max = 100;
    std::string cursor;  ///< Of the page before; empty: from the beginning.
    /// After this time a page ends with what it has.
    std::chrono::milliseconds time_max{1'000};
};

struct SearchPage {
    /// By VM, disk, partition and about by path. A later page may have one of them again, in other
    /// points: where something changed beside it.
    std::vector<FoundFile> files;
    std::string next_cursor;          ///< Empty: that was all. A page without files may have one.
    std::size_t unindexed_count = 0;  ///< Points of the query that have no index.
};

/// Error{invalid} for a pattern or a cursor that is none, Error{corrupt} for a damaged index.
SearchPage search(IndexStore& store, Clock& clock, const SearchQuery& query);

}  // namespace entrepot::search
