// Only ext4 has extents; its older files, and all other file systems' are the library's.
#include "storage/guest/tsk_file_content.h"

#include "storage/guest/ext_extents.h"
#include "storage/guest/tsk_content.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::size_t kExtentRootBytes = 60;  // i_block of the inode.

bool has_extents(const TSK_FS_FILE& file) {
    return TSK_FS_TYPE_ISEXT(file.fs_info->ftype) &&
           file.meta->content_type == TSK_FS_META_CONTENT_TYPE_EXT4_EXTENTS;
}

BlockGeometry geometry_of(const TSK_FS_INFO& file_system) {
    return {file_system.block_size, file_system.block_count};
}

}  // namespace

TskFileContent::TskFileContent(TskImage& image, TskFileHandle file, const std::string& stream)
    : image_(image), file_(std::move(file)) {
    if (has_extents(*file_) && stream.empty()) {
        open_extents();
    } else {
        open_attribute(stream);
    }
}

void TskFileContent::open_extents() {
    const TSK_FS_META& meta = *file_->meta;
    if (meta.size < 0 || meta.content_ptr == nullptr || meta.content_len < kExtentRootBytes) {
        throw Error{ErrorCode::corrupt, "its record in the file system is damaged"};
    }
    size_ = static_cast<std::uint64_t>(meta.size);
    const ByteView root{static_cast<const std::byte*>(meta.content_ptr), kExtentRootBytes};
    extents_ = read_extents(image_.disk(), geometry_of(*file_->fs_info), root);
}

void TskFileContent::open_attribute(const std::string& stream) {
    attribute_ = find_content(*file_, stream);
    image_.check();
    if (attribute_ == nullptr) {
        if (stream.empty()) image_.fail("its content cannot be found");
        throw Error{ErrorCode::not_found, fmt::format("it has no stream \"{}\"", stream)};
    }
    const std::string refusal = refusal_of(*attribute_, Look::runs);
    if (!refusal.empty()) throw Error{ErrorCode::unsupported, refusal};
    size_ = static_cast<std::uint64_t>(attribute_->size);
}

void TskFileContent::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_ && target.size() <= size_ - offset);
    if (attribute_ == nullptr) {
        read_through(extents_, image_.disk(), geometry_of(*file_->fs_info), offset, target);
        return;
    }
    while (!target.empty()) {
        const ssize_t count = tsk_fs_attr_read(attribute_, static_cast<TSK_OFF_T>(offset),
                                               reinterpret_cast<char*>(target.data()),
                                               target.size(), TSK_FS_FILE_READ_FLAG_NONE);
        image_.check();
        if (count <= 0 || static_cast<std::size_t>(count) > target.size()) {
            image_.fail(fmt::format("it cannot be read at {}", offset));
        }
        target = target.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
}

}  // namespace entrepot::guest
