// A creation that dies, fails or loses power at any of its changes: its directory is a whole
// repository, or can be used as if nothing had been there.
#include "store.h"
#include "tests/support/disk/crash_states.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <functional>
#include <string>

namespace entrepot::repository::test {
namespace {

using entrepot::test::CrashStates;
using entrepot::test::DiskDied;
using entrepot::test::DiskImage;
using entrepot::test::SimulatedDisk;

constexpr std::uint64_t kSeed = 5;
constexpr std::uint64_t kChangesMax = 400;
constexpr WallTime kNow{std::chrono::milliseconds{1'770'000'000'000}};
const std::string kPassphrase = "correct horse";

/// Empty if it holds a repository, or becomes one when asked to, and that one works.
std::string find_fault_of_creation(const DiskImage& image, bool must_be_there) {
    Store store{image, kSeed + 1, kNow};
    bool is_there = false;
    try {
        store.create(kPassphrase);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::already_exists) return error.what();
        is_there = true;
    }
    if (must_be_there && !is_there) return "a repository that was acknowledged is gone";
    try {
        store.open(kPassphrase, std::nullopt);
        const auto point = make_point("vm", {1, 2});
        Expectation expected{.points = {}, .passphrase = kPassphrase, .state = {}};
        expected.points.emplace(store.add_full(point), point);
        std::string fault = compare(store, expected);
        if (store.disk.exists("/volume/repository/creating")) fault += "; the marker is left";
        return fault;
    } catch (const Error& error) {
        return error.what();
    }
}

/// How many changes a creation has.
std::uint64_t for_all_changes(const std::function<void(SimulatedDisk&, std::uint64_t)>& arm) {
    for (std::uint64_t n = 0; n < kChangesMax; ++n) {
        INFO("change " << n);
        Store store{DiskImage{}, kSeed, kNow};
        store.disk.make_directories("/volume");
        store.disk.begin_record();
        arm(store.disk, n);
        bool is_done = false;
        try {
            store.create(kPassphrase);
            is_done = true;
        } catch (const Error&) {
        } catch (const DiskDied&) {
        }
        const bool was_hit = store.disk.has_misbehaved();
        const DiskImage image = store.disk.image();
        CHECK(find_fault_of_creation(image, is_done) == "");
        const auto record = store.disk.take_record();
        CrashStates states{record};
        states.advance_to(states.change_count());
        for (std::uint64_t seed = 0; seed < 3; ++seed)
            CHECK(find_fault_of_creation(states.crash(seed), is_done) == "");
        if (!was_hit) return n;
    }
    FAIL("it does not end");
    return 0;
}

}  // namespace

TEST_CASE("creation: the process dies at any change", "[fault-loop]") {
    CHECK(for_all_changes([](SimulatedDisk& disk, std::uint64_t n) { disk.die_at(n); }) > 20);
}

TEST_CASE("creation: any one change fails", "[fault-loop]") {
    CHECK(for_all_changes(
              [](SimulatedDisk& disk, std::uint64_t n) { disk.fail_at(n, ErrorCode::io); }) > 20);
}

TEST_CASE("creation: the disk is full from any change on", "[fault-loop]") {
    CHECK(for_all_changes([](SimulatedDisk& disk, std::uint64_t n) { disk.be_full_at(n); }) > 10);
}

TEST_CASE("creation: what somebody else put there stays", "[fault-loop]") {
    const auto code_of = [](Store& store) {
        try {
            store.create(kPassphrase);
            return ErrorCode::internal;
        } catch (const Error& error) {
            return error.code();
        }
    };
    const auto put = [](Store& store, const std::string& name) {
        store.disk.make_directories(std::string{kDirectory} + "/keys");
        store.disk.create(std::string{kDirectory} + "/" + name);
    };
    Store store{DiskImage{}, kSeed, kNow};
    put(store, "photos.zip");
    CHECK(code_of(store) == ErrorCode::already_exists);
    put(store, "creating");
    CHECK(code_of(store) == ErrorCode::already_exists);
    CHECK(store.disk.exists(std::string{kDirectory} + "/photos.zip"));
    CHECK(store.disk.exists(std::string{kDirectory} + "/keys"));
    CHECK_FALSE(store.disk.exists(std::string{kDirectory} + "/lock"));

    store.disk.remove(std::string{kDirectory} + "/photos.zip");
    SECTION("two at once") {
        const auto lock = store.disk.try_lock(std::string{kDirectory} + "/lock");
        CHECK(code_of(store) == ErrorCode::busy);
        CHECK(store.disk.exists(std::string{kDirectory} + "/keys"));
    }
    SECTION("a repository") {
        store.create(kPassphrase);
        CHECK(code_of(store) == ErrorCode::already_exists);
    }
}

}  // namespace entrepot::repository::test
