// The system's files, and a list of what was asked of them.
#pragma once

#include "base/file_system.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace entrepot::test {

/// Remembers every path that was opened, listed, looked at or changed.
class WatchingFileSystem final : public FileSystem {
public:
    std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                    FollowLinks follow) override {
        return files_.open_read(note(path), follow);
    }
    std::unique_ptr<File> create(const std::filesystem::path& path) override {
        return files_.create(note(path));
    }
    std::unique_ptr<File> open_write(const std::filesystem::path& path) override {
        return files_.open_write(note(path));
    }
    std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override {
        return files_.list(note(directory));
    }
    std::optional<FileStatus> find_status(const std::filesystem::path& path) override {
        return files_.find_status(note(path));
    }
    std::uint64_t free_bytes(const std::filesystem::path& path) override {
        return files_.free_bytes(note(path));
    }
    void make_directories(const std::filesystem::path& path) override {
        files_.make_directories(note(path));
    }
    void set_access(const std::filesystem::path& path, const Access& access) override {
        files_.set_access(note(path), access);
    }
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        files_.rename(note(from), note(to));
    }
    void remove(const std::filesystem::path& path) override { files_.remove(note(path)); }
    void remove_tree(const std::filesystem::path& path) override { files_.remove_tree(note(path)); }
    void sync_directory(const std::filesystem::path& directory) override {
        files_.sync_directory(note(directory));
    }
    std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) override {
        return files_.try_lock(note(path));
    }

    const std::set<std::filesystem::path>& paths() const { return paths_; }

private:
    const std::filesystem::path& note(const std::filesystem::path& path) {
        paths_.insert(path);
        return path;
    }

    PosixFileSystem files_;
    std::set<std::filesystem::path> paths_;
};

}  // namespace entrepot::test
