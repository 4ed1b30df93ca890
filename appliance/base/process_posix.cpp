// Processes of Linux: spawn, read both streams, kill at the deadline; see process.h.
#include "base/process.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

namespace entrepot {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFolders{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr std::chrono::milliseconds kKillTimeout{2'000};
constexpr std::size_t kReadBytes = 64 * kKiB;

[[noreturn]] void fail(const std::string& program, std::string_view what, int error) {
    throw Error{ErrorCode::io, fmt::format("{}: {}: {}", program, what, std::strerror(error))};
}

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }
    void close() {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }
    int number() const { return number_; }

private:
    int number_ = -1;
};

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
    explicit Pipe(const std::string& program) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(program, "cannot make a pipe", errno);
        read_end = Descriptor{ends[0]};
        write_end = Descriptor{ends[1]};
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
};

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        if (::access(name.c_str(), X_OK) == 0) return name;
    } else {
        for (const char* folder : kFolders) {
            const std::string path = fmt::format("{}/{}", folder, name);
            if (::access(path.c_str(), X_OK) == 0) return path;
        }
    }
    throw Error{ErrorCode::not_found, fmt::format("the program {} is not there", name),
                "install the package that holds it"};
}

// Makes the child begin in a process group of its own, with no descriptor but the three streams
// and with default signal handling.
class SpawnSettings {
public:
    SpawnSettings(int out, int err) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        ::posix_spawnattr_init(&attributes_);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        ::sigaddset(&signals, SIGPIPE);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    const posix_spawn_file_actions_t* actions() const { return &actions_; }
    const posix_spawnattr_t* attributes() const { return &attributes_; }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

pid_t spawn(const Command& command, const std::string& program, int out, int err) {
    std::vector<std::string> words{command.program};
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::string locale = "LC_ALL=C";
    std::array<char*, 3> environment{path.data(), locale.data(), nullptr};
    const SpawnSettings settings{out, err};
    pid_t process = -1;
    const int error = ::posix_spawn(&process, program.c_str(), settings.actions(),
                                    settings.attributes(), arguments.data(), environment.data());
    if (error != 0) fail(command.program, "cannot be started", error);
    return process;
}

// One child from its start to its end.
class Child {
public:
    Child(const Command& command, const std::string& program) : command_(command) {
        Pipe out{command.program};
        Pipe err{command.program};
        stop_event_ = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (stop_event_.number() < 0) fail(command.program, "cannot make an event", errno);
        process_ = spawn(command, program, out.write_end.number(), err.write_end.number());
        out_ = std::move(out.read_end);
        err_ = std::move(err.read_end);
        // Not pidfd_open(): the header of glibc 2.36 cannot be used from C++.
        ending_ = Descriptor{static_cast<int>(::syscall(SYS_pidfd_open, process_, 0))};
        if (ending_.number() < 0) {
            const int error = errno;
            ::kill(-process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
            fail(command.program, "cannot be watched", error);
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
    Child child{command, find_program(command.program)};
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
