// Summaries of points that were looked at lately. A console asks for the newest page again and
// again, and reading a row's JSON takes longer than all the rest of the answer.
#pragma once

#include "storage/catalog/catalog.h"
#include "storage/repository/repository.h"

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

namespace entrepot::repository {

/// A point never changes, what is known of it does: that is always the row's. Safe to share between
/// threads.
class SummaryCache {
public:
    explicit SummaryCache(std::size_t count_max) : count_max_(count_max) {}

    /// As summary_of(row).
    PointSummary get(const catalog::PointRow& row);
    std::size_t size() const;

private:
    struct Entry {
        std::string manifest_digest;  ///< Of the very point, whatever its row's id.
        PointSummary summary;         ///< Without what the row adds.
        std::list<std::string>::iterator place;
    };

    std::size_t count_max_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Entry> known_;
    std::list<std::string> recent_;  ///< Ids, the last used one first.
};

}  // namespace entrepot::repository
