// Only ext4 has extents; its older files, and all other file systems' are the library's.
#include "storage/guest/tsk_file_content.h"

#include "storage/guest/ext_extents.h"
#include "storage/guest/tsk_content.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
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

// A run as far as it belongs to [offset, size) of the content, in up to two places: what lies
// behind the initialised part is zeros, whatever the blocks hold.
void add_places(const TSK_FS_ATTR& content, const TSK_FS_ATTR_RUN& run, std::uint64_t offset,
                std::vector<ContentPlace>& places) {
    const std::uint64_t block_bytes = content.fs_file->fs_info->block_size;
    const std::uint64_t begin = run.offset * block_bytes;
    const std::uint64_t end =
        std::min(static_cast<std::uint64_t>(content.size), begin + run.len * block_bytes);
    const auto initialised =
        static_cast<std::uint64_t>(std::max<TSK_OFF_T>(content.nrd.initsize, 0));
    const bool is_nowhere =
        (run.flags & (TSK_FS_ATTR_RUN_FLAG_SPARSE | TSK_FS_ATTR_RUN_FLAG_FILLER)) != 0;
    const std::uint64_t written_end = is_nowhere ? offset : std::clamp(initialised, offset, end);
    if (offset < written_end) {
        places.push_back({written_end - offset, run.addr * block_bytes + (offset - begin)});
    }
    if (written_end < end) places.push_back({end - written_end, std::nullopt});
}

}  // namespace

TskFileContent::TskFileContent(TskImage& image, TskFileHandle file, const std::string& stream,
                               const ExtFastChanges* fast)
    : image_(image), file_(std::move(file)) {
    if (has_extents(*file_) && stream.empty()) {
        open_extents(fast);
    } else {
        open_attribute(stream);
    }
}

void TskFileContent::open_extents(const ExtFastChanges* fast) {
    const TSK_FS_META& meta = *file_->meta;
    if (meta.size < 0 || meta.content_ptr == nullptr || meta.content_len < kExtentRootBytes) {
        throw Error{ErrorCode::corrupt, "its record in the file system is damaged"};
    }
    size_ = static_cast<std::uint64_t>(meta.size);
    if (fast != nullptr) {
        const auto found = fast->extents.find(static_cast<std::uint32_t>(meta.addr));
        if (found != fast->extents.end()) {
            extents_ = found->second;
            return;
        }
    }
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

std::vector<ContentPlace> TskFileContent::locate(std::uint64_t offset,
                                                 std::size_t count_max) const {
    if (attribute_ == nullptr) {
        return locate_in(extents_, geometry_of(*file_->fs_info), size_, offset, count_max);
    }
    const bool is_plain = (attribute_->flags & TSK_FS_ATTR_NONRES) != 0 &&
                          (attribute_->flags & (TSK_FS_ATTR_COMP | TSK_FS_ATTR_ENC)) == 0 &&
                          attribute_->nrd.skiplen == 0;
    if (!is_plain) return {};
    const std::uint64_t block_bytes = file_->fs_info->block_size;
    std::vector<ContentPlace> places;
    const TSK_FS_ATTR_RUN* run = attribute_->nrd.run;
    for (; run != nullptr && offset < size_ && places.size() + 2 <= count_max; run = run->next) {
        const std::uint64_t begin = run->offset * block_bytes;
        const std::uint64_t end = begin + run->len * block_bytes;
        if (end <= offset) continue;
        if (begin > offset) break;  // A gap, of which the library makes what it will.
        add_places(*attribute_, *run, offset, places);
        offset = std::min(size_, end);
    }
    return places;
}

}  // namespace entrepot::guest
