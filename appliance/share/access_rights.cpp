// Through open files, so that no name can lead elsewhere in between.
#include "appliance/share/access_rights.h"

#include "base/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kModeBits = 07777;
constexpr mode_t kExecuteBits = 0111;
constexpr mode_t kGroupMode = 0770;

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

/// Whom a tree is given to. Files are not made executable.
struct Rights {
    std::optional<uid_t> user;
    gid_t group = 0;
    mode_t mode = 0;
};

void set(const Rights& wanted, const fs::path& path) {
    const Descriptor file{path};
    const struct ::stat status = status_of(file, path);
    const bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) {
        throw Error{ErrorCode::untrusted, fmt::format("{} is no plain file", path.string())};
    }
    const uid_t user = wanted.user.value_or(status.st_uid);
    const bool is_owned = status.st_uid == user && status.st_gid == wanted.group;
    // Where we may not give files away, a model's rights have to do; a group has to be the one
    // named.
    const bool has_given = is_owned || ::fchown(file.get(), user, wanted.group) == 0 ||
                           (wanted.user && errno == EPERM);
    const mode_t mode = is_directory ? wanted.mode : wanted.mode & ~kExecuteBits;
    if (has_given && ::fchmod(file.get(), mode) == 0) return;
    throw Error{ErrorCode::permission_denied, fmt::format("cannot set the access rights of {}: {}",
                                                          path.string(), std::strerror(errno))};
}

void set_tree(const Rights& wanted, const fs::path& tree) {
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

}  // namespace

void copy_access_rights(const fs::path& model, const fs::path& tree) {
    const Descriptor directory{model};
    const struct ::stat status = status_of(directory, model);
    set_tree({status.st_uid, status.st_gid, status.st_mode & kModeBits}, tree);
}

void admit_group(std::uint32_t group_id, const fs::path& tree) {
    set_tree({std::nullopt, group_id, kGroupMode}, tree);
}

}  // namespace entrepot::share
