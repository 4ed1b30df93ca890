// Operations by chance, weighted so that packs get sparse and die.
#include "workload.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kDiskChunks = 6;
constexpr std::size_t kPointsMax = 5;
constexpr std::uint64_t kGcMoments = 7;
constexpr WallTime kStart{std::chrono::milliseconds{1'770'000'000'000}};

class Workload {
public:
    Workload(std::uint64_t seed, const WorkloadOptions& options)
        : options_(options), random_(seed), store_(make_store(seed)) {
        recording_.seed = seed;
        store_.open_index = options_.open_index;
    }

    Recording run() {
        store_.disk.begin_record();
        step("open", [&] { store_.open(expected_.passphrase, std::nullopt); });
        while (recording_.steps.size() < options_.step_count)
            choose();
        step("close", [&] { store_.close(); });
        recording_.record = store_.disk.take_record();
        return std::move(recording_);
    }

private:
    Store make_store(std::uint64_t seed) {
        expected_.passphrase = "correct horse";
        entrepot::test::SimulatedVfs::reset_random();
        return Store{Store::create(expected_.passphrase, seed, kStart, recording_.recovery_key),
                     seed + 1, kStart};
    }

    std::uint64_t pick(std::uint64_t count) { return random_.u64() % count; }

    Step begin_step(const std::string& name) {
        store_.clock.advance(std::chrono::minutes{20});
        return {.name = name,
                .begin = store_.disk.change_count(),
                .before = expected_,
                .after = {},
                .index = store_.current_index()};
    }

    void end_step(Step step) {
        step.end = store_.disk.change_count();
        step.after = expected_;
        step.now = store_.clock.wall_now();
        recording_.steps.push_back(std::move(step));
        if (options_.after_step) options_.after_step();
    }

    void step(const std::string& name, const std::function<void()>& body) {
        Step step = begin_step(name);
        body();
        end_step(std::move(step));
    }

    void choose() {
        const std::uint64_t kind = pick(20);
        if (expected_.points.empty() || (kind < 4 && expected_.points.size() < kPointsMax)) {
            take_full();
        } else if (kind < 9 && expected_.points.size() < kPointsMax) {
            take_incremental();
        } else if (kind < 13) {
            remove_point();
        } else if (kind < 15) {
            collect();
        } else {
            choose_rare(kind);
        }
    }

    void choose_rare(std::uint64_t kind) {
        if (kind == 15) {
            step("rebuild", [&] { store_.repository().rebuild_catalog(store_.work()); });
        } else if (kind == 16) {
            change_key();
        } else if (kind == 17) {
            hold_or_release();
        } else if (kind == 18) {
            step("state copy", [&] {
                const std::string content = fmt::format("state {}", random_.u64());
                store_.repository().put_state_copy(as_bytes(content));
                expected_.state = content;
            });
        } else {
            step("reopen", [&] {
                const IndexEntries index = store_.current_index();
                store_.close();
                store_.open(expected_.passphrase, index);
            });
        }
    }

    Bytes any_chunk() {
        const std::uint64_t kind = pick(8);
        if (kind == 0) return Bytes(kChunkBytes);
        return make_chunk(kind < 3 ? pick(4) : random_.u64());
    }

    Expectation::Point make_point() {
        return {.disk = {},
                .vm = fmt::format("vm-{}", pick(2)),
                .file = fmt::format("configuration {}", random_.u64()),
                .hold = {}};
    }

    Expectation::Point make_full() {
        Expectation::Point point = make_point();
        auto disk = std::make_shared<Bytes>();
        for (std::size_t i = 0; i < kDiskChunks; ++i) {
            const Bytes chunk = any_chunk();
            disk->insert(disk->end(), chunk.begin(), chunk.end());
        }
        point.disk = std::move(disk);
        return point;
    }

    void take_full() {
        const Expectation::Point point = make_full();
        step("full", [&] { expected_.points.emplace(store_.add_full(point), point); });
    }

    void take_incremental() {
        const auto base = std::next(expected_.points.begin(),
                                    static_cast<std::ptrdiff_t>(pick(expected_.points.size())));
        Expectation::Point point = make_point();
        point.vm = base->second.vm;
        auto disk = std::make_shared<Bytes>(*base->second.disk);
        std::vector<std::uint64_t> chunks;
        for (std::size_t i = 0; i < kDiskChunks; ++i) {
            if (pick(3) == 0) continue;
            chunks.push_back(i);
            std::ranges::copy(any_chunk(),
                              disk->begin() + static_cast<std::ptrdiff_t>(i * kChunkBytes));
        }
        point.disk = std::move(disk);
        step("incremental", [&] {
            expected_.points.emplace(store_.add_incremental(point, base->first, chunks), point);
        });
    }

    void remove_point() {
        const auto point = std::next(expected_.points.begin(),
                                     static_cast<std::ptrdiff_t>(pick(expected_.points.size())));
        if (!point->second.hold.empty()) return;
        step("delete", [&] {
            store_.repository().delete_point(point->first);
            expected_.points.erase(point);
        });
    }

    // At one of its moments somebody does something else: a backup that began before it commits, a
    // later one comes, a point goes. That is a step of its own, which parts the gc in two.
    void collect() {
        const auto moment = static_cast<GcMoment>(pick(kGcMoments));
        const std::uint64_t kind = pick(8);
        Step part = begin_step("gc");
        const Expectation::Point open = make_full();
        std::unique_ptr<PointWriter> writer;
        if (kind < 2) writer = store_.begin_full(open);
        bool has_acted = kind > 4;
        store_.on_gc = [&](GcMoment now) {
            const bool is_time = now == moment || (writer && now == GcMoment::waiting);
            if (has_acted || !is_time) return;
            has_acted = true;
            end_step(std::move(part));
            act_beside_gc(kind, writer, open);
            part = begin_step("gc");
        };
        const GcResult result = store_.repository().collect_garbage(DryRun::no, store_.work());
        store_.on_gc = {};
        recording_.packs_removed += result.packs_removed;
        recording_.packs_compacted += result.packs_compacted;
        end_step(std::move(part));
    }

    void act_beside_gc(std::uint64_t kind, std::unique_ptr<PointWriter>& writer,
                       const Expectation::Point& open) {
        if (writer) {
            step("commit beside gc", [&] {
                expected_.points.emplace(Store::commit(*writer, open), open);
                writer.reset();
            });
        } else if (kind == 2) {
            take_full();
        } else if (expected_.points.empty()) {
            return;
        } else if (kind == 3) {
            take_incremental();
        } else {
            remove_point();
        }
    }

    void change_key() {
        const std::string fresh = fmt::format("passphrase {}", random_.u64());
        if (pick(2) == 0) {
            step("change passphrase", [&] {
                store_.repository().change_passphrase(
                    Secret{std::string_view{expected_.passphrase}},
                    Secret{std::string_view{fresh}});
                expected_.passphrase = fresh;
            });
            return;
        }
        std::uint32_t slot = 0;
        step("add passphrase",
             [&] { slot = store_.repository().add_passphrase(Secret{std::string_view{fresh}}); });
        step("revoke passphrase", [&] { store_.repository().revoke_key(slot); });
    }

    void hold_or_release() {
        auto& [id, point] = *std::next(expected_.points.begin(),
                                       static_cast<std::ptrdiff_t>(pick(expected_.points.size())));
        const std::string reason = fmt::format("because of {}", pick(100));
        step("hold or release", [&] {
            if (point.hold.empty()) {
                store_.repository().hold_point(id, reason);
                point.hold = reason;
            } else {
                store_.repository().release_point(id);
                point.hold.clear();
            }
        });
    }

    WorkloadOptions options_;
    Recording recording_;
    Expectation expected_;
    SeededRandom random_;
    Store store_;
};

}  // namespace

Recording record_workload(std::uint64_t seed, const WorkloadOptions& options) {
    return Workload{seed, options}.run();
}

const Step& step_at(const Recording& recording, std::size_t change_count) {
    for (const Step& step : recording.steps) {
        if (change_count <= step.end) return step;
    }
    return recording.steps.back();
}

}  // namespace entrepot::repository::test
