// Through open files, so that no name can lead elsewhere in between.
#include "appliance/share/access_rights.h"

#include "base/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kModeBits = 07777;
constexpr mode_t kExecuteBits = 0111;

class Descriptor {
public:
    explicit Descriptor(const fs::path& path)
        : file_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) {
        if (file_ >= 0) return;
        const int error = errno;
        throw Error{error == ELOOP ? ErrorCode::untrusted : ErrorCode::permission_denied,
                    fmt::format("cannot open {}: {}", path.string(), std::strerror(error))};
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(file_); }
    int get() const { return file_; }

private:
    int file_;
};

struct ::stat status_of(const Descriptor& file, const fs::path& path) {
    struct ::stat status {};
    if (::fstat(file.get(), &status) != 0) {
        throw Error{ErrorCode::io, fmt::format("cannot look at {}", path.string())};
    }
    return status;
}

void set(const struct ::stat& model, const fs::path& path) {
    const Descriptor file{path};
    const struct ::stat status = status_of(file, path);
    const bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) {
        throw Error{ErrorCode::untrusted, fmt::format("{} is no plain file", path.string())};
    }
    const bool is_owned = status.st_uid == model.st_uid && status.st_gid == model.st_gid;
    const bool has_given =
        is_owned || ::fchown(file.get(), model.st_uid, model.st_gid) == 0 || errno == EPERM;
    const mode_t mode = model.st_mode & kModeBits;
    if (has_given && ::fchmod(file.get(), is_directory ? mode : mode & ~kExecuteBits) == 0) return;
    throw Error{ErrorCode::permission_denied, fmt::format("cannot set the access rights of {}: {}",
                                                          path.string(), std::strerror(errno))};
}

}  // namespace

void copy_access_rights(const fs::path& model, const fs::path& tree) {
    const Descriptor directory{model};
    const struct ::stat wanted = status_of(directory, model);
    // From the inside out: a folder is given away last.
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator{tree, error}) {
        if (entry.is_symlink()) {
            throw Error{ErrorCode::untrusted, fmt::format("{} is a link", entry.path().string())};
        }
        set(wanted, entry.path());
    }
    if (error) {
        throw Error{ErrorCode::io,
                    fmt::format("cannot list {}: {}", tree.string(), error.message())};
    }
    set(wanted, tree);
}

}  // namespace entrepot::share
