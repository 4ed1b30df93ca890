// A disk of a point over REST: whole, of known length, by whom may, with an entry in the audit log.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using api::Method;

namespace {

constexpr std::uint64_t kDiskBytes = 3 * kMiB;

class ImageLab {
public:
    ImageLab() {
        const repository::Environment environment{fixture.file_system, fixture.clock,
                                                  fixture.random, fixture.log};
        const auto path = fixture.directory.path() / "repository";
        repository::Repository::create(environment, path, {});
        fixture.repository = repository::Repository::open(environment, path, {});
        content.resize(64 * kKiB);
        fixture.random.fill(content);
        repository::PointDraft draft;
        draft.vm_id = "vm";
        draft.vm_name = "web \"01\"";
        const auto writer = fixture.repository->begin_point(draft);
        repository::DiskDraft disk;
        disk.id = "d0";
        disk.name = "a.vhdx";
        disk.size_bytes = kDiskBytes;
        writer->add_disk(disk, {});
        const auto sink = writer->open_sink(0, repository::View::restore);
        sink->write(kMiB, content);
        sink->finish();
        point = writer->commit().id;
    }

    api::Response get(const std::string& tail,
                      api::Privilege privilege = api::Privilege::restore_operator) {
        return fixture.send(Method::get, "/api/v1/points/" + point + "/disks/" + tail, {},
                            privilege);
    }

    static std::string body_of(const api::Response& response) {
        std::string body;
        response.stream(
            [&body](std::string_view piece) {
                body += piece;
                return true;
            },
            {});
        return body;
    }

    test::ApiFixture fixture;
    Bytes content;
    std::string point;
};

}  // namespace

TEST_CASE("images: a disk comes whole, with its length before it and a name that is one", "[api]") {
    ImageLab lab;
    const auto response = lab.get("0/image?format=raw");
    REQUIRE(response.status == 200);
    CHECK(response.headers.at("content-length") == std::to_string(kDiskBytes));
    CHECK(response.headers.at("content-disposition").find("2026-03-01-disk0.img") !=
          std::string::npos);
    const std::string body = ImageLab::body_of(response);
    REQUIRE(body.size() == kDiskBytes);
    CHECK(body.substr(kMiB, lab.content.size()) == as_text(lab.content));
    CHECK(body.find_first_not_of('\0') >= kMiB);
    for (const char* format : {"vhdx", "qcow2"}) {
        const auto image = lab.get(std::string{"d0/image?format="} + format);
        REQUIRE(image.status == 200);
        CHECK(std::to_string(ImageLab::body_of(image).size()) ==
              image.headers.at("content-length"));
    }
}

TEST_CASE("images: a viewer gets none, and who got one stands in the audit log", "[api]") {
    ImageLab lab;
    CHECK(lab.get("0/image", api::Privilege::viewer).status == 403);
    CHECK(lab.get("0/image").status == 200);
    const Json audit = lab.fixture.send_json(Method::get, "/api/v1/audit?action=downloadDiskImage",
                                             Json::object());
    std::vector<std::string> results;
    for (const Json& entry : audit.at("entries"))
        results.push_back(entry.at("result"));
    CHECK(std::count(results.begin(), results.end(), "done") == 1);
    CHECK(std::count(results.begin(), results.end(), "refused") == 1);
}

TEST_CASE("images: an unknown disk or format is refused, and so is one too many", "[api]") {
    ImageLab lab;
    CHECK(lab.get("7/image").status == 404);
    CHECK(lab.get("0/image?format=vhd").status >= 400);
    std::vector<api::Response> running;
    for (int i = 0; i < 4; ++i)
        running.push_back(lab.get("0/image?format=raw"));
    CHECK(running.back().status == 200);
    CHECK(lab.get("0/image").status >= 400);
    running.pop_back();
    CHECK(lab.get("0/image").status == 200);
}
