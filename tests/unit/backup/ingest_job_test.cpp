// The job "ingest": images on disk, no host; and the jobs around the repository.
#include "tests/support/vhd_image_builder.h"
#include "tests/unit/backup/lab.h"
#include "tests/unit/backup/memory_source.h"

#include "appliance/backup/ingest_job.h"
#include "appliance/backup/maintenance_jobs.h"
#include "appliance/backup/restore_disk_job.h"

#include "storage/disk/disk_image.h"
#include "storage/disk/disk_writer.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using test::Lab;

namespace {

/// Writes images into a folder of the lab.
struct Images {
    Lab lab;
    std::filesystem::path folder = lab.directory.path() / "images";
    Bytes first = Bytes(1024 * 1024 + 512);
    Bytes second;
    NullProgress progress;
    Guid id = Guid::make_random(lab.random);

    Images() {
        lab.file_system.make_directories(folder);
        lab.random.fill(MutableByteView{first}.subspan(64 * 1024, 200 * 1024));
        second = first;
        lab.random.fill(MutableByteView{second}.subspan(300 * 1024, 5 * 512));
    }

    std::string write_base(const std::string& name) {
        disk::WriteOptions options;
        options.format = disk::TargetFormat::vhdx;
        options.virtual_disk_id = id;
        disk::write_disk(lab.file_system, lab.random, test::MemorySource{first, 512}, folder / name,
                         options, Work{progress});
        return (folder / name).string();
    }

    std::string write_child(const std::string& name, const std::string& parent) {
        const auto base = disk::open_vhdx(lab.file_system.open_read(folder / parent));
        disk::WriteOptions options;
        options.format = disk::TargetFormat::vhdx_diff;
        options.virtual_disk_id = id;
        options.base = base.get();
        options.base_info = &base->info();
        options.base_file_name = parent;
        disk::write_disk(lab.file_system, lab.random, test::MemorySource{second, 512},
                         folder / name, options, Work{progress});
        return (folder / name).string();
    }

    std::string write_vhd(const std::string& name) {
        disk::WriteOptions options;
        options.format = disk::TargetFormat::vhd;
        options.virtual_disk_id = id;
        disk::write_disk(lab.file_system, lab.random, test::MemorySource{first, 512}, folder / name,
                         options, Work{progress});
        return (folder / name).string();
    }

    std::string write_vhd_child(const std::string& name, const std::string& parent) {
        test::VhdImageBuilder child;
        child.size_bytes = first.size();
        child.unique_id = Guid::make_random(lab.random);
        child.child_of(id, "C:\\" + parent);
        // The five sectors that differ.
        child.block(0, 4095).content(4095 * 512 + 75, {std::byte{0xF8}});
        child.content(4096 * 512 + 300 * 1024,
                      Bytes(second.begin() + 300 * 1024, second.begin() + 300 * 1024 + 5 * 512));
        const auto built = child.build();
        Bytes content(built->size());
        built->read_exactly(0, content);
        lab.file_system.create(folder / name)->write(0, content);
        return (folder / name).string();
    }

    Json ingest(Json parameters) {
        parameters["vm"] = "web01";
        test::TestJob job{lab.script, lab.clock, std::string(32, 'a'), std::move(parameters)};
        return backup::run_ingest(lab.services, job).result;
    }

    const Error ingest_error(Json parameters) {
        try {
            ingest(std::move(parameters));
        } catch (const Error& error) {
            return error;
        }
        return Error{ErrorCode::internal, "it was ingested"};
    }

    const Bytes& restored() { return lab.repository.points.back()->restore.at(0); }
};

}  // namespace

TEST_CASE("ingest: a complete image, then a child on its point", "[backup]") {
    Images images;
    const Json full =
        images.ingest({{"paths", {images.write_base("disk.vhdx")}}, {"sha256", true}});
    CHECK(full["kind"] == "full");
    CHECK(full["disks"][0]["sha256"].get<std::string>().size() == 64);
    CHECK(images.restored() == images.first);

    const std::string child = images.write_child("disk_1.avhdx", "disk.vhdx");
    const Json next = images.ingest({{"paths", {child}}, {"base", full["point"]}});
    CHECK(next["kind"] == "incremental");
    CHECK(next["disks"][0]["sha256"].is_null());
    CHECK(images.restored() == images.second);
    CHECK(next["disks"][0]["changed_bytes"].get<std::uint64_t>() <= 2 * 64 * 1024);
}

TEST_CASE("ingest: parent and child together are one disk whose leaf is restored", "[backup]") {
    Images images;
    images.write_base("disk.vhdx");
    images.write_child("DISK_1.AVHDX", "disk.vhdx");
    const Json result = images.ingest({{"paths", {images.folder.string()}}});
    CHECK(result["disks"].size() == 1);
    CHECK(images.restored() == images.second);
    CHECK(images.lab.repository.points.back()->tracking.at(0) == images.first);
}

TEST_CASE("ingest: a child whose parent is not there names what is missing", "[backup]") {
    Images images;
    images.write_base("disk.vhdx");
    const std::string child = images.write_child("disk_1.avhdx", "disk.vhdx");
    const Error error = images.ingest_error({{"paths", {child}}});
    CHECK(error.code() == ErrorCode::parent_missing);
    CHECK(error.message().find("disk.vhdx") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
}

TEST_CASE("ingest: a child of another image than the base point's is refused", "[backup]") {
    Images images;
    const std::string other = images.write_base("other.vhdx");
    const Json full = images.ingest({{"paths", {other}}});
    images.write_base("disk.vhdx");
    const std::string child = images.write_child("disk_1.avhdx", "disk.vhdx");
    const Error error = images.ingest_error({{"paths", {child}}, {"base", full["point"]}});
    CHECK(error.code() == ErrorCode::parent_mismatch);
    CHECK_FALSE(error.hint().empty());
    CHECK(images.lab.repository.points.size() == 1);
}

TEST_CASE("ingest: what is neither VHDX nor VHD by its name is refused by name", "[backup]") {
    Images images;
    const auto path = images.folder / "disk.vmdk";
    images.lab.file_system.create(path);
    CHECK(images.ingest_error({{"paths", {path.string()}}}).code() == ErrorCode::unsupported);
    images.lab.file_system.create(images.folder / "shared.vhds");
    CHECK(images.ingest_error({{"paths", {images.folder.string()}}}).code() ==
          ErrorCode::unsupported);
}

TEST_CASE("ingest: a VHD, and a VHD child with its parent, are ingested in full", "[backup]") {
    Images images;
    const std::string base = images.write_vhd("disk.vhd");
    const Json full = images.ingest({{"paths", {base}}});
    CHECK(full["kind"] == "full");
    CHECK(images.restored() == images.first);

    images.write_vhd_child("disk_1.avhd", "disk.vhd");
    const Json again = images.ingest({{"paths", {images.folder.string()}}});
    CHECK(again["kind"] == "full");
    CHECK(again["disks"].size() == 1);
    CHECK(again["disks"][0]["id"] == full["disks"][0]["id"]);
    CHECK(images.restored() == images.second);
    CHECK(images.lab.repository.points.back()->tracking.at(0) == images.first);
}

TEST_CASE("ingest: a VHD child is not merged onto a point by its id alone", "[backup]") {
    Images images;
    const Json full = images.ingest({{"paths", {images.write_vhd("disk.vhd")}}});
    const std::string child = images.write_vhd_child("disk_1.avhd", "disk.vhd");
    const Error error = images.ingest_error({{"paths", {child}}, {"base", full["point"]}});
    CHECK(error.code() == ErrorCode::parent_mismatch);
    CHECK(error.message().find("stays the same when the parent's data changes") !=
          std::string::npos);
    CHECK(images.lab.repository.points.size() == 1);
}

TEST_CASE("ingest: a link in the folder is refused", "[backup]") {
    Images images;
    images.write_base("disk.vhdx");
    std::filesystem::create_symlink("/etc/passwd", images.folder / "other.vhdx");
    CHECK(images.ingest_error({{"paths", {images.folder.string()}}}).code() == ErrorCode::invalid);
}

TEST_CASE("ingest: one disk twice is refused", "[backup]") {
    Images images;
    images.write_base("disk.vhdx");
    images.write_base("copy.vhdx");
    CHECK(images.ingest_error({{"paths", {images.folder.string()}}}).code() == ErrorCode::corrupt);
}

TEST_CASE("restore disk: by number into a file that equals the content", "[backup]") {
    Images images;
    const Json full = images.ingest({{"paths", {images.write_base("disk.vhdx")}}});
    const auto target = images.folder / "restored.raw";
    test::TestJob job{
        images.lab.script,
        images.lab.clock,
        std::string(32, 'b'),
        {{"point", full["point"]}, {"disk", "0"}, {"to", target.string()}, {"format", "raw"}}};
    backup::run_restore_disk(images.lab.services, job);
    CHECK(images.lab.file_system.read_file(target, 2 * kMiB) == images.first);
    CHECK_THROWS_AS(backup::run_restore_disk(images.lab.services, job), Error);
}

TEST_CASE("restore disk, verify: wait in the queue while gc has the repository to itself",
          "[backup]") {
    Images images;
    const Json full = images.ingest({{"paths", {images.write_base("disk.vhdx")}}});
    const auto target = images.folder / "restored.raw";
    const Json parameters = {
        {"point", full["point"]}, {"disk", "0"}, {"to", target.string()}, {"format", "raw"}};
    bool is_busy = true;
    images.lab.repository.on_open = [&] {
        if (is_busy) throw Error{ErrorCode::busy, "the repository is being cleaned up"};
    };
    test::TestJob restore{images.lab.script, images.lab.clock, std::string(32, 'b'), parameters};
    test::TestJob verify{
        images.lab.script, images.lab.clock, std::string(32, 'd'), {{"depth", "data"}}};
    CHECK_THROWS_AS(backup::run_restore_disk(images.lab.services, restore), jobs::Deferral);
    CHECK_THROWS_AS(backup::run_verify(images.lab.services, verify), jobs::Deferral);
    CHECK_FALSE(std::filesystem::exists(target));
    is_busy = false;
    backup::run_restore_disk(images.lab.services, restore);
    CHECK(images.lab.file_system.read_file(target, 2 * kMiB) == images.first);
    CHECK(backup::run_verify(images.lab.services, verify).result["damaged"] == 0);
}

TEST_CASE("prune: keeps what the rule says and tells why; a dry run removes nothing", "[backup]") {
    Lab lab;
    for (int round = 0; round < 4; ++round) {
        lab.back_up();
        lab.clock.advance(std::chrono::hours{1});
        lab.guest_writes();
    }
    const auto prune = [&lab](const Json& parameters) {
        test::TestJob job{lab.script, lab.clock, std::string(32, 'c'), parameters};
        return backup::run_prune(lab.services, job).result;
    };
    CHECK_THROWS_AS(prune({{"dry_run", true}}), Error);
    const Json dry = prune({{"keep_last", 2}, {"dry_run", true}});
    CHECK(dry["removed"].size() == 2);
    CHECK(lab.repository.points.size() == 4);
    lab.repository.points[0]->summary.hold_reason = "court";
    const Json done = prune({{"keep_last", 2}});
    CHECK(done["removed"].size() == 1);
    CHECK(done["kept"].size() == 3);
    CHECK_FALSE(done["kept"][0]["because"].empty());
    CHECK(lab.repository.points.size() == 3);
    CHECK(lab.back_up()["kind"] == "incremental");
}

TEST_CASE("prune: it waits for a rebuild of the catalog, and says so once", "[backup]") {
    Lab lab;
    for (int i = 0; i < 3; ++i) {
        lab.back_up();
        lab.clock.advance(std::chrono::hours{1});
        lab.guest_writes();
    }
    lab.repository.busy_deletions = 3;
    test::TestJob job{lab.script, lab.clock, std::string(32, 'c'), {{"keep_last", 1}}};
    const Json done = backup::run_prune(lab.services, job).result;
    CHECK(done["removed"].size() == 2);
    CHECK(lab.repository.busy_deletions == 0);
    CHECK(std::ranges::count(job.notes, "waiting: a rebuild") == 1);
}

TEST_CASE("verify: damage is a result, point by point", "[backup]") {
    Lab lab;
    lab.back_up();
    lab.back_up();
    lab.repository.points[0]->summary.has_known_damage = true;
    test::TestJob job{lab.script, lab.clock, std::string(32, 'd'), {{"depth", "data"}}};
    const Json result = backup::run_verify(lab.services, job).result;
    CHECK(result["damaged"] == 1);
    CHECK(result["points"][0]["result"] == "damaged");
    CHECK(result["points"][1]["result"] == "sound");
}
