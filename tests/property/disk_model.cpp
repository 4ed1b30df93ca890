// Runs of sectors with one stamp each; their bytes are computed when they are asked for.
#include "tests/property/disk_model.h"

#include "base/check.h"
#include "base/file_system.h"

#include <algorithm>
#include <cstring>

namespace entrepot::property {
namespace {

constexpr std::size_t kPieceBytes = 256 * kKiB;
constexpr std::size_t kWordBytes = 8;

/// SplitMix64's mixing step.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31);
}

std::uint64_t noise_word(std::uint32_t stamp, std::uint64_t number) {
    return mix((number + 1) * 0x9E3779B97F4A7C15ULL + stamp * 0xD1B54A32D192ED03ULL);
}

}  // namespace

std::vector<Range> joined(std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.offset < b.offset; });
    std::vector<Range> result;
    for (const Range& range : ranges) {
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

void fill_noise(std::uint32_t stamp, std::uint64_t offset, MutableByteView target) {
    while (!target.empty()) {
        const std::uint64_t word = noise_word(stamp, offset / kWordBytes);
        const std::size_t skip = offset % kWordBytes;
        const std::size_t length = std::min(kWordBytes - skip, target.size());
        std::memcpy(target.data(), reinterpret_cast<const std::byte*>(&word) + skip, length);
        target = target.subspan(length);
        offset += length;
    }
}

/// Afterwards a run begins at the offset, or none covers it.
void DiskModel::cut_at(std::uint64_t offset) {
    auto run = runs_.upper_bound(offset);
    if (run == runs_.begin()) return;
    --run;
    const std::uint64_t end = run->first + run->second.length;
    if (run->first >= offset || end <= offset) return;
    runs_[offset] = {end - offset, run->second.stamp};
    run->second.length = offset - run->first;
}

void DiskModel::clear(const Range& range) {
    ENTREPOT_CHECK(range.offset <= size_bytes_ && range.length <= size_bytes_ - range.offset);
    ENTREPOT_CHECK(range.offset % sector_size_ == 0 && range.length % sector_size_ == 0);
    cut_at(range.offset);
    cut_at(range.end());
    runs_.erase(runs_.lower_bound(range.offset), runs_.lower_bound(range.end()));
}

void DiskModel::write(const Range& range, std::uint32_t stamp) {
    if (range.length == 0) return;
    clear(range);
    runs_[range.offset] = {range.length, stamp};
}

void DiskModel::grow(std::uint64_t size_bytes) {
    ENTREPOT_CHECK(size_bytes >= size_bytes_);
    size_bytes_ = size_bytes;
}

void DiskModel::read(std::uint64_t offset, MutableByteView target) const {
    ENTREPOT_CHECK(offset <= size_bytes_ && target.size() <= size_bytes_ - offset);
    std::memset(target.data(), 0, target.size());
    const std::uint64_t end = offset + target.size();
    auto run = runs_.upper_bound(offset);
    if (run != runs_.begin()) --run;
    for (; run != runs_.end() && run->first < end; ++run) {
        const std::uint64_t from = std::max(offset, run->first);
        const std::uint64_t to = std::min(end, run->first + run->second.length);
        if (from < to)
            fill_noise(run->second.stamp, from, target.subspan(from - offset, to - from));
    }
}

std::optional<Range> DiskModel::find_data(std::uint64_t offset) const {
    auto run = runs_.upper_bound(offset);
    if (run != runs_.begin()) {
        const auto before = std::prev(run);
        const std::uint64_t end = before->first + before->second.length;
        if (end > offset) return Range{offset, end - offset};
    }
    if (run == runs_.end()) return std::nullopt;
    return Range{run->first, run->second.length};
}

bool DiskModel::is_zero_in(const Range& range) const {
    const auto data = find_data(range.offset);
    return !data || data->offset >= range.end();
}

std::uint64_t DiskModel::data_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [offset, run] : runs_)
        sum += run.length;
    return sum;
}

std::optional<std::uint64_t> DiskModel::find_difference(std::uint64_t offset,
                                                        ByteView content) const {
    Bytes expected(std::min(content.size(), kPieceBytes));
    while (!content.empty()) {
        const ByteView part = content.first(std::min(content.size(), kPieceBytes));
        const MutableByteView ours = MutableByteView{expected}.first(part.size());
        const bool is_known_zero = is_zero_in({offset, part.size()});
        if (!is_known_zero) read(offset, ours);
        const bool is_equal =
            is_known_zero ? is_zero(part) : std::memcmp(ours.data(), part.data(), part.size()) == 0;
        if (!is_equal) {
            if (is_known_zero) std::memset(ours.data(), 0, ours.size());
            const auto place = std::mismatch(ours.begin(), ours.end(), part.begin()).first;
            const auto at = offset + static_cast<std::uint64_t>(place - ours.begin());
            return at / sector_size_ * sector_size_;
        }
        content = content.subspan(part.size());
        offset += part.size();
    }
    return std::nullopt;
}

std::optional<std::uint64_t> DiskModel::find_difference(const DiskModel& other,
                                                        const Range& range) const {
    Bytes content(kPieceBytes);
    for (std::uint64_t at = range.offset; at < range.end();) {
        // Where neither holds anything they are equal.
        const std::uint64_t ours = find_data(at).value_or(Range{range.end(), 0}).offset;
        const std::uint64_t theirs = other.find_data(at).value_or(Range{range.end(), 0}).offset;
        at = std::min(ours, theirs);
        if (at >= range.end()) return std::nullopt;
        const std::size_t length = std::min<std::uint64_t>(range.end() - at, kPieceBytes);
        const MutableByteView part = MutableByteView{content}.first(length);
        other.read(at, part);
        if (const auto difference = find_difference(at, part)) return difference;
        at += length;
    }
    return std::nullopt;
}

void DiskModel::save_raw(const std::filesystem::path& path) const {
    PosixFileSystem files;
    const auto file = files.create(path);
    file->truncate(size_bytes_);
    Bytes buffer(kPieceBytes);
    for (const auto& [offset, run] : runs_) {
        for (std::uint64_t done = 0; done < run.length;) {
            const std::size_t length = std::min<std::uint64_t>(run.length - done, kPieceBytes);
            const MutableByteView part = MutableByteView{buffer}.first(length);
            read(offset + done, part);
            file->write(offset + done, part);
            done += length;
        }
    }
}

}  // namespace entrepot::property
