// What images cost that are as large, or as finely cut, as the formats allow.
#include "tests/cli/image_lab.h"
#include "tests/support/vhd_image_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace entrepot;
using test::ImageLab;
using test::pattern;
using test::VhdxImageBuilder;

namespace {

constexpr std::uint64_t kMemoryBytesMax = 64 * kMiB;

constexpr std::uint64_t kStripedBytes = 128 * kMiB;

/// A child of which every other sector is its own.
VhdxImageBuilder striped_child() {
    constexpr std::uint64_t kBlock = 2 * kMiB;
    constexpr std::uint64_t kBlockCount = kStripedBytes / kBlock;
    VhdxImageBuilder builder;
    builder.size_bytes = kStripedBytes;
    builder.file_size_bytes = (5 + 2 * kBlockCount) * kMiB;
    builder.child_of(VhdxImageBuilder{}.virtual_disk_id, ".\\parent.vhdx");
    builder.bitmap(0, 4 * kMiB);
    builder.content(4 * kMiB, Bytes(kStripedBytes / 512 / 8, std::byte{0x55}));
    for (std::uint64_t block = 0; block < kBlockCount; ++block)
        builder.block(block, 7, 5 * kMiB + block * kBlock);
    return builder;
}

Guid numbered(unsigned number) {
    return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

/// Writes layers 1.avhdx to N.avhdx, each the parent of the next, as `change` makes them.
std::string write_chain(ImageLab& lab, VhdxImageBuilder builder, unsigned layer_count,
                        const std::function<void(VhdxImageBuilder&, unsigned)>& change) {
    for (unsigned number = 1; number <= layer_count; ++number) {
        builder.data_write_guid = numbered(number);
        change(builder, number);
        lab.write(fmt::format("{}.avhdx", number), builder);
        builder.child_of(numbered(number), fmt::format(".\\{}.avhdx", number));
    }
    return lab.path(fmt::format("{}.avhdx", layer_count));
}

const Guid kLog = test::guid_of("77777777-2222-4333-8444-555555555555");
constexpr std::uint64_t kLogOffset = 4 * kMiB;
constexpr std::uint64_t kLogBytes = 2 * kMiB;
/// Entries of the 126 pages whose descriptors fill a sector, one of which the header takes.
constexpr std::size_t kPagesInEntry = 126;
constexpr std::size_t kPagesInLog = kLogBytes / 4096 / (kPagesInEntry + 1) * kPagesInEntry;

/// A page of a layer's block; the block's last pages are not logged.
Bytes logged_page(unsigned layer, std::size_t page) {
    Bytes bytes(4096, static_cast<std::byte>(layer));
    store_u64(bytes, 0, page + 1);
    store_u32(bytes, 4092, layer * 1000);
    return bytes;
}

/// One block of two MiB, whose content is in the log, which is full.
void fill_log(VhdxImageBuilder& builder, unsigned layer) {
    constexpr std::uint64_t kPayload = kLogOffset + kLogBytes;
    builder.log_guid = kLog;
    builder.log_offset = kLogOffset;
    builder.log_length = kLogBytes;
    builder.file_size_bytes = kPayload + test::kBlock;
    builder.bat.clear();
    builder.block(layer - 1, 6, kPayload);
    std::uint64_t at = kLogOffset;
    test::VhdxLogEntry entry;
    entry.log_guid = kLog;
    for (std::size_t page = 0; page < kPagesInLog;) {
        for (std::size_t index = 0; index < kPagesInEntry; ++index, ++page)
            entry.targets.push_back(
                {false, kPayload + page * 4096, 4096, logged_page(layer, page)});
        Bytes bytes = entry.build();
        const std::uint64_t length = bytes.size();
        builder.content(at, std::move(bytes));
        at += length;
        ++entry.sequence;
        entry.targets.clear();
    }
}

/// A log of nothing but cleared places, as many as one may have.
void fill_log_with_ranges(VhdxImageBuilder& builder) {
    builder.log_guid = kLog;
    builder.log_offset = kLogOffset;
    builder.log_length = kLogBytes;
    test::VhdxLogEntry entry;
    entry.log_guid = kLog;
    entry.last_file_offset = 2 * kGiB;
    for (std::uint64_t range = 0; range < (1 << 16) - 8; ++range)
        entry.targets.push_back({true, kGiB + range * 8 * kKiB, 4096, {}});
    builder.content(kLogOffset, entry.build());
}

/// A log that changes as many pages, and clears as many ranges, as one may.
VhdxImageBuilder long_log() {
    constexpr std::uint64_t kPageCount = 24 * kMiB / 4096;
    constexpr std::uint64_t kRangeCount = (1 << 16) - kPageCount - 8;
    constexpr std::uint64_t kTargets = 256 * kMiB;
    VhdxImageBuilder builder;
    builder.log_guid = test::guid_of("77777777-2222-4333-8444-555555555555");
    builder.log_offset = 16 * kMiB;
    builder.log_length = 64 * kMiB;
    builder.file_size_bytes = 80 * kMiB;
    std::uint64_t at = builder.log_offset;
    std::uint64_t target = kTargets;
    test::VhdxLogEntry entry;
    entry.log_guid = builder.log_guid;
    entry.last_file_offset = 1024 * kMiB;
    const auto put = [&] {
        Bytes bytes = entry.build();
        const std::uint64_t length = bytes.size();
        builder.content(at, std::move(bytes));
        at += length;
        ++entry.sequence;
        entry.targets.clear();
    };
    for (std::uint64_t page = 0; page < kPageCount; ++page, target += 8 * kKiB) {
        entry.targets.push_back({false, target, 4096, pattern(4096)});
        put();
    }
    for (std::uint64_t range = 0; range < kRangeCount; ++range, target += 8 * kKiB)
        entry.targets.push_back({true, target, 4096, {}});
    put();
    return builder;
}

}  // namespace

TEST_CASE("image cli: 64 TiB in small blocks cost little memory", "[cli]") {
    ImageLab lab;
    VhdxImageBuilder builder;
    builder.size_bytes = 64 * kTiB;
    builder.block_size_bytes = kMiB;
    builder.bat_length = 513 * kMiB;
    builder.file_size_bytes = 520 * kMiB;
    const std::uint64_t last = 64 * kTiB / kMiB - 1;
    builder.block(5, 6, 517 * kMiB).block(last / 2, 2).block(last, 6, 519 * kMiB);
    builder.content(517 * kMiB, pattern(kMiB)).content(519 * kMiB, pattern(kMiB));
    lab.write("large.vhdx", builder);

    const auto nothing = lab.measure({"--help"});
    const auto opened = lab.measure({"read", lab.path("large.vhdx"), "--offset",
                                     std::to_string(last * kMiB), "--length", "512"});
    REQUIRE(opened.status == 0);
    CHECK((as_bytes(opened.out)[511] == pattern(512)[511]));
    CHECK(opened.peak_memory_bytes < nothing.peak_memory_bytes + 8 * kMiB);

    const std::vector<std::vector<std::string>> commands{
        {"info", lab.path("large.vhdx")},
        {"map", lab.path("large.vhdx")},
        {"check", lab.path("large.vhdx")},
        {"convert", lab.path("large.vhdx"), lab.path("copy.vhdx"), "--format", "vhdx"},
        {"compare", lab.path("large.vhdx"), lab.path("copy.vhdx")},
    };
    for (const auto& command : commands) {
        const auto finished = lab.measure(command);
        INFO(command.front() << ": " << finished.err << finished.peak_memory_bytes);
        CHECK(finished.status == 0);
        CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
    }
    const Json info = lab.json({"info", lab.path("large.vhdx")});
    CHECK(info.at("bytes").at("data") == 2 * kMiB);
    const Json check = lab.json({"check", lab.path("large.vhdx")});
    CHECK(check.at("layers").at(0).at("blocks").at("not_present") == last - 2);
    CHECK(check.at("layers").at(0).at("blocks").at("leaked_bytes") == 2 * kMiB);
}

TEST_CASE("image cli: a long chain of full tables costs little memory", "[cli]") {
    // No block of any layer is there, yet no entry is zero: each table has to be read as a whole.
    constexpr unsigned kLayerCount = 64;
    constexpr std::uint32_t kTableBytes = 2 * kMiB;
    VhdxImageBuilder builder;
    builder.size_bytes = 500 * kGiB;
    builder.bat_length = kTableBytes;
    builder.file_size_bytes = builder.bat_offset + kTableBytes;
    Bytes table(kTableBytes);
    for (std::size_t entry = 0; entry < kTableBytes; entry += 8)
        table[entry + 2] = std::byte{0x10};  // State 0, and an offset that means nothing.
    builder.content(builder.bat_offset, std::move(table));
    const auto numbered = [](unsigned number) {
        return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
    };
    ImageLab lab;
    for (unsigned number = 1; number <= kLayerCount; ++number) {
        builder.data_write_guid = numbered(number);
        lab.write(fmt::format("{}.avhdx", number), builder);
        builder.child_of(numbered(number), fmt::format(".\\{}.avhdx", number));
    }
    const std::string leaf = lab.path(fmt::format("{}.avhdx", kLayerCount));
    for (const char* command : {"info", "map"}) {
        const auto finished = lab.measure({command, leaf, "--json"});
        INFO(command << ": " << finished.err << finished.peak_memory_bytes);
        REQUIRE(finished.status == 0);
        CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
    }
}

TEST_CASE("image cli: extents are written as they are found", "[cli]") {
    ImageLab lab;
    lab.write("striped.avhdx", striped_child());
    const auto map = lab.measure({"map", lab.path("striped.avhdx"), "--json"});
    REQUIRE(map.status == 0);
    CHECK(map.peak_memory_bytes < kMemoryBytesMax);
    const Json document = parse_json(map.out, "standard output");
    REQUIRE(document.at("extents").size() == kStripedBytes / 512);
    CHECK(document.at("extents").at(3) ==
          Json{{"offset", 1536}, {"length", 512}, {"kind", "parent"}});
    CHECK(document.at("size_bytes") == kStripedBytes);
    const auto table = lab.measure({"map", lab.path("striped.avhdx")});
    CHECK(table.peak_memory_bytes < kMemoryBytesMax);
    CHECK(std::count(table.out.begin(), table.out.end(), '\n') == kStripedBytes / 512 + 1);
}

TEST_CASE("image cli: a document of read bytes has a bound", "[cli]") {
    ImageLab lab;
    lab.write("disk.vhdx", VhdxImageBuilder{});
    const std::vector<std::string> read{"read", lab.path("disk.vhdx"), "--offset", "0", "--json"};
    auto most = read;
    most.insert(most.end(), {"--length", std::to_string(4 * kMiB)});
    const auto finished = lab.measure(most);
    CHECK(finished.status == 0);
    CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
    auto more = read;
    more.insert(more.end() - 1, {"--length", std::to_string(4 * kMiB + 1)});
    more.pop_back();
    CHECK(lab.json(more, 1).contains("error"));
}

TEST_CASE("image cli: the entries of a VHD are sorted in little memory", "[cli]") {
    ImageLab lab;
    // Blocks of two sectors: as many entries as are sorted at once, and one more.
    constexpr std::uint64_t kBlockCount = (1 << 23) + 1;
    test::VhdImageBuilder builder;
    builder.size_bytes = kBlockCount * 512;
    builder.block_size_bytes = 512;
    builder.file_size_bytes = 64 * kMiB + kBlockCount * 1024;
    builder.table_offset = 4096;
    Bytes table(kBlockCount * 4);
    for (std::uint64_t block = 0; block < kBlockCount; ++block) {
        const std::uint64_t sector = 64 * kMiB / 512 + 2 * block;
        test::VhdImageBuilder::put(table, 4 * block, sector, 4);
    }
    builder.content(builder.table_offset, std::move(table));
    lab.write("fine.vhd", builder);
    const auto finished = lab.measure({"check", lab.path("fine.vhd"), "--json"});
    INFO(finished.out << finished.err << finished.peak_memory_bytes);
    CHECK(finished.status == 0);
    CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
    CHECK(finished.out.find("overlaps and leaks are not looked for") != std::string::npos);
}

TEST_CASE("image cli: the longest log that is replayed costs little memory", "[cli]") {
    ImageLab lab;
    lab.write("dirty.vhdx", long_log());
    for (const char* command : {"map", "check"}) {
        const auto finished = lab.measure({command, lab.path("dirty.vhdx")});
        INFO(command << ": " << finished.out << finished.err << finished.peak_memory_bytes);
        CHECK(finished.status == 0);
        CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
    }
}

TEST_CASE("image cli: a long chain of full dirty logs costs little memory", "[cli]") {
    // 126 MiB of pages: they are read where they lie.
    constexpr unsigned kLayerCount = 64;
    ImageLab lab;
    VhdxImageBuilder builder;
    builder.size_bytes = kLayerCount * test::kBlock;
    const std::string leaf = write_chain(lab, builder, kLayerCount, fill_log);
    const std::vector<std::vector<std::string>> commands{
        {"map", leaf},
        {"info", leaf, "--json"},
        {"convert", leaf, lab.path("disk.raw"), "--format", "raw"},
        {"compare", leaf, lab.path("disk.raw")},
        {"check", leaf},
    };
    for (const auto& command : commands) {
        const auto finished = lab.measure(command);
        INFO(command.front() << ": " << finished.out << finished.err << finished.peak_memory_bytes);
        CHECK(finished.status == 0);
        CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
    }
    const Bytes disk = lab.read("disk.raw");
    REQUIRE(disk.size() == builder.size_bytes);
    for (unsigned layer = 1; layer <= kLayerCount; ++layer) {
        const ByteView block = ByteView{disk}.subspan((layer - 1) * test::kBlock, test::kBlock);
        for (std::size_t page = 0; page < kPagesInLog; page += 101) {
            const Bytes expected = logged_page(layer, page);
            const ByteView found = block.subspan(page * 4096, 4096);
            REQUIRE(std::equal(found.begin(), found.end(), expected.begin()));
        }
        REQUIRE(is_zero(block.subspan(kPagesInLog * 4096)));
    }
}

TEST_CASE("image cli: a chain whose logs change too many places is refused in little memory",
          "[cli]") {
    ImageLab lab;
    VhdxImageBuilder builder;
    fill_log_with_ranges(builder);
    const std::string leaf = write_chain(lab, builder, 24, [](auto&, unsigned) {});
    for (const auto& [image, status] : {std::pair{lab.path("3.avhdx"), 0}, std::pair{leaf, 1}}) {
        for (const char* command : {"map", "info"}) {
            const auto finished = lab.measure({command, image, "--json"});
            INFO(command << ": " << finished.err << finished.peak_memory_bytes);
            CHECK(finished.status == status);
            CHECK(finished.peak_memory_bytes < kMemoryBytesMax);
            const bool is_refused =
                finished.out.find("one too many to be open together") != std::string::npos;
            CHECK(is_refused == (status != 0));
        }
    }
}

TEST_CASE("image cli: a long chain of long headers costs little memory", "[cli]") {
    constexpr unsigned kLayerCount = 64;
    ImageLab lab;
    VhdxImageBuilder builder;
    SECTION("three paths as long as a path can be, of letters that JSON makes longer") {
        write_chain(lab, builder, kLayerCount, [](VhdxImageBuilder& layer, unsigned) {
            if (layer.locator.empty()) return;
            const std::string path(32'000, '\x01');
            layer.locator[1].second = path;
            layer.locator.emplace_back("absolute_win32_path", path);
            layer.locator.emplace_back("volume_path", path);
        });
    }
    SECTION("as many regions as a table can have") {
        for (unsigned number = 0; number < 2000; ++number)
            builder.more_regions.push_back(
                {numbered(1000 + number), (16 + number) * kMiB, kMiB, 0});
        builder.file_size_bytes = (16 + 2000) * kMiB;
        write_chain(lab, builder, kLayerCount, [](auto&, unsigned) {});
    }
    const auto map = lab.measure({"map", lab.path("64.avhdx"), "--json"});
    INFO(map.err << map.peak_memory_bytes);
    CHECK(map.status == 0);
    CHECK(map.peak_memory_bytes < kMemoryBytesMax);
    for (const auto& [name, status] : {std::pair{"2.avhdx", 0}, std::pair{"64.avhdx", 1}}) {
        const auto info = lab.measure({"info", lab.path(name), "--json"});
        INFO(name << ": " << info.err << info.peak_memory_bytes);
        CHECK(info.status == status);
        CHECK(info.peak_memory_bytes < kMemoryBytesMax);
        const bool is_refused = info.out.find("hold too much to be shown") != std::string::npos;
        CHECK(is_refused == (status != 0));
    }
}
