// XFS as Linux writes it through a mount, which takes root, a loop device and the file system in
// the kernel: holes, many pieces, shared blocks, folders that shrank, and a log that is in use.
// Where nobody may mount, the test says so and passes.
#include "storage/guest/guest_file_system.h"
#include "tests/support/guest_images.h"
#include "tests/unit/guest/guest_tree.h"
#include "tests/unit/guest/mount_lab.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <string>

using namespace entrepot;
using test::check_same;
using test::list_all;
using test::notice_of;
using test::read_mounted;
using test::write_at;
namespace fs = std::filesystem;

namespace {

struct XfsLab : test::MountLab {
    explicit XfsLab(const std::string& options)
        : test::MountLab(500 * kMiB, "mkfs.xfs -q " + options, "-t xfs -o loop") {}
};

constexpr int kNamesWritten = 12'000;

void fill_xfs(const fs::path& root) {
    test::write_tree(test::make_tree(), root);
    // More pieces than two levels of a tree have room for where blocks are small.
    for (std::uint64_t i = 0; i < 2500; ++i)
        write_at(root / "pieces", i * 8192,
                 test::random_bytes(4096, static_cast<std::uint32_t>(i)));
    write_at(root / "sparse", 3 * kMiB, test::random_bytes(5000, 1));
    fs::resize_file(root / "sparse", 10 * kMiB);
    test::shell("fallocate -l 300000 " + test::shell_quoted(root / "promised"));
    write_at(root / "promised", 100'000, test::random_bytes(100, 2));
    test::shell(fmt::format("cp --reflink=auto {} {}", test::shell_quoted(root / "large.bin"),
                            test::shell_quoted(root / "shared")));
    write_at(root / "shared", 1'000'000, test::random_bytes(10'000, 3));
    test::shell("setfattr -n user.large -v " + std::string(2000, 'v') + " " +
                test::shell_quoted(root / "sparse"));
    test::shell("touch -d 2100-01-01T00:00:00Z " + test::shell_quoted(root / "empty"));
    test::shell("touch -d 1960-01-01T00:00:00Z " + test::shell_quoted(root / "readme.txt"));
    fs::create_symlink(std::string(1000, 'l'), root / "long link");
    fs::create_symlink("../short", root / "short link");
    fs::create_directory(root / "many");
    for (int i = 0; i < kNamesWritten; ++i)
        test::write_whole(root / "many" / fmt::format("a file with a number {:05}", i), {});
    // Whole blocks of the folder become empty, and others half empty.
    for (int i = 0; i < kNamesWritten; ++i) {
        if (i % 3 == 0 || (i > 3000 && i < 7000))
            fs::remove(root / "many" / fmt::format("a file with a number {:05}", i));
    }
}

std::int64_t seconds_of(const guest::FileEntry& entry) {
    REQUIRE(entry.modified.has_value());
    return std::chrono::duration_cast<std::chrono::seconds>(entry.modified->time_since_epoch())
        .count();
}

}  // namespace

TEST_CASE("xfs: what a mounted kernel wrote is read byte for byte", "[guest][xfs]") {
    const std::string options = GENERATE("", "-i nrext64=1", "-b size=1024 -n size=4096",
                                         "-m bigtime=1,rmapbt=1 -n size=64k");
    INFO(options);
    XfsLab lab{options};
    test::FileTree tree;
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        fill_xfs(lab.folder);
        tree = read_mounted(lab.folder);
    }
    CHECK(notice_of(lab.image).empty());
    const test::FileDisk disk{lab.image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::xfs);
    check_same(*files, tree);
    CHECK(seconds_of(files->status("/empty").entry) == 4'102'444'800);
    CHECK(seconds_of(files->status("/readme.txt").entry) == -315'619'200);
    CHECK(files->status("/long link").entry.link_target == std::string(1000, 'l'));
    CHECK(files->status("/short link").entry.link_target == "../short");
}

TEST_CASE("xfs: after a crash, files are as the kernel finds them when it replays the log",
          "[guest][xfs]") {
    const std::string options = GENERATE("", "-i nrext64=1 -b size=1024 -n size=8192");
    INFO(options);
    XfsLab lab{options};
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        fill_xfs(lab.folder);
        test::shell("sync -f " + test::shell_quoted(lab.folder));
        fs::remove_all(lab.folder / "a");
        fs::rename(lab.folder / "many", lab.folder / "renamed");
        for (int i = 0; i < 500; ++i)
            test::write_whole(lab.folder / fmt::format("later {}", i), as_bytes("later"));
        write_at(lab.folder / "pieces", 8192 * 7 + 4096, test::random_bytes(4096, 9));
        lab.crash();
    }
    const fs::path crashed = lab.copy("crashed");
    test::FileTree tree;
    {
        std::optional<test::Mount> mounted;
        REQUIRE(lab.mount(mounted));
        tree = read_mounted(lab.folder);
    }
    CHECK_THAT(notice_of(crashed), Catch::Contains("files are as its journal has them"));
    const test::FileDisk disk{crashed};
    check_same(*guest::open_file_system(disk, guest::VolumeContent::xfs), tree);
    CHECK(tree.contains("/later 499"));
    CHECK_FALSE(tree.contains("/a/b/c/d/deep"));
}

TEST_CASE("xfs: a frozen file system is read as it was, and one in use is told", "[guest][xfs]") {
    XfsLab lab{""};
    const fs::path frozen = lab.directory.path() / "frozen";
    const fs::path living = lab.directory.path() / "living";
    test::FileTree tree;
    {
        std::optional<test::Mount> mounted;
        if (!lab.mount(mounted)) return;
        fill_xfs(lab.folder);
        tree = read_mounted(lab.folder);
        // As the guest's agent does it before a snapshot that is consistent.
        const std::string folder = test::shell_quoted(lab.folder);
        const std::string image = test::shell_quoted(lab.image);
        test::shell("fsfreeze -f " + folder);
        test::shell("cp --sparse=always " + image + " " + test::shell_quoted(frozen) +
                    "; fsfreeze -u " + folder);
        for (int i = 0; i < 500; ++i)
            test::write_whole(lab.folder / fmt::format("later {}", i), as_bytes("later"));
        test::shell("sync -f " + folder);
        test::shell("cp --sparse=always " + image + " " + test::shell_quoted(living));
    }
    CHECK(notice_of(lab.image).empty());
    CHECK_THAT(notice_of(frozen), Catch::Contains("in use when the point was made"));
    CHECK_THAT(notice_of(living), Catch::Contains("in use when the point was made"));
    const test::FileDisk later{living};
    const auto files = guest::open_file_system(later, guest::VolumeContent::xfs);
    CHECK(list_all(*files, "/", 1000).size() > 500);
    CHECK((test::read_content(*files, "/later 499", 5).size() == 5));
    const test::FileDisk disk{frozen};
    check_same(*guest::open_file_system(disk, guest::VolumeContent::xfs), tree);
}
