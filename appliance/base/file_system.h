// Files and directories, as an interface: tests put a simulated disk behind it.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot {

/// A range of a file that may hold data; outside of such ranges it reads as zeros (a hole).
struct FileExtent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool operator==(const FileExtent&) const = default;
};

/// Says who a file is, wherever it was opened from, and whether it changed.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const FileIdentity&) const = default;
};

/// Pieces of a bulk write that begin and end at multiples of this in the file can go past the
/// system's cache.
inline constexpr std::size_t kBulkAlignmentBytes = 4 * kKiB;

/// An open file. Reads and writes at offsets; safe to read from several threads.
class File {
public:
    virtual ~File() = default;

    /// Reads up to target.size() bytes; fewer only at the end of the file. Throws Error{io}.
    virtual std::size_t read_some(std::uint64_t offset, MutableByteView target) const = 0;
    virtual std::uint64_t size() const = 0;
    virtual FileIdentity identity() const = 0;
    /// The first range at or after `offset` that may hold data; nullopt if only a hole follows.
    virtual std::optional<FileExtent> find_data(std::uint64_t offset) const = 0;

    virtual void write(std::uint64_t offset, ByteView data) = 0;
    virtual void truncate(std::uint64_t size_bytes) = 0;
    /// A hint: much will be written once, then synced. Large aligned pieces may then go past the
    /// system's cache and on after write() returned: a later call, at the latest sync(), throws.
    virtual void expect_bulk_writes() {}
    /// Makes the content durable. A failure is final: the file's content is unknown from then on.
    virtual void sync() = 0;

    /// The path it was opened by, for messages only.
    virtual const std::filesystem::path& path() const = 0;

    /// Throws Error{corrupt} if the file ends before the range does.
    void read_exactly(std::uint64_t offset, MutableByteView target) const;
    Bytes read_exactly(std::uint64_t offset, std::size_t length) const;
};

enum class FileType { regular, directory, symlink, other };

struct DirectoryEntry {
    std::string name;
    FileType type = FileType::other;
};

struct FileStatus {
    FileType type = FileType::other;
    std::uint64_t size_bytes = 0;
    std::uint64_t allocated_bytes = 0;
    std::uint32_t link_count = 0;
    std::uint32_t owner_id = 0;  ///< A user's number, as the file system shows it.
    std::uint32_t group_id = 0;
    std::uint32_t mode = 0;  ///< The access bits, 07777.
    WallTime modified{};
};

/// Who may enter or read.
struct Access {
    std::uint32_t mode = 0;                   ///< As chmod takes it: 0750.
    std::optional<std::uint32_t> group_id{};  ///< nullopt: it stays as it is.
};

/// Holds a lock until it goes; the kernel drops it when the process dies.
class FileLock {
public:
    virtual ~FileLock() = default;
};

enum class FollowLinks { yes, no };

/// Errors of all calls: Error{not_found}, {permission_denied}, {no_space}, {already_exists}, {io}.
class FileSystem {
public:
    virtual ~FileSystem() = default;

    /// Refuses anything but a regular file with Error{invalid}; with FollowLinks::no also a link.
    virtual std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                            FollowLinks follow = FollowLinks::yes) = 0;
    /// Creates a new file, mode 0600; Error{already_exists} if there is one.
    virtual std::unique_ptr<File> create(const std::filesystem::path& path) = 0;
    /// Opens an existing file for reading and writing.
    virtual std::unique_ptr<File> open_write(const std::filesystem::path& path) = 0;

    virtual std::vector<DirectoryEntry> list(const std::filesystem::path& directory) = 0;
    /// Does not follow a link; nullopt if there is nothing.
    virtual std::optional<FileStatus> find_status(const std::filesystem::path& path) = 0;
    virtual std::uint64_t free_bytes(const std::filesystem::path& path) = 0;

    virtual void make_directories(const std::filesystem::path& path) = 0;
    /// Of a file or directory, not of what a link leads to. Another group takes root.
    virtual void set_access(const std::filesystem::path& path, const Access& access) = 0;
    /// Replaces the target if there is one.
    virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
    /// Error{already_exists} if there is a target, whoever made it, and however late. (Of a system
    /// that cannot tell in one step: as far as a look just before it tells.)
    virtual void rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to);
    /// A file or an empty directory; nothing happens if it is absent.
    virtual void remove(const std::filesystem::path& path) = 0;
    /// A whole tree, never following a link.
    virtual void remove_tree(const std::filesystem::path& path) = 0;
    /// Makes names that were created, renamed or removed in it durable.
    virtual void sync_directory(const std::filesystem::path& directory) = 0;

    /// Takes an exclusive lock on a file, which is created if absent; nullptr if somebody holds it.
    virtual std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) = 0;

    /// Whole content. Throws Error{limit} if there is more than size_bytes_max.
    Bytes read_file(const std::filesystem::path& path, std::size_t size_bytes_max);
    bool exists(const std::filesystem::path& path) { return find_status(path).has_value(); }
};

/// The system's files. Safe to share between threads.
class PosixFileSystem final : public FileSystem {
public:
    std::unique_ptr<File> open_read(const std::filesystem::path& path,
                                    FollowLinks follow = FollowLinks::yes) override;
    std::unique_ptr<File> create(const std::filesystem::path& path) override;
    std::unique_ptr<File> open_write(const std::filesystem::path& path) override;
    std::vector<DirectoryEntry> list(const std::filesystem::path& directory) override;
    std::optional<FileStatus> find_status(const std::filesystem::path& path) override;
    std::uint64_t free_bytes(const std::filesystem::path& path) override;
    void make_directories(const std::filesystem::path& path) override;
    void set_access(const std::filesystem::path& path, const Access& access) override;
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
    void rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) override;
    void remove(const std::filesystem::path& path) override;
    void remove_tree(const std::filesystem::path& path) override;
    void sync_directory(const std::filesystem::path& directory) override;
    std::unique_ptr<FileLock> try_lock(const std::filesystem::path& path) override;
};

}  // namespace entrepot
