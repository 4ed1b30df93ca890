// See layout.h.
#include "appliance/restore/layout.h"

#include "appliance/backup/exported_disk.h"
#include "appliance/restore/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace entrepot::restore {
namespace {

struct SplitName {
    std::string stem;
    std::string extension;  ///< With the dot, as it was written.
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

SplitName split_name(const std::string& path) {
    const std::string name = backup::base_name(path);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return {name, {}};
    return {name.substr(0, dot), name.substr(dot)};
}

bool is_of_vm(const std::string& extension) {
    constexpr std::array<std::string_view, 3> kExtensions{".vmcx", ".vmrs", ".vmgs"};
    return std::find(kExtensions.begin(), kExtensions.end(), lower(extension)) != kExtensions.end();
}

// What Windows, Samba and a reader of a terminal all take: letters, digits and a few marks.
std::string plain_stem(const std::string& name, std::uint32_t index) {
    std::string stem;
    for (const char c : split_name(name).stem) {
        const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                              std::string_view{"-_()"}.find(c) != std::string_view::npos;
        stem += is_plain ? c : '_';
    }
    stem.resize(std::min(stem.size(), limits::kFileStemBytesMax));
    // A disk of no usable name, and one that Windows takes for a device, go by their number.
    const bool has_letter =
        std::any_of(stem.begin(), stem.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
    constexpr std::size_t kDeviceNameBytes = 4;
    if (!has_letter || stem.size() <= kDeviceNameBytes)
        return fmt::format("disk-{}-{}", index, stem);
    return stem;
}

std::string place_in(const repository::PointSummary& point, const std::string& disk_id) {
    const Json disks = point.draft.host_facts.value("disks", Json::object());
    const Json disk = disks.value(disk_id, Json::object());
    return disk.value("place", std::string{});
}

std::vector<PlacedDisk> plan_disks(const repository::PointSummary& point, Random& random) {
    std::vector<PlacedDisk> disks;
    for (const auto& summary : point.disks) {
        PlacedDisk disk;
        disk.index = summary.draft.index;
        const auto id = Guid::parse(summary.draft.id);
        disk.virtual_disk_id = id ? *id : Guid::make_random(random);
        disk.size_bytes = summary.draft.size_bytes;
        disk.name = summary.draft.name;
        disk.slot_id = summary.draft.host_disk_id;
        disk.place = place_in(point, summary.draft.id);
        std::string stem = plain_stem(disk.name, disk.index);
        const auto is_taken = [&](const PlacedDisk& other) {
            return lower(other.file_name) == lower(stem + ".vhdx");
        };
        while (std::any_of(disks.begin(), disks.end(), is_taken))
            stem += fmt::format("-{}", disk.index);
        disk.file_name = stem + ".vhdx";
        disks.push_back(std::move(disk));
    }
    return disks;
}

}  // namespace

Layout plan_layout(const repository::PointSummary& point,
                   const std::vector<std::string>& file_names, Random& random) {
    std::vector<std::string> definitions;
    for (const std::string& name : file_names) {
        if (lower(split_name(name).extension) == ".vmcx") definitions.push_back(name);
    }
    if (definitions.size() != 1) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("point {} of {} holds {} configurations of a VM (.vmcx), not one",
                                point.id, point.draft.vm_name, definitions.size()),
                    "It was made from disk files. Restore its disks with `entrepot restore disk`, "
                    "and make a VM for them."};
    }
    const std::string old_stem = split_name(definitions.front()).stem;
    const auto guid = Guid::parse(old_stem);
    // An export for backup names the files after the VM; a point of another origin gets that.
    const std::string stem =
        guid ? guid->to_upper_string() : Guid::make_random(random).to_upper_string();
    Layout layout;
    layout.disks = plan_disks(point, random);
    for (const std::string& name : file_names) {
        const SplitName split = split_name(name);
        if (!is_of_vm(split.extension) || lower(split.stem) != lower(old_stem)) {
            layout.left_out.push_back(name);
            continue;
        }
        layout.files.push_back({name, stem + split.extension});
        if (name == definitions.front()) layout.definition = layout.files.back().file_name;
    }
    return layout;
}

Json to_json(const Layout& layout) {
    Json disks = Json::array();
    for (const PlacedDisk& disk : layout.disks) {
        disks.push_back({{"index", disk.index},
                         {"file_name", disk.file_name},
                         {"virtual_disk_id", disk.virtual_disk_id.to_string()},
                         {"size_bytes", disk.size_bytes},
                         {"name", disk.name},
                         {"slot_id", disk.slot_id},
                         {"place", disk.place}});
    }
    Json files = Json::array();
    for (const PlacedFile& file : layout.files)
        files.push_back({{"name_in_point", file.name_in_point}, {"file_name", file.file_name}});
    return {{"disks", disks},
            {"files", files},
            {"definition", layout.definition},
            {"left_out", layout.left_out}};
}

Layout layout_from(const Json& json) {
    Layout layout;
    for (const Json& entry : json.at("disks")) {
        PlacedDisk disk;
        disk.index = entry.at("index");
        disk.file_name = entry.at("file_name");
        disk.virtual_disk_id = Guid::parse(entry.at("virtual_disk_id").get<std::string>()).value();
        disk.size_bytes = entry.at("size_bytes");
        disk.name = entry.at("name");
        disk.slot_id = entry.at("slot_id");
        disk.place = entry.at("place");
        layout.disks.push_back(std::move(disk));
    }
    for (const Json& file : json.at("files"))
        layout.files.push_back({file.at("name_in_point"), file.at("file_name")});
    layout.definition = json.at("definition");
    layout.left_out = json.at("left_out").get<std::vector<std::string>>();
    return layout;
}

}  // namespace entrepot::restore
