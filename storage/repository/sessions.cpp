// A table in memory: the repository's lock makes sure that there is no other process.
#include "storage/repository/sessions.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::repository {

Sessions::Guard::Guard(Sessions& sessions, SessionKind kind) : sessions_(sessions) {
    const std::scoped_lock lock{sessions_.mutex_};
    sessions_.check_entrance(kind);
    number_ = sessions_.next_number_++;
    if (kind == SessionKind::collector) ++sessions_.collections_begun_;
    sessions_.entries_.emplace(number_, Entry{kind});
}

Sessions::Guard::~Guard() {
    const std::scoped_lock lock{sessions_.mutex_};
    sessions_.entries_.erase(number_);
    sessions_.changed_.notify_all();
}

void Sessions::Guard::pin(std::shared_ptr<const PointContent> point) {
    const std::scoped_lock lock{sessions_.mutex_};
    sessions_.entries_.at(number_).pinned = std::move(point);
}

void Sessions::check_entrance(SessionKind kind) const {
    const auto is_there = [&](SessionKind other) {
        return std::ranges::any_of(entries_,
                                   [&](const auto& entry) { return entry.second.kind == other; });
    };
    if (is_there(SessionKind::alone)) {
        throw Error{ErrorCode::busy, "the repository's catalog is being made again",
                    "entrepot job list shows how far it is; try again when it has ended"};
    }
    if (kind == SessionKind::alone && !entries_.empty()) {
        throw Error{
            ErrorCode::busy,
            fmt::format("{} backups, restores, checks or clean-ups are using the repository",
                        entries_.size())};
    }
    if (kind == SessionKind::collector && is_there(SessionKind::collector)) {
        throw Error{ErrorCode::busy, "a gc of the repository is running already"};
    }
}

bool Sessions::is_collecting() const {
    const std::scoped_lock lock{mutex_};
    return std::ranges::any_of(
        entries_, [](const auto& entry) { return entry.second.kind == SessionKind::collector; });
}

std::uint64_t Sessions::collections_begun() const {
    const std::scoped_lock lock{mutex_};
    return collections_begun_;
}

std::uint64_t Sessions::next_number() const {
    const std::scoped_lock lock{mutex_};
    return next_number_;
}

std::vector<std::shared_ptr<const PointContent>> Sessions::pinned_points() const {
    const std::scoped_lock lock{mutex_};
    std::vector<std::shared_ptr<const PointContent>> points;
    for (const auto& [number, entry] : entries_) {
        if (entry.pinned) points.push_back(entry.pinned);
    }
    return points;
}

std::size_t Sessions::count_writers_before_locked(std::uint64_t number) const {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.lower_bound(number),
                      [](const auto& entry) { return entry.second.kind == SessionKind::writer; }));
}

std::size_t Sessions::count_writers_before(std::uint64_t number) const {
    const std::scoped_lock lock{mutex_};
    return count_writers_before_locked(number);
}

void Sessions::wait_for_writers_before(std::uint64_t number, std::chrono::milliseconds time,
                                       std::stop_token stop) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, stop, time, [&] { return count_writers_before_locked(number) == 0; });
}

}  // namespace entrepot::repository
