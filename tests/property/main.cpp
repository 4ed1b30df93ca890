// Property tests of disk images: random sequences, written by everybody who can write, read by
// everybody who can read.
//   property_disk [COUNT] [--first SEED] [--all-readers] [--keep DIRECTORY]
//   property_disk --seed SEED [--keep DIRECTORY]        one sequence again, with all readers
// COUNT is 300, or 10,000 with ENTREPOT_NIGHTLY=1, which also asks all readers about all. The first
// seed is ENTREPOT_SEED's value, else by chance; it is printed.
#include "tests/property/case.h"
#include "tests/property/program.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"
#include "base/random.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kCountInCi = 300;
constexpr std::uint64_t kCountNightly = 10'000;
constexpr std::uint64_t kSeedBound = 1'000'000'000;
/// In CI, one sequence in so many is shown to a reader that is a process of its own.
constexpr std::uint64_t kQemuEvery = 3;
constexpr std::uint64_t kSevenZipEvery = 4;

struct Options {
    std::uint64_t count = kCountInCi;
    std::uint64_t first_seed = 0;
    bool asks_all = false;
    bool is_single = false;
    std::filesystem::path keep;
};

std::uint64_t number_of(const std::string& text) {
    std::size_t end = 0;
    const std::uint64_t value = std::stoull(text, &end);
    if (end != text.size()) throw std::invalid_argument{text};
    return value;
}

Options parse(const std::vector<std::string>& arguments) {
    Options options;
    const char* nightly = std::getenv("ENTREPOT_NIGHTLY");
    if (nightly != nullptr && std::string{nightly} == "1") {
        options.count = kCountNightly;
        options.asks_all = true;
    }
    const char* seed = std::getenv("ENTREPOT_SEED");
    SystemRandom random;
    options.first_seed = seed != nullptr ? number_of(seed) : random.u64() % kSeedBound;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word == "--all-readers") {
            options.asks_all = true;
        } else if (word == "--seed") {
            options.first_seed = number_of(arguments.at(++i));
            options.count = 1;
            options.asks_all = true;
            options.is_single = true;
        } else if (word == "--first") {
            options.first_seed = number_of(arguments.at(++i));
        } else if (word == "--keep") {
            options.keep = std::filesystem::absolute(arguments.at(++i));
        } else {
            options.count = number_of(word);
        }
    }
    return options;
}

std::set<Reader> present_readers() {
    std::set<Reader> present{Reader::ours};
    for (const Reader reader : kOtherReaders) {
        if (is_present(reader)) {
            present.insert(reader);
        } else {
            std::cout << "skipped: " << to_string(reader) << " is not here\n";
        }
    }
    return present;
}

bool needs_qemu(const Sequence& sequence) {
    if (sequence.is_flattened && sequence.flat_writer == Writer::ours_qcow2) return true;
    for (const Layer& layer : sequence.layers) {
        if (is_qemu(layer.writer) || layer.writer == Writer::ours_qcow2) return true;
    }
    return false;
}

/// All readers that are here, or those whose turn it is.
std::set<Reader> readers_for(std::uint64_t seed, std::set<Reader> present, bool asks_all) {
    if (asks_all) return present;
    Chance chance{seed + 1};
    if (chance.below(kQemuEvery) != 0) present.erase(Reader::qemu);
    if (chance.below(kSevenZipEvery) != 0) present.erase(Reader::seven_zip);
    return present;
}

void print(const char* title, const std::map<std::string, std::uint64_t>& counts) {
    std::cout << title << "\n";
    for (const auto& [name, count] : counts)
        std::cout << fmt::format("  {:6} {}\n", count, name);
}

/// True if nothing is wrong.
bool run_one(const Options& options, std::uint64_t seed, const std::set<Reader>& asked,
             Statistics& statistics) {
    const Sequence sequence = make_sequence(seed);
    const test::TemporaryDirectory scratch;
    std::filesystem::path directory = scratch.path();
    if (!options.keep.empty()) {
        directory = options.keep / fmt::format("seed-{}", seed);
        std::filesystem::create_directories(directory);
    }
    if (options.is_single) std::cout << describe(sequence) << std::flush;
    const Finding finding = run_case(sequence, asked, directory, statistics);
    if (!finding) return true;
    if (!options.is_single) std::cout << describe(sequence);
    std::cout << "FAILED: " << *finding << "\nagain: property_disk --seed " << seed
              << " [--keep DIRECTORY]" << std::endl;
    return false;
}

int run(const Options& options) {
    const auto begin = std::chrono::steady_clock::now();
    const std::set<Reader> present = present_readers();
    const bool has_qemu = present.contains(Reader::qemu);
    std::cout << fmt::format("{} sequences, seeds {} to {}; ", options.count, options.first_seed,
                             options.first_seed + options.count - 1);
    std::cout << (options.asks_all
                      ? "all readers for each\n"
                      : fmt::format("qemu-img reads one in {}, 7-Zip one in {}, the others all\n",
                                    kQemuEvery, kSevenZipEvery))
              << std::flush;
    Statistics statistics;
    std::uint64_t failure_count = 0;
    std::uint64_t skip_count = 0;
    for (std::uint64_t i = 0; i < options.count; ++i) {
        const std::uint64_t seed = options.first_seed + i;
        if (!has_qemu && needs_qemu(make_sequence(seed))) {
            ++skip_count;
            continue;
        }
        const auto asked = readers_for(seed, present, options.asks_all);
        if (!run_one(options, seed, asked, statistics)) ++failure_count;
    }
    print("written:", statistics.written);
    print("read:", statistics.read);
    print("not asked:", statistics.not_asked);
    print("sectors that other readers are known to misread:", statistics.misread);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    std::cout << fmt::format(
        "{} files held against the specification; {} sequences skipped, {} "
        "failed, {:.1f} s, first seed {}\n",
        statistics.rules_checked, skip_count, failure_count, elapsed.count(), options.first_seed);
    return failure_count == 0 && skip_count < options.count ? 0 : 1;
}

}  // namespace
}  // namespace entrepot::property

int main(int argument_count, char** arguments) {
    try {
        return entrepot::property::run(
            entrepot::property::parse({arguments + 1, arguments + argument_count}));
    } catch (const std::exception& error) {
        std::cerr << "property_disk: " << error.what() << "\n";
        return 2;
    }
}
