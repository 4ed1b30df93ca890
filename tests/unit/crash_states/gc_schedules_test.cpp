// The real code through every order of a gc's moments and the steps of up to two other jobs:
// backups, a deletion, a restore. The model in tests/unit/repository/gc_model.h goes through finer
// ones.
#include "store.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::repository::test {
namespace {

using entrepot::test::DiskImage;

constexpr std::uint64_t kSeed = 11;
constexpr WallTime kNow{std::chrono::milliseconds{1'770'000'000'000}};
constexpr std::string_view kPassphrase = "correct horse";

// Gc's part in a schedule: the moments at which others may do something.
const std::vector<GcMoment> kMoments = {GcMoment::marked, GcMoment::condemned,
                                        GcMoment::marked_again, GcMoment::compacted};
constexpr int kGc = -1;

/// A pack that is waste, one that is mostly waste, a point that stays and one that may go.
struct Prepared {
    DiskImage image;
    Expectation expected;
    IndexEntries index;
    std::string pruned;
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
    const std::string dead = add(make_point("dead", {11, 12}));
    const std::string sparse = add(make_point("sparse", {21, 22, 23, 24, 25}));
    add(make_point("kept", {21, 31}));
    prepared.pruned = add(make_point("pruned", {21, 41, 42}));
    for (const std::string& point : {dead, sparse}) {
        store.repository().delete_point(point);
        prepared.expected.points.erase(point);
    }
    store.close();
    prepared.image = store.disk.image();
    prepared.index = store.index_entries;
    return prepared;
}

/// Somebody beside gc: steps that are done one after the other.
struct Job {
    std::string name;
    std::vector<std::function<void()>> steps;
    bool is_writer = false;
};

/// One run of a schedule on a copy of the prepared repository.
class Run {
public:
    explicit Run(const Prepared& prepared)
        : prepared_(prepared),
          expected_(prepared.expected),
          store_(prepared.image, kSeed + 1, kNow) {
        store_.open(expected_.passphrase, prepared.index);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// Empty if all went well.
    std::string follow(const std::vector<int>& schedule, const std::vector<std::string>& jobs) {
        for (const std::string& name : jobs)
            jobs_.push_back(make_job(name));
        schedule_ = schedule;
        done_.assign(jobs_.size(), 0);
        run_until_gc();
        collect();
        // Moments that did not come: nothing was left to compact.
        for (; at_ < schedule_.size(); ++at_)
            run_until_gc();
        return look();
    }

private:
    void collect() {
        std::size_t moment = 0;
        store_.on_gc = [&](GcMoment now) {
            if (now == GcMoment::waiting) return finish_writers();
            if (moment == kMoments.size() || now != kMoments[moment]) return;
            ++moment;
            ++at_;
            run_until_gc();
        };
        store_.repository().collect_garbage(DryRun::no, store_.work());
        store_.on_gc = {};
    }

    // To the next place of gc, or to the end.
    void run_until_gc() {
        for (; at_ < schedule_.size() && schedule_[at_] != kGc; ++at_)
            run_step(static_cast<std::size_t>(schedule_[at_]));
    }

    void run_step(std::size_t job) {
        const std::size_t step = done_[job];
        if (step == jobs_[job].steps.size()) return;  // Done already, where gc waited for it.
        ++done_[job];
        jobs_[job].steps[step]();
    }

    // Whom gc waits for has to go on, whatever the schedule says.
    void finish_writers() {
        for (std::size_t job = 0; job < jobs_.size(); ++job) {
            if (!jobs_[job].is_writer || done_[job] == 0) continue;
            while (done_[job] < jobs_[job].steps.size())
                run_step(job);
        }
    }

    Job make_job(const std::string& name) {
        if (name == "ingest") return make_writer(name, false);
        if (name == "increment") return make_writer(name, true);
        if (name == "prune") {
            return {name, {[this] {
                        store_.repository().delete_point(prepared_.pruned);
                        expected_.points.erase(prepared_.pruned);
                    }}};
        }
        auto opened = std::make_shared<std::unique_ptr<PointDisk>>();
        return {
            name,
            {[this, opened] {
                 if (!is_base_there()) return;
                 *opened =
                     store_.repository().open_point(prepared_.pruned)->open_disk(0, View::restore);
             },
             [this, opened] {
                 if (!*opened) return;
                 Bytes content(static_cast<std::size_t>((*opened)->size_bytes()));
                 (*opened)->read(0, content);
                 const auto& point = prepared_.expected.points.at(prepared_.pruned);
                 if (content != *point.disk) fault_ = "a restore read something else";
                 opened->reset();
             }}};
    }

    // Its chunks: a new one, one that only garbage holds, one in a dead slot of a pack that lives.
    Job make_writer(const std::string& name, bool is_increment) {
        struct State {
            std::unique_ptr<PointWriter> writer;
            Expectation::Point point;
        };
        auto state = std::make_shared<State>();
        state->point =
            is_increment ? make_point("pruned", {21, 12, 23}) : make_point("new", {31, 51, 11, 22});
        const auto begin = [this, state, is_increment] {
            if (is_increment && !is_base_there()) return;
            state->writer = is_increment
                                ? store_.begin_incremental(state->point, prepared_.pruned, {1, 2})
                                : store_.begin_full(state->point);
        };
        const auto commit = [this, state] {
            if (!state->writer) return;
            expected_.points.emplace(Store::commit(*state->writer, state->point), state->point);
            state->writer.reset();
        };
        return {name, {begin, commit}, true};
    }

    bool is_base_there() const { return expected_.points.contains(prepared_.pruned); }

    std::string look() {
        if (!fault_.empty()) return fault_;
        std::string fault = compare(store_, expected_);
        if (!fault.empty()) return fault;
        const auto differences = store_.repository().check_catalog(store_.work());
        if (!differences.empty()) return differences.front();
        store_.repository().collect_garbage(DryRun::no, store_.work());
        fault = compare(store_, expected_);
        return fault.empty() ? "" : "after another gc: " + fault;
    }

    const Prepared& prepared_;
    Expectation expected_;
    Store store_;
    std::vector<Job> jobs_;
    std::vector<int> schedule_;
    std::size_t at_ = 0;
    std::vector<std::size_t> done_;
    std::string fault_;
};

std::size_t steps_of(const std::string& job) {
    return job == "prune" ? 1 : 2;
}

/// Every order of gc's places and the jobs' steps.
std::vector<std::vector<int>> schedules_of(const std::vector<std::string>& jobs) {
    std::vector<int> all(kMoments.size(), kGc);
    for (std::size_t job = 0; job < jobs.size(); ++job)
        all.insert(all.end(), steps_of(jobs[job]), static_cast<int>(job));
    std::vector<std::vector<int>> schedules;
    do {
        schedules.push_back(all);
    } while (std::ranges::next_permutation(all).found);
    return schedules;
}

struct Planned {
    std::vector<std::string> jobs;
    std::vector<int> schedule;
};

std::vector<Planned> all_planned() {
    const std::vector<std::string> kinds = {"ingest", "increment", "prune", "restore"};
    std::vector<Planned> planned;
    for (std::size_t first = 0; first < kinds.size(); ++first) {
        for (std::size_t second = first; second < kinds.size(); ++second) {
            std::vector<std::string> jobs = {kinds[first]};
            if (second != first) jobs.push_back(kinds[second]);
            for (auto& schedule : schedules_of(jobs))
                planned.push_back({jobs, std::move(schedule)});
        }
    }
    return planned;
}

std::string told(const Planned& planned) {
    std::string text;
    for (const int job : planned.schedule)
        text += " " + (job == kGc ? "gc" : planned.jobs[static_cast<std::size_t>(job)]);
    return text;
}

}  // namespace

TEST_CASE("gc schedules: no order of three jobs loses anything or fails", "[crash-states][gc]") {
    const Prepared prepared = prepare();
    std::size_t runs = 0;
    for (const Planned& planned : all_planned()) {
        INFO("schedule" << told(planned));
        std::string fault;
        try {
            fault = Run{prepared}.follow(planned.schedule, planned.jobs);
        } catch (const Error& error) {
            fault = error.what();
        }
        CHECK(fault == "");
        ++runs;
    }
    WARN(runs << " schedules of the real code");
}

}  // namespace entrepot::repository::test
