// NTFS as ntfs-3g writes it through a mount, which takes FUSE and root: compressed and sparse
// files, streams, folders in folders, and a folder with more names than fit one part of its index.
// Where nobody may mount, the test says so and passes.
#include "storage/guest/guest_file_system.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wof_sample.h"
#include "tests/unit/guest/guest_tree.h"
#include "tests/unit/guest/mount_lab.h"

#include "base/error.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace entrepot;
namespace fs = std::filesystem;

namespace {

/// Mounted while it lives.
class Mount {
public:
    Mount(const fs::path& image, const fs::path& folder) : folder_(folder) {
        test::take_own_mounts();
        test::shell(
            fmt::format("mount -t ntfs-3g -o compression,streams_interface=windows {} {} "
                        "2>/dev/null",
                        test::shell_quoted(image), test::shell_quoted(folder)));
    }
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    ~Mount() {
        try {
            test::shell("umount " + test::shell_quoted(folder_));
        } catch (const std::exception&) {
            FAIL_CHECK("the file system cannot be unmounted");
        }
    }

private:
    fs::path folder_;
};

// NTFS writes it in pieces that the guest can read again; text of that kind shrinks well.
Bytes text_content(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i)
        text += fmt::format("line {} of a document that says about the same again\r\n", i);
    text.resize(size);
    const ByteView bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

struct Tree {
    test::FileTree files;
    Bytes second_stream = text_content(40'000);
    Bytes sparse = Bytes(10 * kMiB + 3);
};

constexpr int kManyFiles = 3000;

Tree write_into(const fs::path& root) {
    Tree tree;
    fs::create_directories(root / "compressed");
    test::shell("setfattr -n system.ntfs_attrib_be -v 0x00000810 " +
                test::shell_quoted(root / "compressed"));
    tree.files["compressed/text"] = text_content(1'400'000);
    tree.files["compressed/random"] = test::random_bytes(300'000, 1);
    tree.files["compressed/small"] = text_content(100);
    Bytes mixed = text_content(200'000);
    const Bytes noise = test::random_bytes(200'000, 2);
    mixed.insert(mixed.end(), noise.begin(), noise.end());
    mixed.resize(mixed.size() + 300'000);  // And zeros, which become a hole.
    mixed.insert(mixed.end(), noise.begin(), noise.end());
    tree.files["compressed/mixed"] = mixed;
    tree.files["a/b/c/d/deep"] = test::random_bytes(70'000, 3);
    tree.files["a/Отчёт/報告書.txt"] = test::random_bytes(10, 4);
    test::write_tree(tree.files, root);
    fs::create_directories(root / "many");
    for (int i = 0; i < kManyFiles; ++i)
        test::write_whole(root / "many" / fmt::format("a file with a number {:05}", i), {});
    for (int i = 0; i < kManyFiles; i += 3)
        fs::remove(root / "many" / fmt::format("a file with a number {:05}", i));
    std::copy_n(as_bytes("begin").begin(), 5, tree.sparse.begin());
    tree.sparse.back() = std::byte{1};
    test::write_whole(root / "sparse", {});
    fs::resize_file(root / "sparse", tree.sparse.size());
    test::shell(
        fmt::format("printf begin | dd of={0} conv=notrunc status=none && printf '\\001' | "
                    "dd of={0} bs=1 seek={1} conv=notrunc status=none",
                    test::shell_quoted(root / "sparse"), tree.sparse.size() - 1));
    test::write_whole(root / "compressed/text:second", tree.second_stream);
    return tree;
}

Bytes read_file(guest::GuestFileSystem& files, const std::string& path, std::uint64_t size,
                const std::string& stream = {}) {
    Bytes content(static_cast<std::size_t>(size));
    constexpr std::size_t kPiece = 77'777;
    for (std::size_t done = 0; done < content.size(); done += kPiece) {
        const std::size_t count = std::min(kPiece, content.size() - done);
        files.read(path, stream, done, MutableByteView{content}.subspan(done, count));
    }
    return content;
}

// As Windows leaves it: the content a hole, what is compressed in a stream, a reparse point that
// tells of it. Errors of the driver come where it looks for the file again.
void write_compact(const fs::path& path, const std::string& golden, unsigned method,
                   std::uint64_t size) {
    test::write_whole(path, {});
    fs::resize_file(path, size);
    test::write_whole(path.string() + ":WofCompressedData",
                      test::read_whole(fs::path{ENTREPOT_SOURCE_DIR} / "tests" / "golden" / "wof" /
                                       (golden + ".bin")));
    test::shell(
        fmt::format("setfattr -n system.ntfs_reparse_data -v "
                    "0x1700008010000000010000000200000001000000{:02x}000000 {}",
                    method, test::shell_quoted(path)));
}

bool may_mount() {
    return ::geteuid() == 0 && fs::exists("/dev/fuse");
}

/// False, and a word about it, where the system does not do it.
bool mount_image(std::optional<Mount>& mount, const fs::path& image, const fs::path& folder) {
    try {
        mount.emplace(image, folder);
        return true;
    } catch (const std::exception&) {
        WARN("skipped: this system does not mount ntfs-3g");
        return false;
    }
}

}  // namespace

TEST_CASE("guest files: NTFS that a mounted driver wrote gives back what was put in", "[guest]") {
    if (!may_mount()) {
        WARN("skipped: mounting takes root and /dev/fuse");
        return;
    }
    test::TemporaryDirectory directory;
    const fs::path image = directory.path() / "image";
    const fs::path folder = directory.path() / "mounted";
    fs::create_directory(folder);
    test::make_ntfs(image, {}, 64 * kMiB);
    Tree tree;
    {
        std::optional<Mount> mount;
        if (!mount_image(mount, image, folder)) return;
        tree = write_into(folder);
    }
    const test::FileDisk disk{image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    for (const auto& [path, content] : tree.files) {
        INFO(path);
        const auto status = files->status("/" + path);
        CHECK(status.entry.refusal.empty());
        REQUIRE(status.entry.size_bytes == content.size());
        CHECK((read_file(*files, "/" + path, content.size()) == content));
    }
    // Compressed, it lies nowhere as it is.
    CHECK(files->locate("/compressed/text", "", 0, 10).empty());
    CHECK_FALSE(files->locate("/a/b/c/d/deep", "", 0, 10).empty());
    CHECK((read_file(*files, "/sparse", tree.sparse.size()) == tree.sparse));
    CHECK((read_file(*files, "/compressed/text", tree.second_stream.size(), "second") ==
           tree.second_stream));
    std::set<std::string> names;
    std::string after;
    for (bool has_more = true; has_more;) {
        const auto page = files->list("/many", {after, 700});
        for (const auto& entry : page.entries)
            CHECK(names.insert(entry.name).second);
        after = page.entries.back().name;
        has_more = page.has_more;
    }
    CHECK(names.size() == kManyFiles - kManyFiles / 3);
    CHECK(names.contains("a file with a number 00001"));
    CHECK_FALSE(names.contains("a file with a number 00003"));
}

TEST_CASE("guest files: an NTFS folder of a hundred thousand files is listed by pages, each once",
          "[guest]") {
    if (!may_mount()) {
        WARN("skipped: mounting takes root and /dev/fuse");
        return;
    }
    constexpr int kCount = 100'000;
    test::TemporaryDirectory directory;
    const fs::path image = directory.path() / "image";
    const fs::path folder = directory.path() / "mounted";
    fs::create_directory(folder);
    test::make_ntfs(image, {}, 256 * kMiB);
    {
        std::optional<Mount> mount;
        if (!mount_image(mount, image, folder)) return;
        fs::create_directory(folder / "many");
        for (int i = 0; i < kCount; ++i)
            std::ofstream{folder / "many" / fmt::format("Datei №{:06}.txt", i)};
    }
    const test::FileDisk disk{image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    std::set<std::string> names;
    std::size_t listed = 0;
    for (const auto& entry : test::list_all(*files, "/many", 1000)) {
        ++listed;
        names.insert(entry.name);
    }
    CHECK(listed == kCount);
    CHECK(names.size() == kCount);
    CHECK(names.contains("Datei №000000.txt"));
    CHECK(names.contains("Datei №099999.txt"));
}

TEST_CASE("guest files: what CompactOS compressed is read, and what is not known is refused",
          "[guest][wof]") {
    if (!may_mount()) {
        WARN("skipped: mounting takes root and /dev/fuse");
        return;
    }
    test::TemporaryDirectory directory;
    const fs::path image = directory.path() / "image";
    const fs::path folder = directory.path() / "mounted";
    fs::create_directory(folder);
    test::make_ntfs(image, {}, 32 * kMiB);
    const Bytes sample = test::wof_sample();
    const std::vector<std::pair<std::string, unsigned>> kinds{
        {"xpress4k", 0}, {"lzx", 1}, {"xpress8k", 2}, {"xpress16k", 3}};
    {
        std::optional<Mount> mount;
        if (!mount_image(mount, image, folder)) return;
        for (const auto& [name, method] : kinds)
            write_compact(folder / name, name, method, sample.size());
        write_compact(folder / "unknown", "lzx", 9, sample.size());
        write_compact(folder / "short", "xpress4k", 0, 300 * sample.size());
    }
    const test::FileDisk disk{image};
    const auto files = guest::open_file_system(disk, guest::VolumeContent::ntfs);
    for (const auto& [name, method] : kinds) {
        INFO(name);
        const auto status = files->status("/" + name);
        CHECK(status.entry.refusal.empty());
        REQUIRE(status.entry.size_bytes == sample.size());
        CHECK((read_file(*files, "/" + name, sample.size()) == sample));
    }
    Bytes one(1);
    CHECK_THAT(files->status("/unknown").entry.refusal, Catch::Contains("CompactOS"));
    CHECK_THROWS_WITH(files->read("/unknown", "", 0, one), Catch::Contains("CompactOS"));
    CHECK_THAT(files->status("/short").entry.refusal, Catch::Contains("compressed content"));
    CHECK_THROWS_WITH(files->read("/short", "", 0, one), Catch::Contains("compressed content"));
}
