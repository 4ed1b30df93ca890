// Windows of chunks from two sources, side by side; see disk_compare.h.
#include "appliance/backup/disk_compare.h"

#include "appliance/backup/limits.h"

#include "base/check.h"

#include <algorithm>
#include <cstring>

namespace entrepot::backup {

using disk::DiskExtent;
using disk::ExtentKind;

namespace {

class DiskComparing {
public:
    DiskComparing(const MergedDisk& claimed, const disk::DiskSource& truth,
                  std::uint32_t chunk_size_bytes)
        : claimed_(claimed), truth_(truth), chunk_size_bytes_(chunk_size_bytes) {}

    /// Whole chunks from `offset` on that neither side has anything in.
    std::uint64_t count_empty(std::uint64_t offset) const {
        const std::uint64_t left = truth_.size_bytes() - offset;
        const DiskExtent truth = truth_.extent_at(offset, left);
        if (truth.kind == ExtentKind::data) return 0;
        const DiskExtent claimed = claimed_.content_extent_at(offset, truth.length);
        if (claimed.kind == ExtentKind::data) return 0;
        const bool reaches_end = claimed.length == left;
        return reaches_end ? left : claimed.length - claimed.length % chunk_size_bytes_;
    }

    void compare_window(std::uint64_t offset, std::size_t length) {
        claimed_.read(offset, MutableByteView{claimed_bytes_}.first(length));
        truth_.read(offset, MutableByteView{truth_bytes_}.first(length));
        for (std::size_t at = 0; at < length; at += chunk_size_bytes_) {
            const std::size_t size = std::min<std::size_t>(chunk_size_bytes_, length - at);
            if (!differs(at, size)) continue;
            if (differs_in_what_counts(offset, at, size)) {
                add(offset + at, size);
            } else {
                result_.discarded_bytes += size;
            }
        }
    }

    DiskComparison take() {
        result_.compared_bytes = truth_.size_bytes();
        return std::move(result_);
    }

private:
    bool differs(std::size_t at, std::size_t size) const {
        return std::memcmp(claimed_bytes_.data() + at, truth_bytes_.data() + at, size) != 0;
    }

    /// Of a chunk that differs: whether it does outside of what either side calls unmapped.
    bool differs_in_what_counts(std::uint64_t window, std::size_t at, std::size_t size) const {
        for (const std::size_t end = at + size; at < end;) {
            const DiskExtent truth = truth_.extent_at(window + at, end - at);
            const DiskExtent claimed = claimed_.content_extent_at(window + at, truth.length);
            const auto length = static_cast<std::size_t>(claimed.length);
            const bool is_discarded =
                truth.kind == ExtentKind::unmapped || claimed.kind == ExtentKind::unmapped;
            if (!is_discarded && differs(at, length)) return true;
            at += length;
        }
        return false;
    }

    void add(std::uint64_t offset, std::uint64_t length) {
        result_.disagreeing_bytes += length;
        if (end_of_last_ == offset && result_.range_count > 0) {
            if (result_.range_count == result_.ranges.size())
                result_.ranges.back().length += length;
        } else {
            ++result_.range_count;
            if (result_.ranges.size() < limits::kComparisonRangesMax) {
                result_.ranges.push_back({offset, length});
            }
        }
        end_of_last_ = offset + length;
    }

    const MergedDisk& claimed_;
    const disk::DiskSource& truth_;
    std::uint32_t chunk_size_bytes_;
    Bytes claimed_bytes_ = Bytes(static_cast<std::size_t>(limits::kWindowBytes));
    Bytes truth_bytes_ = Bytes(static_cast<std::size_t>(limits::kWindowBytes));
    DiskComparison result_;
    std::uint64_t end_of_last_ = 0;
};

}  // namespace

DiskComparison compare_disks(const MergedDisk& claimed, const disk::DiskSource& truth,
                             std::uint32_t chunk_size_bytes, CopyProgress& progress,
                             const Work& work) {
    ENTREPOT_CHECK(claimed.size_bytes() == truth.size_bytes());
    ENTREPOT_CHECK(chunk_size_bytes > 0 && limits::kWindowBytes % chunk_size_bytes == 0);
    DiskComparing comparing{claimed, truth, chunk_size_bytes};
    const std::uint64_t size = truth.size_bytes();
    for (std::uint64_t at = 0; at < size;) {
        work.throw_if_stopped();
        std::uint64_t length = comparing.count_empty(at);
        if (length == 0) {
            length = std::min<std::uint64_t>(limits::kWindowBytes, size - at);
            comparing.compare_window(at, static_cast<std::size_t>(length));
        }
        at += length;
        progress.done_bytes += length;
        work.progress.report("compare", progress.done_bytes, progress.total_bytes);
    }
    return comparing.take();
}

}  // namespace entrepot::backup
