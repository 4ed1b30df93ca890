// See summary_cache.h.
#include "storage/repository/summary_cache.h"

#include "storage/repository/point_writer.h"

#include <utility>

namespace entrepot::repository {

PointSummary SummaryCache::get(const catalog::PointRow& row) {
    {
        const std::scoped_lock lock{mutex_};
        const auto known = known_.find(row.id);
        if (known != known_.end() && known->second.manifest_digest == row.manifest_digest) {
            recent_.splice(recent_.begin(), recent_, known->second.place);
            PointSummary summary = known->second.summary;
            add_what_is_known(row, summary);
            return summary;
        }
    }
    PointSummary summary = immutable_summary_of(row);
    const std::scoped_lock lock{mutex_};
    if (const auto known = known_.find(row.id); known != known_.end()) {
        recent_.erase(known->second.place);
        known_.erase(known);
    }
    recent_.push_front(row.id);
    known_.insert({row.id, {row.manifest_digest, summary, recent_.begin()}});
    if (known_.size() > count_max_) {
        known_.erase(recent_.back());
        recent_.pop_back();
    }
    add_what_is_known(row, summary);
    return summary;
}

std::size_t SummaryCache::size() const {
    const std::scoped_lock lock{mutex_};
    return known_.size();
}

}  // namespace entrepot::repository
