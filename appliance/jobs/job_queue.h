// Which job may run next: queue order, exclusive keys, bounds of groups. No lock of its own.
#pragma once

#include "appliance/state/jobs.h"

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
    /// The first that may run; it then counts as running until release().
    std::optional<state::JobRecord> take_next();
    /// That job if it waits and may run.
    std::optional<state::JobRecord> take(const std::string& id);
    void release(const state::JobRecord& record);

    /// The waiting record, to be changed in place; nullptr if it does not wait.
    state::JobRecord* find(const std::string& id);
    void remove(const std::string& id);

private:
    using Position = std::pair<bool, std::uint64_t>;  ///< Queued rather than resumed, number.
    using Waiting = std::map<Position, state::JobRecord>;

    bool may_run(const state::JobRecord& record) const;
    state::JobRecord take_at(Waiting::iterator position);

    Waiting waiting_;
    std::map<std::string, Position> positions_;
    std::set<std::string> keys_in_use_;
    std::map<std::string, std::uint32_t> group_counts_;
};

}  // namespace entrepot::jobs
