// A directory of this machine as a share; errno as HRESULT.
#include "tests/hostsim/disk/share_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace entrepot::hostsim {
namespace {

std::uint32_t hresult_of(int error) {
    switch (error) {
        case ENOENT:
            return 0x80070003;
        case EACCES:
        case EPERM:
        case EROFS:
            return 0x80070005;
        case EEXIST:
            return 0x80070050;
        case ENOSPC:
        case EDQUOT:
            return 0x80070070;
        default:
            return 0x80004005;
    }
}

[[noreturn]] void fail(const std::string& path) {
    const int error = errno;
    throw TargetFailure{hresult_of(error), fmt::format("{}: {}", path, std::strerror(error))};
}

class PlainFile final : public TargetFile {
public:
    explicit PlainFile(const std::string& path) : path_(path) {
        descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (descriptor_ < 0) fail(path);
    }
    PlainFile(const PlainFile&) = delete;
    PlainFile& operator=(const PlainFile&) = delete;
    ~PlainFile() override {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    void write(std::uint64_t offset, ByteView data) override {
        while (!data.empty()) {
            const ssize_t count =
                ::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) fail(path_);
            offset += static_cast<std::uint64_t>(count);
            data = data.subspan(static_cast<std::size_t>(count));
        }
    }
    void truncate(std::uint64_t size_bytes) override {
        if (::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) fail(path_);
    }
    void close() override {
        if (::close(std::exchange(descriptor_, -1)) != 0) fail(path_);
    }

private:
    std::string path_;
    int descriptor_ = -1;
};

class DirectoryTarget final : public ShareTarget {
public:
    explicit DirectoryTarget(std::filesystem::path root) : root_(std::move(root)) {}

    void make_directories(const std::string& path) override {
        if (!std::filesystem::is_directory(root_)) {
            throw TargetFailure{0x80070043, "The network name cannot be found."};
        }
        std::filesystem::path step = root_;
        for (const auto& part : std::filesystem::path{path}) {
            step /= part;
            if (::mkdir(step.c_str(), 0750) != 0 && errno != EEXIST) fail(step.string());
        }
    }
    std::unique_ptr<TargetFile> create(const std::string& path) override {
        return std::make_unique<PlainFile>((root_ / path).string());
    }

private:
    std::filesystem::path root_;
};

}  // namespace

std::unique_ptr<ShareTarget> make_directory_target(const std::filesystem::path& root) {
    return std::make_unique<DirectoryTarget>(root);
}

}  // namespace entrepot::hostsim
