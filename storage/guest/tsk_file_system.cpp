// Paths are walked name by name; what was found last is kept, since the next question is mostly
// about the same file or its neighbour.
#include "storage/guest/tsk_file_system.h"

#include "storage/disk/utf16.h"
#include "storage/guest/ext_features.h"
#include "storage/guest/tsk_content.h"
#include "storage/guest/tsk_file_content.h"
#include "storage/guest/tsk_folder.h"
#include "storage/guest/tsk_handles.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

namespace entrepot::guest {
namespace {

constexpr TSK_INUM_T kNtfsVolumeRecord = 3;
// Where NTFS keeps it in a file reference.
constexpr unsigned kNtfsSequenceShift = 48;
// Years 1601 to 9999: what file systems can mean, and what our clock can hold.
constexpr std::int64_t kTimeMin = -11'644'473'600;
constexpr std::int64_t kTimeMax = 253'402'300'799;

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

std::optional<WallTime> time_of(time_t seconds) {
    if (seconds == 0 || seconds < kTimeMin || seconds > kTimeMax) return std::nullopt;
    return WallTime{std::chrono::seconds{seconds}};
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

// What makes one file's content impossible to give, and says nothing of others.
bool is_of_the_file(const Error& error) {
    return error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported ||
           error.code() == ErrorCode::limit;
}

// As escape_name(), with slashes and backslashes left as they are.
std::string shown_target(std::string_view raw) {
    std::string target = escape_name(raw.substr(0, limits::kLinkTargetBytesMax));
    for (const auto& [escape, plain] : {std::pair{"\\x2f", "/"}, std::pair{"\\x5c", "\\"}}) {
        for (std::size_t i = target.find(escape); i != std::string::npos;
             i = target.find(escape, i + 1))
            target.replace(i, std::string_view{escape}.size(), plain);
    }
    return target;
}

class TskFileSystem final : public GuestFileSystem {
public:
    TskFileSystem(const disk::DiskSource& volume, VolumeContent content) : image_(volume) {
        if (content == VolumeContent::ext) check_ext_features(volume);
        file_system_.reset(tsk_fs_open_img(image_.get(), 0, type_of(content)));
        image_.check();
        if (!file_system_) image_.fail("the file system cannot be opened");
        tsk_error_reset();
        file_system_->inode_walk = walk_no_records;
    }

    std::string label() override;
    FolderPage list(const std::string& path, const PageRequest& page) override;
    FileStatus status(const std::string& path) override;
    void read(const std::string& path, const std::string& stream, std::uint64_t offset,
              MutableByteView target) override;

private:
    bool is_ntfs() const { return TSK_FS_TYPE_ISNTFS(file_system_->ftype); }
    TskFileHandle open_record(TSK_INUM_T address);
    TskFileHandle open_named(const FolderName& name);
    TSK_INUM_T find_folder(const std::vector<std::string>& parts);
    const TskFolder& load_folder(TSK_INUM_T address);
    const FolderName& find_name(TSK_INUM_T folder, const std::string& name);
    /// nullptr for the root.
    const FolderName* find_file(const std::string& path);
    FileEntry describe(const FolderName& name);
    void describe_file(TSK_FS_FILE& file, FileEntry& entry);
    void open_content(const std::string& path, const std::string& stream);

    TskImage image_;
    TskFileSystemHandle file_system_;
    std::map<std::string, TSK_INUM_T> folders_known_;
    TSK_INUM_T loaded_address_ = 0;
    std::unique_ptr<TskFolder> loaded_;
    std::string content_path_;
    std::string content_stream_;
    std::unique_ptr<TskFileContent> content_;
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

const TskFolder& TskFileSystem::load_folder(TSK_INUM_T address) {
    if (!loaded_ || loaded_address_ != address) {
        loaded_.reset();
        loaded_ = std::make_unique<TskFolder>(image_, *file_system_, address);
        loaded_address_ = address;
    }
    return *loaded_;
}

const FolderName& TskFileSystem::find_name(TSK_INUM_T folder, const std::string& name) {
    const FolderName* found = load_folder(folder).find(name);
    if (found == nullptr) {
        throw Error{ErrorCode::not_found, fmt::format("there is no \"{}\" in this folder", name)};
    }
    if (found->file_count > 1) {
        throw Error{
            ErrorCode::conflict,
            fmt::format("{} files of this folder are shown as \"{}\"", found->file_count, name),
            "entrepot restore disk gives the whole disk back as a file"};
    }
    return *found;
}

TSK_INUM_T TskFileSystem::find_folder(const std::vector<std::string>& parts) {
    TSK_INUM_T address = file_system_->root_inum;
    std::string path;
    for (const std::string& part : parts) {
        path += "/" + part;
        const auto known = folders_known_.find(path);
        if (known != folders_known_.end()) {
            address = known->second;
            continue;
        }
        with_context(fmt::format("looking for {}", path), [&] {
            const FolderName& name = find_name(address, part);
            const TskFileHandle file = open_named(name);
            if (file->meta->type != TSK_FS_META_TYPE_DIR ||
                (is_ntfs() && read_reparse_point(*file).value_or(ReparsePoint{}).is_link())) {
                throw Error{ErrorCode::invalid, fmt::format("{} is no folder", path)};
            }
            address = name.address;
        });
        if (folders_known_.size() >= limits::kFoldersKnownMax) folders_known_.clear();
        folders_known_[path] = address;
    }
    return address;
}

const FolderName* TskFileSystem::find_file(const std::string& path) {
    auto parts = split_path(path);
    if (parts.empty()) return nullptr;
    const std::string name = parts.back();
    parts.pop_back();
    const TSK_INUM_T folder = find_folder(parts);
    return &with_context(fmt::format("looking for {}", path),
                         [&]() -> const FolderName& { return find_name(folder, name); });
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
            if (entry.kind == FileKind::file) entry.refusal = refusal_of(*point);
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

FileEntry TskFileSystem::describe(const FolderName& name) {
    FileEntry entry;
    entry.name = name.name;
    if (name.file_count > 1) {
        entry.refusal =
            fmt::format("{} files of this folder are shown under this name", name.file_count);
        return entry;
    }
    try {
        const TskFileHandle file = open_named(name);
        entry.kind = kind_of(*file->meta);
        entry.modified = time_of(file->meta->mtime);
        entry.id = name.address | std::uint64_t{name.sequence} << kNtfsSequenceShift;
        if (file->meta->link != nullptr) entry.link_target = shown_target(file->meta->link);
        describe_file(*file, entry);
        tsk_error_reset();
        image_.check();
    } catch (const Error& error) {
        // One damaged file does not hide its neighbours; a disk that cannot be read does.
        if (error.code() != ErrorCode::corrupt) throw;
        entry.refusal = error.message();
    }
    return entry;
}

FolderPage TskFileSystem::list(const std::string& path, const PageRequest& page) {
    ENTREPOT_CHECK(page.count_max > 0 && page.count_max <= limits::kPageEntriesMax);
    const TskFolder& folder = load_folder(find_folder(split_path(path)));
    FolderPage result;
    std::size_t i = folder.position_after(page.after);
    for (; i < folder.size() && result.entries.size() < page.count_max; ++i)
        result.entries.push_back(describe(folder.at(i)));
    result.has_more = i < folder.size();
    return result;
}

FileStatus TskFileSystem::status(const std::string& path) {
    FileStatus status;
    const FolderName* name = find_file(path);
    if (name == nullptr) {
        status.entry.name = "/";
        status.entry.kind = FileKind::folder;
        return status;
    }
    status.entry = describe(*name);
    if (status.entry.kind != FileKind::file) return status;
    TskFileHandle file = open_named(*name);
    status.streams = list_streams(*file);
    if (!status.entry.refusal.empty()) return status;
    try {
        const TskFileContent content{image_, std::move(file), {}};
    } catch (const Error& error) {
        if (!is_of_the_file(error)) throw;
        status.entry.refusal = error.message();
    }
    return status;
}

void TskFileSystem::open_content(const std::string& path, const std::string& stream) {
    if (content_ != nullptr && content_path_ == path && content_stream_ == stream) return;
    content_.reset();
    const FolderName* name = find_file(path);
    if (name == nullptr) throw Error{ErrorCode::invalid, "a folder has no content"};
    const FileEntry entry = describe(*name);
    if (entry.kind == FileKind::other && !entry.refusal.empty()) {
        throw Error{ErrorCode::corrupt, entry.refusal};  // Nobody knows what it is.
    }
    if (entry.kind != FileKind::file) {
        throw Error{ErrorCode::invalid,
                    fmt::format("this is no file but a {}", to_string(entry.kind))};
    }
    if (stream.empty() && !entry.refusal.empty()) {
        throw Error{ErrorCode::unsupported, entry.refusal};
    }
    content_ = std::make_unique<TskFileContent>(image_, open_named(*name), stream);
    content_path_ = path;
    content_stream_ = stream;
}

void TskFileSystem::read(const std::string& path, const std::string& stream, std::uint64_t offset,
                         MutableByteView target) {
    with_context(fmt::format("reading {}", path), [&] {
        open_content(path, stream);
        const std::uint64_t size = content_->size_bytes();
        if (offset > size || target.size() > size - offset) {
            throw Error{ErrorCode::invalid, fmt::format("{} bytes at {} are not in a file of {}",
                                                        target.size(), offset, size)};
        }
        content_->read(offset, target);
    });
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
