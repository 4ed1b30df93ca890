// Extents say where to read; what was read is looked through for zeros.
#include "storage/disk/content_scan.h"

#include "base/check.h"
#include "base/file_system.h"

#include <algorithm>

namespace entrepot::disk {
namespace {

/// What zeros are looked for in, at its multiples on the disk.
constexpr std::size_t kUnitBytes = kBulkAlignmentBytes;

using Sink = std::function<void(std::uint64_t, ByteView)>;

void pass_on_nonzero(std::uint64_t offset, ByteView content, const Sink& sink) {
    std::size_t begin = 0;
    std::size_t at = 0;
    const auto flush = [&] {
        if (begin < at) sink(offset + begin, content.subspan(begin, at - begin));
    };
    while (at < content.size()) {
        const std::size_t unit = kUnitBytes - (offset + at) % kUnitBytes;
        const std::size_t length = std::min(unit, content.size() - at);
        const bool is_hole = is_zero(content.subspan(at, length));
        if (is_hole) flush();
        at += length;
        if (is_hole) begin = at;
    }
    flush();
}

}  // namespace

void scan_content(const DiskSource& source, const Work& work, std::size_t run_bytes_max,
                  const Sink& sink) {
    ENTREPOT_CHECK(run_bytes_max >= kUnitBytes && kRunBytesMax % run_bytes_max == 0);
    const std::uint64_t size = source.size_bytes();
    Bytes buffer(run_bytes_max);
    for (std::uint64_t offset = 0; offset < size;) {
        const DiskExtent extent = source.extent_at(offset, size - offset);
        const std::uint64_t end = offset + extent.length;
        if (extent.kind == ExtentKind::zero || extent.kind == ExtentKind::unmapped) offset = end;
        while (offset < end) {
            work.throw_if_stopped();
            // Reads end at multiples of their size, so that runs stay aligned.
            const std::uint64_t length =
                std::min(end - offset, run_bytes_max - offset % run_bytes_max);
            const MutableByteView part = MutableByteView{buffer}.first(length);
            source.read(offset, part);  // Throws for kind parent.
            pass_on_nonzero(offset, part, sink);
            offset += length;
            work.progress.report("writing", offset, size);
        }
    }
    work.throw_if_stopped();
    work.progress.report("writing", size, size);
}

}  // namespace entrepot::disk
