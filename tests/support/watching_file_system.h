// The system's files, and a list of what was asked of them.
#pragma once

#include "base/file_system.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace entrepot::test {

/// Remembers every path that was opened, listed, looked at or changed, and every read of a file
/// that was opened for reading.
class WatchingFileSystem final : public FileSystem {
public:
    struct Read {
        std::filesystem::path path;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
    };

    std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                    FollowLinks follow) override {
        return std::make_unique<WatchedFile>(*this, files_.open_read(note(path), follow));
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
    /// Those since the last call.
    std::vector<Read> take_reads() {
        const std::scoped_lock lock{mutex_};
        return std::exchange(reads_, {});
    }

private:
    class WatchedFile final : public File {
    public:
        WatchedFile(WatchingFileSystem& owner, std::unique_ptr<File> file)
            : owner_(owner), file_(std::move(file)) {}
        std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
            {
                const std::scoped_lock lock{owner_.mutex_};
                owner_.reads_.push_back({file_->path(), offset, target.size()});
            }
            return file_->read_some(offset, target);
        }
        std::uint64_t size() const override { return file_->size(); }
        FileIdentity identity() const override { return file_->identity(); }
        std::optional<FileExtent> find_data(std::uint64_t offset) const override {
            return file_->find_data(offset);
        }
        void write(std::uint64_t offset, ByteView data) override { file_->write(offset, data); }
        void truncate(std::uint64_t size_bytes) override { file_->truncate(size_bytes); }
        void sync() override { file_->sync(); }
        const std::filesystem::path& path() const override { return file_->path(); }

    private:
        WatchingFileSystem& owner_;
        std::unique_ptr<File> file_;
    };

    const std::filesystem::path& note(const std::filesystem::path& path) {
        paths_.insert(path);
        return path;
    }

    PosixFileSystem files_;
    std::set<std::filesystem::path> paths_;
    std::mutex mutex_;
    std::vector<Read> reads_;
};

}  // namespace entrepot::test
