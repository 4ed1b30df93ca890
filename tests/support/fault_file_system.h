// A file system whose n-th change never happens, nor any after it: what a crash looks like from
// inside.
#pragma once

#include "base/file_system.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace entrepot::test {

/// Not an Error on purpose: nobody may handle it.
struct Crash {};

/// Passes everything on to another file system, and counts what changes it. From change number
/// `crash_at` on (from 0) each one throws Crash; a write that crashes leaves half of its bytes.
class FaultFileSystem final : public FileSystem {
public:
    explicit FaultFileSystem(FileSystem& inner) : inner_(inner) {}

    void crash_at(std::uint64_t change) {
        count_ = 0;
        crash_at_ = change;
    }
    /// Called at the crash, from any thread: a test that ends the whole process there does not
    /// return.
    void on_crash(std::function<void()> end) { end_ = std::move(end); }
    void never_crash() { crash_at(std::numeric_limits<std::uint64_t>::max()); }
    bool has_crashed() const { return count_ > crash_at_; }

    /// What a power cut could undo now: directories with entries that were not synced, and files
    /// that got their name before their content was. Sorted.
    std::set<std::string> undurable() const {
        const std::scoped_lock lock{mutex_};
        return undurable_;
    }

    std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                    FollowLinks follow) override {
        return inner_.open_read(path, follow);
    }
    std::unique_ptr<File> create(const std::filesystem::path& path) override {
        change();
        return std::make_unique<FaultFile>(*this, inner_.create(path));
    }
    std::unique_ptr<File> open_write(const std::filesystem::path& path) override {
        return std::make_unique<FaultFile>(*this, inner_.open_write(path));
    }
    std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override {
        return inner_.list(directory);
    }
    std::optional<FileStatus> find_status(const std::filesystem::path& path) override {
        return inner_.find_status(path);
    }
    std::uint64_t free_bytes(const std::filesystem::path& path) override {
        return inner_.free_bytes(path);
    }
    void make_directories(const std::filesystem::path& path) override {
        change();
        inner_.make_directories(path);
        await_sync_of(path.parent_path());
    }
    void set_access(const std::filesystem::path& path, const Access& access) override {
        change();
        inner_.set_access(path, access);
    }
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        change();
        inner_.rename(from, to);
        await_sync_of(to.parent_path());
        const std::scoped_lock lock{mutex_};
        if (unsynced_.erase(from) > 0) undurable_.insert(to.string());
    }
    void remove(const std::filesystem::path& path) override {
        change();
        inner_.remove(path);
        await_sync_of(path.parent_path());
    }
    void remove_tree(const std::filesystem::path& path) override {
        change();
        inner_.remove_tree(path);
    }
    void sync_directory(const std::filesystem::path& directory) override {
        change();
        inner_.sync_directory(directory);
        const std::scoped_lock lock{mutex_};
        undurable_.erase(directory.string());
    }
    std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) override {
        return inner_.try_lock(path);
    }

private:
    class FaultFile final : public File {
    public:
        FaultFile(FaultFileSystem& owner, std::unique_ptr<File> inner)
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
            if (owner_.is_next_the_crash()) inner_->write(offset, data.first(data.size() / 2));
            owner_.change();
            inner_->write(offset, data);
            owner_.await_sync_of_file(path());
        }
        void truncate(std::uint64_t size_bytes) override {
            owner_.change();
            inner_->truncate(size_bytes);
        }
        void sync() override {
            owner_.change();
            inner_->sync();
            const std::scoped_lock lock{owner_.mutex_};
            owner_.unsynced_.erase(path());
        }
        const std::filesystem::path& path() const override { return inner_->path(); }

    private:
        FaultFileSystem& owner_;
        std::unique_ptr<File> inner_;
    };

    bool is_next_the_crash() const { return count_ == crash_at_; }
    void change() {
        if (count_++ < crash_at_) return;
        if (end_) end_();
        throw Crash{};
    }

    void await_sync_of(const std::filesystem::path& directory) {
        const std::scoped_lock lock{mutex_};
        undurable_.insert(directory.string());
    }
    void await_sync_of_file(const std::filesystem::path& file) {
        const std::scoped_lock lock{mutex_};
        unsynced_.insert(file);
    }

    FileSystem& inner_;
    mutable std::mutex mutex_;
    std::set<std::filesystem::path> unsynced_;
    std::set<std::string> undurable_;
    std::function<void()> end_;
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> crash_at_{std::numeric_limits<std::uint64_t>::max()};
};

}  // namespace entrepot::test
