// The object store in a local directory.
#pragma once

#include "storage/object/store.h"

#include "base/file_system.h"
#include "base/random.h"

#include <filesystem>
#include <mutex>
#include <set>

namespace entrepot::object {

/// Objects lie in DIRECTORY/<collection>/<first two characters>/<name>; uploads in DIRECTORY/tmp.
/// Safe to share between threads.
class LocalStore final : public Store {
public:
    /// Makes the directories of a new store, durably.
    static void create_directories(FileSystem& file_system, const std::filesystem::path& directory);
    /// Whether create_directories() makes one of that name.
    static bool is_directory_name(std::string_view name);

    LocalStore(FileSystem& file_system, Random& random, std::filesystem::path directory);

    std::unique_ptr<Upload> create(const Key& key) override;
    std::unique_ptr<Object> open(const Key& key) override;
    std::optional<std::uint64_t> find_size(const Key& key) override;
    void remove(const Key& key) override;
    void settle_removals(Collection collection) override;
    std::vector<std::string> list(Collection collection) override;
    void discard_uploads() override;

private:
    std::filesystem::path path_of(const Key& key) const;
    void ensure_directory(const std::filesystem::path& directory);

    FileSystem& file_system_;
    Random& random_;
    std::filesystem::path directory_;
    std::mutex mutex_;
    std::set<std::filesystem::path> known_directories_;
};

}  // namespace entrepot::object
