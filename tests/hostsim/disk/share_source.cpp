// A directory of this machine, read as Windows reads a folder.
#include "tests/hostsim/disk/share_source.h"

#include "base/error.h"
#include "tests/hostsim/disk/file_handle.h"

#include <strings.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kFileNotFound = 0x80070002;
constexpr std::uint32_t kPathNotFound = 0x80070003;
constexpr std::uint32_t kAccessDenied = 0x80070005;
constexpr std::uint32_t kInvalidData = 0x8007000D;
constexpr std::uint32_t kHandleEnd = 0x80070026;

class PlainSource final : public SourceFile {
public:
    explicit PlainSource(const std::filesystem::path& path)
        : file_(path, FileHandle::Mode::read), size_(file_.size()) {}

    std::uint64_t size() const override { return size_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        if (offset > size_ || target.size() > size_ - offset) {
            throw TargetFailure{kHandleEnd, "The end of the file was reached."};
        }
        file_.read(offset, target);
    }

private:
    FileHandle file_;
    std::uint64_t size_;
};

/// The entry of that name in a folder: the exact one first, then one of another case.
std::optional<std::filesystem::path> find_entry(const std::filesystem::path& folder,
                                                const std::string& name) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / name, ignored)) return folder / name;
    for (const auto& entry : std::filesystem::directory_iterator{folder, ignored}) {
        if (::strcasecmp(entry.path().filename().c_str(), name.c_str()) == 0) return entry.path();
    }
    return std::nullopt;
}

class DirectorySource final : public ShareSource {
public:
    explicit DirectorySource(std::filesystem::path root) : root_(std::move(root)) {}

    std::unique_ptr<SourceFile> open(const std::string& path) const override {
        const auto facts = find(path);
        if (!facts) {
            const bool has_folder = std::filesystem::is_directory(local_path(path).parent_path());
            throw TargetFailure{has_folder ? kFileNotFound : kPathNotFound,
                                "The system cannot find the file specified."};
        }
        if (facts->is_directory) throw TargetFailure{kAccessDenied, "This is a folder."};
        try {
            return std::make_unique<PlainSource>(local_path(path));
        } catch (const Error& error) {
            throw TargetFailure{kAccessDenied, error.what()};
        }
    }
    std::optional<SourceFacts> find(const std::string& path) const override {
        struct stat status {};
        if (::stat(local_path(path).c_str(), &status) != 0) return std::nullopt;
        return SourceFacts{
            .size_bytes = static_cast<std::uint64_t>(status.st_size),
            .changed = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
            .is_directory = S_ISDIR(status.st_mode)};
    }
    void remove(const std::string& path) const override {
        std::error_code error;
        std::filesystem::remove(local_path(path), error);
        if (error) throw TargetFailure{kAccessDenied, error.message()};
    }
    std::filesystem::path local_path(const std::string& path) const override {
        std::filesystem::path step = root_;
        for (const auto& part : std::filesystem::path{path}) {
            const auto entry = find_entry(step, part.string());
            step = entry ? *entry : step / part;
        }
        return step;
    }

private:
    std::filesystem::path root_;
};

}  // namespace

std::unique_ptr<ShareSource> make_directory_source(const std::filesystem::path& root) {
    return std::make_unique<DirectorySource>(root);
}

Bytes read_source(const SourceFile& file, std::uint64_t size_bytes_max) {
    if (file.size() > size_bytes_max) throw TargetFailure{kInvalidData, "The data is invalid."};
    Bytes bytes(static_cast<std::size_t>(file.size()));
    file.read(0, bytes);
    return bytes;
}

}  // namespace entrepot::hostsim
