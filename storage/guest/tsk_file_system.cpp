// What the library knows of a file, as an entry.
#include "storage/guest/tsk_file_system.h"

#include "storage/disk/utf16.h"
#include "storage/guest/entry_text.h"
#include "storage/guest/ext_features.h"
#include "storage/guest/ext_replay.h"
#include "storage/guest/journaled_content.h"
#include "storage/guest/path_file_system.h"
#include "storage/guest/tsk_content.h"
#include "storage/guest/tsk_file_content.h"
#include "storage/guest/tsk_folder.h"
#include "storage/guest/tsk_handles.h"
#include "storage/guest/wof_content.h"
#include "storage/guest_model/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::guest {
namespace {

constexpr TSK_INUM_T kNtfsVolumeRecord = 3;
// Where NTFS keeps it in a file reference.
constexpr unsigned kNtfsSequenceShift = 48;
TSK_FS_TYPE_ENUM type_of(VolumeContent content) {
    if (content == VolumeContent::ntfs) return TSK_FS_TYPE_NTFS_DETECT;
    if (content == VolumeContent::fat) return TSK_FS_TYPE_FAT_DETECT;
    ENTREPOT_CHECK(content == VolumeContent::ext);
    return TSK_FS_TYPE_EXT_DETECT;
}

// The library looks for deleted files whenever the first folder is opened, and reads all records of
// the file system for it: a gigabyte of a usual Windows. Deleted files are not what we give.
std::uint8_t walk_no_records(TSK_FS_INFO*, TSK_INUM_T, TSK_INUM_T, TSK_FS_META_FLAG_ENUM,
                             TSK_FS_META_WALK_CB, void*) {
    return 0;
}

FileKind kind_of(const TSK_FS_META& meta) {
    switch (meta.type) {
        case TSK_FS_META_TYPE_REG:
            return FileKind::file;
        case TSK_FS_META_TYPE_DIR:
            return FileKind::folder;
        case TSK_FS_META_TYPE_LNK:
            return FileKind::link;
        default:
            return FileKind::other;
    }
}

// nullptr where there is no journal, or none that is understood: recognise_content() says so.
std::unique_ptr<ExtReplayed> try_replay(const disk::DiskSource& volume, VolumeContent content) {
    if (content != VolumeContent::ext) return nullptr;
    check_ext_features(volume);
    std::unique_ptr<ExtReplayed> replayed;
    try {
        replayed = replay_ext_journal(volume);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        return nullptr;
    }
    // The journal has the superblock, too.
    if (replayed) check_ext_features(replayed->volume);
    return replayed;
}

class TskFileSystem final : public PathFileSystem {
public:
    TskFileSystem(const disk::DiskSource& volume, VolumeContent content)
        : replayed_(try_replay(volume, content)), image_(replayed_ ? replayed_->volume : volume) {
        file_system_.reset(tsk_fs_open_img(image_.get(), 0, type_of(content)));
        image_.check();
        if (!file_system_) image_.fail("the file system cannot be opened");
        tsk_error_reset();
        file_system_->inode_walk = walk_no_records;
    }

    std::string label() override;

private:
    std::uint64_t root_address() override { return file_system_->root_inum; }
    FolderNames load_names(std::uint64_t address) override {
        return read_tsk_folder(image_, *file_system_, address, fast());
    }
    bool is_folder(const FolderName& name) override;
    void describe_record(const FolderName& name, FileEntry& entry) override;
    std::vector<FileStream> streams_of(const FolderName& name) override {
        return list_streams(*open_named(name));
    }
    std::unique_ptr<FileContent> open_content(const FolderName& name,
                                              const std::string& stream) override;

    const ExtFastChanges* fast() const { return replayed_ ? &replayed_->fast : nullptr; }
    bool is_ntfs() const { return TSK_FS_TYPE_ISNTFS(file_system_->ftype); }
    TskFileHandle open_record(TSK_INUM_T address);
    TskFileHandle open_named(const FolderName& name);
    void describe_file(TSK_FS_FILE& file, FileEntry& entry);
    std::string read_long_link(const FolderName& name);

    std::unique_ptr<ExtReplayed> replayed_;
    TskImage image_;
    TskFileSystemHandle file_system_;
};

TskFileHandle TskFileSystem::open_record(TSK_INUM_T address) {
    TskFileHandle file{tsk_fs_file_open_meta(file_system_.get(), nullptr, address)};
    image_.check();
    if (!file || file->meta == nullptr) image_.fail("its record in the file system is damaged");
    if ((file->meta->flags & TSK_FS_META_FLAG_ALLOC) == 0) {
        throw Error{ErrorCode::corrupt, "its record in the file system is marked as deleted"};
    }
    return file;
}

// NTFS counts the uses of a record: a name that means another use than today's would lead to
// another file's content.
TskFileHandle TskFileSystem::open_named(const FolderName& name) {
    TskFileHandle file = open_record(name.address);
    if (is_ntfs() && file->meta->seq != name.sequence) {
        throw Error{ErrorCode::corrupt,
                    "its record belongs to another file since: the file system is damaged"};
    }
    return file;
}

bool TskFileSystem::is_folder(const FolderName& name) {
    const TskFileHandle file = open_named(name);
    return file->meta->type == TSK_FS_META_TYPE_DIR &&
           !(is_ntfs() && read_reparse_point(*file).value_or(ReparsePoint{}).is_link());
}

void TskFileSystem::describe_file(TSK_FS_FILE& file, FileEntry& entry) {
    if (is_ntfs()) {
        if (const auto point = read_reparse_point(file)) {
            if (point->is_link()) {
                entry.kind = FileKind::link;
                entry.link_target = shown_target(point->link_target);
                return;
            }
            // A folder's names are in the folder, whoever keeps the files' content.
            if (entry.kind == FileKind::file && !point->wof_method) {
                entry.refusal = refusal_of(*point);
            }
        } else if (entry.kind == FileKind::file) {
            entry.refusal = refusal_of_lost_reparse_point(file);
        }
    }
    if (entry.kind != FileKind::file) return;
    entry.size_bytes = static_cast<std::uint64_t>(std::max<TSK_OFF_T>(file.meta->size, 0));
    if (!is_ntfs()) return;
    const TSK_FS_ATTR* content = find_content(file, {});
    if (content == nullptr) {
        if (entry.refusal.empty()) entry.refusal = "its content is missing in the file system";
        return;
    }
    entry.size_bytes = static_cast<std::uint64_t>(std::max<TSK_OFF_T>(content->size, 0));
    if (entry.refusal.empty()) entry.refusal = refusal_of(*content, Look::flags);
}

void TskFileSystem::describe_record(const FolderName& name, FileEntry& entry) {
    const TskFileHandle file = open_named(name);
    entry.kind = kind_of(*file->meta);
    entry.modified = wall_time_of(file->meta->mtime);
    entry.id = name.address | std::uint64_t{name.sequence} << kNtfsSequenceShift;
    if (file->meta->link != nullptr) entry.link_target = shown_target(file->meta->link);
    describe_file(*file, entry);
    tsk_error_reset();
    image_.check();
    if (entry.kind == FileKind::link && entry.link_target.empty() && !is_ntfs()) {
        entry.link_target = shown_target(read_long_link(name));
    }
}

// The library has no target of a link that lies in extents, as ext4 has those from 60 bytes on.
std::string TskFileSystem::read_long_link(const FolderName& name) {
    try {
        const TskFileContent content{image_, open_named(name), {}, fast()};
        Bytes target(static_cast<std::size_t>(
            std::min<std::uint64_t>(content.size_bytes(), limits::kLinkTargetBytesMax)));
        content.read(0, target);
        return std::string{as_text(target)};
    } catch (Error& error) {
        if (error.code() != ErrorCode::unsupported && error.code() != ErrorCode::limit) throw;
        throw Error{ErrorCode::corrupt, "the target of the link: " + error.message()};
    }
}

std::unique_ptr<FileContent> TskFileSystem::open_content(const FolderName& name,
                                                         const std::string& stream) {
    TskFileHandle file = open_named(name);
    if (is_ntfs() && stream.empty()) {
        const auto point = read_reparse_point(*file);
        const TSK_FS_ATTR* content = find_content(*file, {});
        if (point && point->wof_method && content != nullptr) {
            // The content itself is a hole of the right size.
            const auto size = static_cast<std::uint64_t>(std::max<TSK_OFF_T>(content->size, 0));
            return std::make_unique<WofContent>(
                std::make_unique<TskFileContent>(image_, std::move(file), std::string{kWofStream}),
                size, *point->wof_method);
        }
    }
    auto content = std::make_unique<TskFileContent>(image_, std::move(file), stream, fast());
    if (!replayed_) return content;
    return std::make_unique<JournaledContent>(std::move(content), *replayed_);
}

std::string TskFileSystem::label() {
    if (!is_ntfs()) return {};  // The others' stand in their boot sectors.
    const TskFileHandle file = open_record(kNtfsVolumeRecord);
    const TSK_FS_ATTR* name =
        tsk_fs_file_attr_get_type(file.get(), TSK_FS_ATTR_TYPE_NTFS_VNAME, 0, 0);
    image_.check();
    if (name == nullptr) {
        tsk_error_reset();
        return {};
    }
    Bytes text(
        static_cast<std::size_t>(std::clamp<TSK_OFF_T>(name->size, 0, limits::kLabelBytesMax / 2)));
    const ssize_t count = tsk_fs_attr_read(name, 0, reinterpret_cast<char*>(text.data()),
                                           text.size(), TSK_FS_FILE_READ_FLAG_NONE);
    image_.check();
    if (count <= 0) return {};
    text.resize(static_cast<std::size_t>(count) / 2 * 2);
    return shown_target(disk::utf16le_to_utf8_lossy(text));
}

}  // namespace

std::unique_ptr<GuestFileSystem> open_tsk_file_system(const disk::DiskSource& volume,
                                                      VolumeContent content) {
    return std::make_unique<TskFileSystem>(volume, content);
}

}  // namespace entrepot::guest
