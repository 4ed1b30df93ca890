// Jobs and their life: 2 New, 3 Starting, 4 Running, 7 Completed or 10 Exception, then gone.
#pragma once

#include "tests/hostsim/host/host.h"

#include <atomic>
#include <functional>
#include <list>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace entrepot::hostsim {

/// Thrown by a job's work: the job ends in state 10.
struct JobFailure {
    std::uint32_t hresult = 0;
    std::string text;
    std::uint32_t error_code = 32768;
    std::vector<JobProblem> problems = {};  ///< What GetErrorEx lists; empty: the failure itself.
};

/// What the work of a job can do. Its calls take the host's mutex themselves.
class JobContext {
public:
    JobContext(Host& host, std::string job_id, std::stop_token stop)
        : host_(host), job_id_(std::move(job_id)), stop_(std::move(stop)) {}

    Host& host() { return host_; }
    std::stop_token stop() const { return stop_; }
    void report(std::uint32_t percent);
    void affect(const ObjectRef& element, std::uint32_t effect);
    /// The job will end in state 32768, with these in GetErrorEx.
    void warn(std::vector<JobProblem> problems);
    /// Throws JobFailure once the job was cancelled.
    void check_cancelled() const;

private:
    Host& host_;
    std::string job_id_;
    std::stop_token stop_;
};

struct JobPlan {
    std::uint32_t type = 0;
    std::string caption;
    std::string vm_id;
    std::uint32_t busy_status = 0;  ///< OperationalStatus[1] of the VM meanwhile; 0 for none.
    std::string class_name = "Msvm_ConcreteJob";
    /// Runs without the host's mutex.
    std::function<void(JobContext&)> work;
    std::string method = {};
    std::string id = {};  ///< Where it matters which job is listed first; else a new one.
};

class JobRunner {
public:
    explicit JobRunner(Host& host) : host_(host) {}
    JobRunner(const JobRunner&) = delete;
    JobRunner& operator=(const JobRunner&) = delete;
    ~JobRunner() { stop_all(); }

    /// Call under the host's mutex.
    ObjectRef start(JobPlan plan);
    /// Does the work before it returns, giving the mutex away meanwhile. Call under the mutex.
    Job run_at_once(JobPlan plan);
    /// Asks a job to end; false if there is no such running job. Call under the host's mutex.
    bool cancel(const std::string& id, std::uint32_t end_state);
    /// Ends all jobs and forgets them, as a restart of the host does. Call without the mutex.
    void stop_all();
    std::size_t running_count() const;

private:
    struct Run {
        std::string job_id;
        std::uint32_t end_state = 8;
        std::atomic<bool> is_done = false;
        std::jthread thread;
    };
    Job& add_job(const JobPlan& plan);
    void live(const JobPlan& plan, const std::string& id, std::stop_token stop);
    void do_work(const JobPlan& plan, const std::string& id, std::stop_token stop);
    void enter(const std::string& id, std::uint32_t state);
    void finish(const JobPlan& plan, const std::string& id, const JobFailure* failure);
    void begin(const JobPlan& plan, JobContext& context, const std::stop_token& stop);
    void hang(const JobPlan& plan, std::stop_token stop);

    Host& host_;
    std::list<Run> runs_;
};

}  // namespace entrepot::hostsim
