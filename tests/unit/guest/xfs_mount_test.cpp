// XFS as Linux writes it through a mount, which takes root, a loop device and the file system in
// the kernel: holes, many pieces, shared blocks, folders that shrank, and a log that is in use.
// Where nobody may mount, the test says so and passes.
#include "storage/guest/guest_file_system.h"
#include "storage/guest/volumes.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/guest/guest_tree.h"

#include "base/error.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

using namespace entrepot;
using test::list_all;
namespace fs = std::filesystem;

namespace {

/// Mounted while it lives.
class XfsMount {
public:
    XfsMount(const fs::path& image, const fs::path& folder) : folder_(folder) {
        test::shell(fmt::format("mount -t xfs -o loop {} {}", test::shell_quoted(image),
                                test::shell_quoted(folder)));
    }
    XfsMount(const XfsMount&) = delete;
    XfsMount& operator=(const XfsMount&) = delete;
    ~XfsMount() {
        try {
            test::shell("umount " + test::shell_quoted(folder_));
        } catch (const std::exception&) {
            FAIL_CHECK("the file system cannot be unmounted");
        }
    }

private:
    fs::path folder_;
};

struct MountLab {
    test::TemporaryDirectory directory;
    fs::path image = directory.path() / "image";
    fs::path folder = directory.path() / "mounted";
    explicit MountLab(const std::string& options) {
        fs::create_directory(folder);
        test::shell("truncate -s 500M " + test::shell_quoted(image));
        test::shell("mkfs.xfs -q " + options + " " + test::shell_quoted(image));
    }
    /// nullopt, and a word about it, where nobody may mount.
    bool mount(std::optional<XfsMount>& mounted) const {
        if (::geteuid() != 0) {
            WARN("skipped: mounting takes root");
            return false;
        }
        try {
            mounted.emplace(image, folder);
        } catch (const std::exception&) {
            WARN("skipped: this system does not mount XFS");
            return false;
        }
        return true;
    }
};

void write_at(const fs::path& path, std::uint64_t offset, ByteView content) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(descriptor >= 0);
    CHECK(::pwrite(descriptor, content.data(), content.size(), static_cast<off_t>(offset)) ==
          static_cast<ssize_t>(content.size()));
    ::close(descriptor);
}

constexpr int kNamesWritten = 12'000;

/// What a mounted file system holds, by reading it there.
test::FileTree read_mounted(const fs::path& root) {
    test::FileTree tree;
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
        if (entry.symlink_status().type() != fs::file_type::regular) continue;
        const std::string path = "/" + entry.path().lexically_relative(root).string();
        tree[path] = test::read_whole(entry.path());
    }
    return tree;
}

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

void check_same(guest::GuestFileSystem& files, const test::FileTree& tree) {
    const test::FileTree found = test::collect_files(files);
    REQUIRE(found.size() == tree.size());
    for (const auto& [path, content] : tree) {
        INFO(path);
        REQUIRE(found.contains(path));
        CHECK((found.at(path) == content));
    }
}

std::string notice_of(const fs::path& image) {
    return guest::read_volumes(test::FileDisk{image}).volumes.front().notice;
}

}  // namespace

TEST_CASE("xfs: what a mounted kernel wrote is read byte for byte", "[guest][xfs]") {
    const std::string options = GENERATE("", "-i nrext64=1", "-b size=1024 -n size=4096",
                                         "-m bigtime=1,rmapbt=1 -n size=64k");
    INFO(options);
    MountLab lab{options};
    test::FileTree tree;
    {
        std::optional<XfsMount> mounted;
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
    MountLab lab{options};
    const fs::path crashed = lab.directory.path() / "crashed";
    {
        std::optional<XfsMount> mounted;
        if (!lab.mount(mounted)) return;
        fill_xfs(lab.folder);
        test::shell("sync -f " + test::shell_quoted(lab.folder));
        fs::remove_all(lab.folder / "a");
        fs::rename(lab.folder / "many", lab.folder / "renamed");
        for (int i = 0; i < 500; ++i)
            test::write_whole(lab.folder / fmt::format("later {}", i), as_bytes("later"));
        write_at(lab.folder / "pieces", 8192 * 7 + 4096, test::random_bytes(4096, 9));
        // Ends all writing, with the log on the disk and nothing else.
        test::shell("xfs_io -x -c 'shutdown -f' " + test::shell_quoted(lab.folder));
    }
    test::shell("cp --sparse=always " + test::shell_quoted(lab.image) + " " +
                test::shell_quoted(crashed));
    test::FileTree tree;
    {
        std::optional<XfsMount> mounted;
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
    MountLab lab{""};
    const fs::path frozen = lab.directory.path() / "frozen";
    const fs::path living = lab.directory.path() / "living";
    test::FileTree tree;
    {
        std::optional<XfsMount> mounted;
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
