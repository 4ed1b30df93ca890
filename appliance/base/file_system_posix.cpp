// The system's files. The only place that knows errno.
#include "base/bulk_writer_posix.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

namespace entrepot {
namespace {

namespace fs = std::filesystem;

ErrorCode code_of(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
            return ErrorCode::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return ErrorCode::already_exists;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorCode::permission_denied;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return ErrorCode::no_space;
        case ELOOP:
            return ErrorCode::invalid;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
            return ErrorCode::limit;
        default:
            return ErrorCode::io;
    }
}

[[noreturn]] void throw_errno(std::string_view action, const fs::path& path) {
    const int error_number = errno;
    char buffer[128];
    throw Error{code_of(error_number),
                fmt::format("cannot {} {}: {}", action, path.string(),
                            strerror_r(error_number, buffer, sizeof buffer)),
                error_number == ENOENT ? "Is the path written correctly?" : ""};
}

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    int get() const { return value_; }

private:
    int value_;
};

template <typename Call>
auto retry_interrupted(Call&& call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

FileType type_of(mode_t mode) {
    if (S_ISREG(mode)) return FileType::regular;
    if (S_ISDIR(mode)) return FileType::directory;
    if (S_ISLNK(mode)) return FileType::symlink;
    return FileType::other;
}

class PosixFile final : public File {
public:
    PosixFile(Descriptor descriptor, fs::path path)
        : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

    std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
        finish_bulk_writes();
        std::size_t done = 0;
        while (done < target.size()) {
            const ssize_t count = retry_interrupted([&] {
                return ::pread(descriptor_.get(), target.data() + done, target.size() - done,
                               static_cast<off_t>(offset + done));
            });
            if (count < 0) {
                const int error_number = errno;
                const std::string action = fmt::format("read {} bytes at offset {} of",
                                                       target.size() - done, offset + done);
                errno = error_number;
                throw_errno(action, path_);
            }
            if (count == 0) break;
            done += static_cast<std::size_t>(count);
        }
        return done;
    }

    std::uint64_t size() const override {
        finish_bulk_writes();
        return static_cast<std::uint64_t>(status().st_size);
    }

    FileIdentity identity() const override {
        const struct stat value = status();
        return {static_cast<std::uint64_t>(value.st_dev), static_cast<std::uint64_t>(value.st_ino)};
    }

    std::optional<FileExtent> find_data(std::uint64_t offset) const override {
        finish_bulk_writes();
        const off_t data = ::lseek(descriptor_.get(), static_cast<off_t>(offset), SEEK_DATA);
        if (data < 0) {
            if (errno == ENXIO) return std::nullopt;
            throw_errno("find data in", path_);
        }
        const off_t hole = ::lseek(descriptor_.get(), data, SEEK_HOLE);
        if (hole < 0) throw_errno("find a hole in", path_);
        return FileExtent{static_cast<std::uint64_t>(data),
                          static_cast<std::uint64_t>(hole - data)};
    }

    void write(std::uint64_t offset, ByteView data) override {
        while (bulk_ && !data.empty()) {
            const std::size_t begun = bulk_->begin(offset, data);
            if (begun == 0) break;
            data = data.subspan(begun);
            offset += begun;
        }
        if (data.empty()) return;
        // Not beside them: a page of the cache may hold more than what is written now.
        finish_bulk_writes();
        write_cached(offset, data);
    }

    void truncate(std::uint64_t size_bytes) override {
        finish_bulk_writes();
        if (retry_interrupted([&] {
                return ::ftruncate(descriptor_.get(), static_cast<off_t>(size_bytes));
            }) < 0) {
            throw_errno("resize", path_);
        }
    }

    void expect_bulk_writes() override {
        if (bulk_) return;
        bulk_ = BulkWriter::try_open(
            path_, descriptor_.get(),
            [this](std::uint64_t offset, ByteView data) { write_cached(offset, data); });
    }

    void sync() override {
        finish_bulk_writes();
        if (::fdatasync(descriptor_.get()) < 0) throw_errno("sync", path_);
    }

    const fs::path& path() const override { return path_; }

private:
    void write_cached(std::uint64_t offset, ByteView data) {
        while (!data.empty()) {
            const ssize_t count = retry_interrupted([&] {
                return ::pwrite(descriptor_.get(), data.data(), data.size(),
                                static_cast<off_t>(offset));
            });
            if (count < 0) throw_errno("write", path_);
            data = data.subspan(static_cast<std::size_t>(count));
            offset += static_cast<std::uint64_t>(count);
        }
    }

    /// Whatever else is asked of the file sees all that was written.
    void finish_bulk_writes() const {
        if (bulk_) bulk_->finish();
    }

    struct stat status() const {
        struct stat value {};
        if (::fstat(descriptor_.get(), &value) < 0) throw_errno("look at", path_);
        return value;
    }

    Descriptor descriptor_;
    fs::path path_;
    std::unique_ptr<BulkWriter> bulk_;  // Goes before what it falls back on.
};

class PosixLock final : public FileLock {
public:
    explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

private:
    Descriptor descriptor_;
};

std::unique_ptr<File> open_regular(const fs::path& path, int flags) {
    // O_NONBLOCK so that a FIFO planted in an export cannot hang us; it means nothing for a file.
    Descriptor descriptor{
        retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK); })};
    if (descriptor.get() < 0) throw_errno("open", path);
    struct stat value {};
    if (::fstat(descriptor.get(), &value) < 0) throw_errno("look at", path);
    if (!S_ISREG(value.st_mode))
        throw Error{ErrorCode::invalid, fmt::format("{} is not a regular file", path.string())};
    return std::make_unique<PosixFile>(std::move(descriptor), path);
}

}  // namespace

std::unique_ptr<File> PosixFileSystem::open_read(const fs::path& path, FollowLinks follow) {
    return open_regular(path, O_RDONLY | (follow == FollowLinks::no ? O_NOFOLLOW : 0));
}

std::unique_ptr<File> PosixFileSystem::create(const fs::path& path) {
    Descriptor descriptor{retry_interrupted([&] {
        return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    })};
    if (descriptor.get() < 0) throw_errno("create", path);
    return std::make_unique<PosixFile>(std::move(descriptor), path);
}

std::unique_ptr<File> PosixFileSystem::open_write(const fs::path& path) {
    return open_regular(path, O_RDWR);
}

std::vector<DirectoryEntry> PosixFileSystem::list(const fs::path& directory) {
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) throw_errno("list", directory);
    const std::unique_ptr<DIR, int (*)(DIR*)> guard{stream, &::closedir};
    std::vector<DirectoryEntry> entries;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream);
        if (entry == nullptr) {
            // An error taken for the end would make a full directory look empty.
            if (errno != 0) throw_errno("list", directory);
            return entries;
        }
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        if (entries.size() >= limits::kDirectoryEntriesMax) {
            throw Error{ErrorCode::limit,
                        fmt::format("{} has too many entries", directory.string())};
        }
        struct stat value {};
        if (::fstatat(::dirfd(stream), entry->d_name, &value, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT) continue;  // Removed while we were listing.
            throw_errno("look at", directory / name);
        }
        entries.push_back({name, type_of(value.st_mode)});
    }
}

std::optional<FileStatus> PosixFileSystem::find_status(const fs::path& path) {
    struct stat value {};
    if (::lstat(path.c_str(), &value) < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
        throw_errno("look at", path);
    }
    using namespace std::chrono;
    const auto modified = seconds{value.st_mtim.tv_sec} + nanoseconds{value.st_mtim.tv_nsec};
    return FileStatus{.type = type_of(value.st_mode),
                      .size_bytes = static_cast<std::uint64_t>(value.st_size),
                      .allocated_bytes = static_cast<std::uint64_t>(value.st_blocks) * 512,
                      .link_count = static_cast<std::uint32_t>(value.st_nlink),
                      .owner_id = static_cast<std::uint32_t>(value.st_uid),
                      .group_id = static_cast<std::uint32_t>(value.st_gid),
                      .mode = static_cast<std::uint32_t>(value.st_mode) & 07777U,
                      .modified = WallTime{floor<milliseconds>(modified)}};
}

std::uint64_t PosixFileSystem::free_bytes(const fs::path& path) {
    struct statvfs value {};
    if (::statvfs(path.c_str(), &value) < 0) throw_errno("ask the free space of", path);
    return static_cast<std::uint64_t>(value.f_bavail) * value.f_frsize;
}

void PosixFileSystem::make_directories(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) {
        errno = error.value();
        throw_errno("create directory", path);
    }
}

void PosixFileSystem::set_access(const fs::path& path, const Access& access) {
    const Descriptor descriptor{retry_interrupted(
        [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC); })};
    if (descriptor.get() < 0) throw_errno("open", path);
    // The group first: another one takes the bits that give a group away.
    if (access.group_id && ::fchown(descriptor.get(), static_cast<uid_t>(-1), *access.group_id) < 0)
        throw_errno("set the group of", path);
    if (::fchmod(descriptor.get(), access.mode) < 0) throw_errno("set the access rights of", path);
}

void PosixFileSystem::rename(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) < 0) throw_errno("rename", from);
}

void PosixFileSystem::rename_to_new(const fs::path& from, const fs::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
    // NFS and some others refuse the flag.
    if (errno == EINVAL || errno == ENOSYS) return FileSystem::rename_to_new(from, to);
    throw_errno("rename to", to);
}

void PosixFileSystem::remove(const fs::path& path) {
    if (::remove(path.c_str()) < 0 && errno != ENOENT) throw_errno("remove", path);
}

void PosixFileSystem::remove_tree(const fs::path& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error) {
        errno = error.value();
        throw_errno("remove", path);
    }
}

void PosixFileSystem::sync_directory(const fs::path& directory) {
    const Descriptor descriptor{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (descriptor.get() < 0) throw_errno("open directory", directory);
    if (::fsync(descriptor.get()) < 0) throw_errno("sync directory", directory);
}

std::unique_ptr<FileLock> PosixFileSystem::try_lock(const fs::path& path) {
    Descriptor descriptor{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (descriptor.get() < 0) throw_errno("open", path);
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) return nullptr;
        throw_errno("lock", path);
    }
    return std::make_unique<PosixLock>(std::move(descriptor));
}

}  // namespace entrepot
