// Guests' disks made by the real tools, without mounting anything.
#pragma once

#include "storage/disk/disk_source.h"

#include "base/bytes.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace entrepot::test {

/// Runs a shell command; throws if it fails.
void shell(const std::string& command);
std::string shell_quoted(const std::filesystem::path& path);

Bytes read_whole(const std::filesystem::path& path);
void write_whole(const std::filesystem::path& path, ByteView content);
/// Bytes that do not compress, different for each seed.
Bytes random_bytes(std::size_t count, std::uint32_t seed);

/// Contents by path, "/" between folders.
using FileTree = std::map<std::string, Bytes>;

/// Names in several scripts, an empty file, one of several MiB, folders in folders.
FileTree make_tree();
/// The files below a folder, made there.
void write_tree(const FileTree& tree, const std::filesystem::path& folder);

/// `options` goes to mkfs.
void make_ext(const std::filesystem::path& image, const std::filesystem::path& folder,
              std::uint64_t size_bytes, const std::string& options = "-t ext4");
void make_fat(const std::filesystem::path& image, const std::filesystem::path& folder,
              std::uint64_t size_bytes, int bits);
/// By a prototype, that knows no spaces in names: files whose path has one are left out. `options`
/// goes to mkfs; `more` stands in the root, too, in the prototype's language.
void make_xfs(const std::filesystem::path& image, const FileTree& tree, std::uint64_t size_bytes,
              const std::string& options = "", const std::string& more = {});
/// Files of the root only: the tools make no folders. `options` goes to mkntfs.
void make_ntfs(const std::filesystem::path& image, const FileTree& tree, std::uint64_t size_bytes,
               const std::string& options = "");

/// Changes a record of the master file table, found by its file's name: "." is the root's. It is
/// given without the update sequence, and keeps its size.
void change_ntfs_record(const std::filesystem::path& ntfs_image, const std::string& name,
                        const std::function<void(Bytes&)>& change);
/// Where the content of a resident attribute begins in such a record.
std::size_t find_resident_content(ByteView record, std::uint32_t attribute_type);

/// A reparse point with that tag on a file of the root, as Windows would put it there.
void set_reparse_tag(const std::filesystem::path& ntfs_image, const std::string& name,
                     std::uint32_t tag);

/// A raw image as a disk; nothing is kept in memory.
class FileDisk final : public disk::DiskSource {
public:
    explicit FileDisk(const std::filesystem::path& path, std::uint32_t sector_size = 512);
    FileDisk(const FileDisk&) = delete;
    FileDisk& operator=(const FileDisk&) = delete;
    ~FileDisk() override;
    std::uint64_t size_bytes() const override { return size_; }
    std::uint32_t logical_sector_size() const override { return sector_size_; }
    void read(std::uint64_t offset, MutableByteView target) const override;
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override;
    /// Of all reads so far.
    std::uint64_t bytes_read() const { return bytes_read_; }

private:
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
    std::uint32_t sector_size_;
    mutable std::uint64_t bytes_read_ = 0;
};

}  // namespace entrepot::test
