// POSIX files with SEEK_DATA and reflinks.
#include "tests/hostsim/disk/file_handle.h"

#include "base/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kCopyBytes = kMiB;

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
    const ErrorCode code = errno == ENOSPC ? ErrorCode::no_space : ErrorCode::io;
    throw Error{code, fmt::format("{} {}: {}", what, path.string(), std::strerror(errno))};
}

int flags_of(FileHandle::Mode mode) {
    switch (mode) {
        case FileHandle::Mode::read:
            return O_RDONLY;
        case FileHandle::Mode::read_write:
            return O_RDWR;
        case FileHandle::Mode::create:
            return O_RDWR | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

void copy_data(const FileHandle& from, FileHandle& to,
               const std::function<void(std::uint64_t)>& on_progress) {
    Bytes buffer(kCopyBytes);
    std::uint64_t offset = 0;
    while (const auto range = from.find_data(offset)) {
        for (offset = range->offset; offset < range->end();) {
            const std::size_t length = static_cast<std::size_t>(
                std::min<std::uint64_t>(kCopyBytes, range->end() - offset));
            const MutableByteView part{buffer.data(), length};
            from.read(offset, part);
            to.write(offset, part);
            offset += length;
            if (on_progress) on_progress(offset);
        }
    }
}

}  // namespace

FileHandle::FileHandle(const std::filesystem::path& path, Mode mode) : path_(path) {
    descriptor_ = ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail("open", path);
}

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

FileHandle::~FileHandle() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t FileHandle::size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail("stat", path_);
    return static_cast<std::uint64_t>(status.st_size);
}

void FileHandle::read(std::uint64_t offset, MutableByteView target) const {
    while (!target.empty()) {
        const ssize_t count =
            ::pread(descriptor_, target.data(), target.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("read", path_);
        if (count == 0) {
            std::memset(target.data(), 0, target.size());
            return;
        }
        offset += static_cast<std::uint64_t>(count);
        target = target.subspan(static_cast<std::size_t>(count));
    }
}

void FileHandle::write(std::uint64_t offset, ByteView data) {
    while (!data.empty()) {
        const ssize_t count =
            ::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail("write", path_);
        offset += static_cast<std::uint64_t>(count);
        data = data.subspan(static_cast<std::size_t>(count));
    }
}

void FileHandle::truncate(std::uint64_t size_bytes) {
    if (::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) fail("truncate", path_);
}

std::optional<ByteRange> FileHandle::find_data(std::uint64_t offset) const {
    const off_t start = ::lseek(descriptor_, static_cast<off_t>(offset), SEEK_DATA);
    if (start < 0) {
        if (errno == ENXIO) return std::nullopt;
        fail("seek", path_);
    }
    const off_t end = ::lseek(descriptor_, start, SEEK_HOLE);
    if (end < 0) fail("seek", path_);
    return ByteRange{static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(end - start)};
}

void copy_sparse(const std::filesystem::path& source, const std::filesystem::path& target,
                 const std::function<void(std::uint64_t)>& on_progress) {
    const FileHandle from{source, FileHandle::Mode::read};
    FileHandle to{target, FileHandle::Mode::create};
    if (::ioctl(to.descriptor(), FICLONE, from.descriptor()) == 0) return;
    to.truncate(from.size());
    copy_data(from, to, on_progress);
}

void overwrite_sparse(const std::filesystem::path& source, const std::filesystem::path& target) {
    const FileHandle from{source, FileHandle::Mode::read};
    FileHandle to{target, FileHandle::Mode::read_write};
    to.truncate(0);
    to.truncate(from.size());
    copy_data(from, to, {});
}

}  // namespace entrepot::hostsim
