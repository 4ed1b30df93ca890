// Jobs and their events as rows. The engine in appliance/jobs decides; this only remembers.
#pragma once

#include "appliance/jobs/job.h"
#include "appliance/state/database.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::state {

inline constexpr std::size_t kJobEventsMax = 2'000;
inline constexpr std::size_t kJobEventBytesMax = 4'096;
inline constexpr std::size_t kJobPageMax = 500;

/// A job with what only the engine needs.
struct JobRecord {
    jobs::JobView view;  ///< Without events.
    jobs::JobRequest request;
    std::uint64_t number = 0;  ///< Queue order.
    bool is_cancel_requested = false;
};

struct JobQuery {
    std::string kind{};  ///< Empty: all.
    std::string subject_contains{};
    std::string requested_by{};
    std::string exclusive_key{};
    std::vector<jobs::JobState> states{};  ///< Empty: all.
    std::string cursor{};                  ///< From the page before; empty: newest first.
    std::size_t limit = 50;                ///< At most kJobPageMax.
};

struct JobPage {
    std::vector<jobs::JobView> jobs;  ///< Newest first, without events.
    std::string next_cursor;          ///< Empty: this was the last page.
};

/// Which ended jobs go: the old ones, and the oldest of too many.
struct EndedJobs {
    WallTime before{};                                     ///< What ended earlier is old.
    std::size_t count_max = static_cast<std::size_t>(-1);  ///< How many may stay.
    /// Whatever its age and however many there are, a job stays that ended at this time or later,
    std::optional<WallTime> needed_since{};
    /// and one with one of these exclusive keys, in any case of letters. At most kKeptKeysMax.
    std::vector<std::string> kept_exclusive_keys{};
};
inline constexpr std::size_t kKeptKeysMax = 1'000;

class JobStore {
public:
    explicit JobStore(Database& database) : database_(database) {}

    /// Adds the job as queued and returns its record. If the request has a once_key that a job
    /// already has, nothing is added and that job is returned.
    JobRecord insert(const std::string& id, const jobs::JobRequest& request, WallTime created);
    /// Writes state, stage, progress, times, result and error.
    void update(const jobs::JobView& view);
    void request_cancel(const std::string& id);
    void add_event(const std::string& id, const jobs::JobEvent& event);

    std::optional<JobRecord> find(const std::string& id);
    std::optional<JobRecord> find_by_once_key(std::string_view once_key);
    /// An id or a unique prefix of one. Error{not_found}, Error{invalid} if ambiguous.
    std::string resolve(std::string_view id_or_prefix);
    std::vector<jobs::JobEvent> list_events(const std::string& id);
    JobPage list(const JobQuery& query);
    /// Oldest first: what the engine takes up at start.
    std::vector<JobRecord> list_in_state(jobs::JobState state);
    /// Removes ended jobs with their events and journal. Returns how many.
    std::size_t remove_ended(const EndedJobs& which);

private:
    Database& database_;
};

}  // namespace entrepot::state
