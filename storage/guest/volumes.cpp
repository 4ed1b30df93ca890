// From partitions to volumes: what lies in the disk, and what is in it.
#include "storage/guest/volumes.h"

#include "storage/guest/lvm.h"
#include "storage/guest/partition_table.h"
#include "storage/guest/volume_content.h"
#include "storage/guest/volume_source.h"
#include "storage/guest_model/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace entrepot::guest {
namespace {

// Partitions whose type says more than their bytes.
struct TypeContent {
    std::string_view type;
    VolumeContent content;
};

constexpr std::array kTypes{
    TypeContent{"0x42", VolumeContent::dynamic_disk},
    TypeContent{"5808C8AA-7E8F-42E0-85D2-E1E90434CFB3", VolumeContent::dynamic_disk},
    TypeContent{"AF9B60A0-1431-4F62-BC68-3311714A69AD", VolumeContent::dynamic_disk},
    TypeContent{"E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D", VolumeContent::storage_spaces},
    TypeContent{"E3C9E316-0B5C-4DB8-817D-F92DF00215AE", VolumeContent::reserved},
    TypeContent{"21686148-6449-6E6F-744E-656564454649", VolumeContent::reserved},
};

std::optional<VolumeContent> content_of_type(std::string_view type) {
    const auto found = std::ranges::find(kTypes, type, &TypeContent::type);
    return found == kTypes.end() ? std::nullopt : std::optional{found->content};
}

void look_into(const disk::DiskSource& disk, Volume& volume) {
    if (const auto content = content_of_type(volume.type)) {
        volume.content = *content;
        return;
    }
    if (volume.length == 0) return;
    const Recognised found = recognise_content(*open_volume(disk, volume));
    volume.content = found.content;
    volume.label = found.label;
    if (volume.notice.empty()) volume.notice = found.notice;
}

Volume make_volume(const disk::DiskSource& disk, const Partition& partition) {
    const std::uint64_t sector_size = disk.logical_sector_size();
    const std::uint64_t sectors = disk.size_bytes() / sector_size;
    Volume volume;
    volume.number = partition.number;
    volume.type = partition.type;
    volume.name = partition.name;
    if (partition.first_sector >= sectors) {
        volume.notice = "the partition lies beyond the end of the disk";
    } else if (partition.sector_count == 0) {
        volume.notice = "the partition ends before it begins";
    } else {
        const std::uint64_t rest = sectors - partition.first_sector;
        volume.offset = partition.first_sector * sector_size;
        volume.length = std::min(partition.sector_count, rest) * sector_size;
        if (partition.sector_count > rest) {
            volume.notice = "the partition goes on beyond the end of the disk";
        }
    }
    return volume;
}

void note_overlaps(std::vector<Volume>& volumes) {
    std::vector<Volume*> ordered;
    for (Volume& volume : volumes)
        if (volume.length > 0) ordered.push_back(&volume);
    std::ranges::sort(ordered, {}, &Volume::offset);
    for (std::size_t i = 1; i < ordered.size(); ++i) {
        if (ordered[i]->offset - ordered[i - 1]->offset >= ordered[i - 1]->length) continue;
        ordered[i]->notice = fmt::format("it overlaps partition {}", ordered[i - 1]->number);
    }
}

Volume make_logical_volume(const disk::DiskSource& disk, const Volume& physical,
                           const LogicalVolume& logical) {
    Volume volume;
    volume.type = "lvm";
    volume.name = logical.name.substr(0, limits::kLabelBytesMax);
    volume.notice = logical.refusal;
    volume.content = VolumeContent::lvm;
    if (!logical.refusal.empty()) return volume;
    for (const VolumePiece& piece : logical.pieces) {
        if (piece.length == 0) continue;
        volume.pieces.push_back({physical.offset + piece.offset, piece.length});
        volume.length += piece.length;
    }
    if (volume.pieces.empty()) return volume;
    volume.offset = volume.pieces.front().offset;
    look_into(disk, volume);
    return volume;
}

// What LVM made of a partition, behind all partitions.
void add_logical_volumes(const disk::DiskSource& disk, VolumeTable& table) {
    std::vector<Volume> found;
    for (Volume& physical : table.volumes) {
        if (physical.content != VolumeContent::lvm) continue;
        try {
            for (const LogicalVolume& logical :
                 read_logical_volumes(VolumeSource{disk, physical.offset, physical.length})) {
                if (table.volumes.size() + found.size() >= limits::kVolumesMax) break;
                found.push_back(make_logical_volume(disk, physical, logical));
                found.back().number =
                    kFirstLogicalVolume + static_cast<std::uint32_t>(found.size()) - 1;
            }
        } catch (const Error& error) {
            if (error.code() == ErrorCode::io) throw;
            physical.notice = error.message();
        }
    }
    table.volumes.insert(table.volumes.end(), std::make_move_iterator(found.begin()),
                         std::make_move_iterator(found.end()));
}

VolumeTable whole_disk(const disk::DiskSource& disk) {
    Volume volume;
    volume.length = disk.size_bytes();
    look_into(disk, volume);
    VolumeTable table{"none", {volume}, {}};
    add_logical_volumes(disk, table);
    return table;
}

}  // namespace

VolumeTable read_volumes(const disk::DiskSource& disk) {
    const auto table = read_partition_table(disk);
    if (!table) return whole_disk(disk);
    VolumeTable result{table->scheme, {}, table->notices};
    for (const Partition& partition : table->partitions)
        result.volumes.push_back(make_volume(disk, partition));
    note_overlaps(result.volumes);
    for (Volume& volume : result.volumes)
        look_into(disk, volume);
    add_logical_volumes(disk, result);
    return result;
}

}  // namespace entrepot::guest
