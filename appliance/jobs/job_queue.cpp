// Admission of jobs; see job_queue.h.
#include "appliance/jobs/job_queue.h"

#include "base/check.h"

namespace entrepot::jobs {

void JobQueue::add(const state::JobRecord& record) {
    const Position position{record.view.state == JobState::queued, record.number};
    if (!positions_.emplace(record.view.id, position).second) return;
    waiting_.emplace(position, record);
}

void JobQueue::defer(const state::JobRecord& record, SteadyTime until) {
    add(record);
    deferred_[record.view.id] = until;
}

bool JobQueue::is_deferred(const state::JobRecord& record, SteadyTime now) const {
    const auto found = deferred_.find(record.view.id);
    return found != deferred_.end() && now < found->second;
}

std::optional<state::JobRecord> JobQueue::take_next(SteadyTime now) {
    // A job that must wait for its key is passed by, but not by a later one of the same key.
    std::set<std::string> keys_waited_for;
    for (auto position = waiting_.begin(); position != waiting_.end(); ++position) {
        const std::string& key = position->second.request.exclusive_key;
        const bool is_ready = may_run(position->second) && !is_deferred(position->second, now);
        if (is_ready && !keys_waited_for.contains(key)) return take_at(position);
        if (!key.empty()) keys_waited_for.insert(key);
    }
    return std::nullopt;
}

std::optional<state::JobRecord> JobQueue::take(const std::string& id) {
    const auto found = positions_.find(id);
    if (found == positions_.end()) return std::nullopt;
    const auto position = waiting_.find(found->second);
    if (!may_run(position->second)) return std::nullopt;
    return take_at(position);
}

void JobQueue::release(const state::JobRecord& record) {
    keys_in_use_.erase(record.request.exclusive_key);
    if (record.request.group.empty()) return;
    const auto count = group_counts_.find(record.request.group);
    ENTREPOT_CHECK(count != group_counts_.end());
    if (--count->second == 0) group_counts_.erase(count);
}

state::JobRecord* JobQueue::find(const std::string& id) {
    const auto found = positions_.find(id);
    if (found == positions_.end()) return nullptr;
    return &waiting_.at(found->second);
}

void JobQueue::remove(const std::string& id) {
    const auto found = positions_.find(id);
    if (found == positions_.end()) return;
    waiting_.erase(found->second);
    positions_.erase(found);
    deferred_.erase(id);
}

bool JobQueue::may_run(const state::JobRecord& record) const {
    const JobRequest& request = record.request;
    if (!request.exclusive_key.empty() && keys_in_use_.contains(request.exclusive_key))
        return false;
    if (request.group.empty() || request.group_limit == 0) return true;
    const auto count = group_counts_.find(request.group);
    return count == group_counts_.end() || count->second < request.group_limit;
}

state::JobRecord JobQueue::take_at(Waiting::iterator position) {
    state::JobRecord record = std::move(position->second);
    waiting_.erase(position);
    positions_.erase(record.view.id);
    deferred_.erase(record.view.id);
    if (!record.request.exclusive_key.empty()) keys_in_use_.insert(record.request.exclusive_key);
    if (!record.request.group.empty()) ++group_counts_[record.request.group];
    return record;
}

}  // namespace entrepot::jobs
