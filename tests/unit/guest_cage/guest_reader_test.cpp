// Files through the real worker; whatever a disk holds, its parent lives on and says why not.
#include "storage/guest_client/guest_reader.h"

#include "storage/guest_model/limits.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/memory_source.h"

#include "base/clock.h"
#include "base/error.h"

#include <catch2/catch.hpp>

#include <signal.h>

#include <chrono>
#include <functional>
#include <random>

using namespace entrepot;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Lab {
    SystemClock clock;
    test::TemporaryDirectory directory;
    fs::path image = directory.path() / "image";
    fs::path folder = directory.path() / "folder";
    guest::GuestReaderOptions options{guest::find_worker_program(), 20s};
    Lab() { fs::create_directory(folder); }
    guest::GuestReader open(std::shared_ptr<const disk::DiskSource> disk) {
        return guest::GuestReader{clock, std::move(disk), options};
    }
};

Bytes read_file(guest::GuestReader& reader, const std::string& path) {
    const auto status = reader.status(0, path);
    Bytes content;
    while (content.size() < status.entry.size_bytes) {
        const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(
            guest::limits::kReadBytesMax, status.entry.size_bytes - content.size()));
        const Bytes piece = reader.read(0, path, "", {content.size(), length});
        content.insert(content.end(), piece.begin(), piece.end());
    }
    return content;
}

// A disk of which a part cannot be read.
class FailingDisk final : public disk::DiskSource {
public:
    FailingDisk(const fs::path& path, std::uint64_t bad_begin, std::uint64_t bad_end)
        : disk_(path), bad_begin_(bad_begin), bad_end_(bad_end) {}
    std::uint64_t size_bytes() const override { return disk_.size_bytes(); }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        if (offset + target.size() > bad_begin_ && offset < bad_end_) {
            throw Error{ErrorCode::corrupt, "point 0815, disk 0: chunk is damaged", "try another"};
        }
        disk_.read(offset, target);
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return disk_.extent_at(offset, length_max);
    }

private:
    test::FileDisk disk_;
    std::uint64_t bad_begin_;
    std::uint64_t bad_end_;
};

void walk(guest::GuestReader& reader, const std::string& path, int depth) {
    if (depth > 3) return;
    const auto page = reader.list(0, path, {"", 50});
    for (const auto& entry : page.entries) {
        const std::string child = (path == "/" ? "" : path) + "/" + entry.name;
        try {
            if (entry.kind == guest::FileKind::folder) walk(reader, child, depth + 1);
            const auto status = reader.status(0, child);
            const auto length = static_cast<std::uint32_t>(
                std::min<std::uint64_t>(status.entry.size_bytes, 100'000));
            if (length > 0) reader.read(0, child, "", {0, length});
        } catch (const Error&) {
            if (!reader.is_alive()) throw;
        }
    }
}

}  // namespace

TEST_CASE("guest reader: files come through the cage byte for byte", "[guest]") {
    Lab lab;
    const auto tree = test::make_tree();
    test::write_tree(tree, lab.folder);
    SECTION("ext4") {
        test::make_ext(lab.image, lab.folder, 64 * kMiB);
    }
    SECTION("XFS") {
        for (const auto& [path, content] : tree)
            if (path.find(' ') != std::string::npos) fs::remove(lab.folder / path);
        test::make_xfs(lab.image, tree, 64 * kMiB);
    }
    SECTION("FAT32, whose times are local") {
        for (const auto& [path, content] : tree)
            if (path.starts_with("emoji") || path.size() > 195) fs::remove(lab.folder / path);
        test::make_fat(lab.image, lab.folder, 64 * kMiB, 32);
    }
    auto reader = lab.open(std::make_shared<test::FileDisk>(lab.image));
    const auto table = reader.volumes();
    REQUIRE(table.volumes.size() == 1);
    CHECK(table.volumes.front().label == "GUEST");
    for (const auto& [path, content] : tree) {
        if (!fs::exists(lab.folder / path)) continue;
        INFO(path);
        CHECK((read_file(reader, "/" + path) == content));
    }
    CHECK_THROWS_WITH(reader.status(7, "/x"), Catch::Contains("no partition 7"));
    CHECK_THROWS_AS(reader.status(0, "/none"), Error);
    CHECK(reader.is_alive());
}

TEST_CASE("guest reader: a logical volume of LVM through the cage", "[guest]") {
    Lab lab;
    const Bytes file = test::random_bytes(3 * kMiB, 1);
    test::write_tree({{"file", file}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 20 * kMiB);
    const Bytes content = test::read_whole(lab.image);
    // See tests/unit/guest/lvm_test.cpp: three extents of 4 MiB from the first on, two from the
    // sixth.
    Bytes disk =
        test::read_whole(fs::path{ENTREPOT_SOURCE_DIR} / "tests" / "golden" / "lvm" / "pv.bin");
    disk.resize(64 * kMiB);
    std::copy_n(content.begin(), 12 * kMiB, disk.begin() + kMiB);
    std::copy_n(content.begin() + 12 * kMiB, 8 * kMiB, disk.begin() + 21 * kMiB);
    auto reader = lab.open(std::make_shared<test::MemorySource>(disk, 512));
    const auto table = reader.volumes();
    REQUIRE(table.volumes.size() == 5);
    CHECK(table.volumes[1].name == "vg-guest/root");
    CHECK(table.volumes[1].label == "GUEST");
    const Bytes middle(file.begin() + kMiB, file.begin() + 2 * kMiB);
    CHECK((reader.read(table.volumes[1].number, "/file", "", {kMiB, kMiB}) == middle));
    const Bytes odd(file.begin() + 17, file.begin() + 17 + kMiB);
    CHECK((reader.read(table.volumes[1].number, "/file", "", {17, kMiB}) == odd));
    CHECK_THROWS_WITH(reader.status(2002, "/"), Catch::Contains("LVM"));
    CHECK(reader.is_alive());
}

TEST_CASE("guest reader: NTFS through the cage, with its label", "[guest]") {
    Lab lab;
    const test::FileTree tree{{"file 報告書.bin", test::random_bytes(2'000'000, 1)}};
    test::make_ntfs(lab.image, tree, 32 * kMiB);
    auto reader = lab.open(std::make_shared<test::FileDisk>(lab.image));
    CHECK(reader.volumes().volumes.front().label == "GÄST");
    CHECK((read_file(reader, "/file 報告書.bin") == tree.begin()->second));
}

TEST_CASE("guest reader: long content does not pass through the worker once it is located",
          "[guest]") {
    Lab lab;
    const Bytes file = test::random_bytes(5 * kMiB, 1);
    test::write_tree({{"file", file}, {"other", test::random_bytes(kMiB, 2)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 32 * kMiB);
    auto reader = lab.open(std::make_shared<test::FileDisk>(lab.image));
    const Bytes begin(file.begin(), file.begin() + kMiB);
    CHECK((reader.read(0, "/file", "", {0, kMiB}) == begin));
    ::kill(reader.process_id(), SIGSEGV);
    const Bytes middle(file.begin() + 2 * kMiB + 5, file.begin() + 3 * kMiB + 5);
    CHECK((reader.read(0, "/file", "", {2 * kMiB + 5, kMiB}) == middle));
    const Bytes end(file.end() - 100, file.end());
    CHECK((reader.read(0, "/file", "", {5 * kMiB - 100, 100}) == end));
    // What was located says nothing of another file.
    CHECK_THROWS_WITH(reader.read(0, "/other", "", {0, kMiB}), Catch::Contains("SIGSEGV"));
}

TEST_CASE("guest reader: what lies behind the end of a file is refused", "[guest]") {
    Lab lab;
    test::write_tree({{"file", test::random_bytes(2 * kMiB, 1)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 32 * kMiB);
    auto reader = lab.open(std::make_shared<test::FileDisk>(lab.image));
    reader.read(0, "/file", "", {0, kMiB});
    CHECK_THROWS_WITH(reader.read(0, "/file", "", {kMiB + 1, kMiB}), Catch::Contains("not in"));
    CHECK_THROWS_WITH(reader.read(0, "/file", "", {3 * kMiB, kMiB}), Catch::Contains("not in"));
}

TEST_CASE("guest reader: what the disk's reading throws comes as it is", "[guest]") {
    Lab lab;
    test::write_tree({{"large", test::random_bytes(20'000'000, 1)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 64 * kMiB);
    auto reader = lab.open(std::make_shared<FailingDisk>(lab.image, 22 * kMiB, 24 * kMiB));
    CHECK(reader.list(0, "/", {"", 10}).entries.size() == 2);
    CHECK_THROWS_WITH(read_file(reader, "/large"), Catch::Contains("point 0815"));
    CHECK(reader.is_alive());
    CHECK(reader.list(0, "/", {"", 10}).entries.size() == 2);
}

TEST_CASE("guest reader: a worker that dies is an error of the call, and of those after it",
          "[guest]") {
    Lab lab;
    test::write_tree({{"file", test::random_bytes(100, 1)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 16 * kMiB);
    auto reader = lab.open(std::make_shared<test::FileDisk>(lab.image));
    CHECK(reader.list(0, "/", {"", 10}).entries.size() == 2);
    ::kill(reader.process_id(), SIGSEGV);
    CHECK_THROWS_WITH(reader.list(0, "/", {"", 10}), Catch::Contains("SIGSEGV"));
    CHECK_FALSE(reader.is_alive());
    CHECK_THROWS_WITH(reader.list(0, "/", {"", 10}), Catch::Contains("died"));
}

TEST_CASE("guest reader: a worker that does not answer is ended in time", "[guest]") {
    Lab lab;
    test::write_tree({{"file", test::random_bytes(100, 1)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 16 * kMiB);
    lab.options.answer_timeout = 200ms;
    auto reader = lab.open(std::make_shared<test::FileDisk>(lab.image));
    CHECK(reader.list(0, "/", {"", 10}).entries.size() == 2);
    ::kill(reader.process_id(), SIGSTOP);
    CHECK_THROWS_WITH(reader.list(0, "/", {"", 10}), Catch::Contains("took too long"));
    CHECK_FALSE(reader.is_alive());
}

TEST_CASE("guest reader: hostile file systems never do more than fail (F-RS-06, F-RS-07)",
          "[guest]") {
    Lab lab;
    lab.options.answer_timeout = 5s;
    test::FileTree tree{{"one", test::random_bytes(70'000, 1)}, {"two", test::random_bytes(10, 2)}};
    const int kind = GENERATE(0, 1, 2, 3, 4);
    if (kind == 0) {
        test::make_ntfs(lab.image, tree, 2 * kMiB);
    } else {
        tree["folder/three"] = test::random_bytes(5000, 3);
        test::write_tree(tree, lab.folder);
        if (kind == 1) test::make_ext(lab.image, lab.folder, 4 * kMiB);
        // The older version has no checksums that would keep the most out.
        if (kind == 3) test::make_xfs(lab.image, tree, 16 * kMiB, "-m crc=0");
        if (kind == 4) test::make_xfs(lab.image, tree, 16 * kMiB);
        if (kind == 2) test::make_fat(lab.image, lab.folder, 4 * kMiB, 12);
    }
    const Bytes image = test::read_whole(lab.image);
    std::vector<std::size_t> used;
    for (std::size_t sector = 0; sector < image.size(); sector += 512)
        if (!is_zero(ByteView{image}.subspan(sector, 512))) used.push_back(sector);
    for (std::uint32_t seed = 0; seed < 60; ++seed) {
        std::mt19937 engine{seed};
        Bytes hostile = image;
        for (std::uint32_t i = 0; i <= engine() % 40; ++i)
            hostile[used[engine() % used.size()] + engine() % 512] =
                static_cast<std::byte>(engine());
        if (seed % 10 == 9) hostile.resize(512 * (1 + engine() % (hostile.size() / 512)));
        INFO("kind " << kind << " seed " << seed);
        auto reader = lab.open(std::make_shared<test::MemorySource>(std::move(hostile), 512));
        try {
            reader.volumes();
            walk(reader, "/", 0);
        } catch (const Error& error) {
            CHECK(std::string{error.what()} != "");
        }
    }
}
