// One thread per file.
#include "tests/hostsim/host/held_files.h"

#include <condition_variable>
#include <stop_token>

namespace entrepot::hostsim {
namespace {

void close_later(TargetFile& file, std::chrono::milliseconds time,
                 const std::optional<LateContent>& late, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock{mutex};
    condition.wait_for(lock, stop, time, [] { return false; });
    try {
        if (late) file.write(late->offset, late->bytes);
        file.close();
    } catch (const TargetFailure&) {
        // Who owns the share has taken the file away from us.
        return;
    }
}

}  // namespace

void HeldFiles::hold(std::unique_ptr<TargetFile> file, std::chrono::milliseconds time,
                     std::optional<LateContent> late) {
    const std::lock_guard lock{mutex_};
    holders_.emplace_back(
        [time, late = std::move(late), kept = std::move(file)](const std::stop_token& stop) {
            close_later(*kept, time, late, stop);
        });
}

}  // namespace entrepot::hostsim
