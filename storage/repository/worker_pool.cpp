// Items are taken one by one from a counter; a task leaves the queue when its items are taken.
#include "storage/repository/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>

namespace entrepot::repository {

// Shared by the caller and by the threads that help it.
struct WorkerPool::Task {
    const std::function<void(std::size_t)>& body;
    std::size_t count = 0;
    std::atomic<std::size_t> next{0};
    std::mutex mutex{};
    std::condition_variable finished{};
    std::size_t done = 0;
    std::exception_ptr failure{};

    void run() {
        for (;;) {
            const std::size_t i = next.fetch_add(1);
            if (i >= count) return;
            std::exception_ptr error;
            try {
                body(i);
            } catch (...) {
                error = std::current_exception();
            }
            const std::scoped_lock lock{mutex};
            if (error && !failure) failure = error;
            if (++done == count) finished.notify_all();
        }
    }
};

WorkerPool::WorkerPool(unsigned thread_count) {
    for (unsigned i = 0; i < thread_count; ++i) {
        threads_.emplace_back([this](std::stop_token stop) { work(stop); });
    }
}

WorkerPool::~WorkerPool() {
    for (std::jthread& thread : threads_)
        thread.request_stop();
    threads_.clear();
}

void WorkerPool::for_each(std::size_t count, const std::function<void(std::size_t)>& body) {
    const auto task = std::make_shared<Task>(body, count);
    if (count > 1) {
        const std::scoped_lock lock{mutex_};
        tasks_.push_back(task);
        changed_.notify_all();
    }
    task->run();
    {
        std::unique_lock lock{task->mutex};
        task->finished.wait(lock, [&] { return task->done == task->count; });
    }
    {
        const std::scoped_lock lock{mutex_};
        std::erase(tasks_, task);
    }
    if (task->failure) std::rethrow_exception(task->failure);
}

void WorkerPool::work(std::stop_token stop) {
    for (;;) {
        std::shared_ptr<Task> task;
        {
            std::unique_lock lock{mutex_};
            if (!changed_.wait(lock, stop, [&] { return !tasks_.empty(); })) return;
            task = tasks_.front();
            if (task->next.load() >= task->count) {
                tasks_.pop_front();
                continue;
            }
        }
        task->run();
    }
}

}  // namespace entrepot::repository
