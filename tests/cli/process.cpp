// fork, exec, wait; output goes to files, so that no pipe can fill up.
#include "tests/cli/process.h"

#include "tests/support/temporary_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace entrepot::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kRunMax = 120s;
constexpr auto kStartMax = 30s;
constexpr int kPollMs = 20;

std::string read_text(const std::filesystem::path& path) {
    std::ifstream stream{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{}};
}

void redirect(const std::filesystem::path& path, int descriptor) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, descriptor);
}

pid_t start(const Command& command, const std::filesystem::path& out,
            const std::filesystem::path& err) {
    std::vector<std::string> texts{command.program.string()};
    texts.insert(texts.end(), command.arguments.begin(), command.arguments.end());
    std::vector<char*> arguments;
    for (auto& text : texts)
        arguments.push_back(text.data());
    arguments.push_back(nullptr);

    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error{"fork failed"};
    if (process > 0) return process;
    for (const auto& [name, value] : command.environment)
        ::setenv(name.c_str(), value.c_str(), 1);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    redirect(out, STDOUT_FILENO);
    if (err == out) {
        ::dup2(STDOUT_FILENO, STDERR_FILENO);
    } else {
        redirect(err, STDERR_FILENO);
    }
    ::execv(command.program.c_str(), arguments.data());
    ::_exit(127);
}

int exit_status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Waits a moment without a busy loop; the deadline is the caller's.
void pause() {
    ::poll(nullptr, 0, kPollMs);
}

}  // namespace

Finished run_to_end(const Command& command) {
    const TemporaryDirectory directory;
    const auto out = directory.path() / "out";
    const auto err = directory.path() / "err";
    const pid_t process = start(command, out, err);
    const auto deadline = std::chrono::steady_clock::now() + kRunMax;
    int status = 0;
    rusage usage{};
    while (::wait4(process, &status, WNOHANG, &usage) == 0) {
        if (std::chrono::steady_clock::now() > deadline) {
            ::kill(process, SIGKILL);
            ::waitpid(process, &status, 0);
            throw std::runtime_error{command.program.string() + " did not end: " + read_text(err)};
        }
        pause();
    }
    const auto peak_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
    return {exit_status_of(status), read_text(out), read_text(err), peak_kib * 1024};
}

BackgroundProcess::BackgroundProcess(const Command& command, std::filesystem::path output)
    : output_(std::move(output)), process_(start(command, output_, output_)) {}

BackgroundProcess::~BackgroundProcess() {
    if (process_ > 0) stop();
}

bool BackgroundProcess::has_ended() {
    if (process_ <= 0) return true;
    if (::waitpid(process_, &status_, WNOHANG) == 0) return false;
    process_ = -1;
    return true;
}

bool BackgroundProcess::wait_for_output(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + kStartMax;
    while (std::chrono::steady_clock::now() < deadline) {
        if (output().find(text) != std::string::npos) return true;
        if (has_ended()) return false;
        pause();
    }
    return false;
}

std::string BackgroundProcess::output() const {
    return read_text(output_);
}

int BackgroundProcess::stop() {
    if (process_ > 0) {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, &status_, 0);
        process_ = -1;
    }
    return exit_status_of(status_);
}

}  // namespace entrepot::test
