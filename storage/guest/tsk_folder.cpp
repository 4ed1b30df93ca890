// The library lists more than files: deleted names, areas of the file system, volume labels.
#include "storage/guest/tsk_folder.h"

#include "storage/guest/ntfs_index.h"
#include "storage/guest/tsk_file_content.h"
#include "storage/guest_model/limits.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace entrepot::guest {
namespace {

// NTFS keeps its own files in the first records; 16 to 23 are reserved for more.
constexpr TSK_INUM_T kNtfsFirstUserRecord = 24;
constexpr std::string_view kLabelSuffix = " (Volume Label Entry)";
constexpr std::size_t kFatLabelBytesMax = 11;
constexpr std::size_t kExtEntryBytes = 8;

bool is_of_file_system(const TSK_FS_INFO& file_system, const TSK_FS_NAME& name) {
    if (name.type == TSK_FS_NAME_TYPE_VIRT || name.type == TSK_FS_NAME_TYPE_VIRT_DIR) return true;
    if (!TSK_FS_TYPE_ISFAT(file_system.ftype)) return false;
    const std::string_view text{name.name};
    return text.ends_with(kLabelSuffix) && text.size() <= kFatLabelBytesMax + kLabelSuffix.size();
}

FolderName record(TSK_INUM_T address, std::uint32_t sequence = 0) {
    FolderName name;
    name.address = address;
    name.sequence = sequence;
    return name;
}

TskFolderHandle open_folder(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address) {
    TskFolderHandle folder{tsk_fs_dir_open_meta(&file_system, address)};
    // What could not be read is no empty folder, whatever the library makes of it.
    image.check();
    if (!folder) image.fail("the folder cannot be read");
    tsk_error_reset();
    return folder;
}

TskFileHandle open_folder_record(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address) {
    TskFileHandle file{tsk_fs_file_open_meta(&file_system, nullptr, address)};
    image.check();
    if (!file || file->meta == nullptr) image.fail("the folder cannot be read");
    return file;
}

// All blocks of an ext folder.
Bytes read_folder_content(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address) {
    const TskFileContent content{image, open_folder_record(image, file_system, address), {}};
    if (content.size_bytes() > limits::kFolderBytesMax) {
        throw Error{ErrorCode::limit, fmt::format("the folder has {} bytes, more than the {} that "
                                                  "can be listed",
                                                  content.size_bytes(), limits::kFolderBytesMax)};
    }
    Bytes bytes(static_cast<std::size_t>(content.size_bytes()));
    content.read(0, bytes);
    return bytes;
}

void add_library_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address,
                       FolderNames& names) {
    const TskFolderHandle folder = open_folder(image, file_system, address);
    const std::size_t count = tsk_fs_dir_getsize(folder.get());
    for (std::size_t i = 0; i < count; ++i) {
        const TSK_FS_NAME* name = tsk_fs_dir_get_name(folder.get(), i);
        if (name == nullptr || name->name == nullptr) continue;
        if ((name->flags & TSK_FS_NAME_FLAG_ALLOC) == 0) continue;
        if (!is_of_file_system(file_system, *name)) names.add(name->name, record(name->meta_addr));
    }
}

void add_ntfs_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address,
                    FolderNames& names) {
    const TskFileHandle folder = open_folder_record(image, file_system, address);
    read_ntfs_names(image, *folder,
                    [&](std::string_view name, TSK_INUM_T number, std::uint32_t sequence) {
                        if (number < kNtfsFirstUserRecord) return;
                        names.add(name, record(number, sequence));
                    });
}

// Names of a folder of ext, with what the journal says of single ones.
class ExtNames {
public:
    ExtNames(FolderNames& names, const ExtFastChanges* fast, std::uint32_t folder) : names_(names) {
        if (fast == nullptr) return;
        const auto found = fast->folders.find(folder);
        if (found != fast->folders.end()) changed_ = &found->second;
    }

    /// Blocks of it may be promised and not written.
    bool may_lack_blocks() const { return changed_ != nullptr; }

    void add(std::string_view name, std::uint32_t inode) {
        const auto found = changed_ == nullptr ? FastNames::const_iterator{} : changed_->find(name);
        if (changed_ == nullptr || found == changed_->end()) {
            names_.add(name, record(inode));
            return;
        }
        followed_.emplace(name);
        put(name, ExtFastChanges::follow(found->second, inode));
    }

    /// What the folder's blocks do not have.
    void finish() {
        if (changed_ == nullptr) return;
        for (const auto& [name, steps] : *changed_)
            if (!followed_.contains(name)) put(name, ExtFastChanges::follow(steps, std::nullopt));
    }

private:
    void put(std::string_view name, std::optional<std::uint32_t> inode) {
        if (inode) names_.add(name, record(*inode));
    }

    FolderNames& names_;
    const FastNames* changed_ = nullptr;
    std::set<std::string, std::less<>> followed_;
};

// The library compares each name with all before it, which takes minutes for 100,000, and replaces
// bytes of names. The entries are simple: inode, length, length of the name, type, name.
void add_ext_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address, ExtNames& names) {
    const Bytes content = read_folder_content(image, file_system, address);
    const std::size_t block_bytes = file_system.block_size;
    for (std::size_t block = 0; block < content.size(); block += block_bytes) {
        ByteView rest =
            ByteView{content}.subspan(block, std::min(block_bytes, content.size() - block));
        if (names.may_lack_blocks() && is_zero(rest)) continue;
        while (rest.size() >= kExtEntryBytes) {
            LittleEndianReader in{rest};
            const std::uint32_t inode = in.u32();
            const std::size_t length = in.u16();
            const std::size_t name_length = in.u8();
            in.skip(1);
            if (length < kExtEntryBytes + (inode == 0 ? 0 : name_length) || length > rest.size()) {
                throw Error{ErrorCode::corrupt,
                            fmt::format("the folder is damaged at byte {}: an entry of {} bytes",
                                        block + block_bytes - rest.size(), length)};
            }
            if (inode != 0) names.add(as_text(in.bytes(name_length)), inode);
            rest = rest.subspan(length);
        }
    }
}

}  // namespace

FolderNames read_tsk_folder(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address,
                            const ExtFastChanges* fast) {
    const bool is_ext = TSK_FS_TYPE_ISEXT(file_system.ftype);
    FolderNames names{is_ext ? NameCase::matters : NameCase::ignored};
    if (is_ext) {
        ExtNames found{names, fast, static_cast<std::uint32_t>(address)};
        add_ext_names(image, file_system, address, found);
        found.finish();
    } else if (TSK_FS_TYPE_ISNTFS(file_system.ftype)) {
        add_ntfs_names(image, file_system, address, names);
    } else {
        add_library_names(image, file_system, address, names);
    }
    names.finish();
    return names;
}

}  // namespace entrepot::guest
