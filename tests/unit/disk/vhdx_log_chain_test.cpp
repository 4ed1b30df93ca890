// Dirty logs of a chain: what is read through them, and what they may keep in memory.
#include "storage/disk/disk_image.h"
#include "storage/disk/image_chain.h"

#include "base/error.h"
#include "tests/support/vhdx_image_builder.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>

namespace entrepot::disk {
namespace {

using test::MemoryFile;
using test::VhdxImageBuilder;
using test::VhdxLogEntry;

const Guid kLog = test::guid_of("33333333-2222-4333-8444-555555555555");
constexpr std::uint64_t kBlock = 2 * kMiB;
constexpr std::uint64_t kPayload = 8 * kMiB;
constexpr std::uint64_t kPageBytes = 4096;
/// A log of 4 MiB has room for as many ranges as a replay may have.
constexpr std::uint64_t kLongLog = 12 * kMiB;
constexpr std::uint64_t kRangeCount = (1 << 16) - 8;

/// No two bytes near each other are equal, and no two pages with different seeds.
Bytes page_of(std::uint64_t seed) {
    Bytes page(kPageBytes);
    for (std::size_t i = 0; i < page.size(); ++i)
        page[i] = static_cast<std::byte>((i * 7 + seed * 13) % 251 + 1);
    return page;
}

VhdxLogEntry entry_of(std::vector<VhdxLogEntry::Target> targets) {
    VhdxLogEntry entry;
    entry.log_guid = kLog;
    entry.targets = std::move(targets);
    return entry;
}

/// A disk with one block, into which its log writes pages.
VhdxImageBuilder dirty(std::uint64_t block, const std::vector<std::uint64_t>& seeds) {
    VhdxImageBuilder builder;
    builder.log_guid = kLog;
    builder.block(block, 6, kPayload);
    std::vector<VhdxLogEntry::Target> targets;
    for (const std::uint64_t seed : seeds)
        targets.push_back(
            {false, kPayload + targets.size() * kPageBytes, kPageBytes, page_of(seed)});
    return builder.content(kMiB, entry_of(std::move(targets)).build());
}

Guid numbered(std::uint64_t number) {
    return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

Bytes read(const DiskSource& disk, std::uint64_t offset, std::size_t length) {
    Bytes bytes(length);
    disk.read(offset, bytes);
    return bytes;
}

/// A log that clears as many places, not beside each other, as one may.
VhdxImageBuilder full_of_ranges() {
    VhdxImageBuilder builder;
    builder.log_guid = kLog;
    builder.log_offset = kLongLog;
    builder.log_length = 4 * kMiB;
    std::vector<VhdxLogEntry::Target> targets;
    for (std::uint64_t range = 0; range < kRangeCount; ++range)
        targets.push_back({true, kGiB + range * 2 * kPageBytes, kPageBytes, {}});
    auto entry = entry_of(std::move(targets));
    entry.last_file_offset = 2 * kGiB;
    return builder.content(kLongLog, entry.build());
}

}  // namespace

TEST_CASE("vhdx log: a page is its sector between the bytes of its descriptor", "[disk][log]") {
    const auto image = open_vhdx(dirty(0, {1, 2, 3}).build());
    Bytes expected;
    for (const std::uint64_t seed : {1, 2, 3}) {
        const Bytes page = page_of(seed);
        expected.insert(expected.end(), page.begin(), page.end());
    }
    expected.resize(expected.size() + kPageBytes);  // The file's own: nothing was written there.
    CHECK(read(*image, 0, expected.size()) == expected);
    // From and to anywhere: within the descriptor's bytes, the sector's, and over a border.
    for (const std::size_t begin : {0u, 5u, 8u, 100u, 4090u, 4096u, 8191u, 12286u}) {
        for (const std::size_t length : {1u, 4u, 11u, 4085u, 4096u, 4100u}) {
            const std::size_t count = std::min(length, expected.size() - begin);
            const auto at = expected.begin() + static_cast<std::ptrdiff_t>(begin);
            INFO(begin << " + " << count);
            CHECK(read(*image, begin, count) == Bytes(at, at + static_cast<std::ptrdiff_t>(count)));
        }
    }
}

TEST_CASE("vhdx log: of entries that write the same place the last one counts", "[disk][log]") {
    VhdxImageBuilder builder = dirty(0, {1, 2, 3, 4});
    auto second = entry_of({{true, kPayload, 3 * kPageBytes, {}},
                            {false, kPayload + kPageBytes, kPageBytes, page_of(9)}});
    second.sequence = 2;
    builder.content(kMiB + 5 * kPageBytes, second.build());
    const auto image = open_vhdx(builder.build());
    CHECK(read(*image, 0, kPageBytes) == Bytes(kPageBytes));
    CHECK(read(*image, kPageBytes, kPageBytes) == page_of(9));
    CHECK(read(*image, 2 * kPageBytes, kPageBytes) == Bytes(kPageBytes));
    CHECK(read(*image, 3 * kPageBytes, kPageBytes) == page_of(4));
}

TEST_CASE("vhdx log: a sector that changes after it was accepted is refused", "[disk][log]") {
    auto owned = dirty(0, {1, 2}).build();
    MemoryFile* file = owned.get();
    const auto image = open_vhdx(std::move(owned));
    CHECK(read(*image, 0, kPageBytes) == page_of(1));
    const std::uint64_t at = GENERATE(0u, 4u, 2000u, 4095u);
    const std::uint64_t sector = kMiB + 2 * kPageBytes;  // Behind the descriptors and page 1.
    Bytes byte = file->read_exactly(sector + at, std::size_t{1});
    byte[0] ^= std::byte{1};
    file->write(sector + at, byte);
    CHECK(read(*image, 0, kPageBytes) == page_of(1));
    try {
        read(*image, kPageBytes, kPageBytes);
        FAIL("was not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::corrupt);
        CHECK(error.message().find(fmt::format("data sector at offset {} changed", sector)) !=
              std::string::npos);
    }
}

TEST_CASE("vhdx log: every layer of a chain is read through its own", "[disk][log][chain]") {
    constexpr std::uint64_t kLayerCount = 8;
    std::vector<std::shared_ptr<const DiskImage>> layers;
    for (std::uint64_t number = 0; number < kLayerCount; ++number) {
        VhdxImageBuilder builder = dirty(number, {number, 100 + number});
        builder.data_write_guid = numbered(number);
        if (number > 0) builder.child_of(numbered(number - 1), ".\\parent.vhdx");
        layers.insert(layers.begin(), open_vhdx(builder.build(fmt::format("{}.vhdx", number))));
        // Places, not pages: two of them, and the path.
        CHECK(layers.front()->info().is_log_dirty);
        CHECK(layers.front()->info().kept_bytes <= 2 * 32 + 32);
    }
    const ImageChain chain{std::move(layers)};
    for (std::uint64_t number = 0; number < kLayerCount; ++number) {
        CHECK(read(chain, number * kBlock, kPageBytes) == page_of(number));
        CHECK(read(chain, number * kBlock + kPageBytes, kPageBytes) == page_of(100 + number));
    }
}

TEST_CASE("vhdx log: what a chain keeps of its logs has a bound", "[disk][log][chain]") {
    VhdxImageBuilder builder = full_of_ranges();
    std::vector<std::shared_ptr<const DiskImage>> layers;
    const auto add_layer = [&](std::uint64_t number) {
        builder.data_write_guid = numbered(number);
        layers.insert(layers.begin(), open_vhdx(builder.build(fmt::format("{}.vhdx", number))));
        CHECK(layers.front()->info().kept_bytes >= kRangeCount * 32);
        builder.child_of(numbered(number), ".\\p.vhdx");
    };
    for (const std::uint64_t number : {1, 2, 3})
        add_layer(number);
    CHECK(ImageChain{layers}.is_complete());
    add_layer(4);
    try {
        const ImageChain chain{layers};
        FAIL("was not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::limit);
        CHECK(error.message().find("1.vhdx is one too many") != std::string::npos);
    }
}

TEST_CASE("vhdx log: one range more than a replay may have is refused", "[disk][log]") {
    VhdxImageBuilder builder = full_of_ranges();
    std::vector<VhdxLogEntry::Target> targets;
    for (std::uint64_t range = 0; range < 9; ++range)
        targets.push_back({true, 900 * kMiB + range * 2 * kPageBytes, kPageBytes, {}});
    auto second = entry_of(std::move(targets));
    second.sequence = 2;
    const std::uint64_t first_bytes = builder.contents.at(kLongLog).size();
    builder.content(kLongLog + first_bytes, second.build());
    try {
        open_vhdx(builder.build());
        FAIL("was not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::limit);
        CHECK(error.message().find("65536 ranges") != std::string::npos);
    }
}

}  // namespace entrepot::disk
