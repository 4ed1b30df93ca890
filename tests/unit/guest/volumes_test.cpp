// Partition tables, whole and broken, and what is recognised in the volumes.
#include "storage/guest/volumes.h"

#include "storage/guest_model/name.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/memory_source.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace entrepot;
using guest::VolumeContent;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSector = 512;

struct MbrEntry {
    std::uint8_t type;
    std::uint32_t first;
    std::uint32_t count;
};

void put_record(Bytes& disk, std::size_t sector, const std::vector<MbrEntry>& entries) {
    const std::size_t base = sector * kSector;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::size_t at = base + 446 + 16 * i;
        disk[at + 4] = static_cast<std::byte>(entries[i].type);
        store_u32(disk, at + 8, entries[i].first);
        store_u32(disk, at + 12, entries[i].count);
    }
    disk[base + 510] = std::byte{0x55};
    disk[base + 511] = std::byte{0xAA};
}

void put_text(Bytes& disk, std::size_t offset, std::string_view text) {
    std::ranges::copy(as_bytes(text), disk.begin() + static_cast<std::ptrdiff_t>(offset));
}

guest::VolumeTable volumes_of(const Bytes& disk, std::uint32_t sector_size = kSector) {
    return guest::read_volumes(test::MemorySource{disk, sector_size});
}

}  // namespace

TEST_CASE("volumes: primary and logical partitions are numbered as Linux does", "[guest]") {
    Bytes disk(2000 * kSector);
    put_record(disk, 0, {{0x07, 10, 100}, {0x0F, 200, 1000}, {0x83, 1500, 100}});
    put_record(disk, 200, {{0x83, 10, 50}, {0x05, 300, 200}});
    put_record(disk, 500, {{0x82, 20, 30}});
    put_text(disk, 10 * kSector + 3, "NTFS    ");
    const auto table = volumes_of(disk);
    CHECK(table.scheme == "mbr");
    CHECK(table.notices.empty());
    REQUIRE(table.volumes.size() == 4);
    CHECK(table.volumes[0].number == 1);
    CHECK(table.volumes[0].content == VolumeContent::ntfs);
    CHECK(table.volumes[1].number == 3);
    CHECK(table.volumes[2].number == 5);
    CHECK(table.volumes[2].offset == 210 * kSector);
    CHECK(table.volumes[3].number == 6);
    CHECK(table.volumes[3].offset == 520 * kSector);
    CHECK(table.volumes[3].length == 30 * kSector);
}

TEST_CASE("volumes: what a disk held before it was partitioned is not offered", "[guest]") {
    using Row = std::tuple<std::size_t, std::string>;
    const auto [offset, text] = GENERATE(values<Row>({
        {1024 + 56, "\x53\xEF"},
        {65536 + 64, "_BHRfS_M"},
        {4086, "SWAPSPACE2"},
        {4096, "\xfc\x4e\x2b\xa9"},
    }));
    Bytes disk(2000 * kSector);
    put_record(disk, 0, {{0x07, 200, 1000}});
    put_text(disk, 200 * kSector + 3, "NTFS    ");
    put_text(disk, offset, text);
    const auto table = volumes_of(disk);
    CHECK(table.scheme == "mbr");
    REQUIRE(table.volumes.size() == 1);
    CHECK(table.volumes.front().content == VolumeContent::ntfs);
    REQUIRE(table.notices.size() == 1);
    CHECK(table.notices.front().find("before it was partitioned") != std::string::npos);
}

TEST_CASE("volumes: a boot sector that looks like a table is a file system", "[guest]") {
    Bytes disk(2000 * kSector);
    put_record(disk, 0, {{0x07, 200, 1000}});
    put_text(disk, 3, "NTFS    ");
    const auto table = volumes_of(disk);
    CHECK(table.scheme == "none");
    REQUIRE(table.volumes.size() == 1);
    CHECK(table.volumes.front().content == VolumeContent::ntfs);
}

TEST_CASE("volumes: a circle of logical partitions ends, and is told (F-RS-08)", "[guest]") {
    Bytes disk(2000 * kSector);
    put_record(disk, 0, {{0x05, 200, 1000}});
    put_record(disk, 200, {{0x83, 10, 50}, {0x05, 300, 200}});
    put_record(disk, 500, {{0x83, 10, 50}, {0x05, 0, 200}});
    const auto table = volumes_of(disk);
    CHECK(table.volumes.size() == 2);
    REQUIRE(table.notices.size() == 1);
    CHECK(table.notices.front().find("circle") != std::string::npos);
}

TEST_CASE("volumes: partitions beyond the end, and on each other, are told (F-RS-08)", "[guest]") {
    Bytes disk(1000 * kSector);
    put_record(disk, 0,
               {{0x07, 10, 500}, {0x83, 400, 100}, {0x83, 900, 0xFFFFFFFF}, {0x83, 5000, 10}});
    const auto table = volumes_of(disk);
    REQUIRE(table.volumes.size() == 4);
    CHECK(table.volumes[0].notice.empty());
    CHECK(table.volumes[1].notice == "it overlaps partition 1");
    CHECK(table.volumes[2].length == 100 * kSector);
    CHECK(table.volumes[2].notice == "the partition goes on beyond the end of the disk");
    CHECK(table.volumes[3].length == 0);
    CHECK(table.volumes[3].notice == "the partition lies beyond the end of the disk");
}

TEST_CASE("volumes: what cannot be read is recognised and named", "[guest]") {
    using Row = std::tuple<std::size_t, std::string, VolumeContent>;
    const auto [offset, text, content] = GENERATE(values<Row>({
        {3, "-FVE-FS-", VolumeContent::bitlocker},
        {3, std::string{"ReFS\0\0\0\0", 8}, VolumeContent::refs},
        {3, "EXFAT   ", VolumeContent::exfat},
        {0, "LUKS\xba\xbe", VolumeContent::luks},
        {65536 + 64, "_BHRfS_M", VolumeContent::btrfs},
        {4086, "SWAPSPACE2", VolumeContent::swap},
        {4096, "\xfc\x4e\x2b\xa9", VolumeContent::md_raid},
        {0, "nothing", VolumeContent::unknown},
    }));
    Bytes disk(1000 * kSector);
    put_record(disk, 0, {{0x83, 100, 500}});
    put_text(disk, 100 * kSector + offset, text);
    const auto table = volumes_of(disk);
    REQUIRE(table.volumes.size() == 1);
    CHECK(table.volumes[0].content == content);
    CHECK_FALSE(guest::reason_unreadable(content).empty());
}

TEST_CASE("volumes: LVM, dynamic disks and an empty partition have their names", "[guest]") {
    Bytes disk(1000 * kSector);
    put_record(disk, 0, {{0x8E, 100, 100}, {0x42, 300, 100}, {0x83, 500, 100}});
    put_text(disk, 101 * kSector, "LABELONE");
    put_text(disk, 101 * kSector + 24, "LVM2 001");
    const auto table = volumes_of(disk);
    REQUIRE(table.volumes.size() == 3);
    CHECK(table.volumes[0].content == VolumeContent::lvm);
    CHECK(table.volumes[1].content == VolumeContent::dynamic_disk);
    CHECK(table.volumes[2].content == VolumeContent::empty);
}

TEST_CASE("volumes: a GPT with names and types; its second copy where the first is damaged",
          "[guest]") {
    const std::uint32_t sector_size = 512;
    test::TemporaryDirectory directory;
    const fs::path image = directory.path() / "disk";
    test::shell("truncate -s 16M " + test::shell_quoted(image));
    test::shell(
        "sgdisk -n1:2048:+2M -t1:0700 -c1:'Basic «data»' -n3:0:+2M -t3:8300 -c3:linux "
        "-n4:0:+1M -t4:0C01 -n5:0:+1M -t5:4200 " +
        test::shell_quoted(image));
    Bytes bytes = test::read_whole(image);
    const auto table = volumes_of(bytes, sector_size);
    CHECK(table.scheme == "gpt");
    CHECK(table.notices.empty());
    REQUIRE(table.volumes.size() == 4);
    CHECK(table.volumes[0].number == 1);
    CHECK(table.volumes[0].name == "Basic «data»");
    CHECK(table.volumes[0].offset == kMiB);
    CHECK(table.volumes[0].length == 2 * kMiB);
    CHECK(table.volumes[1].number == 3);
    CHECK(table.volumes[2].content == VolumeContent::reserved);
    CHECK(table.volumes[3].content == VolumeContent::dynamic_disk);

    bytes[sector_size * 2 + 5] ^= std::byte{1};  // In the first table.
    const auto second = volumes_of(bytes, sector_size);
    CHECK(second.volumes.size() == 4);
    REQUIRE(second.notices.size() == 1);
    CHECK(second.notices[0].find("second is used") != std::string::npos);

    bytes[bytes.size() - sector_size + 20] ^= std::byte{1};  // In the second header.
    const auto none = volumes_of(bytes, sector_size);
    CHECK(none.volumes.empty());
    CHECK(none.notices == std::vector<std::string>{"both copies of the GPT are damaged"});
}

TEST_CASE("volumes: tables of chance never do more than be read", "[guest]") {
    const std::uint32_t seed = GENERATE(range(1U, 200U));
    std::mt19937 engine{seed};
    Bytes disk(600 * kSector);
    put_record(disk, 0, {{0x05, 1, 599}, {0x07, 5, 9}});
    for (int i = 0; i < 2000; ++i)
        disk[engine() % disk.size()] = static_cast<std::byte>(engine());
    for (std::size_t sector = 0; sector < 600; ++sector) {
        if (engine() % 2 == 0) continue;
        disk[sector * kSector + 510] = std::byte{0x55};
        disk[sector * kSector + 511] = std::byte{0xAA};
        for (std::size_t i = 0; i < 4; ++i) {
            disk[sector * kSector + 446 + 16 * i] = std::byte{0};
            disk[sector * kSector + 446 + 16 * i + 4] =
                engine() % 2 == 0 ? std::byte{0x05} : std::byte{0x83};
            store_u32(disk, sector * kSector + 446 + 16 * i + 8,
                      static_cast<std::uint32_t>(engine() % 600));
        }
    }
    for (const auto& volume : volumes_of(disk).volumes) {
        CHECK(volume.offset <= disk.size());
        CHECK(volume.length <= disk.size() - volume.offset);
    }
}

TEST_CASE("names: what is escaped can be told, what is shown is harmless (F-RS-03)", "[guest]") {
    using Row = std::tuple<std::string, std::string>;
    const auto [raw, shown] = GENERATE(values<Row>({
        {"plain", "plain"},
        {"日本語", "日本語"},
        {"a/b", "a\\x2fb"},
        {"a\\b", "a\\x5cb"},
        {"line\nend", "line\\x0aend"},
        {"\x1b[31m", "\\x1b[31m"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xc0\xaf", "\\xc0\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"a\xe2\x80\xae"
         "b",
         "a\\xe2\\x80\\xaeb"},
        {"\xc2\x85", "\\xc2\\x85"},
        {"<script>", "<script>"},
    }));
    CHECK(guest::escape_name(raw) == shown);
    CHECK(guest::is_shown_name(shown));
    CHECK_FALSE(guest::is_shown_name("a/b"));
    CHECK_FALSE(guest::is_shown_name("a\\b"));
    CHECK_FALSE(guest::is_shown_name("a\\x00"));
    CHECK_FALSE(guest::is_shown_name(".."));
    CHECK_FALSE(guest::is_shown_name(""));
    CHECK_FALSE(guest::is_shown_name("a\nb"));
    CHECK_THROWS_AS(guest::split_path("/a/../b"), Error);
    CHECK(guest::split_path("/a//b/") == std::vector<std::string>{"a", "b"});
}
