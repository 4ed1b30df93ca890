// The exporter against the simulated host: everything that a backup asks a host, over the wire.
#include "base/error.h"
#include "base/log.h"
#include "exporter/hyperv/hresult.h"
#include "exporter/hyperv/hyperv_host.h"
#include "tests/contract/simulator.h"
#include "tests/support/hasty_clock.h"

#include <catch2/catch.hpp>

#include <algorithm>

namespace entrepot {
namespace {

using hyperv::Authentication;
using hyperv::JobRef;
using hyperv::JobState;
using hyperv::JobStatus;

constexpr const char* kName = "Entrepot 1";
constexpr const char* kWeb = "AAAAAAAA-0000-4000-8000-000000000001";
constexpr const char* kDatabase = "BBBBBBBB-0000-4000-8000-000000000002";

/// A connection to the simulator with what tests ask again and again.
struct Stage {
    Stage(const Simulator& simulator, Authentication authentication)
        : Stage(simulator.connection(authentication)) {}
    explicit Stage(const hyperv::Connection& connection)
        : host(hyperv::connect({retry_clock, log}, connection, {})) {}

    JobStatus wait(const JobRef& job) {
        const SteadyTime deadline = clock.steady_now() + std::chrono::seconds{30};
        for (;;) {
            const JobStatus status = host->read_job(job);
            if (status.state != JobState::running) return status;
            if (clock.steady_now() > deadline) FAIL("a job of the host does not end");
            clock.sleep_for(std::chrono::milliseconds{5}, {});
        }
    }
    void finish(const JobRef& job) {
        const JobStatus status = wait(job);
        INFO(status.error_text << " state " << status.raw_state);
        REQUIRE(status.state == JobState::completed);
    }
    std::string make_snapshot(const std::string& vm_id) {
        const JobRef job =
            host->start_create_snapshot(vm_id, hyperv::ConsistencyLevel::application, kName);
        finish(job);
        const auto made = host->list_affected_snapshots(job);
        REQUIRE(made.size() == 1);
        return made[0];
    }
    std::string convert(const std::string& snapshot) {
        const JobRef job = host->start_convert(snapshot);
        finish(job);
        const auto made = host->list_affected_reference_points(job);
        REQUIRE(made.size() == 1);
        return made[0];
    }

    SystemClock clock;
    /// Pauses between attempts are short, and give a busy machine's simulator its turn.
    test::HastyClock retry_clock;
    NullLog log;
    std::unique_ptr<hyperv::HyperVHost> host;
};

Json fault(const std::string& at, const std::string& what, int times) {
    return {{"at", at}, {"do", what}, {"times", times}};
}

std::string unc(const std::string& name) {
    return "\\\\appliance\\exports\\" + name;
}

/// Names of files below a directory of the share, with their extension's case.
std::vector<std::string> files_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
        if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
    }
    return names;
}

bool has_extension(const std::vector<std::string>& names, const std::string& extension) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return name.ends_with(extension); });
}

ErrorCode code_of(const hyperv::Connection& connection) {
    SystemClock clock;
    NullLog log;
    try {
        hyperv::connect({clock, log}, connection, {})->read_facts();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

void check_inventory(hyperv::HyperVHost& host) {
    const hyperv::HostFacts facts = host.read_facts();
    CHECK(facts.computer_name == "HV01");
    CHECK(facts.os_build == 17763);
    CHECK(facts.has_reference_points);
    CHECK(!facts.product_version.empty());
    CHECK(parse_time(facts.host_time));
    CHECK(parse_time(facts.boot_time));

    const auto vms = host.list_vms();
    REQUIRE(vms.size() == 2);
    CHECK(vms[0].name == "R&D <web>");
    CHECK(vms[0].id == kWeb);
    CHECK(vms[1].disks.size() == 2);
    const hyperv::Vm vm = host.read_vm(kDatabase);
    REQUIRE(vm.disks.size() == 2);
    for (const hyperv::Disk& disk : vm.disks) {
        CHECK(disk.cannot_back_up.empty());
        CHECK(disk.virtual_disk_id.has_value());
        CHECK(disk.size_bytes == 8 * kMiB);
        CHECK(disk.controller == "scsi");
    }
}

std::string make_named_snapshot(Stage& stage) {
    auto& host = *stage.host;
    const std::string slot = host.read_vm(kDatabase).disks.at(0).slot_id;
    const std::string snapshot = stage.make_snapshot(kDatabase);
    host.rename_snapshot(snapshot, "Entrepot & <run 1>");
    const auto snapshots = host.list_snapshots(kDatabase);
    REQUIRE(snapshots.size() == 1);
    CHECK(snapshots[0].instance_id == snapshot);
    CHECK(snapshots[0].is_recovery);
    CHECK(snapshots[0].name == "Entrepot & <run 1>");
    CHECK(parse_time(snapshots[0].created));
    const auto frozen = host.list_snapshot_disks(snapshot);
    REQUIRE(frozen.size() == 2);
    CHECK(frozen[0].slot_id == slot);
    return snapshot;
}

}  // namespace

TEST_CASE("contract: a whole backup's life, by every way to log in", "[contract]") {
    if (!Simulator::is_available()) {
        WARN("skipped: entrepot-hostsim was not built");
        return;
    }
    const auto authentication =
        GENERATE(Authentication::basic, Authentication::negotiate, Authentication::ntlm);
    const bool has_tls = GENERATE(true, false);
    if (!has_tls && authentication == Authentication::basic) return;  // It cannot seal.
    Simulator simulator;
    Stage stage{has_tls ? simulator.connection(authentication)
                        : simulator.http_connection(authentication)};
    auto& host = *stage.host;

    check_inventory(host);
    const std::string snapshot = make_named_snapshot(stage);

    std::filesystem::create_directories(simulator.share() / "run 1");
    stage.finish(host.start_export({kDatabase, snapshot, unc("run 1"), "", {}}));
    const auto full = files_in(simulator.share() / "run 1");
    CHECK(has_extension(full, ".vhdx"));
    CHECK(has_extension(full, ".vmcx"));
    const std::string first_point = stage.convert(snapshot);
    CHECK(host.list_snapshots(kDatabase).empty());
    const auto points = host.list_reference_points(kDatabase);
    REQUIRE(points.size() == 1);
    CHECK(points[0].instance_id == first_point);
    CHECK(points[0].type == 2);
    CHECK(points[0].disk_ids.size() == 2);
    CHECK(points[0].rct_ids.size() == 2);

    simulator.write_disk("db01-a.raw", 3 * kMiB, 4096, 'x');
    const std::string second = stage.make_snapshot(kDatabase);
    std::filesystem::create_directories(simulator.share() / "run 2");
    stage.finish(host.start_export({kDatabase, second, unc("run 2"), first_point, {}}));
    CHECK(has_extension(files_in(simulator.share() / "run 2"), ".avhdx"));
    const std::string second_point = stage.convert(second);
    CHECK(second_point != first_point);
    stage.finish(host.start_destroy_reference_point(kDatabase, first_point));
    CHECK(host.list_reference_points(kDatabase).size() == 1);
    stage.finish(host.start_destroy_reference_point(kDatabase, second_point));
    const std::string third = stage.make_snapshot(kDatabase);
    stage.finish(host.start_destroy_snapshot(third));
    host.ensure_merge_enabled(kDatabase);
    const auto exports = host.list_export_jobs(kDatabase);
    CHECK(exports.size() == 2);
    for (const JobRef& job : exports)
        CHECK(host.read_job(job).state == JobState::completed);

    const Json audit = simulator.control({"audit"});
    INFO(audit.dump(1));
    CHECK(audit.at("snapshots").empty());
    CHECK(audit.at("reference_points").empty());
}

TEST_CASE("contract: an export can be ended, and a job that failed says why", "[contract]") {
    if (!Simulator::is_available()) return;
    Simulator simulator{{{"speed", {{"export_bytes_per_second", 65536}}}}};
    Stage stage{simulator, Authentication::negotiate};
    const std::string snapshot = stage.make_snapshot(kWeb);
    std::filesystem::create_directories(simulator.share() / "run");

    const JobRef job = stage.host->start_export({kWeb, snapshot, unc("run"), "", {}});
    const auto found = stage.host->list_export_jobs(kWeb);
    REQUIRE(found.size() == 1);
    CHECK(found[0].instance_id == job.instance_id);
    CHECK(stage.host->list_export_jobs(kDatabase).empty());
    stage.host->cancel_job(job);
    CHECK(stage.wait(job).state == JobState::failed);

    const JobRef nowhere =
        stage.host->start_export({kWeb, snapshot, "\\\\elsewhere\\share", "", {}});
    const JobStatus status = stage.wait(nowhere);
    CHECK(status.state == JobState::failed);
    CHECK(hyperv::side_of(status.hresult) == hyperv::FailureSide::target);
    CHECK(!status.error_text.empty());
    stage.finish(stage.host->start_destroy_snapshot(snapshot));
}

TEST_CASE("contract: who is not let in is told why", "[contract]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator;
    for (const auto way :
         {Authentication::basic, Authentication::negotiate, Authentication::ntlm}) {
        hyperv::Connection connection = simulator.connection(way);
        connection.password = Secret{"wrong"};
        CHECK(code_of(connection) == ErrorCode::unauthenticated);
        connection = simulator.connection(way);
        connection.pin_sha256 = std::string(64, '0');
        CHECK(code_of(connection) == ErrorCode::untrusted);
    }
}

TEST_CASE("contract: a VM that is gone is not found", "[contract]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator;
    Stage stage{simulator, Authentication::basic};
    try {
        stage.host->read_vm("CCCCCCCC-0000-4000-8000-000000000003");
        FAIL("a VM that does not exist was read");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::not_found);
    }
    CHECK_THROWS_AS(
        stage.host->start_destroy_snapshot("Microsoft:CCCCCCCC-0000-4000-8000-000000000003"),
        Error);
}

TEST_CASE("contract: a host in trouble is asked again, and never believed by halves",
          "[contract]") {
    if (!Simulator::is_available()) return;
    const auto way = GENERATE(Authentication::basic, Authentication::negotiate);
    const Simulator simulator{
        {{"faults",
          Json::array({fault("Enumerate", "quota", 2), fault("Enumerate", "reply-lost", 1),
                       fault("Enumerate", "timed-out", 1), fault("Get", "request-lost", 1),
                       fault("Enumerate", "http-status:503", 1), fault("Get", "cut-body", 1),
                       fault("*", "refuse-wql", -1), fault("*", "japanese", -1)})}}};
    Stage stage{simulator, way};

    CHECK(stage.host->list_vms().size() == 2);
    const std::string snapshot = stage.make_snapshot(kWeb);
    CHECK(stage.host->list_snapshots(kWeb).size() == 1);
    CHECK(stage.host->list_snapshots(kDatabase).empty());
    const std::string point = stage.convert(snapshot);
    stage.finish(stage.host->start_destroy_reference_point(kWeb, point));
}

TEST_CASE("contract: a lost answer to a call that acts is not asked for again", "[contract]") {
    if (!Simulator::is_available()) return;
    const auto way = GENERATE(Authentication::basic, Authentication::negotiate);
    const Simulator simulator{
        {{"faults", Json::array({fault("CreateSnapshot", "reply-lost", 1)})}}};
    Stage stage{simulator, way};
    stage.host->list_vms();

    CHECK_THROWS_AS(stage.host->start_create_snapshot(kWeb, hyperv::ConsistencyLevel::crash, kName),
                    Error);
    const std::string log = simulator.request_log();
    const std::size_t first = log.find("\"CreateSnapshot\"");
    CHECK(first != std::string::npos);
    CHECK(log.find("\"CreateSnapshot\"", first + 1) == std::string::npos);
}

TEST_CASE("contract: failures keep their code in any language, done at once is done",
          "[contract]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator{
        {{"faults", Json::array({fault("CreateSnapshot", "fail-job:0x80070020", 1),
                                 fault("*", "japanese", -1),
                                 fault("ConvertToReferencePoint", "synchronous", 1)})}}};
    Stage stage{simulator, Authentication::negotiate};

    const JobStatus failed =
        stage.wait(stage.host->start_create_snapshot(kWeb, hyperv::ConsistencyLevel::crash, kName));
    CHECK(failed.state == JobState::failed);
    CHECK(failed.hresult == 0x80070020);
    CHECK(hyperv::side_of(failed.hresult) == hyperv::FailureSide::transient);
    CHECK(!stage.convert(stage.make_snapshot(kWeb)).empty());
}

}  // namespace entrepot
