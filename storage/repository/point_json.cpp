// JSON of points, written and read back strictly.
#include "storage/repository/point_json.h"

#include "storage/repository/limits.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::repository {
namespace {

[[noreturn]] void corrupt(const std::string& fact) {
    throw Error{ErrorCode::corrupt, "manifest: " + fact};
}

template <typename T>
T field(const Json& json, const char* name) {
    try {
        return json.at(name).get<T>();
    } catch (const Json::exception&) {
        corrupt(fmt::format("field '{}' is missing or of a wrong type", name));
    }
}

const Json& array_field(const Json& json, const char* name, std::size_t count_max) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_array() || found->size() > count_max) {
        corrupt(fmt::format("field '{}' is missing, no list, or too long", name));
    }
    return *found;
}

PointKind kind_from(const std::string& text) {
    if (text == to_string(PointKind::full)) return PointKind::full;
    if (text == to_string(PointKind::incremental)) return PointKind::incremental;
    corrupt(fmt::format("unknown kind '{}'", text));
}

Consistency consistency_from(const std::string& text) {
    for (const auto value : {Consistency::unknown, Consistency::application, Consistency::crash}) {
        if (text == to_string(value)) return value;
    }
    corrupt(fmt::format("unknown consistency '{}'", text));
}

// Points of the first builds have none.
WallTime trusted_time_from(const Json& json, WallTime otherwise) {
    if (!json.contains("trusted_time")) return otherwise;
    const auto time = parse_time(field<std::string>(json, "trusted_time"));
    if (!time) corrupt("field 'trusted_time' is no time");
    return *time;
}

Json draft_json(const PointDraft& draft) {
    Json skipped = Json::array();
    for (const SkippedDisk& disk : draft.skipped) {
        skipped.push_back({{"name", disk.name}, {"reason", disk.reason}});
    }
    return {{"host", draft.host},
            {"vm_id", draft.vm_id},
            {"vm_name", draft.vm_name},
            {"kind", to_string(draft.kind)},
            {"reason", draft.reason},
            {"consistency", to_string(draft.consistency)},
            {"base_point", draft.base_point},
            {"reference_point", draft.reference_point},
            {"host_facts", draft.host_facts},
            {"skipped", std::move(skipped)}};
}

PointDraft draft_from(const Json& json) {
    PointDraft draft;
    draft.host = field<std::string>(json, "host");
    draft.vm_id = field<std::string>(json, "vm_id");
    draft.vm_name = field<std::string>(json, "vm_name");
    draft.kind = kind_from(field<std::string>(json, "kind"));
    draft.reason = field<std::string>(json, "reason");
    draft.consistency = consistency_from(field<std::string>(json, "consistency"));
    draft.base_point = field<std::string>(json, "base_point");
    draft.reference_point = field<std::string>(json, "reference_point");
    draft.host_facts = field<Json>(json, "host_facts");
    for (const Json& disk : array_field(json, "skipped", limits::kDisksMax)) {
        draft.skipped.push_back(
            {field<std::string>(disk, "name"), field<std::string>(disk, "reason")});
    }
    return draft;
}

Json disk_json(const DiskSummary& disk, const DiskMaps& maps) {
    Json images = Json::array();
    for (const ImageRecord& image : disk.draft.images) {
        images.push_back({{"file_name", image.file_name},
                          {"data_write_guid", image.data_write_guid.to_string()},
                          {"is_leaf", image.is_leaf}});
    }
    return {{"id", disk.draft.id},
            {"index", disk.draft.index},
            {"name", disk.draft.name},
            {"host_disk_id", disk.draft.host_disk_id},
            {"size_bytes", disk.draft.size_bytes},
            {"logical_sector_size", disk.draft.logical_sector_size},
            {"physical_sector_size", disk.draft.physical_sector_size},
            {"images", std::move(images)},
            {"changed_bytes", disk.changed_bytes},
            {"new_stored_bytes", disk.new_stored_bytes},
            {"root", disk.root},
            {"sha256", disk.sha256},
            {"restore_map", maps.restore.name()},
            {"tracking_map", maps.tracking.name()},
            {"tracking_root", maps.tracking_root}};
}

DiskSummary disk_from(const Json& json, DiskMaps& maps) {
    DiskSummary disk;
    disk.draft.id = field<std::string>(json, "id");
    disk.draft.index = field<std::uint32_t>(json, "index");
    disk.draft.name = field<std::string>(json, "name");
    disk.draft.host_disk_id = field<std::string>(json, "host_disk_id");
    disk.draft.size_bytes = field<std::uint64_t>(json, "size_bytes");
    disk.draft.logical_sector_size = field<std::uint32_t>(json, "logical_sector_size");
    disk.draft.physical_sector_size = field<std::uint32_t>(json, "physical_sector_size");
    for (const Json& image : array_field(json, "images", limits::kDisksMax)) {
        const auto guid = Guid::parse(field<std::string>(image, "data_write_guid"));
        if (!guid) corrupt("an image's data_write_guid is no GUID");
        disk.draft.images.push_back(
            {field<std::string>(image, "file_name"), *guid, field<bool>(image, "is_leaf")});
    }
    disk.changed_bytes = field<std::uint64_t>(json, "changed_bytes");
    disk.new_stored_bytes = field<std::uint64_t>(json, "new_stored_bytes");
    disk.root = field<std::string>(json, "root");
    disk.sha256 = field<std::string>(json, "sha256");
    maps.restore = MapId::parse(field<std::string>(json, "restore_map"));
    maps.tracking = MapId::parse(field<std::string>(json, "tracking_map"));
    maps.tracking_root = field<std::string>(json, "tracking_root");
    disk.has_tracking_map = maps.restore != maps.tracking;
    return disk;
}

Json file_json(const PointFile& file) {
    Json chunks = Json::array();
    for (const FileChunk& chunk : file.chunks) {
        chunks.push_back(Json::array(
            {chunk.id.hex(), chunk.address.pack.hex(), chunk.address.slot, chunk.length}));
    }
    return {{"name", file.name}, {"chunks", std::move(chunks)}};
}

PointFile file_from(const Json& json) {
    PointFile file{.name = field<std::string>(json, "name")};
    constexpr std::size_t kChunksMax = limits::kFileBytesMax / limits::kChunkSizeBytesMin;
    for (const Json& chunk : array_field(json, "chunks", kChunksMax)) {
        try {
            FileChunk value;
            value.id = ShortId::from_hex_text(chunk.at(0).get<std::string>());
            value.address.pack = PackId::from_hex_text(chunk.at(1).get<std::string>());
            value.address.slot = chunk.at(2).get<std::uint32_t>();
            value.length = chunk.at(3).get<std::uint32_t>();
            if (value.length > limits::kChunkSizeBytesMax) corrupt("a chunk of a file is too long");
            file.chunks.push_back(value);
        } catch (const Json::exception&) {
            corrupt(fmt::format("file '{}' has a chunk that makes no sense", file.name));
        }
    }
    return file;
}

}  // namespace

std::string_view to_string(PointKind kind) {
    switch (kind) {
        case PointKind::full:
            return "full";
        case PointKind::incremental:
            return "incremental";
    }
    return "unknown";
}

std::string_view to_string(Consistency consistency) {
    switch (consistency) {
        case Consistency::unknown:
            return "unknown";
        case Consistency::application:
            return "application";
        case Consistency::crash:
            return "crash";
    }
    return "unknown";
}

Json to_json(const PointContent& content) {
    Json disks = Json::array();
    for (std::size_t i = 0; i < content.summary.disks.size(); ++i) {
        disks.push_back(disk_json(content.summary.disks[i], content.maps[i]));
    }
    Json files = Json::array();
    for (const PointFile& file : content.files)
        files.push_back(file_json(file));
    return {{"point", content.summary.id},
            {"sequence", content.summary.sequence},
            {"time", format_time(content.summary.time)},
            {"trusted_time", format_time(content.summary.trusted_time)},
            {"draft", draft_json(content.summary.draft)},
            {"disks", std::move(disks)},
            {"files", std::move(files)},
            {"logical_bytes", content.summary.logical_bytes},
            {"unique_bytes", content.summary.unique_bytes},
            {"previous_point", content.previous_point},
            {"previous_digest", content.previous_digest}};
}

PointContent point_content_from(const Json& json) {
    PointContent content;
    PointSummary& summary = content.summary;
    summary.id = PointId::from_hex_text(field<std::string>(json, "point")).hex();
    summary.sequence = field<std::uint64_t>(json, "sequence");
    const auto time = parse_time(field<std::string>(json, "time"));
    if (!time) corrupt("field 'time' is no time");
    summary.time = *time;
    summary.trusted_time = trusted_time_from(json, *time);
    summary.draft = draft_from(field<Json>(json, "draft"));
    for (const Json& disk : array_field(json, "disks", limits::kDisksMax)) {
        DiskMaps maps;
        summary.disks.push_back(disk_from(disk, maps));
        content.maps.push_back(maps);
    }
    for (const Json& file : array_field(json, "files", limits::kFilesMax)) {
        content.files.push_back(file_from(file));
    }
    summary.logical_bytes = field<std::uint64_t>(json, "logical_bytes");
    summary.unique_bytes = field<std::uint64_t>(json, "unique_bytes");
    content.previous_point = field<std::string>(json, "previous_point");
    content.previous_digest = field<std::string>(json, "previous_digest");
    return content;
}

}  // namespace entrepot::repository
