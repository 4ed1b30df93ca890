// Files put in by the guests' own tools come out byte for byte; what cannot be given is refused.
#include "storage/guest/guest_file_system.h"

#include "storage/guest/volumes.h"
#include "storage/guest_model/limits.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/guest/guest_tree.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace entrepot;
namespace fs = std::filesystem;
using test::list_all;

namespace {

Bytes read_file(guest::GuestFileSystem& files, const std::string& path,
                const std::string& stream = {}) {
    const guest::FileStatus status = files.status(path);
    std::uint64_t size = status.entry.size_bytes;
    for (const auto& one : status.streams)
        if (one.name == stream) size = one.size_bytes;
    Bytes content(static_cast<std::size_t>(size));
    // In pieces that fit nothing, as a reader over the network would ask.
    constexpr std::size_t kPiece = 777'777;
    for (std::size_t done = 0; done < content.size(); done += kPiece) {
        const std::size_t count = std::min(kPiece, content.size() - done);
        files.read(path, stream, done, MutableByteView{content}.subspan(done, count));
    }
    return content;
}

void collect(guest::GuestFileSystem& files, const std::string& path, test::FileTree& tree) {
    for (const auto& entry : list_all(files, path.empty() ? "/" : path, 3)) {
        const std::string child = path.empty() ? entry.name : path + "/" + entry.name;
        if (entry.kind == guest::FileKind::folder) {
            if (entry.name != "lost+found") collect(files, child, tree);
        } else {
            CHECK(entry.refusal.empty());
            tree[child] = read_file(files, child);
        }
    }
}

void check_tree(guest::GuestFileSystem& files, const test::FileTree& expected) {
    test::FileTree found;
    collect(files, "", found);
    REQUIRE(found.size() == expected.size());
    for (const auto& [path, content] : expected) {
        INFO(path);
        REQUIRE(found.contains(path));
        CHECK((found.at(path) == content));
    }
}

struct Lab {
    test::TemporaryDirectory directory;
    fs::path image = directory.path() / "image";
    fs::path folder = directory.path() / "folder";
    Lab() { fs::create_directory(folder); }
};

}  // namespace

TEST_CASE("guest files: ext2, ext3 and ext4 give back what was put in", "[guest]") {
    const std::string options = GENERATE("-t ext2", "-t ext3", "-t ext4", "-t ext4 -b 1024 -I 128");
    Lab lab;
    const auto tree = test::make_tree();
    test::write_tree(tree, lab.folder);
    fs::create_symlink("../../etc/passwd", lab.folder / "link");
    for (const std::size_t length : {59U, 60U, 1000U})
        fs::create_symlink(std::string(length, 'l'), lab.folder / std::to_string(length));
    test::make_ext(lab.image, lab.folder, 64 * kMiB, options);
    const test::FileDisk disk{lab.image};
    const auto table = guest::read_volumes(disk);
    REQUIRE(table.volumes.size() == 1);
    CHECK(table.volumes.front().label == "GUEST");
    REQUIRE(table.volumes.front().content == guest::VolumeContent::ext);
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);

    const auto link = files->status("/link");
    CHECK(link.entry.kind == guest::FileKind::link);
    CHECK(link.entry.link_target == "../../etc/passwd");
    for (const std::size_t length : {59U, 60U, 1000U}) {
        const auto found = files->status("/" + std::to_string(length)).entry;
        CHECK(found.link_target == std::string(length, 'l'));
    }
    CHECK_THROWS_AS(files->status("/link/x"), Error);
    Bytes none(1);
    CHECK_THROWS_AS(files->read("/link", "", 0, none), Error);
    for (const auto& [path, content] : tree) {
        INFO(path);
        CHECK((read_file(*files, "/" + path) == content));
        CHECK(files->status(path).entry.modified.has_value());
    }
}

TEST_CASE("guest files: FAT12, FAT16 and FAT32 give back what was put in", "[guest]") {
    const auto [bits, size] =
        GENERATE(table<int, std::uint64_t>({{12, 4 * kMiB}, {16, 32 * kMiB}, {32, 64 * kMiB}}));
    Lab lab;
    auto tree = test::make_tree();
    if (bits == 12) tree["large.bin"].resize(500'000);
    tree.erase("emoji 🗄️/päckchen – «ü».dat");  // More than mtools can write.
    // The library cuts long names off behind 195 characters.
    tree.erase(std::string(200, 'x'));
    tree[std::string(195, 'x')] = test::random_bytes(13, 9);
    test::write_tree(tree, lab.folder);
    test::make_fat(lab.image, lab.folder, size, bits);
    const test::FileDisk disk{lab.image};
    const auto table = guest::read_volumes(disk);
    REQUIRE(table.volumes.front().content == guest::VolumeContent::fat);
    CHECK(table.volumes.front().label == "GUEST");
    const auto files = guest::open_file_system(disk, guest::VolumeContent::fat);
    check_tree(*files, tree);
    CHECK(files->status("/README.TXT").entry.size_bytes == 1234);
}

TEST_CASE("guest files: NTFS gives back what was put in, streams too", "[guest]") {
    Lab lab;
    test::FileTree tree;
    for (auto& [path, content] : test::make_tree())
        if (path.find('/') == std::string::npos && path.front() != '-') tree[path] = content;
    tree["Отчёт 報告書 🗄️.txt"] = test::random_bytes(3000, 20);
    test::make_ntfs(lab.image, tree, 32 * kMiB);
    const Bytes stream = test::random_bytes(90'000, 21);
    test::write_whole(lab.folder / "stream", stream);
    test::shell("ntfscp -N extra " + test::shell_quoted(lab.image) + " " +
                test::shell_quoted(lab.folder / "stream") + " readme.txt");
    const test::FileDisk disk{lab.image};
    const auto table = guest::read_volumes(disk);
    REQUIRE(table.volumes.front().content == guest::VolumeContent::ntfs);
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    CHECK(files->label() == "GÄST");
    check_tree(*files, tree);
    const auto status = files->status("/readme.txt");
    REQUIRE(status.streams.size() == 1);
    CHECK(status.streams.front().name == "extra");
    CHECK((read_file(*files, "/README.TXT", "extra") == stream));
    Bytes one(1);
    CHECK_THROWS_AS(files->read("/readme.txt", "other", 0, one), Error);
    CHECK_THROWS_AS(files->read("/readme.txt", "", 1234, one), Error);
}

TEST_CASE("guest files: what NTFS keeps elsewhere is refused by name, never given as zeros",
          "[guest]") {
    const auto [tag, words] = GENERATE(table<std::uint32_t, std::string>({
        {0x80000017, "WOF"},
        {0x80000013, "deduplication"},
        {0x9000601A, "cloud"},
        {0xC0000004, "HSM"},
        {0x80001234, "0x80001234"},
    }));
    Lab lab;
    test::make_ntfs(lab.image, {{"file", test::random_bytes(5000, 1)}, {"other", Bytes(10)}},
                    16 * kMiB);
    test::set_reparse_tag(lab.image, "file", tag);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    const auto page = files->list("/", {"", 10});
    REQUIRE(page.entries.size() == 2);
    CHECK(page.entries[0].refusal.find(words) != std::string::npos);
    CHECK(page.entries[1].refusal.empty());
    Bytes content(5000);
    CHECK_THROWS_WITH(files->read("/file", "", 0, content), Catch::Contains(words));
}

TEST_CASE("guest files: holes and blocks that were never written are zeros, and so is their size",
          "[guest]") {
    Lab lab;
    const Bytes end = test::random_bytes(5000, 3);
    Bytes expected(3 * kMiB + end.size());
    std::ranges::copy(end, expected.end() - static_cast<std::ptrdiff_t>(end.size()));
    test::shell("truncate -s 3M " + test::shell_quoted(lab.folder / "sparse"));
    {
        test::write_whole(lab.folder / "end", end);
        test::shell("cat " + test::shell_quoted(lab.folder / "end") + " >> " +
                    test::shell_quoted(lab.folder / "sparse"));
    }
    test::shell("truncate -s 2M " + test::shell_quoted(lab.folder / "hole"));
    test::write_whole(lab.folder / "allocated", {});
    test::make_ext(lab.image, lab.folder, 32 * kMiB);
    // Blocks that hold what somebody else wrote before, promised to a file and not written.
    test::shell("debugfs -w -R 'fallocate /allocated 0 20' " + test::shell_quoted(lab.image));
    test::shell("debugfs -w -R 'set_inode_field /allocated size 50000' " +
                test::shell_quoted(lab.image));
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    CHECK((read_file(*files, "/sparse") == expected));
    CHECK((read_file(*files, "/hole") == Bytes(2 * kMiB)));
    CHECK((read_file(*files, "/allocated") == Bytes(50'000)));
}

TEST_CASE("guest files: blocks promised and not written do not give away what was there",
          "[guest]") {
    Lab lab;
    test::write_whole(lab.folder / "allocated", {});
    test::make_ext(lab.image, lab.folder, 8 * kMiB);
    test::shell("debugfs -w -R 'fallocate /allocated 0 99' " + test::shell_quoted(lab.image));
    test::shell("debugfs -w -R 'set_inode_field /allocated size 100000' " +
                test::shell_quoted(lab.image));
    // All free space, and with it those blocks, gets other content.
    const Bytes image = test::read_whole(lab.image);
    Bytes changed = image;
    for (std::size_t block = 3 * kMiB; block < changed.size(); block += 4096) {
        const auto view = MutableByteView{changed}.subspan(block, 4096);
        if (is_zero(view)) std::ranges::fill(view, std::byte{0x5A});
    }
    test::write_whole(lab.image, changed);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    CHECK((read_file(*files, "/allocated") == Bytes(100'000)));
}

TEST_CASE("guest files: an ext4 of more than 2^32 blocks is refused", "[guest]") {
    Lab lab;
    test::write_tree({{"file", test::random_bytes(20, 1)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 16 * kMiB, "-t ext4 -O 64bit");
    CHECK(guest::open_file_system(test::FileDisk{lab.image}, guest::VolumeContent::ext) != nullptr);
    Bytes bytes = test::read_whole(lab.image);
    store_u32(bytes, 1024 + 0x150, 1);
    test::write_whole(lab.image, bytes);
    const test::FileDisk disk{lab.image};
    CHECK_THROWS_WITH(guest::open_file_system(disk, guest::VolumeContent::ext),
                      Catch::Contains("2^32 blocks"));
}

TEST_CASE("guest files: an ext feature that would be read wrongly is refused", "[guest]") {
    Lab lab;
    test::write_tree({{"tiny", test::random_bytes(20, 1)}}, lab.folder);
    test::make_ext(lab.image, lab.folder, 16 * kMiB, "-t ext4 -O inline_data");
    const test::FileDisk disk{lab.image};
    CHECK_THROWS_WITH(guest::open_file_system(disk, guest::VolumeContent::ext),
                      Catch::Contains("inline data"));
}

TEST_CASE("guest files: a folder of a hundred thousand files is listed by pages, each once",
          "[guest]") {
    constexpr std::size_t kCount = 100'000;
    constexpr std::size_t kBlock = 4096;
    Lab lab;
    // The tools take minutes for so many names: the folder is written as a file, then made one.
    LittleEndianWriter blocks;
    constexpr std::size_t kEntry = 8 + 12;
    const std::uint32_t first_inode = 11;  // lost+found, which every new file system has.
    for (std::size_t i = 0; i < kCount; ++i) {
        const std::size_t used = blocks.size() % kBlock;
        const bool is_last = used + 2 * kEntry > kBlock;
        const std::size_t length = is_last ? kBlock - used : kEntry;
        blocks.u32(first_inode).u16(static_cast<std::uint16_t>(length)).u8(11).u8(2);
        blocks.bytes(as_bytes(fmt::format("file {:06}", i))).zeros(length - 8 - 11);
    }
    Bytes content = blocks.take();
    const std::size_t tail = kBlock - content.size() % kBlock;
    content.resize(content.size() + tail);
    if (tail < kBlock) {
        store_u32(content, content.size() - tail, 0);
        content[content.size() - tail + 4] = static_cast<std::byte>(tail & 0xFF);
        content[content.size() - tail + 5] = static_cast<std::byte>(tail >> 8U);
    }
    test::write_whole(lab.folder / "many", content);
    test::make_ext(lab.image, lab.folder, 64 * kMiB, "-t ext4 -b 4096 -O ^metadata_csum");
    test::shell("debugfs -w -R 'set_inode_field /many mode 040755' " +
                test::shell_quoted(lab.image));
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    const auto entries = list_all(*files, "/many", 1000);
    REQUIRE(entries.size() == kCount);
    std::set<std::string> names;
    for (const auto& entry : entries)
        names.insert(entry.name);
    CHECK(names.size() == entries.size());
    CHECK(entries[4711].name == "file 004711");
    CHECK(entries[4711].kind == guest::FileKind::folder);
}

TEST_CASE("guest files: names that no path may have are shown escaped and found again", "[guest]") {
    Lab lab;
    const Bytes content = test::random_bytes(100, 4);
    test::write_whole(lab.folder / "back\\slash", content);
    test::write_whole(lab.folder / "turn\xE2\x80\xAEround", content);
    test::write_whole(lab.folder / "tab\tand\nline", content);
    test::make_ext(lab.image, lab.folder, 16 * kMiB);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    for (const auto& entry : list_all(*files, "/", 100)) {
        INFO(entry.name);
        CHECK(entry.name.find_first_of("\t\n") == std::string::npos);
        if (entry.kind == guest::FileKind::file) {
            CHECK((read_file(*files, "/" + entry.name) == content));
        }
    }
    CHECK(files->status("/back\\x5cslash").entry.size_bytes == 100);
    CHECK_THROWS_AS(files->status("/back\\slash"), Error);
    CHECK_THROWS_AS(files->status("/../etc"), Error);
    CHECK_THROWS_AS(files->status("/nothing"), Error);
    CHECK_THROWS_AS(files->status(std::string(40'000, 'a')), Error);
}

TEST_CASE("guest files: a name that several files have is told once, and leads to none of them",
          "[guest]") {
    Lab lab;
    test::write_tree({{"before", {}}, {"same-name-1", {}}, {"same-name-2", {}}, {"then", {}}},
                     lab.folder);
    test::make_ext(lab.image, lab.folder, 8 * kMiB);
    Bytes image = test::read_whole(lab.image);
    std::string text{as_text(image)};
    for (std::size_t i = text.find("same-name-2"); i != std::string::npos;
         i = text.find("same-name-2", i + 1))
        image[i + 10] = std::byte{'1'};
    test::write_whole(lab.image, image);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ext);
    for (const std::size_t page_size : {1, 2, 3, 100}) {
        std::vector<std::string> names;
        for (const auto& entry : list_all(*files, "/", page_size)) {
            names.push_back(entry.name);
            if (entry.name != "same-name-1") continue;
            CHECK(entry.refusal == "2 files of this folder are shown under this name");
        }
        CHECK(names == std::vector<std::string>{"before", "lost+found", "same-name-1", "then"});
    }
    CHECK_THROWS_WITH(files->status("/same-name-1"), Catch::Contains("2 files"));
}

TEST_CASE("guest files: a large NTFS is not read as a whole to list its root", "[guest]") {
    Lab lab;
    test::make_ntfs(lab.image, {{"file", test::random_bytes(5000, 1)}}, 2 * kGiB);
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    CHECK(files->list("/", {"", 100}).entries.size() == 1);
    CHECK(disk.bytes_read() < 4 * kMiB);
}
