// posix_spawn with two pipes, read by poll until both are closed.
#include "tests/property/program.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <utility>

extern char** environ;

namespace entrepot::property {
namespace {

constexpr auto kRunMax = std::chrono::minutes{2};
constexpr int kPollMs = 1'000;
constexpr std::size_t kWordsMax = 4 * kKiB;
constexpr std::size_t kPipeBytes = 256 * kKiB;

class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) < 0) throw Error{ErrorCode::limit, "no pipe is left"};
        ::fcntl(ends_[0], F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_reading();
        close_writing();
    }
    int reading() const { return ends_[0]; }
    int writing() const { return ends_[1]; }
    void close_reading() { close(0); }
    void close_writing() { close(1); }

private:
    void close(std::size_t end) {
        if (ends_[end] >= 0) ::close(std::exchange(ends_[end], -1));
    }
    std::array<int, 2> ends_{-1, -1};
};

pid_t start(const std::vector<std::string>& words, const std::filesystem::path& directory, int out,
            int err) {
    std::vector<std::string> texts = words;
    std::vector<char*> arguments;
    for (std::string& text : texts)
        arguments.push_back(text.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    ::posix_spawn_file_actions_adddup2(&actions, err, 2);
    ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        throw Error{ErrorCode::io, fmt::format("cannot start {}: error {}", words[0], error)};
    }
    return pid;
}

/// Ends a program that was not waited for.
class Child {
public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        wait();
    }
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_;
};

}  // namespace

bool is_installed(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::istringstream directories{path != nullptr ? path : ""};
    for (std::string directory; std::getline(directories, directory, ':');) {
        if (::access((directory + "/" + name).c_str(), X_OK) == 0) return true;
    }
    return false;
}

Finished run_program(const std::vector<std::string>& words, const std::filesystem::path& directory,
                     const Sink& sink) {
    Pipe out;
    Pipe err;
    Child child{start(words, directory, out.writing(), err.writing())};
    out.close_writing();
    err.close_writing();
    const auto deadline = std::chrono::steady_clock::now() + kRunMax;
    Finished finished;
    Bytes buffer(kPipeBytes);
    std::array<pollfd, 2> polled{pollfd{out.reading(), POLLIN, 0},
                                 pollfd{err.reading(), POLLIN, 0}};
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        if (::poll(polled.data(), polled.size(), kPollMs) <= 0) {
            // Only where nothing is there to read: we may have been stopped meanwhile, not it.
            if (std::chrono::steady_clock::now() < deadline) continue;
            throw Error{ErrorCode::timeout, fmt::format("{} does not end", words[0])};
        }
        for (std::size_t i = 0; i < polled.size(); ++i) {
            if (polled[i].fd < 0 || polled[i].revents == 0) continue;
            const ssize_t count = ::read(polled[i].fd, buffer.data(), buffer.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) {
                polled[i].fd = -1;
                continue;
            }
            const ByteView read = ByteView{buffer}.first(static_cast<std::size_t>(count));
            if (i == 0) {
                sink(read);
            } else if (finished.words.size() < kWordsMax) {
                finished.words += as_text(read);
            }
        }
    }
    finished.status = child.wait();
    return finished;
}

Answer ask_program(const std::vector<std::string>& words, const std::filesystem::path& directory) {
    Answer answer;
    const Finished finished = run_program(words, directory, [&](ByteView part) {
        if (answer.out.size() < kMiB) answer.out += as_text(part);
    });
    answer.status = finished.status;
    answer.words = finished.words;
    return answer;
}

}  // namespace entrepot::property
