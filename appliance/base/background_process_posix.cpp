// Long-lived processes of Linux, held by a descriptor, so that an id that is used again is never
// taken for them; see background_process.h.
#include "base/background_process.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/process_spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace entrepot {
namespace {

using process::Descriptor;

constexpr std::size_t kArgumentsBytesMax = 64 * kKiB;

// All arguments, each with a zero behind it; nullopt if there is no such process.
std::optional<std::string> read_arguments(pid_t id) {
    const std::string path = fmt::format("/proc/{}/cmdline", id);
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.number() < 0) return std::nullopt;
    std::string text(kArgumentsBytesMax, '\0');
    const ssize_t count = ::read(file.number(), text.data(), text.size());
    if (count <= 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(count));
    return text;
}

bool has_argument(pid_t id, const std::string& argument) {
    const auto arguments = read_arguments(id);
    if (!arguments) return false;
    const std::string zero(1, '\0');
    return (zero + *arguments).find(zero + argument + zero) != std::string::npos;
}

class PosixBackgroundProcess final : public BackgroundProcess {
public:
    PosixBackgroundProcess(pid_t id, Descriptor ending) : id_(id), ending_(std::move(ending)) {}

    pid_t id() const override { return id_; }
    bool is_running() override { return !wait_for_end(std::chrono::milliseconds{0}); }

    bool wait_for_end(std::chrono::milliseconds timeout) override {
        if (has_ended_) return true;
        pollfd polled{ending_.number(), POLLIN, 0};
        int count = 0;
        do {
            count = ::poll(&polled, 1, static_cast<int>(timeout.count()));
        } while (count < 0 && errno == EINTR);
        if (count <= 0) return false;
        ::waitpid(id_, nullptr, WNOHANG);  // Fails for what is not our child; that is as well.
        has_ended_ = true;
        return true;
    }

    void ask_to_end() override { signal(SIGTERM); }

    void kill() override {
        // The group is its own only if it leads it; it does if we started it.
        if (is_running() && ::getpgid(id_) == id_) ::kill(-id_, SIGKILL);
        signal(SIGKILL);
    }

private:
    void signal(int number) {
        if (has_ended_) return;
        ::syscall(SYS_pidfd_send_signal, ending_.number(), number, nullptr, 0);
    }

    pid_t id_;
    Descriptor ending_;
    bool has_ended_ = false;
};

}  // namespace

std::unique_ptr<BackgroundProcess> PosixProcessStarter::start(const BackgroundCommand& command) {
    const std::string path = process::find_program(command.program);
    const Descriptor output{::open(command.output_file.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (output.number() < 0) {
        process::fail(command.program, fmt::format("cannot write {}", command.output_file.string()),
                      errno);
    }
    const pid_t id = process::spawn(path, command.program, command.arguments,
                                    {-1, output.number(), output.number()});
    try {
        return std::make_unique<PosixBackgroundProcess>(id, process::watch(id, command.program));
    } catch (const Error&) {
        ::kill(-id, SIGKILL);
        ::waitpid(id, nullptr, 0);
        throw;
    }
}

std::unique_ptr<BackgroundProcess> PosixProcessStarter::find(pid_t id,
                                                             const std::string& argument) {
    if (id <= 1) return nullptr;
    try {
        Descriptor ending = process::watch(id, argument);
        // After the descriptor was opened: what it names now, it names for good.
        if (!has_argument(id, argument)) return nullptr;
        return std::make_unique<PosixBackgroundProcess>(id, std::move(ending));
    } catch (const Error&) {
        return nullptr;
    }
}

}  // namespace entrepot
