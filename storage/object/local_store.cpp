// Temporary name, fdatasync, rename, directory sync; a listing that fails is never an empty one.
#include "storage/object/local_store.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace entrepot::object {
namespace {

namespace fs = std::filesystem;

constexpr std::array kCollections = {Collection::packs,     Collection::maps,
                                     Collection::manifests, Collection::marks,
                                     Collection::redirects, Collection::states};
constexpr std::size_t kRequired = 4;
constexpr std::string_view kUploads = "tmp";
constexpr std::size_t kNameLengthMax = 128;

bool is_name(std::string_view name) {
    if (name.size() < 2 || name.size() > kNameLengthMax) return false;
    for (const char c : name) {
        const bool is_allowed =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!is_allowed) return false;
    }
    return name.front() != '.';
}

class LocalObject final : public Object {
public:
    explicit LocalObject(std::unique_ptr<File> file)
        : file_(std::move(file)), size_bytes_(file_->size()) {}
    std::uint64_t size_bytes() const override { return size_bytes_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        file_->read_exactly(offset, target);
    }

private:
    std::unique_ptr<File> file_;
    std::uint64_t size_bytes_;
};

class LocalUpload final : public Upload {
public:
    LocalUpload(FileSystem& file_system, fs::path temporary, fs::path target)
        : file_system_(file_system),
          temporary_(std::move(temporary)),
          target_(std::move(target)),
          file_(file_system_.create(temporary_)) {}
    LocalUpload(const LocalUpload&) = delete;
    LocalUpload& operator=(const LocalUpload&) = delete;

    ~LocalUpload() override {
        if (is_committed_) return;
        file_.reset();
        try {
            file_system_.remove(temporary_);
        } catch (...) {
            // The next start removes it.
        }
    }

    void append(ByteView data) override {
        file_->write(end_, data);
        end_ += data.size();
    }

    void commit() override {
        file_->sync();
        file_.reset();
        file_system_.rename(temporary_, target_);
        is_committed_ = true;
        file_system_.sync_directory(target_.parent_path());
    }

private:
    FileSystem& file_system_;
    fs::path temporary_;
    fs::path target_;
    std::unique_ptr<File> file_;
    std::uint64_t end_ = 0;
    bool is_committed_ = false;
};

}  // namespace

void LocalStore::create_directories(FileSystem& file_system, const fs::path& directory) {
    for (const Collection collection : kCollections) {
        file_system.make_directories(directory / to_string(collection));
    }
    file_system.make_directories(directory / kUploads);
    file_system.sync_directory(directory);
}

bool LocalStore::is_directory_name(std::string_view name) {
    return name == kUploads ||
           std::any_of(kCollections.begin(), kCollections.end(),
                       [&](Collection collection) { return name == to_string(collection); });
}

LocalStore::LocalStore(FileSystem& file_system, Random& random, fs::path directory)
    : file_system_(file_system), random_(random), directory_(std::move(directory)) {
    for (std::size_t i = 0; i < kRequired; ++i) {
        const Collection collection = kCollections.at(i);
        const auto status = file_system_.find_status(directory_ / to_string(collection));
        if (!status || status->type != FileType::directory) {
            throw Error{
                ErrorCode::not_found,
                fmt::format("{} has no directory {}", directory_.string(), to_string(collection)),
                "is the volume mounted?"};
        }
    }
}

fs::path LocalStore::path_of(const Key& key) const {
    ENTREPOT_CHECK(is_name(key.name));
    return directory_ / to_string(key.collection) / key.name.substr(0, 2) / key.name;
}

void LocalStore::ensure_directory(const fs::path& directory) {
    const std::scoped_lock lock{mutex_};
    if (known_directories_.contains(directory)) return;
    file_system_.make_directories(directory);
    // Synced even if it was there: whoever made it may have died before this line.
    file_system_.sync_directory(directory.parent_path());
    known_directories_.insert(directory);
}

std::unique_ptr<Upload> LocalStore::create(const Key& key) {
    const fs::path target = path_of(key);
    ensure_directory(target.parent_path());
    ensure_directory(directory_ / kUploads);
    std::array<std::byte, 16> suffix{};
    {
        const std::scoped_lock lock{mutex_};
        random_.fill(suffix);
    }
    return std::make_unique<LocalUpload>(file_system_, directory_ / kUploads / to_hex(suffix),
                                         target);
}

std::unique_ptr<Object> LocalStore::open(const Key& key) {
    return std::make_unique<LocalObject>(file_system_.open_read(path_of(key), FollowLinks::no));
}

std::optional<std::uint64_t> LocalStore::find_size(const Key& key) {
    const auto status = file_system_.find_status(path_of(key));
    if (!status || status->type != FileType::regular) return std::nullopt;
    return status->size_bytes;
}

void LocalStore::remove(const Key& key) {
    const fs::path path = path_of(key);
    if (!file_system_.exists(path)) return;
    file_system_.remove(path);
    file_system_.sync_directory(path.parent_path());
}

void LocalStore::settle_removals(Collection collection) {
    const fs::path root = directory_ / to_string(collection);
    if (!file_system_.exists(root)) return;
    for (const DirectoryEntry& fan : file_system_.list(root)) {
        if (fan.type == FileType::directory) file_system_.sync_directory(root / fan.name);
    }
}

std::vector<std::string> LocalStore::list(Collection collection) {
    std::vector<std::string> names;
    const fs::path root = directory_ / to_string(collection);
    const bool is_required =
        collection != Collection::redirects && collection != Collection::states;
    if (!is_required && !file_system_.exists(root)) return names;
    for (const DirectoryEntry& fan : file_system_.list(root)) {
        if (fan.type != FileType::directory) continue;
        for (DirectoryEntry& entry : file_system_.list(root / fan.name)) {
            const bool is_ours = entry.type == FileType::regular && is_name(entry.name) &&
                                 entry.name.starts_with(fan.name);
            if (is_ours) names.push_back(std::move(entry.name));
        }
    }
    return names;
}

void LocalStore::discard_uploads() {
    const fs::path uploads = directory_ / kUploads;
    if (!file_system_.exists(uploads)) return;
    for (const DirectoryEntry& entry : file_system_.list(uploads)) {
        if (entry.type == FileType::regular) file_system_.remove(uploads / entry.name);
    }
}

}  // namespace entrepot::object
