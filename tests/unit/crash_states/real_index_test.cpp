// RocksDB's files, which lie outside of the simulated disk: dropped, cut short, rotten, or of an
// earlier time, while a crash befalls the rest.
#include "moments.h"
#include "store.h"
#include "tests/support/disk/crash_states.h"
#include "tests/support/temporary_directory.h"
#include "workload.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace entrepot::repository::test {
namespace {

namespace fs = std::filesystem;
using entrepot::test::CrashStates;

std::vector<fs::path> files_in(const fs::path& directory) {
    std::vector<fs::path> files;
    if (!fs::exists(directory)) return files;
    for (const auto& entry : fs::directory_iterator{directory}) {
        if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

// What a crash left of one of the copies that were taken meanwhile.
void damage(const fs::path& directory, Random& random) {
    const std::vector<fs::path> files = files_in(directory);
    if (files.empty()) return;
    const fs::path& file = files[random.u64() % files.size()];
    const std::uint64_t size_bytes = fs::file_size(file);
    switch (random.u64() % 4) {
        case 0:
            fs::resize_file(file, random.u64() % size_bytes);
            break;
        case 1: {
            std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
            stream.seekp(static_cast<std::streamoff>(random.u64() % size_bytes));
            stream.put(static_cast<char>(random.u64()));
            break;
        }
        case 2:
            fs::remove(file);
            break;
        default:
            break;
    }
}

}  // namespace

TEST_CASE("crash states: the real index dropped, cut short, rotten or stale", "[crash-states]") {
    const entrepot::test::TemporaryDirectory temporary;
    const fs::path live = temporary.path() / "index";
    std::vector<fs::path> copies = {temporary.path() / "absent"};
    WorkloadOptions options;
    options.open_index = [&](const fs::path&) { return ChunkIndex::open(live); };
    options.after_step = [&] {
        copies.push_back(temporary.path() / fmt::format("copy-{}", copies.size()));
        fs::remove_all(copies.back());
        fs::copy(live, copies.back(), fs::copy_options::recursive);
    };
    std::size_t states_count = 0;
    for (std::uint64_t seed = 31; seed < 33; ++seed) {
        const Recording recording = record_workload(seed, options);
        CrashStates states{recording.record};
        for (std::size_t moment = 0; moment <= states.change_count(); moment += 29) {
            states.advance_to(moment);
            const std::uint64_t state_seed = mix(seed, moment);
            SeededRandom random{state_seed};
            const fs::path index = temporary.path() / "looked-at";
            fs::remove_all(index);
            const fs::path& copy = copies[random.u64() % copies.size()];
            if (fs::exists(copy)) fs::copy(copy, index, fs::copy_options::recursive);
            damage(index, random);
            Look look = look_of(recording, moment, state_seed);
            look.goes_on = true;
            look.dies_again = false;
            look.open_index = [&](const fs::path&) { return ChunkIndex::open(index); };
            ++states_count;
            INFO("seed " << seed << ", change " << moment << ", index " << copy);
            CHECK(find_fault(states.crash(state_seed), look) == "");
        }
        copies.resize(1);
        fs::remove_all(live);
    }
    WARN(states_count << " crash states with the real index");
}

}  // namespace entrepot::repository::test
