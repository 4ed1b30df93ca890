// Asks Samba which files are open. Only one question is put to the list: whether a run occurs in
// it; so its format, which differs between versions, does not matter.
#include "appliance/share/export_area.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace entrepot::share {
namespace {

constexpr std::size_t kOutputBytesMax = 16 * kMiB;

struct Pipe {
    int read_end = -1;
    int write_end = -1;
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw Error{ErrorCode::io, "cannot make a pipe for smbstatus"};
        }
        read_end = ends[0];
        write_end = ends[1];
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        ::close(read_end);
        close_write_end();
    }
    void close_write_end() {
        if (write_end >= 0) ::close(std::exchange(write_end, -1));
    }
};

pid_t spawn(const std::filesystem::path& smb_conf, int output) {
    std::string program = "smbstatus";
    std::string option = "-L";
    std::string configuration = "--configfile=" + smb_conf.string();
    std::array<char*, 4> arguments{program.data(), option.data(), configuration.data(), nullptr};
    std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::string locale = "LC_ALL=C";
    std::array<char*, 3> environment{path.data(), locale.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t process = -1;
    const int result = ::posix_spawnp(&process, program.c_str(), &actions, nullptr,
                                      arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) throw Error{ErrorCode::io, "cannot run smbstatus", "is Samba installed here?"};
    return process;
}

std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 65'536> buffer{};
    for (;;) {
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        if (static_cast<std::size_t>(count) > kOutputBytesMax - text.size()) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

class SmbstatusCheck final : public OpenHandleCheck {
public:
    explicit SmbstatusCheck(std::filesystem::path smb_conf) : smb_conf_(std::move(smb_conf)) {}

    bool has_open_handles(const std::filesystem::path& directory) override {
        Pipe pipe;
        const pid_t process = spawn(smb_conf_, pipe.write_end);
        pipe.close_write_end();
        const std::string output = read_all(pipe.read_end);
        int status = 0;
        while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            throw Error{ErrorCode::io, fmt::format("smbstatus with {} failed", smb_conf_.string())};
        }
        // A run's directory name is 128 random bits, so it occurs only where the run is meant.
        return output.find(directory.filename().string()) != std::string::npos;
    }

private:
    std::filesystem::path smb_conf_;
};

}  // namespace

std::unique_ptr<OpenHandleCheck> make_smbstatus_check(const std::filesystem::path& smb_conf) {
    return std::make_unique<SmbstatusCheck>(smb_conf);
}

}  // namespace entrepot::share
