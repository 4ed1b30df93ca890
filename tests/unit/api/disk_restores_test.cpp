// Where disks may be restored to: anywhere from the appliance itself, one directory over the
// network; and what a restore would meet there.
#include "appliance/api/disk_restore.h"
#include "tests/support/full_file_system.h"
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/backup/memory_repository.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

// The memory's repository knows no holes.
constexpr std::size_t kDataBytes = 8 * kMiB;

struct Fixture : test::ApiFixture {
    Fixture() : stored(clock) {
        repository::PointDraft draft;
        draft.vm_name = "web01";
        const auto writer = stored.begin_point(draft);
        repository::DiskDraft disk;
        disk.id = "d0";
        disk.name = "a.vhdx";
        disk.size_bytes = kDataBytes;
        writer->add_disk(disk, {});
        const auto sink = writer->open_sink(0, repository::View::restore);
        sink->write(0, Bytes(kDataBytes, std::byte{7}));
        sink->finish();
        point = writer->commit().id;
        services.repository = [this]() -> repository::Repository& { return stored; };
        engine.register_handler("restore_disk",
                                [](jobs::JobContext&) { return jobs::JobOutcome{}; });
        config.restore_directory = directory.path() / "restored";
    }

    api::Response restore_to(const std::string& target) {
        return send(Method::post, "/api/v1/restores/disk",
                    dump_json({{"point", point}, {"disk", "0"}, {"to", target}}),
                    api::Privilege::operator_);
    }

    Json ask(const std::string& target, const std::string& format = "vhdx") {
        return send_json(Method::post, "/api/v1/restores/disk/preflight",
                         {{"point", point}, {"disk", "0"}, {"to", target}, {"format", format}});
    }

    test::MemoryRepository stored;
    std::string point;
};

std::string result_of(const Json& answer, const std::string& id) {
    for (const Json& check : answer.at("checks")) {
        if (check.at("id") == id) return check.at("result");
    }
    return "not asked";
}

}  // namespace

TEST_CASE("disk restores: over the network only the configured directory is written to", "[api]") {
    Fixture fixture;
    fixture.is_local = false;
    const std::string inside = fixture.config.restore_directory.string();
    for (const std::string& target :
         {std::string{"/etc/cron.d/job"}, inside + "/../escaped.vhdx", inside + "/a/b.vhdx",
          inside + "/..", inside + "/", inside, "/" + inside + "/./x.vhdx"}) {
        INFO(target);
        const api::Response response = fixture.restore_to(target);
        CHECK(response.status == 403);
        CHECK(response.body.find(inside) != std::string::npos);
    }
    CHECK(fixture.engine.list({}).jobs.empty());
    CHECK(fixture.restore_to(inside + "/web01.vhdx").status == 202);
    CHECK(std::filesystem::is_directory(inside));
    CHECK(fixture.engine.list({}).jobs.size() == 1);
}

TEST_CASE("disk restores: from the appliance itself any path will do", "[api]") {
    Fixture fixture;
    CHECK(fixture.restore_to("/mnt/usb/web01.vhdx").status == 202);
}

TEST_CASE("disk restore preflight: a new file in a folder with room can be written", "[api]") {
    Fixture fixture;
    fixture.is_local = false;
    const auto& folder = fixture.config.restore_directory;
    Json answer = fixture.ask((folder / "web01.vhdx").string());
    CHECK(answer.at("can_start") == true);
    CHECK(result_of(answer, "place") == "note");  // It is made by the restore, not by the question.
    CHECK_FALSE(std::filesystem::exists(folder));
    CHECK(answer.at("bytes_needed").get<std::uint64_t>() >= kDataBytes);
    CHECK(answer.at("bytes_needed").get<std::uint64_t>() < 64 * kMiB);

    std::filesystem::create_directory(folder);
    answer = fixture.ask((folder / "web01.vhdx").string(), "qcow2");
    CHECK(answer.at("can_start") == true);
    for (const char* id : {"point", "place", "file", "space"})
        CHECK(result_of(answer, id) == "good");
    CHECK(answer.at("bytes_needed").get<std::uint64_t>() >= 2 * kDataBytes);
    CHECK(std::filesystem::is_empty(folder));
    CHECK(fixture.engine.list({}).jobs.empty());
}

TEST_CASE("disk restore preflight: what is in the way is told, each with what to do", "[api]") {
    Fixture fixture;
    const auto here = fixture.directory.path();
    const auto blocked = [&](const std::string& target, const std::string& id) {
        const Json answer = fixture.ask(target);
        INFO(dump_json(answer));
        CHECK(answer.at("can_start") == false);
        CHECK(result_of(answer, id) == "blocked");
    };
    fixture.file_system.create(here / "there.vhdx");
    blocked((here / "there.vhdx").string(), "file");
    blocked((here / "no folder" / "a.vhdx").string(), "place");
    blocked((here / "there.vhdx" / "a.vhdx").string(), "place");  // A file is no folder.
    CHECK(fixture.ask((here / "new.vhdx").string()).at("can_start") == true);
}

TEST_CASE("disk restore preflight: over the network nothing is told of other places", "[api]") {
    Fixture fixture;
    fixture.is_local = false;
    for (const char* target : {"/etc/passwd", "/nowhere/at/all", "/etc/x"}) {
        const Json answer = fixture.ask(target);
        CHECK(answer.at("can_start") == false);
        CHECK(result_of(answer, "place") == "blocked");
        CHECK(result_of(answer, "file") == "not asked");
        CHECK(result_of(answer, "space") == "not asked");
        CHECK(answer.at("free_bytes").is_null());
    }
}

TEST_CASE("disk restore preflight: too little room, by what the format takes", "[api]") {
    Fixture fixture;
    test::FullFileSystem files;
    files.on_free_bytes([] { return 30 * kMiB; });
    api::DiskRestore restore;
    restore.point = fixture.stored.find_point(fixture.point);
    restore.disk = "0";
    restore.target = fixture.directory.path() / "disk";
    restore.is_local = true;
    const auto space_for = [&](const std::string& format) {
        restore.format = format;
        return result_of(api::check_disk_restore(files, fixture.stored, fixture.config, restore),
                         "space");
    };
    CHECK(space_for("raw") == "good");
    CHECK(space_for("vhdx") == "good");
    CHECK(space_for("qcow2") == "blocked");
    files.on_free_bytes([] { return 20 * kMiB; });
    CHECK(space_for("raw") == "blocked");
}

TEST_CASE("disk restore preflight: a folder that cannot be written to", "[api]") {
    Fixture fixture;
    test::FullFileSystem files;
    files.be_full_after(0);
    api::DiskRestore restore;
    restore.point = fixture.stored.find_point(fixture.point);
    restore.disk = "0";
    restore.format = "raw";
    restore.target = fixture.directory.path() / "disk";
    restore.is_local = true;
    const Json answer = api::check_disk_restore(files, fixture.stored, fixture.config, restore);
    CHECK(answer.at("can_start") == false);
    CHECK(result_of(answer, "place") == "blocked");
}

TEST_CASE("disk restore preflight: who may not restore may not ask, and no disk is an error",
          "[api]") {
    Fixture fixture;
    const auto status = [&](const Json& body, api::Privilege privilege) {
        return fixture
            .send(Method::post, "/api/v1/restores/disk/preflight", dump_json(body), privilege)
            .status;
    };
    Json body{{"point", fixture.point}, {"disk", "0"}, {"to", "/tmp/x"}};
    CHECK(status(body, api::Privilege::restore_operator) == 403);
    body["disk"] = "7";
    CHECK(status(body, api::Privilege::operator_) == 404);
    body["to"] = "relative";
    CHECK(status(body, api::Privilege::operator_) == 400);
}
