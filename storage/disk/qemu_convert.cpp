// qcow2 is written by qemu-img in a process of its own, without a shell.
#include "storage/disk/limits.h"
#include "storage/disk/target_writers.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stop_token>
#include <string>
#include <utility>

extern char** environ;

namespace entrepot::disk {
namespace {

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }
    int get() const { return value_; }
    void reset() {
        if (value_ >= 0) ::close(std::exchange(value_, -1));
    }

private:
    int value_;
};

class SpawnActions {
public:
    SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    posix_spawn_file_actions_t* get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

/// Both outputs go to `output`, input is empty. Throws if the program cannot be started.
pid_t start_qemu_img(std::string raw, std::string target, int output) {
    SpawnActions actions;
    ::posix_spawn_file_actions_addopen(actions.get(), 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(actions.get(), output, 1);
    ::posix_spawn_file_actions_adddup2(actions.get(), output, 2);
    std::array<std::string, 9> words{
        "qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", std::move(raw), std::move(target)};
    std::array<char*, 10> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i)
        arguments[i] = words[i].data();
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, "qemu-img", actions.get(), nullptr, arguments.data(), environ);
    if (error == ENOENT) {
        throw Error{ErrorCode::unsupported, "qcow2 needs the program qemu-img, which is not here",
                    "install the package qemu-utils"};
    }
    if (error != 0) {
        throw Error{ErrorCode::io, fmt::format("cannot start qemu-img: error {}", error)};
    }
    return pid;
}

/// Until the program closes it; what is beyond the bound is read and dropped.
std::string read_message(int descriptor) {
    std::string message;
    std::array<char, 1024> buffer{};
    for (;;) {
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return message;
        if (message.size() < limits::kToolMessageBytesMax) {
            message.append(buffer.data(), static_cast<std::size_t>(count));
        }
    }
}

siginfo_t wait_for(pid_t pid, int options) {
    siginfo_t status{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &status, options) < 0) {
        if (errno != EINTR) throw Error{ErrorCode::internal, "qemu-img cannot be waited for"};
    }
    return status;
}

}  // namespace

void convert_with_qemu(const std::filesystem::path& raw, const std::filesystem::path& target,
                       const Work& work) {
    work.throw_if_stopped();
    work.progress.report("converting", 0, 0);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) {
        throw Error{ErrorCode::limit, "cannot create a pipe for qemu-img"};
    }
    const Descriptor reading{ends[0]};
    Descriptor writing{ends[1]};
    // Absolute, so that qemu-img can take no part of a name for a protocol.
    const pid_t pid = start_qemu_img(std::filesystem::absolute(raw).string(),
                                     std::filesystem::absolute(target).string(), writing.get());
    writing.reset();
    std::string message;
    siginfo_t status{};
    {
        const std::stop_callback kill_on_stop{work.stop, [pid] { ::kill(pid, SIGKILL); }};
        message = read_message(reading.get());
        // The process is left a zombie until the callback is gone, so that its number is not
        // somebody else's when we kill it.
        status = wait_for(pid, WEXITED | WNOWAIT);
    }
    wait_for(pid, WEXITED);
    work.throw_if_stopped();
    if (status.si_code != CLD_EXITED || status.si_status != 0) {
        throw Error{ErrorCode::io,
                    fmt::format("qemu-img failed with status {}: {}", status.si_status, message)};
    }
}

}  // namespace entrepot::disk
