// Before the chunks there is a table of where each but the first begins. A chunk that is as long as
// its content is not compressed.
#include "storage/guest/wof_content.h"

#include "storage/guest/lzx.h"
#include "storage/guest/xpress_huffman.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kProviderFile = 2;
constexpr std::size_t kDataBytes = 16;

[[noreturn]] void fail_wof(const std::string& what) {
    throw Error{ErrorCode::corrupt, fmt::format("its compressed content is damaged: {}", what)};
}

std::uint64_t chunk_bytes_of(WofMethod method) {
    switch (method) {
        case WofMethod::xpress_4k:
            return 4 * kKiB;
        case WofMethod::xpress_8k:
            return 8 * kKiB;
        case WofMethod::xpress_16k:
            return 16 * kKiB;
        case WofMethod::lzx:
            return kLzxChunkBytes;
    }
    return 0;
}

}  // namespace

std::optional<WofMethod> decode_wof_method(ByteView data) {
    if (data.size() < kDataBytes) return std::nullopt;
    LittleEndianReader in{data};
    if (in.u32() != kVersion || in.u32() != kProviderFile || in.u32() != kVersion) {
        return std::nullopt;
    }
    const std::uint32_t method = in.u32();
    if (method > static_cast<std::uint32_t>(WofMethod::xpress_16k)) return std::nullopt;
    return static_cast<WofMethod>(method);
}

WofContent::WofContent(std::unique_ptr<FileContent> stream, std::uint64_t size_bytes,
                       WofMethod method)
    : stream_(std::move(stream)),
      size_(size_bytes),
      method_(method),
      chunk_bytes_(chunk_bytes_of(method)),
      chunk_count_(size_bytes / chunk_bytes_ + (size_bytes % chunk_bytes_ == 0 ? 0 : 1)),
      entry_bytes_(size_bytes > std::numeric_limits<std::uint32_t>::max() ? 8 : 4) {
    ENTREPOT_CHECK(stream_ != nullptr);
    if (chunk_count_ == 0) return;
    if (chunk_count_ - 1 > stream_->size_bytes() / entry_bytes_) fail_wof("its table has no room");
    table_bytes_ = (chunk_count_ - 1) * entry_bytes_;
}

std::uint64_t WofContent::read_table(std::uint64_t index) const {
    Bytes entry(8);
    const auto length = static_cast<std::size_t>(entry_bytes_);
    stream_->read(index * entry_bytes_, MutableByteView{entry}.first(length));
    return load_u64(entry, 0);
}

WofContent::Range WofContent::find_chunk(std::uint64_t number) const {
    const std::uint64_t room = stream_->size_bytes() - table_bytes_;
    const std::uint64_t begin = number == 0 ? 0 : read_table(number - 1);
    const std::uint64_t end = number + 1 == chunk_count_ ? room : read_table(number);
    if (begin >= end || end > room) {
        fail_wof(fmt::format("chunk {} of {} lies nowhere", number, chunk_count_));
    }
    return {table_bytes_ + begin, table_bytes_ + end};
}

void WofContent::load_chunk(std::uint64_t number) const {
    if (!loaded_.empty() && loaded_number_ == number) return;
    loaded_.clear();
    const Range range = find_chunk(number);
    const std::uint64_t length = std::min(chunk_bytes_, size_ - number * chunk_bytes_);
    if (range.end - range.begin > length) {
        fail_wof(fmt::format("chunk {} is longer than its content", number));
    }
    Bytes compressed(static_cast<std::size_t>(range.end - range.begin));
    stream_->read(range.begin, compressed);
    if (compressed.size() == length) {
        loaded_ = std::move(compressed);
    } else {
        Bytes chunk(static_cast<std::size_t>(length));
        if (method_ == WofMethod::lzx) {
            decompress_lzx(compressed, chunk);
        } else {
            decompress_xpress_huffman(compressed, chunk);
        }
        loaded_ = std::move(chunk);
    }
    loaded_number_ = number;
}

void WofContent::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_ && target.size() <= size_ - offset);
    while (!target.empty()) {
        load_chunk(offset / chunk_bytes_);
        const auto skip = static_cast<std::size_t>(offset % chunk_bytes_);
        const std::size_t count = std::min(target.size(), loaded_.size() - skip);
        std::copy_n(loaded_.begin() + static_cast<std::ptrdiff_t>(skip), count, target.begin());
        target = target.subspan(count);
        offset += count;
    }
}

}  // namespace entrepot::guest
