// Overlaying and hashing of disk contents.
#include "tests/hostsim/disk/content.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kHashBytes = kMiB;

}  // namespace

std::uint64_t noise_at(std::uint64_t seed, std::uint64_t offset) {
    std::uint64_t x = seed + 0x9E3779B97F4A7C15ULL * (offset / 8 + 1);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

void fill_noise(std::uint64_t seed, std::uint64_t offset, MutableByteView target) {
    for (std::size_t done = 0; done < target.size(); ++done) {
        const std::uint64_t at = offset + done;
        const std::uint64_t word = noise_at(seed, at & ~std::uint64_t{7});
        target[done] = static_cast<std::byte>(word >> (8 * (at & 7)));
    }
}

std::optional<ByteRange> RawContent::find_data(std::uint64_t offset) const {
    if (offset >= size_) return std::nullopt;
    auto range = file_.find_data(offset);
    if (!range || range->offset >= size_) return std::nullopt;
    range->length = std::min(range->length, size_ - range->offset);
    return range;
}

void RecoveredContent::read(std::uint64_t offset, MutableByteView target) const {
    below_.read(offset, target);
    for (std::size_t i = 0; i < writes_.size(); ++i) {
        const std::uint64_t first = std::max(offset, writes_[i].offset);
        const std::uint64_t end = std::min(offset + target.size(), writes_[i].end());
        if (first >= end) continue;
        const MutableByteView part = target.subspan(static_cast<std::size_t>(first - offset),
                                                    static_cast<std::size_t>(end - first));
        if (i % 4 == 3) {
            std::memset(part.data(), 0, part.size());
        } else {
            fill_noise(seed_, first, part);
        }
    }
}

std::optional<ByteRange> RecoveredContent::find_data(std::uint64_t offset) const {
    auto nearest = below_.find_data(offset);
    for (const ByteRange& write : writes_) {
        if (write.end() <= offset) continue;
        const ByteRange clipped{std::max(write.offset, offset),
                                write.end() - std::max(write.offset, offset)};
        if (!nearest || clipped.offset < nearest->offset) nearest = clipped;
    }
    return nearest;
}

std::string digest_of(const DiskContent& content, const std::stop_token& stop) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free};
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    Bytes buffer(kHashBytes);
    const Bytes zeros(kHashBytes);
    std::uint64_t offset = 0;
    std::optional<ByteRange> data = content.find_data(0);
    while (offset < content.size()) {
        if (stop.stop_requested()) return {};
        const auto length =
            static_cast<std::size_t>(std::min<std::uint64_t>(kHashBytes, content.size() - offset));
        while (data && data->end() <= offset)
            data = content.find_data(data->end());
        const bool is_hole = !data || data->offset >= offset + length;
        if (!is_hole) content.read(offset, MutableByteView{buffer.data(), length});
        EVP_DigestUpdate(context.get(), is_hole ? zeros.data() : buffer.data(), length);
        offset += length;
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(context.get(), digest, &length);
    return to_hex(std::as_bytes(std::span{digest, length}));
}

std::vector<ByteRange> normalise(std::vector<ByteRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
    std::vector<ByteRange> result;
    for (const ByteRange& range : ranges) {
        if (range.length == 0) continue;
        if (!result.empty() && range.offset <= result.back().end()) {
            result.back().length =
                std::max(result.back().end(), range.end()) - result.back().offset;
        } else {
            result.push_back(range);
        }
    }
    return result;
}

std::vector<ByteRange> subtract(const std::vector<ByteRange>& ranges, const ByteRange& hole) {
    std::vector<ByteRange> left;
    for (const ByteRange& range : ranges) {
        const std::uint64_t before = std::min(range.end(), std::max(range.offset, hole.offset));
        const std::uint64_t after = std::max(range.offset, std::min(range.end(), hole.end()));
        if (before > range.offset) left.push_back({range.offset, before - range.offset});
        if (after < range.end()) left.push_back({after, range.end() - after});
    }
    return left;
}

}  // namespace entrepot::hostsim
