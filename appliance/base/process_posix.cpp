// Processes of Linux: spawn, read both streams, kill at the deadline; see process.h.
#include "base/process.h"

#include "base/check.h"
#include "base/error.h"
#include "base/process_spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace entrepot {
namespace {

using process::Descriptor;
using process::fail;
using process::Pipe;

constexpr std::chrono::milliseconds kKillTimeout{2'000};
constexpr std::size_t kReadBytes = 64 * kKiB;

// One child from its start to its end.
class Child {
public:
    Child(const Command& command, const std::string& program) : command_(command) {
        Pipe in{command.program};
        Pipe out{command.program};
        Pipe err{command.program};
        for (const Pipe* pipe : {&out, &err})
            ::fcntl(pipe->read_end.number(), F_SETFL, O_NONBLOCK);
        stop_event_ = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (stop_event_.number() < 0) fail(command.program, "cannot make an event", errno);
        // Before the start: an empty pipe takes it at once, whether or not anybody reads.
        give_input(in);
        process_ =
            process::spawn(program, command.program, command.arguments,
                           {in.read_end.number(), out.write_end.number(), err.write_end.number()});
        out_ = std::move(out.read_end);
        err_ = std::move(err.read_end);
        try {
            ending_ = process::watch(process_, command.program);
        } catch (const Error&) {
            ::kill(-process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
            throw;
        }
    }

    pid_t process() const { return process_; }
    int stop_event() const { return stop_event_.number(); }

    /// Reads until the process ends or the time is up; the result, or why it has to go.
    std::optional<Error> watch(Clock& clock, CommandResult& result) {
        const SteadyTime deadline = clock.steady_now() + command_.timeout;
        for (;;) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.steady_now());
            if (left.count() <= 0) {
                return Error{ErrorCode::timeout,
                             fmt::format("{} did not end within {} s", command_.program,
                                         command_.timeout.count() / 1'000)};
            }
            std::array<pollfd, 4> polled{{{ending_.number(), POLLIN, 0},
                                          {stop_event_.number(), POLLIN, 0},
                                          {out_.number(), POLLIN, 0},
                                          {err_.number(), POLLIN, 0}}};
            ::poll(polled.data(), polled.size(), static_cast<int>(left.count()));
            const bool fits = drain(out_, result.out, result) && drain(err_, result.err, result);
            if (!fits) {
                return Error{ErrorCode::limit,
                             fmt::format("{} wrote more than {}", command_.program,
                                         format_size(command_.output_bytes_max))};
            }
            if (polled[1].revents != 0) return Error{ErrorCode::cancelled, "cancelled"};
            if (polled[0].revents != 0) return std::nullopt;
        }
    }

    /// False if it is still there.
    bool wait_for_end(std::chrono::milliseconds timeout) {
        pollfd polled{ending_.number(), POLLIN, 0};
        int count = 0;
        do {
            count = ::poll(&polled, 1, static_cast<int>(timeout.count()));
        } while (count < 0 && errno == EINTR);
        return count > 0;
    }

    int reap() {
        int status = 0;
        while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
        }
        return status;
    }

private:
    void give_input(Pipe& in) const {
        const ByteView input = command_.input.reveal();
        ENTREPOT_CHECK(input.size() <= kProcessInputBytesMax);
        const ssize_t count = ::write(in.write_end.number(), input.data(), input.size());
        if (count != static_cast<ssize_t>(input.size())) {
            fail(command_.program, "cannot be given its input", errno);
        }
        in.write_end.close();
    }

    // False if there is more than may be. The end of a stream closes it, so that poll() rests.
    bool drain(Descriptor& stream, std::string& text, const CommandResult& result) {
        std::array<char, kReadBytes> buffer{};
        while (stream.number() >= 0) {
            const ssize_t count = ::read(stream.number(), buffer.data(), buffer.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) return true;
            if (count <= 0) {
                stream.close();
                return true;
            }
            const std::size_t room =
                command_.output_bytes_max - result.out.size() - result.err.size();
            if (static_cast<std::size_t>(count) > room) return false;
            text.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return true;
    }

    const Command& command_;
    pid_t process_ = -1;
    Descriptor out_;
    Descriptor err_;
    Descriptor stop_event_;
    Descriptor ending_;
};

}  // namespace

PosixProcessRunner::~PosixProcessRunner() {
    reap_left_behind();
}

CommandResult PosixProcessRunner::run(const Command& command, std::stop_token stop) {
    if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    reap_left_behind();
    Child child{command, process::find_program(command.program)};
    const std::stop_callback wake{stop, [&] { ::eventfd_write(child.stop_event(), 1); }};
    CommandResult result;
    if (const auto failure = child.watch(clock_, result)) {
        ::kill(-child.process(), SIGKILL);
        if (child.wait_for_end(kKillTimeout)) {
            child.reap();
        } else {
            leave_behind(child.process());
        }
        throw Error{*failure};
    }
    const int status = child.reap();
    if (!WIFEXITED(status)) {
        throw Error{ErrorCode::io, fmt::format("{} was ended by signal {}", command.program,
                                               WIFSIGNALED(status) ? WTERMSIG(status) : 0)};
    }
    result.exit_status = WEXITSTATUS(status);
    return result;
}

void PosixProcessRunner::leave_behind(pid_t process) {
    const std::scoped_lock lock{mutex_};
    left_behind_.push_back(process);
}

void PosixProcessRunner::reap_left_behind() {
    const std::scoped_lock lock{mutex_};
    std::erase_if(left_behind_,
                  [](pid_t process) { return ::waitpid(process, nullptr, WNOHANG) != 0; });
}

}  // namespace entrepot
