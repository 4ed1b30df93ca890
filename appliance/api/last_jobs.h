// The newest backups and restores, kept up with the engine, so that no list has to read jobs.
#pragma once

#include "appliance/api/vm_points.h"
#include "appliance/jobs/job_engine.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::api {

using SharedJob = std::shared_ptr<const jobs::JobView>;

struct LastJobs {
    std::map<VmKey, SharedJob> backups;              ///< Of each VM the newest.
    std::map<std::string, SharedJob> restores_done;  ///< Of each point the last that ended well.
    std::uint64_t stamp = 0;  ///< Another one whenever a job begins, changes its state or ends.
};

/// What failed longer ago than this is history.
inline constexpr std::chrono::days kCareAgeMax{14};

/// Listens to the engine from the first question on. Safe to share between threads. Must go before
/// the engine does.
class LastJobsBook {
public:
    LastJobs read(jobs::JobEngine& engine);
    /// Of what read() would give.
    std::uint64_t read_stamp(jobs::JobEngine& engine);
    /// Of the jobs that look after the repository, by kind and subject, the newest that has ended.
    std::vector<SharedJob> read_care(jobs::JobEngine& engine);

private:
    void begin(jobs::JobEngine& engine);
    void note(const jobs::JobView& job);
    void keep(SharedJob& place, const jobs::JobView& job);  // Requires the lock.
    void note_care(const jobs::JobView& job);
    void load(jobs::JobEngine& engine, const std::string& kind);

    std::once_flag is_begun_;
    std::mutex mutex_;
    LastJobs known_;
    std::map<std::pair<std::string, std::string>, SharedJob> care_;
    std::unique_ptr<jobs::Subscription> subscription_;
};

}  // namespace entrepot::api
