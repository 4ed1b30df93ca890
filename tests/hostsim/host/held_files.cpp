// One thread per file.
#include "tests/hostsim/host/held_files.h"

#include "base/bytes.h"

#include <condition_variable>
#include <stop_token>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kNoiseBytes = 4096;

void close_later(TargetFile& file, std::chrono::milliseconds time,
                 std::optional<std::uint64_t> write_at, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock{mutex};
    condition.wait_for(lock, stop, time, [] { return false; });
    try {
        if (write_at) file.write(*write_at, Bytes(kNoiseBytes, std::byte{0xA5}));
        file.close();
    } catch (const TargetFailure&) {
        // Who owns the share has taken the file away from us.
        return;
    }
}

}  // namespace

void HeldFiles::hold(std::unique_ptr<TargetFile> file, std::chrono::milliseconds time,
                     std::optional<std::uint64_t> write_at) {
    const std::lock_guard lock{mutex_};
    holders_.emplace_back([time, write_at, kept = std::move(file)](const std::stop_token& stop) {
        close_later(*kept, time, write_at, stop);
    });
}

}  // namespace entrepot::hostsim
