// Other programs, run to their end without a shell, as an interface: tests answer in their place.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret.h"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot {

/// What a pipe takes at once, so that a program that does not read stops nobody.
inline constexpr std::size_t kProcessInputBytesMax = 4 * kKiB;

struct Command {
    /// A name is looked for in the system's own folders, whatever our PATH says; a path is taken.
    std::string program{};
    std::vector<std::string> arguments{};
    Secret input{};  ///< For standard input; at most kProcessInputBytesMax.
    std::chrono::milliseconds timeout{10'000};
    std::size_t output_bytes_max = kMiB;  ///< Of both streams together.
};

struct CommandResult {
    int exit_status = 0;
    std::string out;
    std::string err;
};

class ProcessRunner {
public:
    virtual ~ProcessRunner() = default;
    /// A plain environment (PATH, LC_ALL=C). Error{not_found} if there is no such program,
    /// Error{timeout}, Error{limit} for too much output, Error{cancelled}, Error{io} if a signal
    /// ended it. Any other end is a result, whatever its status.
    virtual CommandResult run(const Command& command, std::stop_token stop) = 0;
};

/// The system's processes. What does not end in time is killed with its children; what even then
/// does not go (it hangs in the kernel) is left behind, so that no caller ever waits for it. Safe
/// to share between threads.
class PosixProcessRunner final : public ProcessRunner {
public:
    explicit PosixProcessRunner(Clock& clock) : clock_(clock) {}
    PosixProcessRunner(const PosixProcessRunner&) = delete;
    PosixProcessRunner& operator=(const PosixProcessRunner&) = delete;
    ~PosixProcessRunner() override;

    CommandResult run(const Command& command, std::stop_token stop) override;

private:
    void leave_behind(pid_t process);
    void reap_left_behind();

    Clock& clock_;
    std::mutex mutex_;
    std::vector<pid_t> left_behind_;  ///< Killed, but not gone yet.
};

}  // namespace entrepot
