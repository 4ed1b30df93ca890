// Programs and libraries of others, for a second opinion on images.
#pragma once

#include "base/bytes.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dlfcn.h>
#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

extern char** environ;

namespace entrepot::test {

/// Runs a program whose words end up nowhere; true if it exits with 0.
inline bool run_program(std::vector<std::string> words, std::string* output = nullptr) {
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t pid = 0;
    const int error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::array<char, 4096> buffer{};
    for (ssize_t count = 1; error == 0 && count > 0;) {
        count = ::read(ends[0], buffer.data(), buffer.size());
        if (count > 0 && output != nullptr)
            output->append(buffer.data(), static_cast<std::size_t>(count));
    }
    ::close(ends[0]);
    int status = 0;
    return error == 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

/// libvhdi, found when the test runs: its headers are not needed to build.
class VhdiFile {
public:
    /// Nullptr, with a warning, where the library is not installed.
    static std::unique_ptr<VhdiFile> try_open(const std::string& path) {
        static void* const library = ::dlopen("libvhdi.so.1", RTLD_NOW);
        if (library == nullptr) {
            WARN("skipped: libvhdi.so.1 is not installed");
            return nullptr;
        }
        std::unique_ptr<VhdiFile> file{new VhdiFile{library}};
        using Open = int(void*, const char*, int, void**);
        constexpr int kRead = 1;
        REQUIRE(file->function<Open>("libvhdi_file_open")(file->handle_, path.c_str(), kRead,
                                                          nullptr) == 1);
        return file;
    }
    VhdiFile(const VhdiFile&) = delete;
    VhdiFile& operator=(const VhdiFile&) = delete;
    ~VhdiFile() {
        using Free = int(void**, void**);
        function<Free>("libvhdi_file_free")(&handle_, nullptr);
    }
    std::uint64_t size_bytes() const {
        using Size = int(void*, std::uint64_t*, void**);
        std::uint64_t size = 0;
        REQUIRE(function<Size>("libvhdi_file_get_media_size")(handle_, &size, nullptr) == 1);
        return size;
    }
    Bytes read(std::uint64_t offset, std::size_t length) const {
        using Read = ssize_t(void*, void*, std::size_t, std::int64_t, void**);
        Bytes bytes(length);
        const ssize_t count = function<Read>("libvhdi_file_read_buffer_at_offset")(
            handle_, bytes.data(), length, static_cast<std::int64_t>(offset), nullptr);
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return bytes;
    }

private:
    explicit VhdiFile(void* library) : library_(library) {
        using Initialize = int(void**, void**);
        REQUIRE(function<Initialize>("libvhdi_file_initialize")(&handle_, nullptr) == 1);
    }
    template <typename Function>
    Function* function(const char* name) const {
        void* const symbol = ::dlsym(library_, name);
        REQUIRE(symbol != nullptr);
        return reinterpret_cast<Function*>(symbol);
    }
    void* library_;
    void* handle_ = nullptr;
};

}  // namespace entrepot::test
