// See real_images.h.
#include "tests/unit/disk/real_images.h"

#include "base/bytes.h"
#include "base/file_system.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

extern char** environ;

namespace entrepot::test {

std::optional<std::filesystem::path> find_images() {
    const char* shared = std::getenv("ENTREPOT_SHARED");
    const std::filesystem::path root =
        shared != nullptr ? std::filesystem::path{shared}
                          : std::filesystem::path{ENTREPOT_SOURCE_DIR} / ".." / "shared";
    const std::filesystem::path images = root / "data" / "vhdx";
    if (std::filesystem::is_directory(images)) return images;
    WARN("skipped: there is no " << images.string() << "; set ENTREPOT_SHARED");
    return std::nullopt;
}

void unpack(const std::filesystem::path& packed, const std::filesystem::path& target) {
    std::string tool = packed.extension() == ".bz2" ? "bzip2" : "gzip";
    std::string options = "-dc";
    std::string name = packed.string();
    std::array<char*, 4> arguments{tool.data(), options.data(), name.data(), nullptr};
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, tool.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    REQUIRE(error == 0);
    PosixFileSystem files;
    const auto file = files.create(target);
    Bytes buffer(64 * kKiB);
    std::uint64_t offset = 0;
    std::size_t filled = 0;
    for (;;) {
        const ssize_t count = ::read(ends[0], buffer.data() + filled, buffer.size() - filled);
        if (count > 0) filled += static_cast<std::size_t>(count);
        if (count > 0 && filled < buffer.size()) continue;
        const ByteView block = ByteView{buffer}.first(filled);
        if (!is_zero(block)) file->write(offset, block);
        offset += filled;
        filled = 0;
        if (count <= 0) break;
    }
    file->truncate(offset);
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(status == 0);
}

}  // namespace entrepot::test
