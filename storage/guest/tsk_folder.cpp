// The library lists more than files: deleted names, areas of the file system, volume labels.
#include "storage/guest/tsk_folder.h"

#include "storage/guest/ntfs_index.h"
#include "storage/guest/tsk_file_content.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
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

bool is_same_but_for_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
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

}  // namespace

TskFolder::TskFolder(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address)
    : ignores_case_(!TSK_FS_TYPE_ISEXT(file_system.ftype)) {
    if (TSK_FS_TYPE_ISEXT(file_system.ftype)) {
        load_ext_names(image, file_system, address);
    } else if (TSK_FS_TYPE_ISNTFS(file_system.ftype)) {
        load_ntfs_names(image, file_system, address);
    } else {
        load_names(image, file_system, address);
    }
    std::ranges::stable_sort(names_, {}, &FolderName::name);
    unite_same_names();
}

void TskFolder::add(std::string_view raw, TSK_INUM_T address, std::uint32_t sequence) {
    std::string shown = escape_name(raw);
    if (!is_shown_name(shown)) return;  // "." and "..", whoever wrote them.
    if (names_.size() == limits::kFolderEntriesMax) {
        throw Error{ErrorCode::limit,
                    fmt::format("the folder has more than the {} entries that can be listed",
                                limits::kFolderEntriesMax)};
    }
    names_.push_back({std::move(shown), address, sequence});
}

void TskFolder::load_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address) {
    const TskFolderHandle folder = open_folder(image, file_system, address);
    const std::size_t count = tsk_fs_dir_getsize(folder.get());
    for (std::size_t i = 0; i < count; ++i) {
        const TSK_FS_NAME* name = tsk_fs_dir_get_name(folder.get(), i);
        if (name == nullptr || name->name == nullptr) continue;
        if ((name->flags & TSK_FS_NAME_FLAG_ALLOC) == 0) continue;
        if (!is_of_file_system(file_system, *name)) add(name->name, name->meta_addr, 0);
    }
}

void TskFolder::load_ntfs_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address) {
    const TskFileHandle folder = open_folder_record(image, file_system, address);
    read_ntfs_names(image, *folder,
                    [&](std::string_view name, TSK_INUM_T record, std::uint32_t sequence) {
                        if (record >= kNtfsFirstUserRecord) add(name, record, sequence);
                    });
}

// The library compares each name with all before it, which takes minutes for 100,000, and replaces
// bytes of names. The entries are simple: inode, length, length of the name, type, name.
void TskFolder::load_ext_names(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address) {
    const Bytes content = read_folder_content(image, file_system, address);
    const std::size_t block_bytes = file_system.block_size;
    for (std::size_t block = 0; block < content.size(); block += block_bytes) {
        ByteView rest =
            ByteView{content}.subspan(block, std::min(block_bytes, content.size() - block));
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
            if (inode != 0) add(as_text(in.bytes(name_length)), inode, 0);
            rest = rest.subspan(length);
        }
    }
}

// Pages are told apart by names, and so are the entries of an archive: each name is there once.
void TskFolder::unite_same_names() {
    const auto is_again = [](const FolderName& a, const FolderName& b) {
        return a.name == b.name && a.address == b.address && a.sequence == b.sequence;
    };
    names_.erase(std::unique(names_.begin(), names_.end(), is_again), names_.end());
    std::size_t kept = 0;
    for (std::size_t i = 1; i < names_.size(); ++i) {
        if (names_[i].name == names_[kept].name) {
            ++names_[kept].file_count;
        } else if (++kept != i) {
            names_[kept] = std::move(names_[i]);
        }
    }
    if (!names_.empty()) names_.resize(kept + 1);
}

std::size_t TskFolder::position_after(const std::string& name) const {
    if (name.empty()) return 0;
    const auto found = std::ranges::upper_bound(names_, name, {}, &FolderName::name);
    return static_cast<std::size_t>(found - names_.begin());
}

const FolderName* TskFolder::find(const std::string& name) const {
    const auto exact = std::ranges::lower_bound(names_, name, {}, &FolderName::name);
    if (exact != names_.end() && exact->name == name) return &*exact;
    if (!ignores_case_) return nullptr;
    const FolderName* found = nullptr;
    for (const FolderName& entry : names_) {
        if (!is_same_but_for_case(entry.name, name)) continue;
        if (found != nullptr) return nullptr;
        found = &entry;
    }
    return found;
}

}  // namespace entrepot::guest
