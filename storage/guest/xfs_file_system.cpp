// What the log holds is replayed in memory first, where that can be done. What does not fit
// together is refused: the folder's word for what a file is, and the file's own.
#include "storage/guest/xfs_file_system.h"

#include "storage/guest/entry_text.h"
#include "storage/guest/file_extents.h"
#include "storage/guest/path_file_system.h"
#include "storage/guest/xfs_extents.h"
#include "storage/guest/xfs_folder.h"
#include "storage/guest/xfs_inode.h"
#include "storage/guest/xfs_link.h"
#include "storage/guest/xfs_log.h"
#include "storage/guest/xfs_replay.h"
#include "storage/guest/xfs_volume.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::guest {
namespace {

// An inode's number has fewer bits on any disk that there is.
constexpr unsigned kGenerationShift = 48;
constexpr std::uint64_t kGenerationMask = 0xFFFF;

constexpr const char* kOnRealtimeDevice =
    "its content lies on the file system's real-time device, which is another disk";

class XfsFileContent final : public FileContent {
public:
    XfsFileContent(const XfsVolume& volume, const XfsInode& inode)
        : volume_(volume), size_(inode.size) {
        if (inode.is_realtime) throw Error{ErrorCode::unsupported, kOnRealtimeDevice};
        if (inode.fork != XfsFork::extents && inode.fork != XfsFork::tree) {
            throw Error{ErrorCode::corrupt,
                        "its record in the file system is damaged: its content has no place"};
        }
        extents_ = read_xfs_extents(volume, inode).written;
    }

    std::uint64_t size_bytes() const override { return size_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        ENTREPOT_CHECK(offset <= size_ && target.size() <= size_ - offset);
        read_through(extents_, volume_.disk(), volume_.block_geometry(), offset, target);
    }
    std::vector<ContentPlace> locate(std::uint64_t offset, std::size_t count_max) const override {
        return locate_in(extents_, volume_.block_geometry(), size_, offset, count_max);
    }

private:
    const XfsVolume& volume_;
    std::uint64_t size_ = 0;
    std::vector<FileExtent> extents_;
};

// nullptr where the log holds nothing, or nothing that is understood: recognise_content() says so.
std::unique_ptr<XfsReplayed> try_replay(const XfsVolume& volume) {
    if (read_xfs_log(volume) != XfsLog::in_use) return nullptr;
    try {
        return replay_xfs_log(volume);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        return nullptr;
    }
}

class XfsFileSystem final : public PathFileSystem {
public:
    explicit XfsFileSystem(const disk::DiskSource& disk) : volume_(disk) {
        replayed_ = try_replay(volume_);
        if (replayed_) volume_.use(replayed_->metadata);
    }

    std::string label() override { return {}; }  // It stands in the superblock.

private:
    std::uint64_t root_address() override { return volume_.geometry().root_inode; }
    FolderNames load_names(std::uint64_t address) override;
    bool is_folder(const FolderName& name) override {
        return open_named(name).kind == FileKind::folder;
    }
    void describe_record(const FolderName& name, FileEntry& entry) override;
    std::vector<FileStream> streams_of(const FolderName&) override { return {}; }
    std::unique_ptr<FileContent> open_content(const FolderName& name,
                                              const std::string& stream) override;
    XfsInode open_named(const FolderName& name) const;

    XfsVolume volume_;
    std::unique_ptr<XfsReplayed> replayed_;
};

XfsInode XfsFileSystem::open_named(const FolderName& name) const {
    if (replayed_ && replayed_->unfinished_inodes.contains(name.address)) {
        throw Error{ErrorCode::corrupt,
                    "a change of it had begun when the point was made, and only Linux can end it"};
    }
    XfsInode inode = read_xfs_inode(volume_, name.address);
    if (name.file_type != 0 && name.file_type != inode.file_type) {
        throw Error{ErrorCode::corrupt,
                    "its record in the file system belongs to a file of another kind"};
    }
    return inode;
}

FolderNames XfsFileSystem::load_names(std::uint64_t address) {
    const XfsInode inode = read_xfs_inode(volume_, address);
    if (inode.kind != FileKind::folder) {
        throw Error{ErrorCode::corrupt, "the folder's record in the file system is of a file"};
    }
    return read_xfs_folder(volume_, inode);
}

void XfsFileSystem::describe_record(const FolderName& name, FileEntry& entry) {
    const XfsInode inode = open_named(name);
    entry.kind = inode.kind;
    entry.modified = inode.modified;
    entry.id = inode.number | (inode.generation & kGenerationMask) << kGenerationShift;
    if (inode.kind == FileKind::link)
        entry.link_target = shown_target(read_xfs_link(volume_, inode));
    if (inode.kind != FileKind::file) return;
    entry.size_bytes = inode.size;
    if (inode.is_realtime) entry.refusal = kOnRealtimeDevice;
}

std::unique_ptr<FileContent> XfsFileSystem::open_content(const FolderName& name,
                                                         const std::string& stream) {
    if (!stream.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("it has no stream \"{}\"", stream)};
    }
    return std::make_unique<XfsFileContent>(volume_, open_named(name));
}

}  // namespace

std::unique_ptr<GuestFileSystem> open_xfs_file_system(const disk::DiskSource& volume) {
    return std::make_unique<XfsFileSystem>(volume);
}

}  // namespace entrepot::guest
