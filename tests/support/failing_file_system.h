// The system's files, where the n-th operation that changes something fails as if the disk were
// full.
#pragma once

#include "base/error.h"
#include "base/file_system.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace entrepot::test {

/// Removing never fails: it is how what was begun is undone.
class FailingFileSystem final : public FileSystem {
public:
    /// Operations are counted from 0; one beyond the last never fails.
    explicit FailingFileSystem(int failing_operation) : failing_operation_(failing_operation) {}
    /// Fails nowhere.
    FailingFileSystem() : FailingFileSystem(std::numeric_limits<int>::max()) {}
    /// What every volume says that it has free from now on.
    void on_free_bytes(std::function<std::uint64_t()> free_bytes) {
        free_bytes_ = std::move(free_bytes);
    }
    /// True once the operation came and failed.
    bool has_failed() const { return operation_count_ > failing_operation_; }

    std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                    FollowLinks follow) override {
        return files_.open_read(path, follow);
    }
    std::unique_ptr<File> create(const std::filesystem::path& path) override {
        count_operation();
        return std::make_unique<FailingFile>(*this, files_.create(path));
    }
    std::unique_ptr<File> open_write(const std::filesystem::path& path) override {
        count_operation();
        return std::make_unique<FailingFile>(*this, files_.open_write(path));
    }
    std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override {
        return files_.list(directory);
    }
    std::optional<FileStatus> find_status(const std::filesystem::path& path) override {
        return files_.find_status(path);
    }
    std::uint64_t free_bytes(const std::filesystem::path& path) override {
        return free_bytes_ ? free_bytes_() : files_.free_bytes(path);
    }
    void make_directories(const std::filesystem::path& path) override {
        count_operation();
        files_.make_directories(path);
    }
    void set_access(const std::filesystem::path& path, const Access& access) override {
        count_operation();
        files_.set_access(path, access);
    }
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        count_operation();
        files_.rename(from, to);
    }
    void remove(const std::filesystem::path& path) override { files_.remove(path); }
    void remove_tree(const std::filesystem::path& path) override { files_.remove_tree(path); }
    void sync_directory(const std::filesystem::path& directory) override {
        files_.sync_directory(directory);
    }
    std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) override {
        return files_.try_lock(path);
    }

private:
    void count_operation() {
        if (operation_count_++ == failing_operation_) {
            throw Error{ErrorCode::no_space, "no space left, says the test"};
        }
    }

    class FailingFile final : public File {
    public:
        FailingFile(FailingFileSystem& owner, std::unique_ptr<File> file)
            : owner_(owner), file_(std::move(file)) {}
        std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
            return file_->read_some(offset, target);
        }
        std::uint64_t size() const override { return file_->size(); }
        FileIdentity identity() const override { return file_->identity(); }
        std::optional<FileExtent> find_data(std::uint64_t offset) const override {
            return file_->find_data(offset);
        }
        void write(std::uint64_t offset, ByteView data) override {
            owner_.count_operation();
            file_->write(offset, data);
        }
        void truncate(std::uint64_t size_bytes) override {
            owner_.count_operation();
            file_->truncate(size_bytes);
        }
        void sync() override {
            owner_.count_operation();
            file_->sync();
        }
        const std::filesystem::path& path() const override { return file_->path(); }

    private:
        FailingFileSystem& owner_;
        std::unique_ptr<File> file_;
    };

    PosixFileSystem files_;
    std::function<std::uint64_t()> free_bytes_;
    int failing_operation_;
    int operation_count_ = 0;
};

}  // namespace entrepot::test
