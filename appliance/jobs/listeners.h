// Those who want to hear of every change of a job.
#pragma once

#include "appliance/jobs/job_engine.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace entrepot::jobs {

/// Safe to share between threads. Outlives its subscriptions.
class Listeners {
public:
    std::unique_ptr<Subscription> add(JobListener listener);
    /// Calls each listener, one at a time.
    void notify(const JobView& view);

private:
    class Entry;
    void remove(std::uint64_t number);

    std::mutex mutex_;
    std::uint64_t next_number_ = 0;
    std::map<std::uint64_t, JobListener> listeners_;
};

}  // namespace entrepot::jobs
