// ext3 and ext4 after a crash, as the kernel and e2fsck find them when they replay the journal:
// every kind of journal, blocks that were freed and used again, and a ring that went round.
#include "storage/guest/ext_journal_ring.h"
#include "storage/guest/ext_replay.h"
#include "storage/guest/guest_file_system.h"
#include "tests/support/guest_images.h"
#include "tests/unit/guest/ext_judge.h"
#include "tests/unit/guest/guest_tree.h"
#include "tests/unit/guest/mount_lab.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <tuple>

using namespace entrepot;
using test::check_same;
using test::notice_of;
using test::read_mounted;
using test::write_at;
namespace fs = std::filesystem;

namespace {

constexpr const char* kAsJournalHas = "files are as its journal has them";

struct ExtLab : test::MountLab {
    ExtLab(const std::string& make, const std::string& mount)
        : test::MountLab(40 * kMiB, "mke2fs -q -F " + make, "-o loop" + mount) {}
    /// Everything in its place.
    void sync() const { test::shell("sync -f " + test::shell_quoted(folder)); }
    /// What was done is in the journal, and need not be elsewhere.
    void commit() const { test::shell("sync " + test::shell_quoted(folder)); }

    /// As the disk is at that moment; later, unmounting puts into its place what the journal has.
    fs::path crash_and_copy() const {
        crash();
        return copy("crashed");
    }
    /// What Linux makes of it, and what we make of a copy, are the same.
    void check_as_kernel(const fs::path& crashed) const {
        test::shell(fmt::format("cp --sparse=always {} {}", test::shell_quoted(crashed),
                                test::shell_quoted(image)));
        test::FileTree tree;
        {
            std::optional<test::Mount> mounted;
            REQUIRE(mount(mounted));
            tree = read_mounted(folder);
        }
        CHECK_THAT(notice_of(crashed), Catch::Contains(kAsJournalHas));
        const test::FileDisk disk{crashed};
        check_same(*guest::open_file_system(disk, guest::VolumeContent::ext), tree);
    }
    void check_crashed(const fs::path& crashed) const {
        check_as_kernel(crashed);
        test::shell(fmt::format("cp --sparse=always {} {}", test::shell_quoted(crashed),
                                test::shell_quoted(image)));
        test::check_as_e2fsck(crashed, copy("checked"));
    }
};

// As a program that wants its file on the disk.
void write_durably(const fs::path& path, std::uint64_t offset, ByteView content) {
    write_at(path, offset, content);
    test::shell("sync " + test::shell_quoted(path));
}

void make_names(const fs::path& folder, int count) {
    fs::create_directory(folder);
    for (int i = 0; i < count; ++i)
        test::write_whole(folder / fmt::format("a name that is long, with a number {:05}", i), {});
}

void work_before(const ExtLab& lab) {
    test::write_tree(test::make_tree(), lab.folder);
    for (std::uint64_t i = 0; i < 1200; ++i) {
        write_at(lab.folder / "pieces", i * 8192,
                 test::random_bytes(4096, static_cast<std::uint32_t>(i)));
    }
    make_names(lab.folder / "many", 700);
    make_names(lab.folder / "doomed", 1500);
    lab.sync();
}

// Folders go, and what lay in their blocks is the content of files: the journal has both.
void work_amid(const ExtLab& lab) {
    fs::remove_all(lab.folder / "doomed");
    fs::remove_all(lab.folder / "a");
    fs::rename(lab.folder / "many", lab.folder / "renamed");
    lab.commit();
    write_at(
        lab.folder / "magic", 0,
        Bytes{std::byte{0xC0}, std::byte{0x3B}, std::byte{0x39}, std::byte{0x98}, std::byte{1}});
    for (int i = 0; i < 200; ++i)
        test::write_whole(lab.folder / fmt::format("later {}", i), as_bytes("later"));
    write_at(lab.folder / "pieces", 8192 * 7 + 4096, test::random_bytes(4096, 9));
    lab.commit();
    test::shell(fmt::format("head -c 40M /dev/urandom > {} || true",
                            test::shell_quoted(lab.folder / "fills the disk")));
}

}  // namespace

TEST_CASE("ext: after a crash, files are as the kernel finds them when it replays the journal",
          "[guest][ext]") {
    const auto [make, mount] = GENERATE(table<std::string, std::string>(
        {{"-t ext4", ""},
         {"-t ext4 -b 1024 -O ^metadata_csum,^64bit", ",journal_checksum"},
         {"-t ext4 -b 4096 -O ^metadata_csum -J size=16", ",data=journal"},
         {"-t ext4 -b 1024", ",data=journal"},
         {"-t ext3 -b 1024", ""}}));
    INFO(make << mount);
    ExtLab lab{make, mount};
    fs::path crashed;
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        work_before(lab);
        work_amid(lab);
        crashed = lab.crash_and_copy();
    }
    lab.check_crashed(crashed);
}

TEST_CASE("ext: a journal that went round is read over its end", "[guest][ext]") {
    ExtLab lab{"-t ext4 -b 1024 -J size=1", ""};
    fs::path crashed;
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        for (int i = 0; i < 70; ++i) {
            fs::remove_all(lab.folder / fmt::format("folder {}", i - 3));
            make_names(lab.folder / fmt::format("folder {}", i), 60);
            lab.commit();
        }
        crashed = lab.crash_and_copy();
    }
    lab.check_crashed(crashed);
}

TEST_CASE("ext: fast commits are done as the kernel does them", "[guest][ext]") {
    const std::string make = GENERATE("-b 1024", "-b 4096", "-b 1024 -O ^metadata_csum,^64bit");
    ExtLab lab{"-t ext4 -O fast_commit -I 256 " + make, ""};
    fs::path crashed;
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        const fs::path& root = lab.folder;
        fs::create_directory(root / "folder");
        for (int i = 0; i < 20; ++i)
            test::write_whole(root / fmt::format("old {}", i), test::random_bytes(9000, 1));
        lab.sync();
        test::shell("fallocate -l 100000 " + test::shell_quoted(root / "promised"));
        write_durably(root / "promised", 50'000, as_bytes("amid"));
        for (std::uint32_t i = 0; i < 40; ++i) {
            const auto name = fmt::format("a new file with a name that is long {}", i);
            write_durably(root / "folder" / name, 0, test::random_bytes(5000 + i, i));
        }
        // Its inode is the next new file's.
        fs::remove(root / "old 3");
        fs::rename(root / "old 4", root / "renamed");
        fs::create_hard_link(root / "old 5", root / "folder" / "linked");
        write_durably(root / "new instead", 0, as_bytes("new"));
        for (std::uint64_t i = 0; i < 9; ++i)
            write_durably(root / "pieces", i * 16384, test::random_bytes(8192, 7));
        write_durably(root / "old 6", 4000, test::random_bytes(700, 8));
        fs::resize_file(root / "old 7", 100);
        write_durably(root / "old 7", 8000, as_bytes("behind a hole"));
        fs::rename(root / "old 8", root / "old 9");
        write_durably(root / "last", 0, as_bytes("last"));
        lab.crash_at_once();
        crashed = lab.copy("crashed");
    }
    lab.check_as_kernel(crashed);
    const test::FileDisk disk{crashed};
    const auto replayed = guest::replay_ext_journal(disk);
    CHECK(replayed->damage == "");
    CHECK_FALSE(replayed->fast.folders.empty());
    CHECK_FALSE(replayed->fast.extents.empty());
    CHECK(guest::open_file_system(disk, guest::VolumeContent::ext)->status("/last").entry.kind ==
          guest::FileKind::file);
}

TEST_CASE("ext: a frozen file system is clean, and one that is used goes on", "[guest][ext]") {
    ExtLab lab{"-t ext4", ""};
    fs::path frozen;
    fs::path living;
    test::FileTree tree;
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        work_before(lab);
        tree = read_mounted(lab.folder);
        const std::string folder = test::shell_quoted(lab.folder);
        test::shell("fsfreeze -f " + folder);
        frozen = lab.copy("frozen");
        test::shell("fsfreeze -u " + folder);
        for (int i = 0; i < 200; ++i)
            test::write_whole(lab.folder / fmt::format("later {}", i), as_bytes("later"));
        lab.sync();
        living = lab.copy("living");
    }
    CHECK(notice_of(frozen).empty());
    CHECK_THAT(notice_of(living), Catch::Contains(kAsJournalHas));
    const test::FileDisk disk{frozen};
    check_same(*guest::open_file_system(disk, guest::VolumeContent::ext), tree);
    const test::FileDisk later{living};
    const auto files = guest::open_file_system(later, guest::VolumeContent::ext);
    CHECK((test::read_content(*files, "/later 199", 5) ==
           Bytes{as_bytes("later").begin(), as_bytes("later").end()}));
}
