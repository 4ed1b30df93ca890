// The whole export: which disks, which variation, which files beside them.
#include "tests/hostsim/host/export_operation.h"

#include "base/little_endian.h"
#include "tests/hostsim/host/definition_file.h"
#include "tests/hostsim/host/export_faults.h"
#include "tests/hostsim/host/host_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

namespace entrepot::hostsim {
namespace {

// Sizes as observed on a real host (hyperv-wmi.md 7.1).
constexpr std::size_t kVmgsBytes = 4194816;
constexpr std::size_t kVmrsBytes = 45092;

constexpr std::uint32_t kInvalidTrackingId = 0xC03A0029;
constexpr std::uint32_t kMissingTracking = 0xC03A0030;
constexpr std::uint32_t kElementNotFound = 0x80070490;
constexpr std::uint32_t kInvalidArgument = 0x80070057;

/// Everything that is read from the model before the long work.
struct Facts {
    Snapshot snapshot;
    std::optional<ReferencePoint> base;
    std::uint64_t number = 0;
};

/// Why the base is no good; 0 if it is.
std::uint32_t stale_code(const ReferencePoint& point, const ExportOrder& order) {
    if (point.is_invalid) return point.invalid_code == 0 ? kInvalidTrackingId : point.invalid_code;
    return static_cast<std::uint32_t>(std::strtoul(order.stale_answer.c_str(), nullptr, 0));
}

Facts read_facts(JobContext& job, const ExportOrder& order) {
    Host& host = job.host();
    const std::lock_guard lock{host.mutex()};
    Facts facts;
    const Snapshot* snapshot = host.model().find_snapshot(order.snapshot_id);
    if (snapshot == nullptr) throw JobFailure{kElementNotFound, "The snapshot was not found."};
    facts.snapshot = *snapshot;
    facts.number = ++host.model().sequence;
    if (order.base_point.empty()) return facts;
    const ReferencePoint* point = host.model().find_reference_point(order.base_point);
    if (point == nullptr) throw JobFailure{kElementNotFound, "The reference point was not found."};
    const std::uint32_t stale = stale_code(*point, order);
    if (stale != 0) throw JobFailure{stale, "The change tracking identifier is invalid."};
    if (order.stale_answer != "full") facts.base = *point;
    return facts;
}

/// A disk that can be described as a difference: same disk, same size.
const TrackedDisk* find_tracked(const Facts& facts, const FrozenDisk& frozen) {
    if (!facts.base) return nullptr;
    for (const TrackedDisk& disk : facts.base->disks) {
        const bool is_same =
            disk.disk_id == frozen.disk.disk_id && disk.size_bytes == frozen.size_bytes;
        if (!is_same) continue;
        if (disk.rct_id.empty()) throw JobFailure{kMissingTracking, "There is no change tracking."};
        return &disk;
    }
    return nullptr;
}

class Dice {
public:
    explicit Dice(Random& random) : random_(random) {}
    bool hits(unsigned percent) { return random_.u64() % 100 < percent; }
    std::uint64_t below(std::uint64_t bound) { return random_.u64() % bound; }

private:
    Random& random_;
};

/// The variations that a seed brings; a seed of 0 brings none.
DiskExporter::Plan make_plan(Host& host, const FrozenDisk& frozen, const TrackedDisk* base,
                             Random& random) {
    DiskExporter::Plan plan;
    plan.is_complete = base == nullptr;
    plan.has_leaf = !frozen.recovery_writes.empty();
    FaultPlan& faults = host.faults();
    plan.is_incomplete = faults.take("incomplete-image", "ExportSystemDefinition").has_value();
    if (base != nullptr) {
        plan.has_wrong_linkage = faults.take("wrong-linkage", "ExportSystemDefinition").has_value();
        plan.is_complete = faults.take("complete-image", "ExportSystemDefinition").has_value();
    }
    if (host.config().seed == 0) return plan;
    Dice dice{random};
    if (base != nullptr && dice.hits(10)) plan.is_complete = true;
    plan.parent_is_leaf = base != nullptr && !base->exported.leaf_name.empty() && dice.hits(50);
    plan.has_leaf = plan.has_leaf || dice.hits(30);
    plan.is_upper_case = dice.hits(25);
    plan.locator_form = static_cast<unsigned>(dice.below(4));
    plan.block_size = dice.hits(70) ? 0 : 1024U * 1024U << dice.below(4);
    plan.variety = {.marks_zero_blocks = dice.hits(60),
                    .leaves_garbage = dice.hits(60),
                    .uses_bitmaps_always = dice.hits(50)};
    const std::uint64_t granule =
        std::max(host.config().tracking_granularity_bytes, frozen.disk.logical_sector_size);
    const std::uint64_t granules = frozen.size_bytes / granule;
    for (std::uint64_t i = dice.below(6); i > 0 && granules > 0; --i) {
        const std::uint64_t first = dice.below(granules);
        const std::uint64_t length = std::min(1 + dice.below(16), granules - first);
        plan.extra_ranges.push_back({first * granule, length * granule});
    }
    return plan;
}

/// A range of one disk that a differential is to leave out.
struct OmittedChange {
    int disk = 0;
    ByteRange range;
};

/// "DISK,OFFSET,LENGTH". A test that writes anything else learns it from the export's failure.
OmittedChange parse_omission(const std::string& text) {
    std::istringstream in{text};
    OmittedChange change;
    char first = 0;
    char second = 0;
    in >> change.disk >> first >> change.range.offset >> second >> change.range.length;
    const bool is_whole = !in.fail() && in.peek() == std::istringstream::traits_type::eof();
    if (!is_whole || first != ',' || second != ',') {
        throw JobFailure{kInvalidArgument, "omit-change takes DISK,OFFSET,LENGTH, not " + text};
    }
    return change;
}

/// The name of the base image on the share: that of the source file, made unique.
std::string unique_name(const VmDisk& disk, std::set<std::string, NameLess>& taken,
                        Random& random) {
    std::string name = disk.chain.front();
    if (!taken.insert(name).second) {
        const std::size_t dot = name.rfind('.');
        name = fmt::format("{}_{}{}", name.substr(0, dot),
                           Guid::make_random(random).to_upper_string(), name.substr(dot));
        taken.insert(name);
    }
    return name;
}

/// Slows the export down and lets it be cancelled.
OnWritten make_throttle(JobContext& job, std::uint64_t bytes_per_second) {
    return [&job, bytes_per_second, total = std::uint64_t{0},
            started = std::chrono::steady_clock::now()](std::uint64_t bytes) mutable {
        job.check_cancelled();
        if (bytes_per_second == 0) return;
        total += bytes;
        const auto due = started + std::chrono::microseconds{total * 1'000'000 / bytes_per_second};
        while (std::chrono::steady_clock::now() < due) {
            job.check_cancelled();
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
    };
}

/// One export while it runs.
class ExportRun {
public:
    ExportRun(JobContext& job, const ExportOrder& order)
        : job_(job),
          order_(order),
          facts_(read_facts(job, order)),
          random_(job.host().config().seed * 1'000'003 + facts_.number),
          share_(HostFiles{job.host().config()}.find_target(order.directory)) {
        if (order.has_subdirectory) share_.path += "/" + order.vm_name;
        if (fault("nested-export")) share_.path += "/deeper";
    }

    void run() {
        if (facts_.base) read_omission();
        make_folders();
        const bool is_failing = fault("fail-export", failure_);
        const bool is_empty = fault("empty-export");
        if (is_empty) return;
        if (order_.copies_storage) write_disks(is_failing);
        if (is_failing) throw JobFailure{failure_, "Failed to copy files."};
        if (!fault("missing-configuration")) write_configuration();
        add_export_faults({.faults = job_.host().faults(),
                           .target = *share_.target,
                           .path = share_.path,
                           .local = HostFiles{job_.host().config()}.local_path(order_.directory),
                           .random = random_});
        remember();
    }

private:
    bool fault(const char* name) {
        return job_.host().faults().take(name, "ExportSystemDefinition").has_value();
    }
    bool fault(const char* name, std::uint32_t& code) {
        const auto number = job_.host().faults().take_number(name, "ExportSystemDefinition");
        code = number.value_or(0);
        return number.has_value();
    }
    void read_omission() {
        const auto text = job_.host().faults().take("omit-change", "ExportSystemDefinition");
        if (text) omitted_ = parse_omission(*text);
    }
    std::string folder(const char* name) const { return share_.path + "/" + name; }
    void make_folders() {
        share_.target->make_directories(folder("Virtual Hard Disks"));
        share_.target->make_directories(folder("Virtual Machines"));
    }
    bool is_excluded(const FrozenDisk& frozen) const;
    void write_configuration();
    Json definition();
    void write_disks(bool is_failing);
    void write_disk(const FrozenDisk& frozen);
    void remember();

    JobContext& job_;
    const ExportOrder& order_;
    Facts facts_;
    SeededRandom random_;
    HostFiles::Target share_;
    std::uint32_t failure_ = 0;
    std::optional<OmittedChange> omitted_;
    std::set<std::string, NameLess> names_;
    std::map<int, ExportedImages> images_;
    std::map<int, std::string> base_names_;  ///< Of the sources, made unique.
    std::vector<Json> lines_;
};

bool ExportRun::is_excluded(const FrozenDisk& frozen) const {
    const auto& excluded = order_.excluded_disks;
    return std::find(excluded.begin(), excluded.end(), frozen.disk.number) != excluded.end();
}

void ExportRun::write_configuration() {
    const std::string base = folder("Virtual Machines") + "/" + order_.vm_id;
    const bool is_upper = job_.host().config().seed != 0 && random_.u64() % 4 == 0;
    ShareTarget& target = *share_.target;
    const auto file = target.create(base + (is_upper ? ".VMCX" : ".vmcx"));
    file->write(0, format_definition_file(definition(), random_));
    file->close();
    // Before 1709 the guest's state lies in the other two.
    const bool has_guest_state = job_.host().config().os_build >= 16299;
    if (has_guest_state) write_opaque(target, base + ".vmgs", kVmgsBytes, "GUESTRTS", random_);
    write_opaque(target, base + ".VMRS", kVmrsBytes, "\x01\x00\x00\x00", random_);
}

/// The snapshot's configuration carries the snapshot's name. Which paths it names is not known:
/// by seed those below the export, as an export by hand does it, or those on the host.
Json ExportRun::definition() {
    Json result = facts_.snapshot.definition;
    result["name"] = facts_.snapshot.name;
    const bool keeps_paths = job_.host().config().seed != 0 && random_.u64() % 4 == 0;
    for (Json& disk : result.at("disks")) {
        const auto found = images_.find(disk.at("number").get<int>());
        if (found == images_.end() || keeps_paths) continue;
        const ExportedImages& images = found->second;
        const bool has_leaf = !images.leaf_name.empty();
        disk["file"] = has_leaf ? images.leaf_name : images.base_name;
        if (order_.names_base) disk["file"] = base_names_.at(found->first);
    }
    return result;
}

void ExportRun::write_disks(bool is_failing) {
    std::size_t done = 0;
    const std::size_t count = facts_.snapshot.disks.size();
    bool is_missing = fault("missing-image");
    for (const FrozenDisk& frozen : facts_.snapshot.disks) {
        job_.report(static_cast<std::uint32_t>(5 + 90 * done++ / count));
        if (is_excluded(frozen)) continue;
        if (std::exchange(is_missing, false)) continue;
        // A failing export leaves half of a file.
        if (is_failing) {
            const auto file = share_.target->create(folder("Virtual Hard Disks") + "/" +
                                                    frozen.disk.chain.front());
            file->write(0, as_bytes("vhdxfile"));
            file->truncate(5 * kMiB);
            file->close();
            return;
        }
        write_disk(frozen);
    }
}

void ExportRun::write_disk(const FrozenDisk& frozen) {
    Host& host = job_.host();
    const TrackedDisk* base = find_tracked(facts_, frozen);
    DiskExporter::Plan plan = make_plan(host, frozen, base, random_);
    if (base != nullptr && fault("foreign-linkage")) {
        for (const TrackedDisk& other : facts_.base->disks) {
            if (other.number != base->number) plan.foreign_linkage = other.exported.base_guid;
        }
    }
    if (base != nullptr && omitted_ && omitted_->disk == frozen.disk.number) {
        const std::uint64_t begin = std::min(omitted_->range.offset, frozen.size_bytes);
        plan.omitted =
            ByteRange{begin, std::min(omitted_->range.length, frozen.size_bytes - begin)};
        plan.is_complete = false;  // In a complete image nothing can be missing.
    }
    const std::string name = unique_name(frozen.disk, names_, random_);
    base_names_[frozen.disk.number] = name;
    DiskExporter exporter{job_,
                          *share_.target,
                          folder("Virtual Hard Disks"),
                          frozen,
                          base,
                          name,
                          random_,
                          make_throttle(job_, host.config().speed.export_bytes_per_second)};
    images_[frozen.disk.number] = exporter.write(plan);
    Json files = Json::array();
    for (const auto& [file, length] : exporter.files())
        files.push_back({{"name", file}, {"bytes", length}});
    const std::size_t slash = order_.directory.find_last_of("\\/");
    lines_.push_back({{"run", order_.directory.substr(slash + 1)},
                      {"vm", order_.vm_id},
                      {"disk", frozen.disk.number},
                      {"sha256", host.config().hashes_exports ? Json(exporter.digest()) : Json()},
                      {"complete", plan.is_complete},
                      {"parent_is_leaf", plan.parent_is_leaf},
                      {"leaf", plan.has_leaf},
                      {"recovery_writes", frozen.recovery_writes.size()},
                      {"files", std::move(files)}});
    job_.check_cancelled();
}

/// Only an export that ended well counts for what the reference point of its snapshot links to.
void ExportRun::remember() {
    Host& host = job_.host();
    for (const Json& line : lines_)
        host.log_export(line);
    const std::lock_guard lock{host.mutex()};
    Snapshot* snapshot = host.model().find_snapshot(order_.snapshot_id);
    if (snapshot == nullptr) return;
    for (FrozenDisk& frozen : snapshot->disks) {
        const auto found = images_.find(frozen.disk.number);
        if (found != images_.end()) frozen.exported = found->second;
    }
    Vm* vm = host.model().find_vm(order_.vm_id);
    if (vm != nullptr && !order_.copies_storage) vm->is_merge_disabled = true;
}

}  // namespace

void run_export(JobContext& job, const ExportOrder& order) {
    try {
        ExportRun run{job, order};
        run.run();
    } catch (const TargetFailure& failure) {
        throw JobFailure{failure.hresult, "Failed to copy files. " + failure.text};
    }
}

}  // namespace entrepot::hostsim
