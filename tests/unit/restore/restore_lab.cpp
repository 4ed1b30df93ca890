// See restore_lab.h.
#include "tests/unit/restore/restore_lab.h"

#include "appliance/restore/restore_vm_job.h"
#include "storage/disk/disk_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace entrepot::test {
namespace {

hyperv::NetworkAdapter adapter(const std::string& name, const std::string& switch_id,
                               const std::string& switch_name, const std::string& mac) {
    hyperv::NetworkAdapter one;
    one.class_name = "Msvm_SyntheticEthernetPortSettingData";
    one.name = name;
    one.switch_id = switch_id;
    one.switch_name = switch_name;
    one.mac_address = mac;
    one.is_mac_static = true;
    one.is_connected = true;
    return one;
}

}  // namespace

RestoreLab::RestoreLab()
    : world(lab.world, lab.file_system, lab.random),
      services{lab.services,
               [this](const state::HostRecord&,
                      std::stop_token stop) -> std::unique_ptr<hyperv::RestoreHost> {
                   return std::make_unique<FakeRestoreHost>(
                       world,
                       [this](const std::string& call, FakeHost::Moment moment) {
                           lab.script.happen(
                               (moment == FakeHost::Moment::before ? "before " : "after ") + call);
                       },
                       std::move(stop));
               }},
      share(lab.directory.path() / "share"),
      local(lab.directory.path() / "D") {
    world.adapters = {adapter("Network Adapter", "S1", "LAN", "00155D010203"),
                      adapter("Network Adapter 2", "S-of-another-host", "Old", "00155D010204")};
    world.media = {{"Microsoft:DVD", "C:\\iso\\setup.iso"}};
    lab.world.hardware.adapters = world.adapters;
    lab.world.hardware.has_tpm = false;
    world.folders = {{"\\\\appliance\\exports", share}, {"D:", local}};
    lab.file_system.make_directories(local);
    point = lab.back_up().at("point");
}

restore::RestoreRequest RestoreLab::request() const {
    restore::RestoreRequest request;
    request.point = point;
    request.host = lab.host_id;
    request.to = "\\\\appliance\\exports";
    return request;
}

TestJob RestoreLab::make_job(const restore::RestoreRequest& request) {
    return TestJob{lab.script, lab.clock, fmt::format("{:032x}", next_job_++),
                   restore::to_json(request)};
}

jobs::JobOutcome RestoreLab::run(TestJob& job) {
    for (;;) {
        try {
            return restore::run_restore_vm(services, job);
        } catch (const jobs::Parking& parking) {
            lab.clock.sleep_for(parking.look_after, job.stop());
        }
    }
}

Json RestoreLab::restore(const restore::RestoreRequest& request) {
    TestJob job = make_job(request);
    const Json result = run(job).result;
    const std::string difference = find_difference(result);
    if (!difference.empty()) throw std::runtime_error{difference};
    return result;
}

Json RestoreLab::back_up() {
    TestJob job = lab.make_backup();
    Json result = lab.run(job).result;
    if (!lab.newest_point_restores()) throw std::runtime_error{"the restore differs"};
    return result;
}

Error RestoreLab::fail(const restore::RestoreRequest& request) {
    TestJob job = make_job(request);
    try {
        run(job);
    } catch (const Error& error) {
        const std::string dirt = find_dirt();
        if (!dirt.empty()) throw std::runtime_error{dirt};
        return error;
    }
    throw std::runtime_error{"the restore did not fail"};
}

std::string RestoreLab::find_dirt() const {
    for (const auto& vm : world.planned) {
        if (vm.data_roots != std::vector<std::string>{"C:\\elsewhere"}) {
            return "planned VM " + vm.name + " is left";
        }
    }
    for (const auto& vm : world.vms) {
        if (!vm.notes.empty()) return "VM " + vm.name + " is left";
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator{share}) {
        if (entry.is_regular_file()) return entry.path().string() + " is left";
    }
    return {};
}

std::string RestoreLab::find_difference(const Json& result) const {
    const std::string id = result.at("vm").at("id");
    const auto disks = world.disks_of_vms.find(id);
    if (disks == world.disks_of_vms.end()) return "VM " + id + " was not realised";
    if (!world.planned.empty() && world.planned.front().id == id) return "it is planned, too";
    if (disks->second.size() != lab.world.disks.size()) return "the number of disks";
    const auto& stored = *lab.repository.points.back();
    for (std::size_t i = 0; i < disks->second.size(); ++i) {
        const auto file = world.resolve(disks->second[i].path);
        if (!file || !std::filesystem::exists(*file)) return "no file " + disks->second[i].path;
        PosixFileSystem files;
        const auto image = disk::open_vhdx(files.open_read(*file));
        if (image->info().virtual_disk_id != lab.world.disks[i].id) return "a disk's id";
        if (image->info().parent) return "a disk has a parent";
        Bytes content(static_cast<std::size_t>(image->info().size_bytes));
        image->read(0, content);
        if (content != stored.restore.at(static_cast<std::uint32_t>(i))) return "a disk's content";
    }
    return {};
}

}  // namespace entrepot::test
