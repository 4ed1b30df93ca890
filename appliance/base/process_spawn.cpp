// See process_spawn.h.
#include "base/process_spawn.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace entrepot::process {
namespace {

constexpr std::array kFolders{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

// Makes the child begin in a process group of its own, with no descriptor but the three streams
// and with default signal handling.
class SpawnSettings {
public:
    explicit SpawnSettings(const Streams& streams) {
        ::posix_spawn_file_actions_init(&actions_);
        if (streams.in < 0) {
            ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        } else {
            ::posix_spawn_file_actions_adddup2(&actions_, streams.in, STDIN_FILENO);
        }
        ::posix_spawn_file_actions_adddup2(&actions_, streams.out, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, streams.err, STDERR_FILENO);
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

}  // namespace

void fail(const std::string& program, std::string_view what, int error_number) {
    throw Error{ErrorCode::io,
                fmt::format("{}: {}: {}", program, what, std::strerror(error_number))};
}

void Descriptor::close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Pipe::Pipe(const std::string& program) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(program, "cannot make a pipe", errno);
    read_end = Descriptor{ends[0]};
    write_end = Descriptor{ends[1]};
}

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

pid_t spawn(const std::string& path, const std::string& name,
            const std::vector<std::string>& arguments, const Streams& streams) {
    std::vector<std::string> words{name};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::string search_path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::string locale = "LC_ALL=C";
    std::array<char*, 3> environment{search_path.data(), locale.data(), nullptr};
    const SpawnSettings settings{streams};
    pid_t process = -1;
    const int error = ::posix_spawn(&process, path.c_str(), settings.actions(),
                                    settings.attributes(), pointers.data(), environment.data());
    if (error != 0) fail(name, "cannot be started", error);
    return process;
}

Descriptor watch(pid_t process, const std::string& program) {
    // Not pidfd_open(): the header of glibc 2.36 cannot be used from C++.
    Descriptor ending{static_cast<int>(::syscall(SYS_pidfd_open, process, 0))};
    if (ending.number() < 0) fail(program, "cannot be watched", errno);
    return ending;
}

}  // namespace entrepot::process
