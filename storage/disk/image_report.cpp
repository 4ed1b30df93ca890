// Facts about images for people and scripts; nothing here decides anything.
#include "storage/disk/image_report.h"

#include "storage/disk/limits.h"
#include "storage/disk/vhdx_facts.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace entrepot::disk {
namespace {

constexpr std::uint64_t kCompareBytes = kMiB;

struct KindBytes {
    std::uint64_t data = 0;
    std::uint64_t zero = 0;
    std::uint64_t unmapped = 0;
    std::uint64_t parent = 0;
};

KindBytes count_kinds(const DiskSource& source, const Work& work) {
    KindBytes bytes;
    const std::uint64_t size = source.size_bytes();
    for (std::uint64_t offset = 0; offset < size;) {
        work.progress.report("counting", offset, size);
        work.throw_if_stopped();
        const DiskExtent extent = source.extent_at(offset, size - offset);
        switch (extent.kind) {
            case ExtentKind::data:
                bytes.data += extent.length;
                break;
            case ExtentKind::zero:
                bytes.zero += extent.length;
                break;
            case ExtentKind::unmapped:
                bytes.unmapped += extent.length;
                break;
            case ExtentKind::parent:
                bytes.parent += extent.length;
                break;
        }
        offset += extent.length;
    }
    return bytes;
}

Json to_json(const KindBytes& bytes) {
    return {{"data", bytes.data},
            {"zero", bytes.zero},
            {"unmapped", bytes.unmapped},
            {"parent", bytes.parent}};
}

Json guid_or_null(const Guid& guid) {
    return guid.is_null() ? Json(nullptr) : Json(guid.to_string());
}

Json to_json(const ParentLocator& parent) {
    return {{"linkage", parent.linkage.to_string()},
            {"linkage2", parent.linkage2 ? Json(parent.linkage2->to_string()) : Json(nullptr)},
            {"name", parent.leaf_name()},
            {"relative_path", parent.relative_path},
            {"absolute_path", parent.absolute_path},
            {"volume_path", parent.volume_path},
            {"parent_name", parent.parent_name}};
}

/// The bytes of an id in the order of the file, as qemu and libvhdi show the ids of a VHD. Windows
/// stores and shows them as GUIDs, whose first fields are the other way round.
std::string in_file_order(const Guid& id) {
    const std::string hex = to_hex(id.bytes);
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
           hex.substr(16, 4) + "-" + hex.substr(20);
}

Json to_json(const VhdLocator& locator) {
    return {{"platform_code", locator.platform_code},
            {"data_space", locator.data_space},
            {"data_length_bytes", locator.data_length_bytes},
            {"data_offset", locator.data_offset},
            {"text", locator.text}};
}

Json vhd_json(const ImageInfo& info) {
    if (!info.vhd) return nullptr;
    const VhdFields& vhd = *info.vhd;
    Json locators = Json::array();
    for (const VhdLocator& locator : vhd.locators)
        locators.push_back(to_json(locator));
    return {{"features", vhd.features},
            {"version", vhd.version},
            {"time_stamp", vhd.time_stamp},
            {"creator_application", vhd.creator_application},
            {"creator_version", vhd.creator_version},
            {"creator_system", vhd.creator_system},
            {"original_size_bytes", vhd.original_size_bytes},
            {"current_size_bytes", vhd.current_size_bytes},
            {"geometry",
             {{"cylinders", vhd.cylinders},
              {"heads", vhd.heads},
              {"sectors_per_track", vhd.sectors_per_track},
              {"size_bytes", vhd.geometry_size_bytes()}}},
            {"unique_id_in_file_order", in_file_order(vhd.unique_id)},
            {"parent_unique_id_in_file_order",
             info.parent ? Json(in_file_order(info.parent->linkage)) : Json(nullptr)},
            {"parent_time_stamp", vhd.parent_time_stamp},
            {"locators", std::move(locators)},
            {"saved_state", vhd.has_saved_state},
            {"footer_length_bytes", vhd.footer_length_bytes},
            {"footer_copy_used", vhd.is_footer_copy_used},
            {"table_offset", vhd.table_offset},
            {"table_entry_count", vhd.table_entry_count}};
}

Json layer_json(const DiskImage& image, const KindBytes& bytes) {
    const ImageInfo& info = image.info();
    Json layer{{"file", image.file().path().string()},
               {"format", to_string(info.format)},
               {"type", to_string(info.type)},
               {"virtual_size_bytes", info.size_bytes},
               {"file_size_bytes", info.file_size_bytes},
               {"block_size_bytes", info.block_size_bytes},
               {"logical_sector_size", info.logical_sector_size},
               {"physical_sector_size", info.physical_sector_size},
               {"virtual_disk_id", guid_or_null(info.virtual_disk_id)},
               {"data_write_guid", guid_or_null(info.data_write_guid)},
               {"log_dirty", info.is_log_dirty},
               {"creator", info.creator},
               {"parent", info.parent ? to_json(*info.parent) : Json(nullptr)},
               {"vhd", vhd_json(info)},
               {"warnings", info.warnings},
               {"bytes", to_json(bytes)}};
    if (info.format == ImageFormat::vhdx) layer["vhdx"] = vhdx::structure_facts(image.file());
    return layer;
}

/// See kFactsWeightMax.
std::size_t weight_of(const Json& value) {
    std::size_t weight = limits::kFactsValueWeight;
    if (value.is_string()) {
        weight += value.get_ref<const std::string&>().size() * limits::kFactsTextWeight;
    } else if (value.is_object()) {
        for (const auto& [key, item] : value.items())
            weight += key.size() * limits::kFactsTextWeight + weight_of(item);
    } else if (value.is_array()) {
        for (const Json& item : value)
            weight += weight_of(item);
    }
    return weight;
}

void refuse_facts(const ImageChain& chain, const DiskImage& layer) {
    throw Error{ErrorCode::limit,
                fmt::format("the headers of the chain of image {} hold too much to be shown "
                            "together: with {} it is more than {} bytes",
                            chain.leaf().file().path().string(), layer.file().path().string(),
                            limits::kFactsWeightMax),
                "look at an image alone: copy or link it into a folder of its own"};
}

/// A disk that goes on with zeros.
class Padded {
public:
    explicit Padded(const DiskSource& disk) : disk_(disk) {}

    /// How far from `offset` on only zeros are promised; 0 if nothing is.
    std::uint64_t zeros_at(std::uint64_t offset, std::uint64_t length_max) const {
        if (offset >= disk_.size_bytes()) return length_max;
        const std::uint64_t sector = disk_.logical_sector_size();
        if (offset % sector != 0) return 0;
        const DiskExtent extent = disk_.extent_at(offset, length_max);
        const bool is_zero_kind =
            extent.kind == ExtentKind::zero || extent.kind == ExtentKind::unmapped;
        return is_zero_kind ? std::min(extent.length, length_max) : 0;
    }
    void read(std::uint64_t offset, MutableByteView target) const {
        const std::uint64_t size = disk_.size_bytes();
        const std::uint64_t inside =
            offset < size ? std::min<std::uint64_t>(target.size(), size - offset) : 0;
        if (inside > 0) disk_.read(offset, target.first(inside));
        std::memset(target.data() + inside, 0, target.size() - inside);
    }

private:
    const DiskSource& disk_;
};

void add_range(DiskComparison& result, std::uint64_t offset, std::uint64_t length) {
    result.differing_bytes += length;
    if (!result.ranges.empty()) {
        DifferingRange& last = result.ranges.back();
        if (last.offset + last.length == offset && !result.is_truncated) {
            last.length += length;
            return;
        }
    }
    if (result.ranges.size() == kDifferingRangesMax) {
        result.is_truncated = true;
        return;
    }
    result.ranges.push_back({offset, length});
}

void compare_bytes(DiskComparison& result, std::uint64_t offset, std::uint64_t sector,
                   ByteView first, ByteView second) {
    if (std::memcmp(first.data(), second.data(), first.size()) == 0) return;
    for (std::size_t at = 0; at < first.size(); at += sector) {
        const std::size_t length = std::min<std::size_t>(sector, first.size() - at);
        if (std::memcmp(first.data() + at, second.data() + at, length) == 0) continue;
        add_range(result, offset + at, length);
    }
}

}  // namespace

Json image_info_json(const ImageChain& chain, const Work& work) {
    Json layers = Json::array();
    const KindBytes merged = count_kinds(chain, work);
    std::size_t weight = 0;
    for (const auto& layer : chain.layers()) {
        const bool is_alone = chain.layers().size() == 1;
        layers.push_back(layer_json(*layer, is_alone ? merged : count_kinds(*layer, work)));
        weight += weight_of(layers.back());
        if (weight > limits::kFactsWeightMax) refuse_facts(chain, *layer);
    }
    const ImageInfo& leaf = chain.leaf().info();
    Json info{{"format", to_string(leaf.format)},
              {"type", to_string(leaf.type)},
              {"virtual_size_bytes", leaf.size_bytes},
              {"logical_sector_size", leaf.logical_sector_size},
              {"virtual_disk_id", guid_or_null(leaf.virtual_disk_id)},
              {"complete", chain.is_complete()},
              {"bytes", to_json(merged)},
              {"layers", std::move(layers)}};
    if (const auto& missing = chain.lowest().info().parent) info["needs"] = to_json(*missing);
    return info;
}

void walk_extents(const DiskSource& source, const std::function<bool(const DiskExtent&)>& visit) {
    const std::uint64_t size = source.size_bytes();
    DiskExtent merged;
    while (merged.offset + merged.length < size) {
        const std::uint64_t offset = merged.offset + merged.length;
        const DiskExtent extent = source.extent_at(offset, size - offset);
        if (merged.length > 0 && extent.kind == merged.kind) {
            merged.length += extent.length;
            continue;
        }
        if (merged.length > 0 && !visit(merged)) return;
        merged = extent;
    }
    visit(merged);
}

std::vector<DiskExtent> map_extents(const DiskSource& source, std::size_t count_max) {
    std::vector<DiskExtent> extents;
    walk_extents(source, [&](const DiskExtent& extent) {
        if (extents.size() < count_max) extents.push_back(extent);
        return extents.size() < count_max;
    });
    return extents;
}

Json extent_json(const DiskExtent& extent) {
    return {{"offset", extent.offset}, {"length", extent.length}, {"kind", to_string(extent.kind)}};
}

DiskComparison compare_disks(const DiskSource& first, const DiskSource& second, const Work& work) {
    DiskComparison result;
    result.first_size_bytes = first.size_bytes();
    result.second_size_bytes = second.size_bytes();
    const std::uint64_t size = std::max(result.first_size_bytes, result.second_size_bytes);
    const Padded a{first};
    const Padded b{second};
    Bytes buffer_a(kCompareBytes);
    Bytes buffer_b(kCompareBytes);
    std::uint64_t window = kCompareBytes;
    for (std::uint64_t offset = 0; offset < size;) {
        work.throw_if_stopped();
        work.progress.report("comparing", offset, size);
        // The window doubles while both promise zeros: cheap for sparse disks, and neither is asked
        // about a long run again and again.
        const std::uint64_t zeros_a = a.zeros_at(offset, std::min(window, size - offset));
        const std::uint64_t zeros = zeros_a == 0 ? 0 : b.zeros_at(offset, zeros_a);
        if (zeros > 0) {
            window = std::min(window * 2, size);
            offset += zeros;
            continue;
        }
        window = kCompareBytes;
        const std::uint64_t length =
            std::min(size - offset, kCompareBytes - offset % kCompareBytes);
        const MutableByteView part_a = MutableByteView{buffer_a}.first(length);
        const MutableByteView part_b = MutableByteView{buffer_b}.first(length);
        a.read(offset, part_a);
        b.read(offset, part_b);
        compare_bytes(result, offset, first.logical_sector_size(), part_a, part_b);
        offset += length;
    }
    work.progress.report("comparing", size, size);
    return result;
}

std::string_view to_string(ExtentKind kind) {
    switch (kind) {
        case ExtentKind::data:
            return "data";
        case ExtentKind::zero:
            return "zero";
        case ExtentKind::unmapped:
            return "unmapped";
        case ExtentKind::parent:
            return "parent";
    }
    return "unknown";
}

}  // namespace entrepot::disk
