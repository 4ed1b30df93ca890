// Disks that lie: syncs that did nothing, bits that rotted, writes that went elsewhere.
#include "moments.h"
#include "store.h"
#include "tests/support/disk/crash_states.h"
#include "workload.h"

#include "base/error.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace entrepot::repository::test {
namespace {

using entrepot::test::Change;
using entrepot::test::CrashStates;
using entrepot::test::DiskImage;

constexpr std::uint64_t kSeed = 7;

// What a sync is for: "directory packs", "file tmp", "file catalog.sqlite-journal".
std::string purpose_of(const Change& sync) {
    const std::string prefix = std::string{kDirectory} + "/";
    std::string path = sync.path;
    path = path.starts_with(prefix) ? path.substr(prefix.size()) : ".";
    if (path.find(".time.") == 0) path = "time";
    path = path.substr(0, path.find('/'));
    return fmt::format("{} {}", sync.kind == Change::Kind::sync_file ? "file" : "directory", path);
}

struct Attempts {
    std::size_t syncs = 0;
    std::size_t states = 0;
    std::size_t faults = 0;
};

// The disk lies about one sync; the crash comes while the operation that asked for it goes on, or
// when it has returned.
std::size_t count_faults_without(const Recording& recording, std::size_t change,
                                 std::size_t states_count) {
    const Change* lost = &recording.record.changes[change];
    const std::size_t end = step_at(recording, change + 1).end;
    std::size_t faults = 0;
    for (std::size_t i = 0; i < states_count; ++i) {
        const std::uint64_t seed = mix(change, i);
        const std::size_t moment = i % 2 == 0 ? end : change + 1 + seed % (end - change);
        CrashStates states{recording.record,
                           [&](const Change& sync, std::size_t) { return &sync == lost; }};
        states.advance_to(moment);
        Look look = look_of(recording, moment, seed);
        look.goes_on = i % 4 == 0;
        look.dies_again = false;
        if (!find_fault(states.crash(seed), look).empty()) ++faults;
    }
    return faults;
}

}  // namespace

TEST_CASE("crash states: a dropped sync is found", "[crash-states]") {
    constexpr std::size_t kStatesEach = 6;
    constexpr std::size_t kSyncsMax = 60;
    std::map<std::string, Attempts> by_purpose;
    for (std::uint64_t seed = kSeed; seed < kSeed + 6; ++seed) {
        const Recording recording = record_workload(seed);
        for (std::size_t i = 0; i < recording.record.changes.size(); ++i) {
            const Change& change = recording.record.changes[i];
            if (!change.is_sync()) continue;
            Attempts& attempts = by_purpose[purpose_of(change)];
            ++attempts.syncs;
            // Those of the catalog are many, and few of them are the last of their operation.
            const bool is_skipped =
                purpose_of(change).find("catalog") != std::string::npos && mix(seed, i) % 4 != 0;
            const bool is_enough =
                attempts.faults > 0 || attempts.states >= kSyncsMax * kStatesEach || is_skipped;
            if (is_enough) continue;
            attempts.states += kStatesEach;
            attempts.faults += count_faults_without(recording, i, kStatesEach);
        }
    }
    std::string report;
    for (const auto& [purpose, attempts] : by_purpose) {
        report += fmt::format("\n  {}: {} syncs, {} states, {} faults", purpose, attempts.syncs,
                              attempts.states, attempts.faults);
    }
    WARN("without one sync:" << report);
    // Each of these keeps an acknowledged point, a mark, a key or a copy of the state.
    // Not so the catalog's journal: where it is torn, the catalog is found damaged and made again.
    for (const char* purpose :
         {"file tmp", "directory packs", "directory maps", "directory manifests", "directory marks",
          "file keys", "directory keys", "directory states", "directory .",
          "file catalog.sqlite"}) {
        INFO(purpose);
        CHECK(by_purpose[purpose].faults > 0);
    }
}

namespace {

// Whoever can't be given the right bytes gets an error; nobody gets wrong ones.
std::string find_lie(const DiskImage& image, const Recording& recording, const Step& step,
                     const std::string& rotten) {
    Store store{image, recording.seed, step.now};
    try {
        store.open(step.after.passphrase, step.index);
    } catch (const Error& error) {
        if (rotten.starts_with(std::string{kDirectory} + "/repository.json")) return {};
        if (!rotten.starts_with(std::string{kDirectory} + "/keys/"))
            return std::string{"refused: "} + error.what();
        store.open(std::string{recording.recovery_key.reveal_text()}, step.index);
    }
    // The catalog can be made again; all else is the only copy of what it holds.
    const bool may_be_damaged = !rotten.starts_with(std::string{kDirectory} + "/catalog.sqlite");
    const std::vector<PointSummary> found = store.repository().list_points({});
    if (found.size() != step.after.points.size()) return "a point is missing, or one too many";
    for (const PointSummary& point : found) {
        const auto known = step.after.points.find(point.id);
        if (known == step.after.points.end()) return "a point that was never made";
        try {
            if (store.read_disk(point.id) != *known->second.disk) return "wrong bytes of a disk";
            if (store.read_file(point.id) != known->second.file) return "wrong bytes of a file";
        } catch (const Error& error) {
            if (!may_be_damaged) return std::string{"not read: "} + error.what();
        }
    }
    return {};
}

}  // namespace

TEST_CASE("crash states: rot and misdirected writes give errors and no wrong byte",
          "[crash-states]") {
    std::size_t states_count = 0;
    std::map<std::string, std::size_t> faults;
    for (std::uint64_t seed = kSeed; seed < kSeed + 4; ++seed) {
        const Recording recording = record_workload(seed);
        CrashStates states{recording.record};
        for (const Step& step : recording.steps) {
            states.advance_to(step.end);
            for (std::uint64_t i = 0; i < 12; ++i) {
                SeededRandom random{mix(seed * 1000 + step.end, i)};
                DiskImage image = states.crash(0);
                const std::string what = rot(image, random, [](const std::string& path) {
                    return path.find("/lock") == std::string::npos;
                });
                ++states_count;
                std::string fault;
                try {
                    fault = find_lie(image, recording, step, what);
                } catch (const Error& error) {
                    fault = std::string{"failed: "} + error.what();
                }
                if (!fault.empty()) ++faults[fmt::format("{}: {}", what, fault)];
            }
        }
    }
    WARN(states_count << " states with rot");
    for (const auto& [fault, count] : faults)
        UNSCOPED_INFO(fault);
    CHECK(faults.empty());
}

}  // namespace entrepot::repository::test
