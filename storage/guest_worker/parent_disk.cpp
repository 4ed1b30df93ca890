// Parsers read a few bytes here and there: whole blocks are kept, as the repository keeps chunks.
#include "storage/guest_worker/parent_disk.h"

#include "base/check.h"
#include "base/error.h"

#include <algorithm>

namespace entrepot::guest {
namespace {

constexpr std::size_t kBlockBytes = 64 * kKiB;
constexpr std::size_t kBlocksMax = 128;

}  // namespace

void ParentDisk::ask(std::uint64_t offset, MutableByteView target) const {
    channel_.send(MessageKind::ask_disk,
                  encode(DiskRange{offset, static_cast<std::uint32_t>(target.size())}));
    const auto answer = channel_.receive();
    if (!answer || answer->kind != MessageKind::disk_data || answer->body.size() != target.size()) {
        throw Error{ErrorCode::io, "the disk cannot be read"};
    }
    std::ranges::copy(answer->body, target.begin());
}

const Bytes& ParentDisk::block(std::uint64_t number) const {
    const auto known = std::ranges::find(blocks_, number, &std::pair<std::uint64_t, Bytes>::first);
    if (known != blocks_.end()) {
        blocks_.splice(blocks_.begin(), blocks_, known);
        return blocks_.front().second;
    }
    const std::uint64_t start = number * kBlockBytes;
    Bytes content(
        static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, shape_.size_bytes - start)));
    ask(start, content);
    blocks_.emplace_front(number, std::move(content));
    if (blocks_.size() > kBlocksMax) blocks_.pop_back();
    return blocks_.front().second;
}

void ParentDisk::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= shape_.size_bytes && target.size() <= shape_.size_bytes - offset);
    while (!target.empty()) {
        const std::size_t skip = offset % kBlockBytes;
        std::size_t count = 0;
        if (skip == 0 && target.size() >= kBlockBytes) {
            // Content of files: whole blocks go through and do not push the tables out.
            count = std::min(target.size(), kDiskReadBytesMax) / kBlockBytes * kBlockBytes;
            ask(offset, target.first(count));
        } else {
            const Bytes& content = block(offset / kBlockBytes);
            count = std::min(target.size(), content.size() - skip);
            std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(skip), count, target.begin());
        }
        target = target.subspan(count);
        offset += count;
    }
}

disk::DiskExtent ParentDisk::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    ENTREPOT_CHECK(offset < shape_.size_bytes);
    return {offset, std::min(length_max, shape_.size_bytes - offset), disk::ExtentKind::data};
}

}  // namespace entrepot::guest
