// Opens what a crash left, and compares it with what was promised.
#include "store.h"
#include "tests/support/disk/crash_states.h"

#include "base/error.h"

#include <fmt/format.h>

#include <cstring>

namespace entrepot::repository::test {

using entrepot::test::CrashStates;
using entrepot::test::DiskImage;
using entrepot::test::DiskRecord;

namespace {

// Vectors of std::byte compare byte by byte.
bool is_same(const Bytes& one, const Bytes& other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string compare_points(Store& store, const std::vector<PointSummary>& found,
                           const Expectation& expected) {
    if (found.size() != expected.points.size()) {
        return fmt::format("{} points instead of {}", found.size(), expected.points.size());
    }
    for (const PointSummary& summary : found) {
        const auto known = expected.points.find(summary.id);
        if (known == expected.points.end()) return fmt::format("a point {} too many", summary.id);
        const Expectation::Point& point = known->second;
        if (summary.hold_reason != point.hold) return "a hold differs";
        if (summary.draft.vm_id != point.vm) return "a VM differs";
        if (summary.has_known_damage) return fmt::format("point {} is damaged", summary.id);
        if (!is_same(store.read_disk(summary.id), *point.disk)) {
            return fmt::format("point {} holds something else", summary.id);
        }
        if (store.read_file(summary.id) != point.file) return "a file differs";
    }
    return {};
}

std::string compare_state(Store& store, const Expectation& expected) {
    const std::vector<StateCopy> copies = store.repository().list_state_copies();
    if (expected.state.empty()) return copies.empty() ? "" : "a copy of the state too many";
    if (copies.empty()) return "the copy of the state is gone";
    const Bytes content = store.repository().read_state_copy(copies.front().name);
    return as_text(content) == expected.state ? "" : "the copy of the state is another one";
}

}  // namespace

std::string compare(Store& store, const Expectation& expected) {
    const std::string fault = compare_points(store, store.repository().list_points({}), expected);
    return fault.empty() ? compare_state(store, expected) : fault;
}

namespace {

std::string look_inside(Store& store, const Expectation& expected) {
    const auto differences = store.repository().check_catalog(store.work());
    if (!differences.empty()) return "catalog check: " + differences.front();
    std::size_t manifests = 0;
    for (const auto& [path, node] : store.disk.image().list_files()) {
        if (path.find("/manifests/") != std::string::npos) ++manifests;
        if (path.find("/tmp/") != std::string::npos) return "left behind: " + path;
    }
    if (manifests != expected.points.size()) return "manifests that are no points'";
    if (!store.repository().time_state().frozen.empty()) return "deletion is frozen";
    return {};
}

// Whatever the crash left in index and packs must not lead anybody astray.
std::string use(Store& store, Expectation expected, std::uint64_t seed) {
    SeededRandom random{seed};
    Expectation::Point fresh{.disk = {}, .vm = "after", .file = "after the crash", .hold = {}};
    auto disk = std::make_shared<Bytes>();
    for (const auto& [id, point] : expected.points)
        disk->insert(disk->end(), point.disk->begin(), point.disk->end());
    const Bytes chunk = make_chunk(random.u64());
    disk->insert(disk->end(), chunk.begin(), chunk.end());
    fresh.disk = disk;
    expected.points.emplace(store.add_full(fresh), fresh);
    if (random.u64() % 2 == 0) {
        for (auto point = expected.points.begin(); point != expected.points.end(); ++point) {
            if (!point->second.hold.empty()) continue;
            store.repository().delete_point(point->first);
            expected.points.erase(point);
            break;
        }
    }
    store.repository().collect_garbage(DryRun::no, store.work());
    std::string fault = compare(store, expected);
    if (!fault.empty()) return "after gc: " + fault;
    for (const PointVerdict& verdict :
         store.repository().verify({}, VerifyDepth::data, store.work())) {
        if (!verdict.is_sound) return "after gc: verify finds damage";
    }
    if (random.u64() % 2 == 0) {
        store.repository().rebuild_catalog(store.work());
        fault = compare(store, expected);
        if (!fault.empty()) return "after a rebuild: " + fault;
    }
    return {};
}

void open(Store& store, const Look& look) {
    store.open_index = look.open_index;
    try {
        store.open(look.before.passphrase, look.index);
    } catch (const Error& error) {
        const bool may_differ = look.before.passphrase != look.after.passphrase;
        if (!may_differ || error.code() != ErrorCode::unauthenticated) throw;
        store.open(look.after.passphrase, look.index);
    }
}

std::string look_once(Store& store, const Look& look) {
    open(store, look);
    const std::string before = compare(store, look.before);
    const std::string after = before.empty() ? "" : compare(store, look.after);
    if (!before.empty() && !after.empty()) {
        return before == after ? after : fmt::format("{} / {}", before, after);
    }
    const Expectation& real = before.empty() ? look.before : look.after;
    std::string fault = look_inside(store, real);
    if (fault.empty() && look.goes_on) fault = use(store, real, look.seed);
    return fault;
}

std::string look_after_second_crash(const DiskRecord& recovery, const Look& look) {
    if (recovery.changes.empty()) return {};
    SeededRandom random{look.seed + 1};
    CrashStates states{recovery};
    states.advance_to(random.u64() % (recovery.changes.size() + 1));
    Look again = look;
    again.dies_again = false;
    const std::string fault = find_fault(states.crash(random.u64()), again);
    return fault.empty() ? "" : "after a second crash: " + fault;
}

}  // namespace

DiskRecord record_recovery(const DiskImage& image, const Look& look) {
    Store store{image, look.seed, look.now};
    store.disk.begin_record();
    open(store, look);
    store.close();
    return store.disk.take_record();
}

std::string find_fault(const DiskImage& image, const Look& look) {
    try {
        if (look.dies_again) {
            return look_after_second_crash(record_recovery(image, look), look);
        }
        Store store{image, look.seed, look.now};
        return look_once(store, look);
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace entrepot::repository::test
