// What others may do while the catalog is made again: look, and nothing that the new one would not
// know. See storage/LOCKING.md, "Locks".
#include "repository_fixture.h"

#include "base/error.h"
#include "tests/support/full_file_system.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace entrepot::repository::test {
namespace {

using entrepot::test::FullFileSystem;

constexpr std::size_t kDiskBytes = 4 * kChunk;
constexpr int kRebuilds = 25;

/// Asks again and again until it is destroyed; counts what was wrong.
class Asker {
public:
    Asker(Repository& repository, std::string point)
        : repository_(repository), point_(std::move(point)) {}
    ~Asker() { thread_.request_stop(); }

    std::size_t faults() const { return faults_; }
    std::size_t rounds() const { return rounds_; }

private:
    void ask(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            try {
                const bool is_right = repository_.find_point(point_).id == point_ &&
                                      repository_.find_point("vm@latest").id == point_ &&
                                      repository_.list_points({}).size() == 1 &&
                                      repository_.list_vms().size() == 1 &&
                                      repository_.info().points == 1;
                if (!is_right) ++faults_;
            } catch (const std::exception&) {
                ++faults_;
            }
            ++rounds_;
        }
    }

    Repository& repository_;
    std::string point_;
    std::atomic<std::size_t> faults_{0};
    std::atomic<std::size_t> rounds_{0};
    std::jthread thread_{[this](const std::stop_token& stop) { ask(stop); }};
};

/// Calls `act` once while a rebuild of the fixture's catalog reads the manifests.
void amid_rebuild(Fixture& fixture, FullFileSystem& files, const std::function<void()>& act) {
    bool has_acted = false;
    files.on_look([&](const std::filesystem::path& path) {
        if (has_acted || path.string().find("manifests") == std::string::npos) return;
        has_acted = true;
        act();
    });
    CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    CHECK(has_acted);
    files.on_look({});
}

}  // namespace

TEST_CASE("rebuild beside: who looks meanwhile sees the points, before and after", "[rebuild]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(1, kDiskBytes));
    Asker first{fixture.repository(), point};
    Asker second{fixture.repository(), point};
    for (int i = 0; i < kRebuilds; ++i) {
        CHECK(fixture.repository().rebuild_catalog(fixture.work()) == 1);
    }
    // Each of them has asked, and the last catalog, too.
    const std::vector<std::size_t> before = {first.rounds(), second.rounds()};
    while (first.rounds() < before[0] + 2 || second.rounds() < before[1] + 2)
        std::this_thread::yield();
    CHECK(first.faults() == 0);
    CHECK(second.faults() == 0);
}

TEST_CASE("rebuild beside: what it would not know of is refused until it has ended", "[rebuild]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(2, kDiskBytes));
    FullFileSystem files;
    fixture.file_system_ = &files;
    Repository& repository = fixture.reopen();
    const WallTime later = fixture.clock_.wall_now() + std::chrono::hours{24};
    const bool is_held = GENERATE(false, true);
    if (is_held) repository.hold_point(point, "court order");
    const std::vector<std::function<void()>> writes = {
        [&] { repository.delete_point(point); },
        [&] { repository.protect_point(point, later); },
        [&] { repository.hold_point(point, "court order"); },
        [&] { repository.release_point(point); },
    };
    for (const auto& write : writes) {
        std::string refusal;
        amid_rebuild(fixture, files, [&] {
            try {
                write();
            } catch (const Error& error) {
                if (error.code() == ErrorCode::busy) refusal = error.message();
            }
        });
        CHECK(refusal == "the repository's catalog is being made again");
        const PointSummary summary = repository.find_point(point);
        CHECK(summary.hold_reason == (is_held ? "court order" : ""));
        CHECK_FALSE(summary.protected_until);
    }
    CHECK(repository.check_catalog(fixture.work()).empty());
    if (is_held) repository.release_point(point);
    repository.delete_point(point);
    CHECK(repository.list_points({}).empty());
}

}  // namespace entrepot::repository::test
