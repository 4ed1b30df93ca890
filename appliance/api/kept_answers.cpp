// See kept_answers.h.
#include "appliance/api/kept_answers.h"

#include <algorithm>

namespace entrepot::api {

bool Sources::operator==(const Sources& other) const {
    const auto is_same = [](const repository::VmStamp& a, const repository::VmStamp& b) {
        return a.stamp == b.stamp && a.vm_id == b.vm_id;
    };
    return state_changes == other.state_changes && jobs == other.jobs &&
           std::ranges::equal(points, other.points, is_same);
}

std::shared_ptr<KeptAnswers::Entry> KeptAnswers::entry_of(const std::string& question) {
    const std::scoped_lock lock{mutex_};
    const auto known = std::ranges::find(
        recent_, question, [](const auto& entry) { return std::string_view{entry->question}; });
    if (known != recent_.end()) {
        recent_.splice(recent_.begin(), recent_, known);
        return recent_.front();
    }
    auto entry = std::make_shared<Entry>();
    entry->question = question;
    recent_.push_front(entry);
    if (recent_.size() > count_max_) recent_.pop_back();
    return entry;
}

Response KeptAnswers::get(const std::string& question, const Sources& sources, WallTime now,
                          const std::function<MadeAnswer()>& make) {
    const auto entry = entry_of(question);
    const std::scoped_lock lock{entry->mutex};
    const bool is_valid = entry->answer && entry->sources == sources && now >= entry->made &&
                          (!entry->answer->valid_until || now < *entry->answer->valid_until);
    if (!is_valid) {
        entry->answer.reset();
        entry->answer = make();
        entry->sources = sources;
        entry->made = now;
    }
    return entry->answer->response;
}

}  // namespace entrepot::api
