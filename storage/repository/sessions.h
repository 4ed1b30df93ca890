// Who is using an open repository, and what gc has to leave to them. Follows the architecture,
// "Garbage": sessions have growing numbers, and nothing is decided by a clock.
#pragma once

#include "storage/repository/point_json.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

namespace entrepot::repository {

/// `reader`: reads, and nothing but the point it pins once a gc may have begun. `writer`: may refer
/// to chunks that nobody else needs, until it commits. `collector`: gc, one at a time. `alone`:
/// nobody else is there.
enum class SessionKind { reader, writer, collector, alone };

/// Safe to share between threads. Outlives its guards.
class Sessions {
public:
    /// The session ends with the object.
    class Guard {
    public:
        Guard(Sessions& sessions, SessionKind kind);
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard();

        /// From now on gc keeps all that the point reaches, as if the point could not be deleted.
        void pin(std::shared_ptr<const PointContent> point);

    private:
        Sessions& sessions_;
        std::uint64_t number_;
    };

    /// Error{busy} while somebody is alone in the repository, or a second collector is.
    std::unique_ptr<Guard> enter(SessionKind kind) { return std::make_unique<Guard>(*this, kind); }

    /// Whether a gc is running, and how many have begun.
    bool is_collecting() const;
    std::uint64_t collections_begun() const;
    /// Sessions that begin later have this number or a greater one.
    std::uint64_t next_number() const;
    std::vector<std::shared_ptr<const PointContent>> pinned_points() const;
    std::size_t count_writers_before(std::uint64_t number) const;
    /// Returns when there are none, after the time, or when stop is requested.
    void wait_for_writers_before(std::uint64_t number, std::chrono::milliseconds time,
                                 std::stop_token stop);

private:
    struct Entry {
        SessionKind kind = SessionKind::reader;
        std::shared_ptr<const PointContent> pinned{};  // Shared with whoever reads it.
    };

    void check_entrance(SessionKind kind) const;                          // Requires the lock.
    std::size_t count_writers_before_locked(std::uint64_t number) const;  // Requires the lock.

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint64_t next_number_ = 1;
    std::uint64_t collections_begun_ = 0;
    std::map<std::uint64_t, Entry> entries_;
};

}  // namespace entrepot::repository
