// A large repository of small chunks, and how long it takes to start, to commit, to mark and to
// list there. Every chunk is unique and almost all zeros, so that maps, index, catalog and slot
// tables have their real size, and packs are small.
//   bench_scale make DIR [CHUNKS] [POINTS]    one disk of CHUNKS chunks, and POINTS small points
//   bench_scale measure DIR                   in a process of its own: its memory is the figure
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/little_endian.h"
#include "base/log.h"
#include "base/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace entrepot::repository {
namespace {

constexpr std::uint32_t kChunkBytes = 32 * kKiB;
constexpr std::size_t kChunksPerWrite = 32;
constexpr std::uint64_t kPointsPerVm = 100;
constexpr std::uint64_t kSmallDiskChunks = 64;
constexpr std::string_view kPassphrase = "a passphrase for the bench";

struct World {
    PosixFileSystem file_system;
    SystemClock clock;
    SystemRandom random;
    NullLog log;
    NullProgress progress;

    Environment environment() { return {file_system, clock, random, log}; }
    std::unique_ptr<Repository> open(const std::filesystem::path& directory) {
        return Repository::open(environment(), directory,
                                {.key = Secret{kPassphrase}, .expected_id = {}});
    }
};

double seconds_since(SteadyTime begin, Clock& clock) {
    return std::chrono::duration<double>(clock.steady_now() - begin).count();
}

/// Chunks that nobody else has, by number.
void fill_chunks(MutableByteView target, std::uint64_t first) {
    for (std::size_t at = 0; at < target.size(); at += kChunkBytes) {
        store_u64(target, at, first + at / kChunkBytes + 1);
    }
}

DiskDraft disk_of(std::uint64_t chunks) {
    DiskDraft draft;
    draft.id = "disk";
    draft.name = "disk.vhdx";
    draft.size_bytes = chunks * kChunkBytes;
    return draft;
}

PointDraft point_of(const std::string& vm, const std::string& base) {
    PointDraft draft;
    draft.vm_id = vm;
    draft.vm_name = "name of " + vm;
    draft.kind = base.empty() ? PointKind::full : PointKind::incremental;
    draft.base_point = base;
    draft.reason = "for the bench";
    return draft;
}

struct Made {
    std::string point;
    double commit_seconds = 0;
};

/// A point of one disk, `count` chunks from `first` on changed, with content from `seed` on.
Made add_point(World& world, Repository& repository, const PointDraft& draft, std::uint64_t chunks,
               std::uint64_t first, std::uint64_t count, std::uint64_t seed) {
    auto writer = repository.begin_point(draft);
    const bool has_base = !draft.base_point.empty();
    writer->add_disk(disk_of(chunks), has_base ? std::optional<std::uint32_t>{0} : std::nullopt);
    auto sink = writer->open_sink(0, View::restore);
    Bytes buffer(kChunksPerWrite * kChunkBytes);
    for (std::uint64_t done = 0; done < count;) {
        const std::size_t now = std::min<std::uint64_t>(kChunksPerWrite, count - done);
        const MutableByteView part = MutableByteView{buffer}.first(now * kChunkBytes);
        fill_chunks(part, seed + done);
        sink->write((first + done) * kChunkBytes, part);
        done += now;
    }
    sink->finish();
    const SteadyTime begin = world.clock.steady_now();
    Made made;
    made.point = writer->commit().id;
    made.commit_seconds = seconds_since(begin, world.clock);
    return made;
}

void make(const std::filesystem::path& directory, std::uint64_t chunks, std::uint64_t points) {
    World world;
    Repository::create(world.environment(), directory,
                       {.passphrase = Secret{kPassphrase},
                        .chunk_size_bytes = kChunkBytes,
                        .key_cost = {.operations = 1, .memory_bytes = 8 * kKiB}});
    const auto repository = world.open(directory);
    SteadyTime begin = world.clock.steady_now();
    add_point(world, *repository, point_of("large", ""), chunks, 0, chunks, 0);
    fmt::print("one disk of {} chunks: {:.1f} s\n", chunks, seconds_since(begin, world.clock));
    std::fflush(stdout);
    begin = world.clock.steady_now();
    std::uint64_t seed = chunks;
    std::string base;
    for (std::uint64_t point = 1; point < points; ++point) {
        const bool is_first = point % kPointsPerVm == 1;
        const std::uint64_t count = is_first ? kSmallDiskChunks : 4;
        const auto draft =
            point_of(fmt::format("vm-{:05}", point / kPointsPerVm), is_first ? "" : base);
        base = add_point(world, *repository, draft, kSmallDiskChunks, 0, count, seed).point;
        seed += count;
    }
    fmt::print("{} points: {:.1f} s\n", points - 1, seconds_since(begin, world.clock));
}

std::uint64_t peak_memory_mib() {
    std::ifstream status{"/proc/self/status"};
    std::string word;
    while (status >> word) {
        std::uint64_t kib = 0;
        if (word == "VmHWM:" && status >> kib) return kib / 1024;
    }
    return 0;
}

void measure(const std::filesystem::path& directory) {
    World world;
    const auto report = [&](std::string_view what, double value, std::string_view unit) {
        fmt::print("{:<48} {:>10.3f} {:<4} peak {} MiB\n", what, value, unit, peak_memory_mib());
    };
    SteadyTime begin = world.clock.steady_now();
    const auto repository = world.open(directory);
    report("start (under 2 s)", seconds_since(begin, world.clock), "s");

    begin = world.clock.steady_now();
    const auto of_large = repository->list_points({.vm = "large"});
    report("list the points of one VM", seconds_since(begin, world.clock) * 1000, "ms");
    if (of_large.empty()) throw Error{ErrorCode::invalid, "it was not made to its end"};
    begin = world.clock.steady_now();
    const auto page = repository->list_points({.vm = {}, .before_sequence = {}, .newest_max = 100});
    report(fmt::format("a page of {} points (under 20 ms)", page.size()),
           seconds_since(begin, world.clock) * 1000, "ms");
    begin = world.clock.steady_now();
    const std::size_t count = repository->list_points({}).size();
    report(fmt::format("list all {} points", count), seconds_since(begin, world.clock) * 1000,
           "ms");

    const std::uint64_t chunks = of_large.back().disks.at(0).draft.size_bytes / kChunkBytes;
    std::string base = of_large.back().id;
    std::vector<double> commits;
    for (std::uint64_t i = 0; i < 5; ++i) {
        const std::uint64_t seed = world.random.u64() >> 1;
        const Made made =
            add_point(world, *repository, point_of("large", base), chunks, i * chunks / 7,
                      std::min<std::uint64_t>(2'000, chunks / 8), seed);
        base = made.point;
        commits.push_back(made.commit_seconds);
    }
    std::sort(commits.begin(), commits.end());
    report("commit of an increment, median of 5 (under 50 ms)", commits[2] * 1000, "ms");

    begin = world.clock.steady_now();
    const GcResult result = repository->collect_garbage(DryRun::yes, Work{world.progress});
    report(fmt::format("mark {} chunks (under 60 s)", result.live_chunks),
           seconds_since(begin, world.clock), "s");
    fmt::print("peak memory (under 300 MiB): {} MiB\n", peak_memory_mib());
}

int run(const std::vector<std::string>& arguments) {
    const auto number = [&](std::size_t index, std::uint64_t otherwise) {
        return index < arguments.size() ? std::stoull(arguments[index]) : otherwise;
    };
    if (arguments.size() >= 2 && arguments[0] == "make") {
        make(arguments[1], number(2, 10'000'000), number(3, 10'000));
        return 0;
    }
    if (arguments.size() == 2 && arguments[0] == "measure") {
        measure(arguments[1]);
        return 0;
    }
    fmt::print(stderr, "bench_scale make DIR [CHUNKS] [POINTS] | measure DIR\n");
    return 2;
}

}  // namespace
}  // namespace entrepot::repository

int main(int argc, char** argv) {
    try {
        return entrepot::repository::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_scale: {}\n", error.what());
        return 1;
    }
}
