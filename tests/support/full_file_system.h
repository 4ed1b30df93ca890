// The system's files on a disk that gets full, or whose syncs fail, when a test says so.
#pragma once

#include "base/error.h"
#include "base/file_system.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace entrepot::test {

/// Safe to share between threads, but for what a test tells it.
class FullFileSystem final : public FileSystem {
public:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    /// From the n-th operation on that needs room each one fails; removing and renaming do not.
    void be_full_after(std::uint64_t operations) {
        count_ = 0;
        full_after_ = operations;
    }
    /// The n-th sync fails, as a disk that lost what it had taken; the ones after it succeed.
    void fail_sync(std::uint64_t number) {
        sync_count_ = 0;
        failing_sync_ = number;
    }
    bool was_full() const { return count_ > full_after_; }
    bool has_failed_sync() const { return sync_count_ > failing_sync_; }
    /// Called before a directory is listed or a file opened for reading, with its path.
    void on_look(std::function<void(const std::filesystem::path&)> look) {
        look_ = std::move(look);
    }
    void on_free_bytes(std::function<std::uint64_t()> free_bytes) {
        free_bytes_ = std::move(free_bytes);
    }

    std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                    FollowLinks follow) override {
        if (look_) look_(path);
        return files_.open_read(path, follow);
    }
    std::unique_ptr<File> create(const std::filesystem::path& path) override {
        take_room();
        return std::make_unique<FullFile>(*this, files_.create(path));
    }
    std::unique_ptr<File> open_write(const std::filesystem::path& path) override {
        return std::make_unique<FullFile>(*this, files_.open_write(path));
    }
    std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override {
        if (look_) look_(directory);
        return files_.list(directory);
    }
    std::optional<FileStatus> find_status(const std::filesystem::path& path) override {
        return files_.find_status(path);
    }
    std::uint64_t free_bytes(const std::filesystem::path& path) override {
        return free_bytes_ ? free_bytes_() : files_.free_bytes(path);
    }
    void make_directories(const std::filesystem::path& path) override {
        if (!files_.exists(path)) take_room();
        files_.make_directories(path);
    }
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        files_.rename(from, to);
    }
    void set_access(const std::filesystem::path& path, const Access& access) override {
        files_.set_access(path, access);
    }
    void remove(const std::filesystem::path& path) override { files_.remove(path); }
    void remove_tree(const std::filesystem::path& path) override { files_.remove_tree(path); }
    void sync_directory(const std::filesystem::path& directory) override {
        sync();
        files_.sync_directory(directory);
    }
    std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) override {
        return files_.try_lock(path);
    }

private:
    class FullFile final : public File {
    public:
        FullFile(FullFileSystem& owner, std::unique_ptr<File> inner)
            : owner_(owner), inner_(std::move(inner)) {}
        std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
            return inner_->read_some(offset, target);
        }
        std::uint64_t size() const override { return inner_->size(); }
        FileIdentity identity() const override { return inner_->identity(); }
        std::optional<FileExtent> find_data(std::uint64_t offset) const override {
            return inner_->find_data(offset);
        }
        void write(std::uint64_t offset, ByteView data) override {
            owner_.take_room();
            inner_->write(offset, data);
        }
        void truncate(std::uint64_t size_bytes) override { inner_->truncate(size_bytes); }
        void sync() override {
            owner_.sync();
            inner_->sync();
        }
        const std::filesystem::path& path() const override { return inner_->path(); }

    private:
        FullFileSystem& owner_;
        std::unique_ptr<File> inner_;
    };

    void take_room() {
        if (count_++ < full_after_) return;
        throw Error{ErrorCode::no_space, "no space left, says the test"};
    }
    void sync() {
        if (sync_count_++ != failing_sync_) return;
        throw Error{ErrorCode::io, "the sync failed, says the test"};
    }

    PosixFileSystem files_;
    std::function<void(const std::filesystem::path&)> look_;
    std::function<std::uint64_t()> free_bytes_;
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> full_after_{kNever};
    std::atomic<std::uint64_t> sync_count_{0};
    std::atomic<std::uint64_t> failing_sync_{kNever};
};

}  // namespace entrepot::test
