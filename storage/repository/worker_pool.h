// Threads that share out the items of one task at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace entrepot::repository {

/// Safe to call from several threads; the caller works, too.
class WorkerPool {
public:
    explicit WorkerPool(unsigned thread_count);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    ~WorkerPool();

    /// Calls body(0) ... body(count - 1) in any order and on any thread; returns when all are done.
    /// Throws the first exception that left a call.
    void for_each(std::size_t count, const std::function<void(std::size_t)>& body);

private:
    struct Task;
    void work(std::stop_token stop);

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::shared_ptr<Task>> tasks_;
    std::vector<std::jthread> threads_;
};

}  // namespace entrepot::repository
