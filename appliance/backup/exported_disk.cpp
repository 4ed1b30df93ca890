// From files to disks; see exported_disk.h.
#include "appliance/backup/exported_disk.h"

#include "appliance/backup/chunk_runs.h"
#include "appliance/backup/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

namespace entrepot::backup {
namespace {

std::string name_of(const disk::DiskImage& image) {
    return image.file().path().filename().string();
}

ExportedDisk make_disk(const disk::ImageChain& chain) {
    const auto& layers = chain.layers();
    // In a VHDX the id is the disk's; in a VHD it is the file's, so a leaf does not know it.
    const bool is_vhd = chain.leaf().info().format == disk::ImageFormat::vhd;
    const Guid id = (is_vhd ? chain.lowest() : chain.leaf()).info().virtual_disk_id;
    const bool has_leaf = layers.size() > 1;
    ExportedDisk disk{id.is_null() ? std::string{} : id.to_string(),
                      name_of(*layers[has_leaf ? 1 : 0]), chain, std::nullopt};
    if (has_leaf && !layers.front()->is_empty_layer()) {
        disk.tracking.emplace(
            std::vector<std::shared_ptr<const disk::DiskImage>>{layers.begin() + 1, layers.end()});
    }
    return disk;
}

void check_distinct(const std::vector<ExportedDisk>& disks) {
    std::set<std::string> seen;
    for (const ExportedDisk& disk : disks) {
        if (disk.virtual_disk_id.empty() || seen.insert(disk.virtual_disk_id).second) continue;
        throw Error{ErrorCode::corrupt,
                    fmt::format("two images claim to be the newest of disk {}; one of them is {}",
                                disk.virtual_disk_id, name_of(disk.restore.leaf())),
                    "Each disk must be there once: take away what does not belong to this VM."};
    }
}

/// Merges ranges whose gap is below `gap`, until few enough are left.
void limit_ranges(std::vector<ByteRange>& ranges, std::uint64_t& gap, std::size_t count_max) {
    while (ranges.size() > count_max) {
        std::vector<ByteRange> merged;
        for (const ByteRange& range : ranges) {
            if (!merged.empty() &&
                range.offset - (merged.back().offset + merged.back().length) <= gap) {
                merged.back().length = range.offset + range.length - merged.back().offset;
            } else {
                merged.push_back(range);
            }
        }
        ranges = std::move(merged);
        gap *= 2;
    }
}

}  // namespace

std::vector<repository::ImageRecord> ExportedDisk::image_records() const {
    const auto& layers = restore.layers();
    std::vector<repository::ImageRecord> records;
    const std::size_t count = std::min<std::size_t>(layers.size(), 2);
    for (std::size_t i = 0; i < count; ++i) {
        records.push_back(
            {name_of(*layers[i]), layers[i]->info().data_write_guid, i == 0 && layers.size() > 1});
    }
    return records;
}

std::vector<Guid> ExportedDisk::inner_images() const {
    std::vector<Guid> guids;
    const auto& layers = restore.layers();
    for (std::size_t i = 2; i < layers.size(); ++i) {
        guids.push_back(layers[i]->info().data_write_guid);
    }
    return guids;
}

void ExportedDisk::check_unchanged() const {
    for (const auto& layer : restore.layers()) {
        with_context(fmt::format("looking again at {}", name_of(*layer)),
                     [&] { layer->check_unchanged(); });
    }
}

std::vector<ExportedDisk> open_exported_disks(FileSystem& file_system,
                                              const std::vector<ExportFile>& images) {
    std::vector<std::shared_ptr<const disk::DiskImage>> opened;
    disk::KeptMemory kept;
    for (const ExportFile& file : images) {
        with_context(fmt::format("opening image {}", file.relative_name), [&] {
            std::shared_ptr<const disk::DiskImage> image =
                disk::open_any(file_system.open_read(file.path, FollowLinks::no));
            kept.add(*image);
            disk::check_block_aliasing(*image);
            opened.push_back(std::move(image));
        });
    }
    std::vector<ExportedDisk> disks;
    for (const disk::ImageChain& chain : disk::build_chains(std::move(opened))) {
        disks.push_back(make_disk(chain));
    }
    check_distinct(disks);
    const auto position = [&images](const ExportedDisk& disk) {
        const std::filesystem::path& path = disk.restore.lowest().file().path();
        return std::find_if(images.begin(), images.end(),
                            [&path](const ExportFile& file) { return file.path == path; }) -
               images.begin();
    };
    std::stable_sort(disks.begin(), disks.end(),
                     [&position](const ExportedDisk& a, const ExportedDisk& b) {
                         return position(a) < position(b);
                     });
    return disks;
}

std::vector<ByteRange> find_leaf_ranges(const ExportedDisk& disk, std::uint32_t chunk_size_bytes) {
    std::vector<ByteRange> ranges;
    if (!disk.tracking) return ranges;
    std::uint64_t gap = chunk_size_bytes;
    ChunkRuns runs{disk.restore.leaf(), chunk_size_bytes};
    while (const auto run = runs.next()) {
        if (!ranges.empty() && ranges.back().offset + ranges.back().length == run->offset) {
            ranges.back().length += run->length;
        } else {
            ranges.push_back({run->offset, run->length});
        }
        if (ranges.size() > 2 * limits::kLeafRangesMax) {
            limit_ranges(ranges, gap, limits::kLeafRangesMax);
        }
    }
    limit_ranges(ranges, gap, limits::kLeafRangesMax);
    return ranges;
}

std::string base_name(std::string_view path) {
    const std::size_t slash = path.find_last_of("/\\");
    return std::string{slash == std::string_view::npos ? path : path.substr(slash + 1)};
}

bool equal_names(std::string_view first, std::string_view second) {
    return std::equal(first.begin(), first.end(), second.begin(), second.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    });
}

}  // namespace entrepot::backup
