// Which job may run next: queue order, exclusive keys, bounds of groups, and what was put off. No
// lock of its own.
#pragma once

#include "appliance/state/jobs.h"

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace entrepot::jobs {

class JobQueue {
public:
    /// Jobs that a crash left running come first: they may hold something on a host. Nothing
    /// happens if the job waits already.
    void add(const state::JobRecord& record);
    /// As add(), but take_next() passes it by until this time or wake_deferred(). It keeps its
    /// place: a later job of its key still waits for it.
    void defer(const state::JobRecord& record, SteadyTime until);
    void wake_deferred() { deferred_.clear(); }
    void wake(const std::string& id) { deferred_.erase(id); }
    bool has_deferred() const { return !deferred_.empty(); }
    /// The first that may run; it then counts as running until release().
    std::optional<state::JobRecord> take_next(SteadyTime now);
    /// That job if it waits and may run, put off or not.
    std::optional<state::JobRecord> take(const std::string& id);
    void release(const state::JobRecord& record);

    /// The waiting record, to be changed in place; nullptr if it does not wait.
    state::JobRecord* find(const std::string& id);
    void remove(const std::string& id);

private:
    using Position = std::pair<bool, std::uint64_t>;  ///< Queued rather than resumed, number.
    using Waiting = std::map<Position, state::JobRecord>;

    bool may_run(const state::JobRecord& record) const;
    bool is_deferred(const state::JobRecord& record, SteadyTime now) const;
    state::JobRecord take_at(Waiting::iterator position);

    Waiting waiting_;
    std::map<std::string, Position> positions_;
    std::map<std::string, SteadyTime> deferred_;
    std::set<std::string> keys_in_use_;
    std::map<std::string, std::uint32_t> group_counts_;
};

}  // namespace entrepot::jobs
