// Exports whose images hold less than they say: what was lost on the way to the share (F-SH-04).
#include "tests/unit/backup/lab.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

namespace entrepot {
namespace {

using test::Lab;

std::vector<std::filesystem::path> images_on_share(const Lab& lab) {
    std::vector<std::filesystem::path> images;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{lab.directory.path()}) {
        const std::string extension = entry.path().extension().string();
        if (extension == ".vhdx" || extension == ".AVHDX") images.push_back(entry.path());
    }
    return images;
}

/// From the next export on, so many times: all behind the structures of each image is a hole.
void lose_ends(Lab& lab, int times) {
    lab.script.on_event = [&lab, times](int, const std::string& event) mutable {
        if (event != "after start_export" || times-- <= 0) return;
        for (const auto& image : images_on_share(lab)) {
            const auto size = std::filesystem::file_size(image);
            std::filesystem::resize_file(image, 4 * kMiB);
            std::filesystem::resize_file(image, size);
        }
    };
}

}  // namespace

TEST_CASE("backup: where hosts are said to leave zeros out, holes are zeros, and told",
          "[F-SH-04][backup]") {
    Lab lab;
    lab.services.holes = backup::HolePolicy::accept;
    lose_ends(lab, 1);
    auto job = lab.make_backup();
    const Json answer = lab.run(job).result;
    CHECK(answer["kind"] == "full");
    CHECK(answer["warnings"].dump().find("they were taken as zeros") != std::string::npos);
}

TEST_CASE("backup: an increment whose end was never written is followed by a full",
          "[F-SH-04][backup]") {
    Lab lab;
    lab.back_up();
    lab.guest_writes();
    lose_ends(lab, 1);
    const Json next = lab.back_up();
    CHECK(next["kind"] == "full");
    CHECK(next["reason_code"] == "incremental_failed");
    CHECK(next["reason"].get<std::string>().find("nothing was ever written") != std::string::npos);
    CHECK(lab.newest_point_restores());
}

TEST_CASE("backup: a full whose end was never written is no recovery point", "[F-SH-04][backup]") {
    Lab lab;
    lose_ends(lab, 9);
    auto job = lab.make_backup();
    try {
        lab.run(job);
        FAIL("backed up");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::corrupt);
        CHECK(error.message().find("nothing was ever written") != std::string::npos);
        CHECK(error.hint().find("share.accept_holes") != std::string::npos);
    }
    CHECK(lab.repository.points.empty());
    CHECK(lab.find_dirt() == "");
}

}  // namespace entrepot
