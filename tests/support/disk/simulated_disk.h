// A disk in memory that remembers what it was told, so that a crash at any moment can be made of
// it; it fails, fills up or dies when a test says so.
#pragma once

#include "tests/support/disk/disk_image.h"
#include "tests/support/disk/disk_record.h"

#include "base/error.h"
#include "base/file_system.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace entrepot::test {

/// The process died here. Not an Error on purpose: nobody may handle it.
struct DiskDied {};

/// Paths are absolute. Safe to share between threads.
class SimulatedDisk final : public FileSystem {
public:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    explicit SimulatedDisk(DiskImage image = {});

    /// What was changed since `begin_record`, and what was there then.
    void begin_record();
    DiskRecord take_record();
    /// How many changes were recorded.
    std::size_t change_count() const;
    /// What somebody who looks now sees.
    DiskImage image() const;

    /// The n-th change from now on (from 0) fails with this error and does not happen; those that
    /// only make room or make durable fail, too.
    void fail_at(std::uint64_t change, ErrorCode code);
    /// From the n-th change on nothing happens any more: each one throws DiskDied.
    void die_at(std::uint64_t change);
    /// From the n-th change on that needs room each one fails; removing, renaming, syncing do not.
    void be_full_at(std::uint64_t change);
    void behave();
    /// True once what the last of these asked for has happened.
    bool has_misbehaved() const;
    void set_free_bytes(std::uint64_t free_bytes);

    std::unique_ptr<File> open_read(const std::filesystem::path& path, FollowLinks follow) override;
    std::unique_ptr<File> create(const std::filesystem::path& path) override;
    std::unique_ptr<File> open_write(const std::filesystem::path& path) override;
    std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override;
    std::optional<FileStatus> find_status(const std::filesystem::path& path) override;
    std::uint64_t free_bytes(const std::filesystem::path& path) override;
    void make_directories(const std::filesystem::path& path) override;
    void set_access(const std::filesystem::path& path, const Access& access) override;
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
    void remove(const std::filesystem::path& path) override;
    void remove_tree(const std::filesystem::path& path) override;
    void sync_directory(const std::filesystem::path& directory) override;
    std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) override;

private:
    class OpenFile;
    class Lock;
    enum class Fault { none, fails, dies, full };
    struct Place {
        NodeNumber directory = 0;
        std::string name;
    };

    // All require the lock.
    NodeNumber find(const std::filesystem::path& path) const;
    NodeNumber find_or_throw(const std::filesystem::path& path) const;
    Place place_of(const std::filesystem::path& path) const;
    void apply(Change change);
    void misbehave_if_told(const Change& change);

    mutable std::mutex mutex_;
    DiskImage image_;
    NodeNumber next_node_ = 0;
    DiskRecord record_;
    bool is_recording_ = false;
    Fault fault_ = Fault::none;
    ErrorCode fault_code_ = ErrorCode::io;
    std::uint64_t fault_at_ = kNever;
    std::uint64_t count_ = 0;
    bool has_misbehaved_ = false;
    std::uint64_t free_bytes_ = kTiB;
    std::set<NodeNumber> locked_;
};

}  // namespace entrepot::test
