// Every change of every operation fails once, or the disk is full from there on, or the process
// dies there, and again at every change of the recovery.
#include "moments.h"
#include "store.h"
#include "tests/support/disk/crash_states.h"

#include "base/error.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace entrepot::repository::test {
namespace {

using entrepot::test::CrashStates;
using entrepot::test::DiskDied;
using entrepot::test::DiskImage;
using entrepot::test::DiskRecord;
using entrepot::test::SimulatedDisk;

constexpr std::uint64_t kSeed = 5;
constexpr std::uint64_t kChangesMax = 600;
constexpr WallTime kNow{std::chrono::milliseconds{1'770'000'000'000}};
constexpr std::string_view kPassphrase = "correct horse";

/// A closed repository with two points, a pack that nobody needs and one that is mostly waste.
struct Prepared {
    DiskImage image;
    Expectation expected;
    IndexEntries index;
    std::string base;
    std::string other;
};

Prepared prepare() {
    Prepared prepared;
    Secret recovery_key;
    prepared.expected.passphrase = kPassphrase;
    Store store{Store::create(prepared.expected.passphrase, kSeed, kNow, recovery_key), kSeed,
                kNow};
    store.open(prepared.expected.passphrase, std::nullopt);
    const auto add = [&](const Expectation::Point& point) {
        const std::string id = store.add_full(point);
        prepared.expected.points.emplace(id, point);
        return id;
    };
    const auto remove = [&](const std::string& id) {
        store.repository().delete_point(id);
        prepared.expected.points.erase(id);
    };
    const std::string dead = add(make_point("dead", {11, 12}));
    const std::string sparse = add(make_point("sparse", {21, 22, 23, 24, 25}));
    prepared.base = add(make_point("vm", {21, 31, 32}));
    prepared.other = add(make_point("other", {21, 41}));
    remove(dead);
    remove(sparse);
    store.close();
    prepared.image = store.disk.image();
    prepared.index = store.index_entries;
    return prepared;
}

/// Does something and says what is expected after it.
struct Operation {
    const char* name;
    std::function<void(Store&, const Prepared&, Expectation&)> run;
};

std::vector<Operation> operations() {
    return {
        {"ingest",
         [](Store& store, const Prepared&, Expectation& expected) {
             const auto point = make_point("new", {31, 51, 52});
             expected.points.emplace(store.add_full(point), point);
         }},
        {"incremental",
         [](Store& store, const Prepared& prepared, Expectation& expected) {
             const auto point = make_point("vm", {21, 61, 32});
             expected.points.emplace(store.add_incremental(point, prepared.base, {1}), point);
         }},
        {"delete",
         [](Store& store, const Prepared& prepared, Expectation& expected) {
             store.repository().delete_point(prepared.other);
             expected.points.erase(prepared.other);
         }},
        {"gc", [](Store& store, const Prepared&,
                  Expectation&) { store.repository().collect_garbage(DryRun::no, store.work()); }},
        {"catalog rebuild", [](Store& store, const Prepared&,
                               Expectation&) { store.repository().rebuild_catalog(store.work()); }},
        {"hold",
         [](Store& store, const Prepared& prepared, Expectation& expected) {
             store.repository().hold_point(prepared.base, "kept");
             expected.points.at(prepared.base).hold = "kept";
         }},
        {"change of passphrase",
         [](Store& store, const Prepared&, Expectation& expected) {
             const std::string_view fresh = "battery staple";
             store.repository().change_passphrase(Secret{kPassphrase}, Secret{fresh});
             expected.passphrase = fresh;
         }},
        {"new key and its end",
         [](Store& store, const Prepared&, Expectation&) {
             const std::string_view fresh = "another";
             store.repository().revoke_key(store.repository().add_passphrase(Secret{fresh}));
         }},
        {"state copy",
         [](Store& store, const Prepared&, Expectation& expected) {
             expected.state = "the state";
             store.repository().put_state_copy(as_bytes(expected.state));
         }},
    };
}

/// What an operation leaves where nothing goes wrong. The same chance gives the same ids.
Expectation expectation_after(const Operation& operation, const Prepared& prepared) {
    Expectation expected = prepared.expected;
    Store store{prepared.image, kSeed + 1, kNow};
    store.open(prepared.expected.passphrase, prepared.index);
    operation.run(store, prepared, expected);
    store.close();
    return expected;
}

struct Outcome {
    bool is_done = false;
    bool was_hit = false;
    std::string fault_in_process;
    DiskRecord record;
    DiskImage image;
    IndexEntries index;
};

Outcome run(const Operation& operation, const Prepared& prepared, const Expectation& after,
            const std::function<void(SimulatedDisk&)>& arm) {
    Outcome outcome;
    Store store{prepared.image, kSeed + 1, kNow};
    store.open(prepared.expected.passphrase, prepared.index);
    store.disk.begin_record();
    arm(store.disk);
    bool has_died = false;
    try {
        Expectation ignored = prepared.expected;
        operation.run(store, prepared, ignored);
        outcome.is_done = true;
    } catch (const Error&) {
    } catch (const DiskDied&) {
        has_died = true;
    }
    outcome.was_hit = store.disk.has_misbehaved();
    outcome.image = store.disk.image();
    if (!has_died) {
        store.disk.behave();
        const std::string fault = compare(store, after);
        const bool may_be_before = !outcome.is_done && !fault.empty();
        outcome.fault_in_process = may_be_before ? compare(store, prepared.expected) : fault;
    }
    store.close();
    outcome.record = store.disk.take_record();
    if (!has_died) outcome.image = store.disk.image();
    outcome.index = store.index_entries;
    return outcome;
}

// For n = 0, 1, 2 ... until a run is not hit.
void for_all_changes(const std::function<void(SimulatedDisk&, std::uint64_t)>& arm) {
    const Prepared prepared = prepare();
    std::string counts;
    for (const Operation& operation : operations()) {
        const Expectation after = expectation_after(operation, prepared);
        std::uint64_t n = 0;
        for (;; ++n) {
            REQUIRE(n < kChangesMax);
            INFO(operation.name << ", change " << n);
            const Outcome outcome =
                run(operation, prepared, after, [&](SimulatedDisk& disk) { arm(disk, n); });
            CHECK(outcome.fault_in_process == "");
            const Expectation& before = outcome.is_done ? after : prepared.expected;
            Look look{.before = before,
                      .after = after,
                      .now = kNow,
                      .seed = n,
                      .index = outcome.index,
                      .goes_on = n % 4 == 0};
            CHECK(find_fault(outcome.image, look) == "");
            // And what a power cut right then leaves.
            CrashStates states{outcome.record};
            states.advance_to(states.change_count());
            look.goes_on = false;
            CHECK(find_fault(states.crash(n), look) == "");
            if (!outcome.was_hit) break;
        }
        counts += fmt::format("\n  {}: {} changes", operation.name, n);
    }
    WARN(counts);
}

}  // namespace

TEST_CASE("fault loop: any one change of any operation fails", "[fault-loop]") {
    for_all_changes([](SimulatedDisk& disk, std::uint64_t n) { disk.fail_at(n, ErrorCode::io); });
}

TEST_CASE("fault loop: the disk is full from any change on", "[fault-loop]") {
    for_all_changes([](SimulatedDisk& disk, std::uint64_t n) { disk.be_full_at(n); });
}

TEST_CASE("fault loop: the process dies at any change, and its successor at any of its own",
          "[fault-loop]") {
    const Prepared prepared = prepare();
    std::size_t deaths = 0;
    std::size_t second_deaths = 0;
    for (const Operation& operation : operations()) {
        const Expectation after = expectation_after(operation, prepared);
        for (std::uint64_t n = 0;; ++n) {
            REQUIRE(n < kChangesMax);
            INFO(operation.name << ", change " << n);
            const Outcome outcome =
                run(operation, prepared, after, [&](SimulatedDisk& disk) { disk.die_at(n); });
            if (!outcome.was_hit) break;
            ++deaths;
            const Look look{.before = prepared.expected,
                            .after = after,
                            .now = kNow,
                            .seed = n,
                            .index = outcome.index};
            CHECK(find_fault(outcome.image, look) == "");
            if (n % 12 != 0) continue;
            const DiskRecord recovery = record_recovery(outcome.image, look);
            CrashStates states{recovery};
            for (std::size_t m = 0; m <= states.change_count(); ++m) {
                INFO("second death at change " << m);
                states.advance_to(m);
                ++second_deaths;
                CHECK(find_fault(states.crash(mix(n, m)), look) == "");
            }
        }
    }
    WARN(deaths << " deaths, " << second_deaths << " second deaths during recovery");
}

TEST_CASE(
    "fault loop: a gc fails at any change, a second one runs, the power goes at any of its own",
    "[fault-loop]") {
    const Prepared prepared = prepare();
    const auto collect = [](Store& store) {
        store.repository().collect_garbage(DryRun::no, store.work());
    };
    std::size_t cuts = 0;
    for (std::uint64_t n = 0;; ++n) {
        REQUIRE(n < kChangesMax);
        INFO("change " << n << " fails");
        Store store{prepared.image, kSeed + 1, kNow};
        store.open(prepared.expected.passphrase, prepared.index);
        store.disk.begin_record();
        store.disk.fail_at(n, ErrorCode::io);
        try {
            collect(store);
        } catch (const Error&) {
        }
        if (!store.disk.has_misbehaved()) break;
        store.disk.behave();
        CHECK_NOTHROW(collect(store));
        const Look look{.before = prepared.expected,
                        .after = prepared.expected,
                        .now = kNow,
                        .seed = n,
                        .index = store.current_index()};
        store.close();
        const DiskRecord record = store.disk.take_record();
        CrashStates states{record};
        // From a change near the first's fault on: what came before is the loop's above.
        const std::size_t first = std::min<std::size_t>(n, states.change_count());
        for (std::size_t m = first; m <= states.change_count(); m += 1 + (m + n) % 3) {
            INFO("power cut at change " << m);
            states.advance_to(m);
            ++cuts;
            CHECK(find_fault(states.crash(mix(n, m)), look) == "");
        }
    }
    WARN(cuts << " power cuts");
}

}  // namespace entrepot::repository::test
