// Which image is whose parent, and what a chain reads as.
#include "storage/disk/image_chain.h"

#include "storage/disk/image_report.h"

#include "base/error.h"
#include "tests/support/vhdx_image_builder.h"

#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

namespace entrepot::disk {
namespace {

using test::VhdxImageBuilder;
using ImagePointer = std::shared_ptr<const DiskImage>;

Guid numbered(unsigned number) {
    return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

VhdxImageBuilder image_of(unsigned number) {
    VhdxImageBuilder builder;
    builder.data_write_guid = numbered(number);
    return builder;
}

VhdxImageBuilder child_of(unsigned number, unsigned parent, const std::string& parent_name) {
    VhdxImageBuilder builder = image_of(number);
    builder.child_of(numbered(parent), ".\\" + parent_name);
    return builder;
}

ImagePointer open_as(const VhdxImageBuilder& builder, const std::string& name) {
    return open_vhdx(builder.build(name));
}

template <typename Body>
Error error_of(const Body& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    return Error{ErrorCode::internal, "nothing was thrown"};
}

}  // namespace

TEST_CASE("chains: images find their parents by identity, whatever their names", "[disk][chain]") {
    const auto base = open_as(image_of(1), "x.vhdx");
    const auto middle = open_as(child_of(2, 1, "base.vhdx"), "y.avhdx");
    const auto leaf = open_as(child_of(3, 2, "middle.avhdx"), "z.avhdx");
    const auto other = open_as(image_of(9), "other.vhdx");

    const auto chains = build_chains({leaf, other, base, middle});
    REQUIRE(chains.size() == 2);
    CHECK(chains[0].layers() == std::vector<ImagePointer>{leaf, middle, base});
    CHECK(chains[0].is_complete());
    CHECK(&chains[1].leaf() == other.get());
    CHECK(build_chain_of(middle, {base, leaf}).layers() == std::vector<ImagePointer>{middle, base});
}

TEST_CASE("chains: two children may share a parent", "[disk][chain]") {
    const auto base = open_as(image_of(1), "base.vhdx");
    const auto first = open_as(child_of(2, 1, "base.vhdx"), "a.avhdx");
    const auto second = open_as(child_of(3, 1, "base.vhdx"), "b.avhdx");
    CHECK(build_chains({base, first, second}).size() == 2);
}

TEST_CASE("chains: linkage2 counts if it is not null", "[disk][chain]") {
    VhdxImageBuilder child = child_of(2, 7, "base.vhdx");
    child.locator.emplace_back("parent_linkage2", "{" + numbered(1).to_string() + "}");
    const auto base = open_as(image_of(1), "elsewhere.vhdx");
    CHECK(is_parent_of(base->info(), open_as(child, "leaf.avhdx")->info()));

    child.locator.back().second = "{" + Guid{}.to_string() + "}";
    VhdxImageBuilder nameless = image_of(1);
    nameless.data_write_guid = Guid{};
    const auto without_identity = open_as(nameless, "elsewhere.vhdx");
    CHECK_FALSE(is_parent_of(without_identity->info(), open_as(child, "leaf.avhdx")->info()));
}

TEST_CASE("chains: a fitting name with another identity is an error, not a parent",
          "[disk][chain]") {
    const auto leaf = open_as(child_of(2, 7, "BASE.vhdx"), "dir/leaf.avhdx");
    const auto stranger = open_as(image_of(1), "dir/base.vhdx");
    CHECK(error_of([&] { build_chains({leaf, stranger}); }).code() == ErrorCode::parent_mismatch);
    CHECK(error_of([&] { build_chain_of(leaf, {stranger}); }).code() == ErrorCode::parent_mismatch);
    CHECK(error_of([&] { ImageChain{{leaf, stranger}}; }).code() == ErrorCode::parent_mismatch);

    // Equal names in another directory are another disk's.
    const auto elsewhere = open_as(image_of(1), "other/base.vhdx");
    const auto chains = build_chains({leaf, elsewhere});
    REQUIRE(chains.size() == 2);
    CHECK_FALSE(chains[0].is_complete());
}

TEST_CASE("chains: rings, own parents, depth and sector sizes are refused", "[disk][chain]") {
    const auto ring_a = open_as(child_of(1, 2, "b.vhdx"), "a.vhdx");
    const auto ring_b = open_as(child_of(2, 1, "a.vhdx"), "b.vhdx");
    CHECK(error_of([&] { build_chains({ring_a, ring_b}); }).code() == ErrorCode::corrupt);
    CHECK(error_of([&] { build_chain_of(ring_a, {ring_b, ring_a}); }).code() == ErrorCode::corrupt);
    const auto own = open_as(child_of(5, 5, "own.vhdx"), "own.vhdx");
    CHECK(error_of([&] { build_chains({own}); }).code() == ErrorCode::corrupt);

    VhdxImageBuilder wide = image_of(1);
    wide.logical_sector_size = 4096;
    const auto leaf = open_as(child_of(2, 1, "base.vhdx"), "leaf.avhdx");
    CHECK(error_of([&] {
              build_chains({leaf, open_as(wide, "base.vhdx")});
          }).code() == ErrorCode::parent_mismatch);

    std::vector<ImagePointer> deep{open_as(image_of(1), "1.vhdx")};
    for (unsigned depth = 2; depth <= kChainDepthMax + 1; ++depth) {
        const std::string parent = fmt::format("{}.vhdx", depth - 1);
        deep.push_back(open_as(child_of(depth, depth - 1, parent), fmt::format("{}.vhdx", depth)));
    }
    CHECK(error_of([&] { build_chains(deep); }).code() == ErrorCode::limit);
    deep.pop_back();
    CHECK(build_chains(deep).size() == 1);
}

TEST_CASE("chains: beyond a smaller parent a child reads zeros", "[disk][chain]") {
    VhdxImageBuilder base = image_of(1);
    base.size_bytes = 4 * kMiB;
    base.block(0, 6, 8 * kMiB).block(1, 6, 10 * kMiB);
    base.content(8 * kMiB, Bytes(4 * kMiB, std::byte{0x77}));
    VhdxImageBuilder child = child_of(2, 1, "base.vhdx");
    child.size_bytes = 10 * kMiB;
    const ImageChain chain{{open_as(child, "leaf.vhdx"), open_as(base, "base.vhdx")}};
    CHECK(map_extents(chain, 10) ==
          std::vector<DiskExtent>{{0, 4 * kMiB, ExtentKind::data},
                                  {4 * kMiB, 6 * kMiB, ExtentKind::zero}});
    Bytes across(kMiB);
    chain.read(4 * kMiB - 512 * kKiB, across);
    CHECK(across[512 * kKiB - 1] == std::byte{0x77});
    CHECK(across[512 * kKiB] == std::byte{0});
}

TEST_CASE("chains: several threads read one chain", "[disk][chain]") {
    VhdxImageBuilder base = image_of(1);
    base.size_bytes = 2 * kTiB;  // A table of many pages, so that the cache has to drop some.
    base.bat_length = 9 * kMiB;
    base.file_size_bytes = 64 * kMiB;
    const std::uint64_t block_count = base.size_bytes / base.block_size_bytes;
    for (std::uint64_t block = 0; block < block_count; block += 997) {
        base.block(block, 6, 32 * kMiB + block % 13 * base.block_size_bytes);
    }
    for (unsigned i = 0; i < 13; ++i) {
        const std::uint64_t offset = 32 * kMiB + i * base.block_size_bytes;
        base.content(offset, Bytes(4096, static_cast<std::byte>(i + 1)));
    }
    VhdxImageBuilder child = child_of(2, 1, "base.vhdx");
    child.size_bytes = base.size_bytes;
    child.bat_length = base.bat_length;
    const ImageChain chain{{open_as(child, "leaf.vhdx"), open_as(base, "base.vhdx")}};
    std::atomic<int> wrong_count{0};
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            Bytes buffer(4096);
            for (std::uint64_t i = 0; i < 2000; ++i) {
                const std::uint64_t block = (i * (thread + 3)) % (block_count / 997) * 997;
                const std::uint64_t offset = block * base.block_size_bytes;
                const bool is_data = chain.extent_at(offset, kMiB).kind == ExtentKind::data;
                chain.read(offset, buffer);
                if (!is_data || buffer[9] != static_cast<std::byte>(block % 13 + 1)) ++wrong_count;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(wrong_count == 0);
}

TEST_CASE("chains: the extents of a large sparse chain cost no more than its tables",
          "[disk][chain]") {
    VhdxImageBuilder base = image_of(1);
    base.size_bytes = kTiB;
    base.bat_length = 5 * kMiB;
    base.file_size_bytes = 32 * kMiB;
    VhdxImageBuilder child = child_of(2, 1, "base.vhdx");
    child.size_bytes = kTiB;
    child.bat_length = 5 * kMiB;
    child.file_size_bytes = 32 * kMiB;
    // The base alternates all along, below a child that says nothing.
    const std::uint64_t block_count = kTiB / base.block_size_bytes;
    for (std::uint64_t block = 0; block < block_count; block += 2)
        base.block(block, 3);
    const ImageChain chain{{open_as(child, "leaf.vhdx"), open_as(base, "base.vhdx")}};
    CHECK(map_extents(chain, 1'000'000).size() == block_count);
}

TEST_CASE("report: info tells what is needed and counts bytes by kind", "[disk][report]") {
    VhdxImageBuilder child = child_of(2, 1, "base.vhdx");
    child.block(0, 6, 8 * kMiB).block(1, 2).block(2, 3);
    child.content(8 * kMiB, Bytes(2 * kMiB, std::byte{1}));
    NullProgress progress;
    const Json info = image_info_json(ImageChain{{open_as(child, "leaf.vhdx")}}, Work{progress});
    CHECK(info["complete"] == false);
    CHECK(info["needs"]["name"] == "base.vhdx");
    CHECK(info["bytes"]["data"] == 2 * kMiB);
    CHECK(info["bytes"]["zero"] == 2 * kMiB);
    CHECK(info["bytes"]["unmapped"] == 2 * kMiB);
    CHECK(info["bytes"]["parent"] == 58 * kMiB);
    CHECK(info["layers"][0]["type"] == "differencing");
    CHECK(info["layers"][0]["parent"]["linkage"] == numbered(1).to_string());
}

TEST_CASE("report: comparing finds the sectors that differ", "[disk][report]") {
    VhdxImageBuilder first = image_of(1);
    first.block(1, 6, 8 * kMiB).block(3, 6, 10 * kMiB);
    first.content(8 * kMiB, Bytes(2 * kMiB, std::byte{1}));
    first.content(10 * kMiB, Bytes(kMiB, std::byte{1}));
    VhdxImageBuilder second = first;
    second.size_bytes = 60 * kMiB;
    second.contents[8 * kMiB][5] = std::byte{2};
    second.block(3, 2);
    NullProgress progress;
    const Work work{progress};
    const auto a = open_as(first, "a.vhdx");
    const auto b = open_as(second, "b.vhdx");
    const DiskComparison result = compare_disks(*a, *b, work);
    CHECK(result.ranges == std::vector<DifferingRange>{{2 * kMiB, 512}, {6 * kMiB, kMiB}});
    CHECK(result.differing_bytes == kMiB + 512);
    CHECK_FALSE(result.is_equal());
    CHECK(compare_disks(*a, *a, work).is_equal());
}

}  // namespace entrepot::disk
