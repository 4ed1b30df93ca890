// Joining disk images with their drive slots and controllers.
#include "exporter/hyperv/disk_list.h"

#include "exporter/cim/object_path.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <tuple>

namespace entrepot::hyperv {
namespace {

constexpr std::string_view kPrefix = "Microsoft:";
constexpr std::string_view kHardDisk = "Microsoft:Hyper-V:Virtual Hard Disk";
constexpr std::string_view kPhysicalDrive = "Microsoft:Hyper-V:Physical Disk Drive";
constexpr std::uint16_t kTypeIdeController = 5;
constexpr std::uint16_t kTypeScsiController = 6;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::uint32_t to_number(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

// By the file's name; what is inside only GetVirtualHardDiskSettingData tells.
std::string format_of(const std::string& path) {
    const std::string name = lower(path);
    if (name.ends_with(".vhdx") || name.ends_with(".avhdx")) return "vhdx";
    if (name.ends_with(".vhds")) return "vhds";
    return name.ends_with(".vhd") || name.ends_with(".avhd") ? "vhd" : "";
}

bool is_shared(const cim::Instance& image, const std::string& path) {
    return image.flag("PersistentReservationsSupported") || format_of(path) == "vhds";
}

std::string why_not(const cim::Instance& image, const std::string& path) {
    if (is_shared(image, path)) {
        return "a disk shared between VMs, which Hyper-V cannot checkpoint";
    }
    if (format_of(path) == "vhdx") return {};
    if (path.empty()) return "the host names no file for it";
    return "not a VHDX: Hyper-V tracks changes of no other format";
}

}  // namespace

std::string parent_instance_of(const cim::Instance& setting) {
    const auto path = cim::parse_object_path(setting.text("Parent"));
    return path ? path->key("InstanceID").value_or("") : std::string{};
}

std::string settings_guid(const std::string& instance_id) {
    if (!instance_id.starts_with(kPrefix)) return {};
    const std::string rest = instance_id.substr(kPrefix.size());
    const auto guid = Guid::parse(rest.substr(0, rest.find('\\')));
    return guid ? guid->to_upper_string() : std::string{};
}

std::string slot_of(const std::string& instance_id) {
    const std::size_t backslash = instance_id.find('\\');
    if (settings_guid(instance_id).empty() || backslash == std::string::npos) return instance_id;
    return instance_id.substr(backslash + 1);
}

DiskList::DiskList(const std::vector<cim::Instance>& images,
                   const std::vector<cim::Instance>& resources) {
    for (const cim::Instance& resource : resources) {
        resources_[resource.text("InstanceID")] = &resource;
    }
    for (const cim::Instance& image : images) {
        // Templates ("Microsoft:Definition\...") belong to no settings and have no GUID.
        const std::string settings = settings_guid(image.text("InstanceID"));
        const bool is_disk = image.text("ResourceSubType") == kHardDisk && !settings.empty();
        if (is_disk) by_settings_[settings].push_back(make_disk(image));
    }
    for (const cim::Instance& resource : resources) {
        const std::string settings = settings_guid(resource.text("InstanceID"));
        const bool is_pass_through =
            resource.text("ResourceSubType") == kPhysicalDrive && !settings.empty();
        if (is_pass_through) by_settings_[settings].push_back(make_pass_through(resource));
    }
    for (auto& [settings, disks] : by_settings_) {
        std::sort(disks.begin(), disks.end(), [](const Disk& left, const Disk& right) {
            return std::tie(left.controller, left.controller_number, left.location,
                            left.instance_id) < std::tie(right.controller, right.controller_number,
                                                         right.location, right.instance_id);
        });
    }
    resources_.clear();  // They belong to the caller.
}

std::vector<Disk> DiskList::disks_of(const std::string& settings_instance_id) const {
    const auto found = by_settings_.find(settings_guid(settings_instance_id));
    return found == by_settings_.end() ? std::vector<Disk>{} : found->second;
}

Disk DiskList::make_disk(const cim::Instance& image) const {
    Disk disk;
    disk.instance_id = image.text("InstanceID");
    disk.slot_id = slot_of(disk.instance_id);
    disk.path = image.text("HostResource");
    disk.format = format_of(disk.path);
    disk.is_shared = is_shared(image, disk.path);
    disk.cannot_back_up = why_not(image, disk.path);
    disk.drive_id = parent_instance_of(image);
    place(disk.drive_id, disk);
    return disk;
}

Disk DiskList::make_pass_through(const cim::Instance& drive) const {
    Disk disk;
    disk.instance_id = drive.text("InstanceID");
    disk.slot_id = slot_of(disk.instance_id);
    disk.path = drive.text("HostResource");
    disk.format = "physical";
    disk.is_pass_through = true;
    disk.cannot_back_up = "a physical disk passed through, which Hyper-V cannot checkpoint";
    disk.drive_id = disk.instance_id;
    place(disk.drive_id, disk);
    return disk;
}

void DiskList::place(const std::string& drive_id, Disk& disk) const {
    const auto drive = resources_.find(drive_id);
    if (drive == resources_.end()) return;
    disk.location = to_number(drive->second->text("AddressOnParent"));
    const auto controller = resources_.find(parent_instance_of(*drive->second));
    if (controller == resources_.end()) return;
    const std::uint64_t type = controller->second->number("ResourceType");
    if (type == kTypeIdeController) disk.controller = "ide";
    if (type == kTypeScsiController) disk.controller = "scsi";
    disk.controller_number = to_number(controller->second->text("Address"));
}

}  // namespace entrepot::hyperv
