// Both copies of what there is twice, and items and regions that nobody knows, by their
// identifiers.
#include "storage/disk/vhdx_facts.h"

#include "storage/disk/vhdx_anatomy.h"
#include "storage/disk/vhdx_log.h"
#include "storage/disk/vhdx_metadata.h"
#include "storage/disk/vhdx_region_table.h"

#include <algorithm>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

Json name_or_null(std::string_view name) {
    return name.empty() ? Json(nullptr) : Json(name);
}

Json header_json(const HeaderCopy& copy, const Header& current) {
    Json json{{"offset", copy.offset}, {"valid", copy.header.has_value()}};
    if (!copy.header) return json;
    const Header& header = *copy.header;
    json["current"] = header == current;
    json["sequence_number"] = header.sequence_number;
    json["file_write_guid"] = header.file_write_guid.to_string();
    json["data_write_guid"] = header.data_write_guid.to_string();
    json["log_guid"] = header.log_guid.to_string();
    json["log_version"] = header.log_version;
    json["version"] = header.version;
    json["log_offset"] = header.log_offset;
    json["log_length"] = header.log_length;
    return json;
}

Json region_table_json(const RegionTableCopy& copy) {
    Json regions = Json::array();
    for (const RegionEntry& entry : copy.entries) {
        regions.push_back({{"id", entry.id.to_string()},
                           {"name", name_or_null(region_name(entry.id))},
                           {"offset", entry.range.offset},
                           {"length", entry.range.length},
                           {"required", (entry.flags & 1) != 0}});
    }
    return {{"offset", copy.offset}, {"valid", copy.is_intact()}, {"regions", std::move(regions)}};
}

Json metadata_json(const MetadataTable& table) {
    Json items = Json::array();
    for (const MetadataEntry& entry : table.entries) {
        items.push_back({{"id", entry.id.to_string()},
                         {"name", name_or_null(metadata_item_name(entry.id))},
                         {"offset", entry.offset},
                         {"length", entry.length},
                         {"user", entry.is_user()},
                         {"virtual_disk", (entry.flags & kMetadataIsVirtualDisk) != 0},
                         {"required", entry.is_required()}});
    }
    return items;
}

/// Every key, known or not; null in an image without a locator.
Json locator_json(const ImageView& view, const FileRange& region, const MetadataTable& table) {
    const auto entry =
        std::find_if(table.entries.begin(), table.entries.end(),
                     [](const auto& item) { return item.id == kParentLocator && !item.is_user(); });
    if (entry == table.entries.end() || entry->length == 0) return nullptr;
    Json values = Json::object();
    const std::uint64_t offset = region.offset + entry->offset;
    const Bytes item = view.read(offset, entry->length);
    for (const auto& [key, value] : decode_locator_values(item, offset))
        values[key] = value;
    return values;
}

}  // namespace

Json structure_facts(const File& file) {
    std::vector<std::string> warnings;
    const Header current = read_current_header(file, warnings);
    const FileRange log = checked_log_range(current, file.size());
    const bool is_dirty = !current.log_guid.is_null();
    Json log_json{{"offset", log.offset}, {"length", log.length}, {"dirty", is_dirty}};
    Replay replay;
    replay.file_size_bytes = file.size();
    if (is_dirty) {
        const LogSurvey survey = survey_log(file, log, current.log_guid);
        replay = replay_log(file, log, current.log_guid);
        log_json["valid_entries"] = survey.valid_count;
        log_json["torn_entries"] = survey.torn_count;
        log_json["active_entries"] = replay.entry_count;
        log_json["file_size_after_replay_bytes"] = replay.file_size_bytes;
    }
    const ImageView view{file, std::move(replay.overlay), replay.file_size_bytes};
    const Regions regions = read_regions(view, log, warnings);
    const MetadataTable table = read_metadata_table(view, regions.metadata);
    Json headers = Json::array();
    for (const HeaderCopy& copy : read_header_copies(file))
        headers.push_back(header_json(copy, current));
    Json tables = Json::array();
    for (const RegionTableCopy& copy : read_region_tables(view))
        tables.push_back(region_table_json(copy));
    return {{"headers", std::move(headers)},
            {"region_tables", std::move(tables)},
            {"metadata", metadata_json(table)},
            {"log", std::move(log_json)},
            {"locator", locator_json(view, regions.metadata, table)}};
}

}  // namespace entrepot::disk::vhdx
