// The judge has to be right: the model against a plain array, and a reader that errs.
#include "tests/property/disk_model.h"

#include "tests/property/readers.h"
#include "tests/property/sequence.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kSectorCount = 300;
constexpr std::uint64_t kSector = 512;

}  // namespace

TEST_CASE("disk model: it holds what an array would hold", "[property]") {
    const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U);
    Chance chance{seed};
    DiskModel model{kSectorCount * kSector, kSector};
    Bytes plain(kSectorCount * kSector);
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t first = chance.below(kSectorCount);
        const Range range{first * kSector, chance.below(kSectorCount - first + 1) * kSector};
        const MutableByteView part = MutableByteView{plain}.subspan(range.offset, range.length);
        if (chance.percent(60)) {
            const auto stamp = static_cast<std::uint32_t>(chance.between(1, 5));
            model.write(range, stamp);
            fill_noise(stamp, range.offset, part);
        } else {
            model.clear(range);
            std::fill(part.begin(), part.end(), std::byte{0});
        }
        const std::uint64_t at = chance.below(plain.size());
        Bytes read(static_cast<std::size_t>(chance.below(plain.size() - at)));
        model.read(at, read);
        REQUIRE(std::equal(read.begin(), read.end(), plain.begin() + static_cast<long>(at)));
        REQUIRE(model.is_zero_in(range) == is_zero(part));
    }
    CHECK_FALSE(model.find_difference(0, plain));
}

TEST_CASE("disk model: one wrong byte is found, with its sector", "[property]") {
    DiskModel model{4 * kMiB, kSector};
    model.write({kMiB, 2 * kMiB}, 7);
    Bytes content(4 * kMiB);
    model.read(0, content);
    for (const std::uint64_t at : {std::uint64_t{5}, kMiB, 2 * kMiB + 511, 4 * kMiB - 1}) {
        content[at] ^= std::byte{1};
        CHECK(model.find_difference(0, content) == at / kSector * kSector);
        CHECK(compare(model, 0, content)->find(std::to_string(at / kSector)) != std::string::npos);
        content[at] ^= std::byte{1};
    }
    // A sector that moved is wrong, too.
    std::swap_ranges(content.begin() + kMiB, content.begin() + kMiB + kSector,
                     content.begin() + kMiB + kSector);
    CHECK(model.find_difference(0, content) == kMiB);

    DiskModel other = model;
    CHECK_FALSE(model.find_difference(other, {0, 4 * kMiB}));
    other.clear({2 * kMiB + kSector, kSector});
    CHECK(model.find_difference(other, {0, 4 * kMiB}) == 2 * kMiB + kSector);
    CHECK_FALSE(model.find_difference(other, {3 * kMiB, kMiB}));
}

TEST_CASE("sequences: a seed says everything, and operations lie in the disk", "[property]") {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        const Sequence sequence = make_sequence(seed);
        REQUIRE(describe(sequence) == describe(make_sequence(seed)));
        REQUIRE(sequence.size_bytes > 0);
        REQUIRE(sequence.size_bytes % sequence.sector_size == 0);
        for (const Layer& layer : sequence.layers) {
            for (const Operation& operation : layer.operations) {
                REQUIRE(operation.range.length > 0);
                REQUIRE(operation.range.end() <= sequence.size_bytes);
            }
        }
    }
}

}  // namespace entrepot::property
