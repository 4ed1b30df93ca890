// The same job against the repository that people get: points are read back through packs and maps.
#include "tests/unit/backup/lab.h"

#include "appliance/backup/backup_job.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <map>
#include <memory>

using namespace entrepot;
using test::Lab;

namespace {

struct RealLab {
    Lab lab;
    std::filesystem::path directory = lab.directory.path() / "repository";
    SystemRandom random;
    repository::Environment environment{lab.file_system, lab.clock, random, lab.log};
    std::unique_ptr<repository::Repository> repository;

    RealLab() {
        repository::Repository::create(environment, directory, {});
        open();
    }

    void open() {
        repository.reset();
        repository = repository::Repository::open(environment, directory, {});
    }

    backup::Services services() {
        return {.repository = *repository,
                .state = lab.state,
                .shares = lab.shares,
                .connect = lab.services.connect,
                .clock = lab.clock,
                .random = lab.random,
                .log = lab.log,
                .file_system = lab.file_system,
                .pace = lab.services.pace};
    }

    jobs::JobOutcome run(test::TestJob& job) {
        const backup::Services now = services();
        return backup::run_backup(now, job);
    }

    Bytes read(const std::string& point, std::uint32_t disk) {
        const auto reader = repository->open_point(point);
        const auto content = reader->open_disk(disk, repository::View::restore);
        Bytes bytes(static_cast<std::size_t>(content->size_bytes()));
        content->read(0, bytes);
        return bytes;
    }

    bool restores(const std::string& point, const std::map<std::string, Bytes>& expected) {
        for (const auto& disk : repository->find_point(point).disks) {
            if (read(point, disk.draft.index) != expected.at(disk.draft.host_disk_id)) return false;
        }
        return true;
    }
};

}  // namespace

TEST_CASE("backup: every point stays byte exact in the real repository, across openings",
          "[backup]") {
    RealLab real;
    std::map<std::string, std::map<std::string, Bytes>> expected;
    for (int round = 0; round < 6; ++round) {
        real.lab.world.behaviour.exports_leaf = round % 3 != 1;
        real.lab.world.behaviour.differential_onto_leaf = round % 2 == 0;
        auto job = real.lab.make_backup();
        const Json result = real.run(job).result;
        CHECK(result["kind"] == (round == 0 ? "full" : "incremental"));
        expected[result["point"]] = real.lab.world.expected_restore;
        real.lab.guest_writes();
        if (round == 3) real.open();
    }
    REQUIRE(expected.size() == 6);
    for (const auto& [point, content] : expected)
        CHECK(real.restores(point, content));
    NullProgress progress;
    for (const auto& verdict :
         real.repository->verify({}, repository::VerifyDepth::data, Work{progress})) {
        CHECK(verdict.is_sound);
    }
    CHECK(real.repository->list_points({}).size() == 6);
}

TEST_CASE("backup: killed around the commit, the real repository holds the point once",
          "[backup]") {
    const std::string moment =
        GENERATE(as<std::string>{}, "before start_convert", "after start_convert",
                 "before journal convert", "before journal point", "after journal point");
    CAPTURE(moment);
    RealLab real;
    auto first = real.lab.make_backup();
    real.run(first);
    real.lab.guest_writes();
    auto job = real.lab.make_backup();
    real.lab.script.on_event = [&](int, const std::string& event) {
        if (event == moment) throw test::Crash{};
    };
    CHECK_THROWS_AS(real.run(job), test::Crash);
    real.lab.script.on_event = [](int, const std::string&) {};
    real.open();
    const std::string point = real.run(job).result["point"];
    CHECK(real.repository->list_points({}).size() == 2);
    CHECK(real.restores(point, real.lab.world.expected_restore));
    CHECK(real.lab.find_dirt() == "");
    real.lab.guest_writes();
    auto next = real.lab.make_backup();
    const Json result = real.run(next).result;
    CHECK(result["kind"] == "incremental");
    CHECK(real.restores(result["point"], real.lab.world.expected_restore));
}
