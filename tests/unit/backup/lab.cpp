// See lab.h.
#include "tests/unit/backup/lab.h"

#include "appliance/backup/backup_job.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace entrepot::test {
namespace {

constexpr const char* kUnc = "\\\\appliance\\exports";

WallTime start_time() {
    return *parse_time("2026-01-31T08:00:00Z");
}

backup::Pace quick_pace() {
    backup::Pace pace;
    pace.export_stall = std::chrono::minutes{5};
    return pace;
}

}  // namespace

std::optional<Json> TestJournal::find(std::string_view key) const {
    const auto found = entries.find(key);
    return found == entries.end() ? std::nullopt : std::optional{found->second};
}

void TestJournal::put(std::string_view key, const Json& value) {
    script_.happen("before journal " + std::string{key});
    entries.insert_or_assign(std::string{key}, value);
    script_.happen("after journal " + std::string{key});
}

TestJob::TestJob(Script& script, Clock& clock, std::string id, Json parameters)
    : journal_(script), clock_(clock), id_(std::move(id)), parameters_(std::move(parameters)) {}

void TestJob::sleep_for(std::chrono::milliseconds duration) {
    clock_.sleep_for(duration, stop());
    if (stop().stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
}

Lab::Lab()
    : clock(start_time()),
      random(7),
      state(directory.path() / "state.db", clock, random),
      shares({file_system, clock, state.shares, state.hosts}),
      world(clock, file_system, random, kUnc, directory.path() / "share"),
      repository(clock),
      services{.repository = repository,
               .state = state,
               .shares = shares,
               .connect = [this](const state::HostRecord&,
                                 std::stop_token stop) { return connect(std::move(stop)); },
               .clock = clock,
               .random = random,
               .log = log,
               .file_system = file_system,
               .pace = quick_pace()} {
    file_system.make_directories(directory.path() / "share");
    shares.add("main", kUnc, directory.path() / "share");
    state::HostDraft draft;
    draft.name = "hv01";
    draft.url = "https://hv01:5986/wsman";
    draft.authentication = "ntlm";
    draft.user = "HV01\\backup";
    host_id = state.hosts.add(draft).id;
    world.add_disk(1024 * 1024 + 4096, 512);  // No multiple of a chunk.
    world.add_disk(512 * 1024, 4096);
    guest_writes();
    repository.on_commit = [this](const char* moment) {
        script.happen(std::string{moment} + " commit");
    };
    repository.on_write = [this] { script.happen("chunk write"); };
}

std::unique_ptr<hyperv::HyperVHost> Lab::connect(std::stop_token stop) {
    return std::make_unique<FakeHost>(
        world,
        [this](const std::string& call, FakeHost::Moment moment) {
            script.happen((moment == FakeHost::Moment::before ? "before " : "after ") + call);
        },
        std::move(stop));
}

TestJob Lab::make_backup(Json parameters) {
    parameters["host"] = host_id;
    parameters["vm"] = world.vm_id;
    return TestJob{script, clock, fmt::format("{:032x}", next_job_++), std::move(parameters)};
}

jobs::JobOutcome Lab::run(TestJob& job) {
    return backup::run_backup(services, job);
}

Json Lab::back_up(Json parameters) {
    TestJob job = make_backup(std::move(parameters));
    const jobs::JobOutcome outcome = run(job);
    if (!newest_point_restores()) throw std::runtime_error{"the restore differs"};
    const std::string dirt = find_dirt();
    if (!dirt.empty()) throw std::runtime_error{dirt};
    return outcome.result;
}

void Lab::guest_writes() {
    for (FakeDisk& disk : world.disks) {
        for (int i = 0; i < 4; ++i) {
            const std::size_t sectors = disk.content.size() / disk.sector_size;
            const std::size_t length = disk.sector_size * (1 + random.u64() % 3);
            const std::size_t at =
                static_cast<std::size_t>(random.u64() % (sectors - 3)) * disk.sector_size;
            const MutableByteView range = MutableByteView{disk.content}.subspan(at, length);
            if (i == 3) {
                std::fill(range.begin(), range.end(), std::byte{0});
            } else {
                random.fill(range);
            }
        }
    }
}

std::string Lab::find_dirt() const {
    for (const auto& snapshot : world.snapshots) {
        if (snapshot.is_recovery) return "snapshot " + snapshot.name + " is left";
    }
    std::size_t ours = 0;
    for (const auto& point : world.reference_points) {
        ours += point.instance_id.starts_with("RP-") ? 1 : 0;
    }
    if (ours > 1) return fmt::format("{} reference points are left", ours);
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator{directory.path() / "share"}) {
        if (entry.is_regular_file()) return entry.path().string() + " is left";
    }
    return {};
}

bool Lab::newest_point_restores() const {
    const auto& point = *repository.points.back();
    for (const auto& disk : point.summary.disks) {
        const auto expected = world.expected_restore.find(disk.draft.host_disk_id);
        if (expected == world.expected_restore.end()) return false;
        if (point.restore.at(disk.draft.index) != expected->second) return false;
    }
    return point.summary.disks.size() == world.expected_restore.size();
}

}  // namespace entrepot::test
