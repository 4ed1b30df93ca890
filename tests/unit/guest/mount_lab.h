// A file system as Linux writes it through a mount, which takes root, a loop device and the file
// system in the kernel. Where nobody may mount, a test says so and passes.
#pragma once

#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

namespace entrepot::test {

/// From now on this process sees its own mounts. A cage elsewhere, which copies all mounts that it
/// sees, would keep ours alive, and what was written in memory, after they are unmounted.
inline void take_own_mounts() {
    static const bool is_done = ::unshare(CLONE_NEWNS) == 0 &&
                                ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!is_done) throw std::runtime_error{"this process gets no mounts of its own"};
}

/// Mounted while it lives.
class Mount {
public:
    Mount(const std::string& options, const std::filesystem::path& image,
          const std::filesystem::path& folder)
        : folder_(folder) {
        take_own_mounts();
        shell(fmt::format("mount {} {} {}", options, shell_quoted(image), shell_quoted(folder)));
    }
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    ~Mount() {
        try {
            shell("umount " + shell_quoted(folder_));
        } catch (const std::exception&) {
            FAIL_CHECK("the file system cannot be unmounted");
        }
    }

private:
    std::filesystem::path folder_;
};

struct MountLab {
    TemporaryDirectory directory;
    std::filesystem::path image = directory.path() / "image";
    std::filesystem::path folder = directory.path() / "mounted";
    std::string mount_options;

    /// `make` is the command that makes the file system, `options` are for mounting it.
    MountLab(std::uint64_t size_bytes, const std::string& make, const std::string& options)
        : mount_options(options) {
        std::filesystem::create_directory(folder);
        shell(fmt::format("truncate -s {} {}", size_bytes, shell_quoted(image)));
        shell(make + " " + shell_quoted(image));
    }

    /// nullopt, and a word about it, where nobody may mount.
    bool mount(std::optional<Mount>& mounted) const {
        if (::geteuid() != 0) {
            WARN("skipped: mounting takes root");
            return false;
        }
        try {
            mounted.emplace(mount_options, image, folder);
        } catch (const std::exception&) {
            WARN("skipped: this system does not mount it");
            return false;
        }
        return true;
    }

    /// Ends all writing: what was done is in the journal, and need not be elsewhere.
    void crash() const { shell("xfs_io -x -c 'shutdown -f' " + shell_quoted(folder)); }
    /// Ends all writing, that of the journal too.
    void crash_at_once() const { shell("xfs_io -x -c shutdown " + shell_quoted(folder)); }
    /// As the disk is now, for a second look.
    std::filesystem::path copy(const std::string& name) const {
        const std::filesystem::path target = directory.path() / name;
        shell("cp --sparse=always " + shell_quoted(image) + " " + shell_quoted(target));
        return target;
    }
};

inline void write_at(const std::filesystem::path& path, std::uint64_t offset, ByteView content) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(descriptor >= 0);
    CHECK(::pwrite(descriptor, content.data(), content.size(), static_cast<off_t>(offset)) ==
          static_cast<ssize_t>(content.size()));
    ::close(descriptor);
}

/// What a mounted file system holds, by reading it there.
inline FileTree read_mounted(const std::filesystem::path& root) {
    FileTree tree;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
        if (entry.symlink_status().type() != std::filesystem::file_type::regular) continue;
        tree["/" + entry.path().lexically_relative(root).string()] = read_whole(entry.path());
    }
    return tree;
}

}  // namespace entrepot::test
