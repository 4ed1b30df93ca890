// A thread of its own, since a priority that was lowered cannot be raised again without rights.
#include "appliance/search/low_priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <exception>
#include <thread>

namespace entrepot::search {
namespace {

constexpr int kNiceMost = 19;
// <linux/ioprio.h>: the class that has the disk when nobody else wants it.
constexpr int kIoWhoProcess = 1;
constexpr int kIoClassIdle = 3 << 13;

// Both calls are about the thread, and what it starts inherits them.
void lower_priority() {
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceMost));
    static_cast<void>(::syscall(SYS_ioprio_set, kIoWhoProcess, 0, kIoClassIdle));
}

}  // namespace

void run_at_low_priority(const std::function<void()>& body) {
    std::exception_ptr failure;
    std::thread thread{[&] {
        lower_priority();
        try {
            body();
        } catch (const std::exception&) {
            failure = std::current_exception();
        }
    }};
    thread.join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace entrepot::search
