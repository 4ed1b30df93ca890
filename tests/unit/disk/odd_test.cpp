// Every odd image of the table is accepted, and its disk is what it should be, byte for byte: what
// Windows, QEMU and Disk2vhd write and the specification did not expect (vhdx.md).
#include "storage/disk/image_chain.h"
#include "storage/disk/image_check.h"
#include "storage/disk/image_report.h"
#include "tests/unit/disk/odd_rows.h"

#include <catch2/catch.hpp>

namespace entrepot::disk::odd {
namespace {

constexpr std::size_t kRowCountMin = 20;
constexpr std::uint64_t kWindowBytes = kMiB;
/// Of disks that are larger, what promises to be zero is not read.
constexpr std::uint64_t kReadWholeBytes = 512 * kMiB;

std::vector<Row> all_rows() {
    std::vector<Row> all;
    for (const auto rows :
         {vhdx_structure_rows, vhdx_geometry_rows, vhdx_log_rows, vhdx_child_rows, vhd_rows}) {
        for (Row& row : rows())
            all.push_back(std::move(row));
    }
    return all;
}

/// What the disk should hold from an offset on.
Bytes expected_bytes(const Content& content, std::uint64_t offset, std::size_t length) {
    Bytes bytes(length);
    for (const auto& [begin, piece] : content) {
        const std::uint64_t from = std::max(begin, offset);
        const std::uint64_t to = std::min(begin + piece.size(), offset + length);
        if (from >= to) continue;
        std::copy_n(piece.begin() + static_cast<std::ptrdiff_t>(from - begin), to - from,
                    bytes.begin() + static_cast<std::ptrdiff_t>(from - offset));
    }
    return bytes;
}

bool is_zero_extent(const DiskSource& disk, std::uint64_t offset, std::uint64_t length) {
    const DiskExtent extent = disk.extent_at(offset, length);
    return extent.kind == ExtentKind::zero && extent.length == length;
}

/// The first offset where the disk is not as it should be; its size if it is.
std::uint64_t first_difference(const DiskSource& disk, const Content& content) {
    for (std::uint64_t at = 0; at < disk.size_bytes(); at += kWindowBytes) {
        const std::uint64_t length = std::min(kWindowBytes, disk.size_bytes() - at);
        if (disk.size_bytes() > kReadWholeBytes && is_zero_extent(disk, at, length)) continue;
        Bytes found(length);
        disk.read(at, found);
        const Bytes wanted = expected_bytes(content, at, length);
        const auto [first, second] = std::mismatch(found.begin(), found.end(), wanted.begin());
        if (first != found.end()) return at + static_cast<std::uint64_t>(first - found.begin());
    }
    return disk.size_bytes();
}

/// Extents that promise zeros where there are some, or leave a gap, would lose data in a backup.
bool are_extents_right(const DiskSource& disk, const Content& content) {
    std::uint64_t at = 0;
    for (const DiskExtent& extent : map_extents(disk, 1'000'000)) {
        if (extent.offset != at || extent.kind == ExtentKind::parent) return false;
        at += extent.length;
        if (extent.kind == ExtentKind::data) continue;
        for (const auto& [begin, piece] : content) {
            if (begin >= at || begin + piece.size() <= extent.offset) continue;
            const std::uint64_t from = std::max(begin, extent.offset);
            const std::uint64_t to = std::min(begin + piece.size(), at);
            if (!is_zero(expected_bytes(content, from, to - from))) return false;
        }
    }
    return at == disk.size_bytes();
}

}  // namespace

TEST_CASE("odd images: each is accepted and read byte for byte", "[disk][odd]") {
    NullProgress progress;
    std::size_t row_count = 0;
    for (const Row& row : all_rows()) {
        INFO("row: " << row.name);
        Odd odd = row.make();
        std::vector<std::shared_ptr<const DiskImage>> images;
        for (auto& file : odd.files)
            images.push_back(row.open(std::move(file)));
        const ImageInfo& info = images.front()->info();
        const std::string first_warning = info.warnings.empty() ? "" : info.warnings.front();
        INFO("first warning: " << first_warning);
        CHECK(info.warnings.size() == odd.warning_count);

        const ImageChain chain = build_chain_of(images.front(), images);
        CHECK(chain.layers().size() == images.size());
        CHECK(chain.is_complete());
        CHECK(chain.size_bytes() == odd.size_bytes);
        CHECK(first_difference(chain, odd.content) == odd.size_bytes);
        CHECK(are_extents_right(chain, odd.content));
        for (const auto& image : images) {
            CHECK_NOTHROW(check_block_aliasing(*image));
            if (format_of_name(image->file()) != image->info().format) continue;
            const ImageCheck check = check_image(image->file(), Work{progress});
            INFO(to_json(check).dump(1));
            CHECK(check.verdict() == "sound");
        }
        images.front()->check_unchanged();
        ++row_count;
    }
    CHECK(row_count >= kRowCountMin);
}

}  // namespace entrepot::disk::odd
