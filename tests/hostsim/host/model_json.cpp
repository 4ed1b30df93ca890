// The form of the model on disk.
#include "tests/hostsim/host/model.h"

#include "base/error.h"

namespace entrepot::hostsim {
namespace {

Json time_to_json(DateTime time) {
    return time.time_since_epoch().count();
}

DateTime time_from_json(const Json& json) {
    return DateTime{std::chrono::microseconds{json.get<std::int64_t>()}};
}

Guid guid_from_json(const Json& json) {
    const auto guid = Guid::parse(json.get<std::string>());
    if (!guid) throw Error{ErrorCode::corrupt, "state of the simulator: bad GUID"};
    return *guid;
}

Json ranges_to_json(const std::vector<ByteRange>& ranges) {
    Json json = Json::array();
    for (const ByteRange& range : ranges)
        json.push_back({range.offset, range.length});
    return json;
}

std::vector<ByteRange> ranges_from_json(const Json& json) {
    std::vector<ByteRange> ranges;
    for (const Json& item : json)
        ranges.push_back({item.at(0), item.at(1)});
    return ranges;
}

Json to_json(const VmDisk& disk) {
    return {{"number", disk.number},
            {"raw", disk.raw.string()},
            {"controller", disk.controller},
            {"controller_number", disk.controller_number},
            {"location", disk.location},
            {"block_size", disk.block_size},
            {"sector", disk.logical_sector_size},
            {"disk_id", disk.disk_id.to_string()},
            {"directory", disk.directory},
            {"chain", disk.chain},
            {"shared", disk.is_shared},
            {"pass_through", disk.is_pass_through},
            {"dvd", disk.is_dvd},
            {"imported", disk.is_imported}};
}

VmDisk disk_from_json(const Json& json) {
    VmDisk disk;
    disk.number = json.at("number");
    disk.raw = json.at("raw").get<std::string>();
    disk.controller = json.at("controller");
    disk.controller_number = json.at("controller_number");
    disk.location = json.at("location");
    disk.block_size = json.at("block_size");
    disk.logical_sector_size = json.at("sector");
    disk.disk_id = guid_from_json(json.at("disk_id"));
    disk.directory = json.at("directory");
    disk.chain = json.at("chain").get<std::vector<std::string>>();
    disk.is_shared = json.at("shared");
    disk.is_pass_through = json.at("pass_through");
    disk.is_dvd = json.at("dvd");
    disk.is_imported = json.at("imported");
    return disk;
}

Json to_json(const NetworkAdapter& adapter) {
    return {{"id", adapter.id},
            {"name", adapter.name},
            {"mac", adapter.mac},
            {"static_mac", adapter.is_static_mac},
            {"switch_id", adapter.switch_id},
            {"switch_name", adapter.switch_name}};
}

NetworkAdapter adapter_from_json(const Json& json) {
    return {json.at("id"),         json.at("name"),      json.at("mac"),
            json.at("static_mac"), json.at("switch_id"), json.at("switch_name")};
}

Json to_json(const ExportedImages& images) {
    return {{"base_name", images.base_name},
            {"base_guid", images.base_guid.to_string()},
            {"leaf_name", images.leaf_name},
            {"leaf_guid", images.leaf_guid.to_string()},
            {"leaf_writes", ranges_to_json(images.leaf_writes)}};
}

ExportedImages images_from_json(const Json& json) {
    return {json.at("base_name"), guid_from_json(json.at("base_guid")), json.at("leaf_name"),
            guid_from_json(json.at("leaf_guid")), ranges_from_json(json.at("leaf_writes"))};
}

Json to_json(const FrozenDisk& frozen) {
    Json json{{"disk", to_json(frozen.disk)},
              {"content", frozen.content},
              {"size", frozen.size_bytes},
              {"guid", frozen.data_write_guid.to_string()},
              {"recovery_writes", ranges_to_json(frozen.recovery_writes)},
              {"recovery_seed", frozen.recovery_seed}};
    if (frozen.exported) json["exported"] = to_json(*frozen.exported);
    return json;
}

FrozenDisk frozen_from_json(const Json& json) {
    FrozenDisk frozen;
    frozen.disk = disk_from_json(json.at("disk"));
    frozen.content = json.at("content");
    frozen.size_bytes = json.at("size");
    frozen.data_write_guid = guid_from_json(json.at("guid"));
    frozen.recovery_writes = ranges_from_json(json.at("recovery_writes"));
    frozen.recovery_seed = json.at("recovery_seed");
    if (json.contains("exported")) frozen.exported = images_from_json(json.at("exported"));
    return frozen;
}

Json to_json(const Snapshot& snapshot) {
    Json disks = Json::array();
    for (const FrozenDisk& disk : snapshot.disks)
        disks.push_back(to_json(disk));
    return {{"id", snapshot.id},
            {"vm", snapshot.vm_id},
            {"name", snapshot.name},
            {"recovery", snapshot.kind == SnapshotKind::recovery},
            {"consistency", snapshot.consistency},
            {"created", time_to_json(snapshot.created)},
            {"sequence", snapshot.sequence},
            {"created_by", snapshot.created_by},
            {"definition", snapshot.definition},
            {"disks", std::move(disks)}};
}

Snapshot snapshot_from_json(const Json& json) {
    Snapshot snapshot;
    snapshot.id = json.at("id");
    snapshot.vm_id = json.at("vm");
    snapshot.name = json.at("name");
    snapshot.kind = json.at("recovery").get<bool>() ? SnapshotKind::recovery : SnapshotKind::user;
    snapshot.consistency = json.at("consistency");
    snapshot.created = time_from_json(json.at("created"));
    snapshot.sequence = json.at("sequence");
    snapshot.created_by = json.at("created_by");
    snapshot.definition = json.at("definition");
    for (const Json& disk : json.at("disks"))
        snapshot.disks.push_back(frozen_from_json(disk));
    return snapshot;
}

Json to_json(const ReferencePoint& point) {
    Json disks = Json::array();
    for (const TrackedDisk& disk : point.disks) {
        disks.push_back({{"number", disk.number},
                         {"disk_id", disk.disk_id.to_string()},
                         {"instance_id", disk.instance_id},
                         {"rct_id", disk.rct_id},
                         {"digests", disk.digests},
                         {"size", disk.size_bytes},
                         {"exported", to_json(disk.exported)}});
    }
    return {{"id", point.id},
            {"vm", point.vm_id},
            {"consistency", point.consistency},
            {"sequence", point.sequence},
            {"invalid", point.is_invalid},
            {"invalid_code", point.invalid_code},
            {"created_by", point.created_by},
            {"disks", std::move(disks)}};
}

ReferencePoint point_from_json(const Json& json) {
    ReferencePoint point;
    point.id = json.at("id");
    point.vm_id = json.at("vm");
    point.consistency = json.at("consistency");
    point.sequence = json.at("sequence");
    point.is_invalid = json.at("invalid");
    point.invalid_code = json.at("invalid_code");
    point.created_by = json.at("created_by");
    for (const Json& disk : json.at("disks")) {
        point.disks.push_back({disk.at("number"), guid_from_json(disk.at("disk_id")),
                               disk.at("instance_id"), disk.at("rct_id"), disk.at("digests"),
                               disk.at("size"), images_from_json(disk.at("exported"))});
    }
    return point;
}

Json to_json(const Vm& vm) {
    Json disks = Json::array();
    for (const VmDisk& disk : vm.disks)
        disks.push_back(to_json(disk));
    Json adapters = Json::array();
    for (const NetworkAdapter& adapter : vm.adapters)
        adapters.push_back(to_json(adapter));
    Json json{{"id", vm.id},
              {"name", vm.name},
              {"generation", vm.generation},
              {"version", vm.version},
              {"state", vm.state},
              {"guest_vss", vm.has_guest_vss},
              {"merge_disabled", vm.is_merge_disabled},
              {"merging", vm.merging},
              {"last_applied", vm.last_applied_snapshot},
              {"current", vm.current_snapshot},
              {"rct_counter", vm.rct_counter},
              {"configured", time_to_json(vm.configured)},
              {"scsi_controllers", vm.scsi_controller_count},
              {"notes", vm.notes},
              {"settings", vm.settings},
              {"traits", vm.traits},
              {"definition_file", vm.definition_file},
              {"created_by", vm.created_by},
              {"adapters", std::move(adapters)},
              {"disks", std::move(disks)}};
    if (vm.merge_ends) json["merge_ends"] = time_to_json(*vm.merge_ends);
    return json;
}

Vm vm_from_json(const Json& json) {
    Vm vm;
    vm.id = json.at("id");
    vm.name = json.at("name");
    vm.generation = json.at("generation");
    vm.version = json.at("version");
    vm.state = json.at("state");
    vm.has_guest_vss = json.at("guest_vss");
    vm.is_merge_disabled = json.at("merge_disabled");
    vm.merging = json.at("merging").get<std::vector<std::string>>();
    vm.last_applied_snapshot = json.at("last_applied");
    vm.current_snapshot = json.at("current");
    vm.rct_counter = json.at("rct_counter");
    vm.configured = time_from_json(json.at("configured"));
    vm.scsi_controller_count = json.at("scsi_controllers");
    vm.notes = json.at("notes").get<std::vector<std::string>>();
    vm.settings = json.at("settings");
    vm.traits = json.at("traits");
    vm.definition_file = json.at("definition_file");
    vm.created_by = json.at("created_by");
    for (const Json& adapter : json.at("adapters"))
        vm.adapters.push_back(adapter_from_json(adapter));
    for (const Json& disk : json.at("disks"))
        vm.disks.push_back(disk_from_json(disk));
    if (json.contains("merge_ends")) vm.merge_ends = time_from_json(json.at("merge_ends"));
    return vm;
}

template <typename List>
Json list_to_json(const List& list) {
    Json json = Json::array();
    for (const auto& item : list)
        json.push_back(to_json(item));
    return json;
}

}  // namespace

Json model_to_json(const Model& model) {
    return {{"clock_offset_ms", model.clock_offset.count()},
            {"sequence", model.sequence},
            {"removed_vms", model.removed_vms},
            {"vms", list_to_json(model.vms)},
            {"planned", list_to_json(model.planned)},
            {"snapshots", list_to_json(model.snapshots)},
            {"reference_points", list_to_json(model.reference_points)}};
}

Model model_from_json(const Json& json) {
    Model model;
    model.clock_offset = std::chrono::milliseconds{json.at("clock_offset_ms").get<std::int64_t>()};
    model.sequence = json.at("sequence");
    model.removed_vms = json.at("removed_vms").get<std::vector<std::string>>();
    for (const Json& vm : json.at("vms"))
        model.vms.push_back(vm_from_json(vm));
    for (const Json& vm : json.at("planned"))
        model.planned.push_back(vm_from_json(vm));
    for (const Json& item : json.at("snapshots")) {
        model.snapshots.push_back(snapshot_from_json(item));
    }
    for (const Json& item : json.at("reference_points")) {
        model.reference_points.push_back(point_from_json(item));
    }
    return model;
}

}  // namespace entrepot::hostsim
