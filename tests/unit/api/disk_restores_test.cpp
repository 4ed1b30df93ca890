// Where disks may be restored to: anywhere from the appliance itself, one directory over the
// network.
#include "tests/unit/api/api_fixture.h"
#include "tests/unit/backup/memory_repository.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

struct Fixture : test::ApiFixture {
    Fixture() : stored(clock) {
        repository::PointDraft draft;
        draft.vm_name = "web01";
        point = stored.begin_point(draft)->commit().id;
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

    test::MemoryRepository stored;
    std::string point;
};

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
