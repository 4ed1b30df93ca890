// The image commands on real files.
#include "tests/unit/ctl/fake_terminal.h"

#include "tests/support/temporary_directory.h"
#include "tests/support/vhd_image_builder.h"

#include "storage/disk/disk_image.h"

#include "base/atomic_file.h"
#include "base/bytes.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using test::Shell;

namespace {

class Images {
public:
    Images() {
        Bytes content(kMiB, std::byte{0});
        random.fill(MutableByteView{content}.subspan(64 * kKiB, 128 * kKiB));
        write(path("a.raw"), content);
        content[300 * kKiB] = std::byte{7};
        write(path("b.raw"), content);
    }

    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    Json document() const { return parse_json(shell.terminal.out_text(), "output"); }

    Shell shell;
    test::TemporaryDirectory directory;
    SeededRandom random{1};

private:
    static void write(const std::string& path, ByteView content) {
        PosixFileSystem file_system;
        write_file_atomically(file_system, path, content);
    }
};

Json info_of(const std::string& path) {
    Shell shell;
    REQUIRE(shell.run({"image", "info", path, "--json"}) == 0);
    return parse_json(shell.terminal.out_text(), "output");
}

}  // namespace

TEST_CASE("image: convert to VHDX and back keeps every byte", "[ctl]") {
    Images images;
    REQUIRE(images.shell.run({"image", "convert", images.path("a.raw"), images.path("a.vhdx"),
                              "--format", "vhdx"}) == 0);
    CHECK(images.shell.run({"image", "check", images.path("a.vhdx")}) == 0);
    REQUIRE(images.shell.run({"image", "convert", images.path("a.vhdx"), images.path("c.raw"),
                              "--format", "raw"}) == 0);
    CHECK(images.shell.run({"image", "compare", images.path("a.raw"), images.path("c.raw")}) == 0);
    CHECK(images.shell.run({"image", "convert", images.path("a.vhdx"), images.path("c.raw"),
                            "--format", "raw"}) == 1);
}

TEST_CASE("image: Ctrl-C ends a conversion and leaves nothing", "[ctl]") {
    for (const char* format : {"raw", "vhdx", "vhdx-fixed", "vhd", "qcow2"}) {
        Images images;
        images.shell.terminal.interrupt_at = 2;
        CHECK(images.shell.run({"image", "convert", images.path("a.raw"), images.path("c"),
                                "--format", format}) == 1);
        CHECK(images.shell.terminal.err_text().find("cancelled") != std::string::npos);
        CHECK(images.shell.file_system.list(images.directory.path()).size() == 2);
    }
}

TEST_CASE("image: Ctrl-C ends whatever looks at an image", "[ctl]") {
    const std::vector<std::vector<std::string>> commands{
        {"info"}, {"map"}, {"read", "--offset", "0", "--length", "1048576"}};
    for (auto words : commands) {
        Images images;
        images.shell.terminal.interrupt_at = 2;
        words.insert(words.begin(), "image");
        words.push_back(images.path("a.raw"));
        INFO(words[1]);
        CHECK(images.shell.run(words) == 1);
        CHECK(images.shell.terminal.err_text().find("cancelled") != std::string::npos);
    }
}

TEST_CASE("image: compare says where disks differ", "[ctl]") {
    Images images;
    CHECK(images.shell.run(
              {"image", "compare", images.path("a.raw"), images.path("b.raw"), "--json"}) == 1);
    const Json document = images.document();
    CHECK(document.at("equal") == false);
    CHECK(document.at("ranges") == Json::array({{{"offset", 300 * kKiB}, {"length", 512}}}));
}

TEST_CASE("image: a difference finds its parent beside it, or is told", "[ctl]") {
    Images images;
    auto& shell = images.shell;
    REQUIRE(shell.run({"image", "convert", images.path("a.raw"), images.path("a.vhdx"), "--format",
                       "vhdx"}) == 0);
    REQUIRE(shell.run({"image", "convert", images.path("b.raw"), images.path("b.avhdx"), "--format",
                       "vhdx-diff", "--base", images.path("a.vhdx")}) == 0);
    CHECK(shell.run({"image", "compare", images.path("b.avhdx"), images.path("b.raw")}) == 0);

    std::filesystem::create_directory(images.directory.path() / "else");
    std::filesystem::rename(images.path("a.vhdx"), images.path("else/a.vhdx"));
    CHECK(shell.run({"image", "compare", images.path("b.avhdx"), images.path("b.raw")}) == 1);
    CHECK(shell.terminal.err_text().find("--parent") != std::string::npos);
    CHECK(shell.run({"image", "convert", images.path("b.avhdx"), images.path("d.raw"), "--format",
                     "raw", "--parent", images.path("else/a.vhdx")}) == 0);
}

TEST_CASE("image: read gives exactly the bytes that were asked for", "[ctl]") {
    Images images;
    REQUIRE(images.shell.run({"image", "read", images.path("b.raw"), "--offset",
                              std::to_string(300 * kKiB - 1), "--length", "3"}) == 0);
    CHECK(images.shell.terminal.out_text() == std::string("\0\x07\0", 3));
    CHECK(images.shell.run({"image", "read", images.path("b.raw"), "--offset",
                            std::to_string(kMiB - 1), "--length", "2"}) == 2);
}

TEST_CASE("image: a damaged image is exit status 4", "[ctl]") {
    Images images;
    PosixFileSystem file_system;
    const auto path = images.path("bad.vhdx");
    write_file_atomically(file_system, path, as_bytes("vhdxfile" + std::string(2 * kMiB, 'x')));
    CHECK(images.shell.run({"image", "info", path}) == 4);
    CHECK(images.shell.run({"image", "info", images.path("none.vhdx")}) == 1);
}

TEST_CASE("image: convert to VHD and back keeps every byte", "[ctl]") {
    Images images;
    auto& shell = images.shell;
    for (const std::string format : {"vhd", "vhd-fixed"}) {
        const std::string image = images.path(format + ".vhd");
        REQUIRE(shell.run({"image", "convert", images.path("a.raw"), image, "--format", format}) ==
                0);
        CHECK(shell.run({"image", "check", image}) == 0);
        CHECK(shell.run({"image", "compare", images.path("a.raw"), image}) == 0);
        const Json info = info_of(image);
        CHECK(info.at("format") == "vhd");
        CHECK(info.at("type") == (format == "vhd" ? "dynamic" : "fixed"));
        CHECK(info.at("layers").at(0).at("parent").is_null());
        CHECK(info.at("layers").at(0).at("vhd").at("time_stamp") > 0);

        // The id of the disk goes on to the next image.
        const std::string next = images.path(format + ".vhdx");
        REQUIRE(shell.run({"image", "convert", image, next, "--format", "vhdx"}) == 0);
        CHECK(info_of(next).at("virtual_disk_id") == info.at("virtual_disk_id"));
    }
}

TEST_CASE("image: a VHD child finds its parent beside it by id", "[ctl]") {
    Images images;
    auto& shell = images.shell;
    REQUIRE(shell.run({"image", "convert", images.path("a.raw"), images.path("base.vhd"),
                       "--format", "vhd-fixed"}) == 0);
    PosixFileSystem files;
    const auto base = disk::open_vhd(files.open_read(images.path("base.vhd")));
    test::VhdImageBuilder child;
    child.size_bytes = kMiB;
    child.unique_id = Guid::make_random(images.random);
    child.child_of(base->info().vhd->unique_id, "C:\\disks\\base.vhd");
    // Sector 600 holds what makes a.raw into b.raw.
    child.block(0, 4095).content(4095 * 512 + 75, {std::byte{0x80}});
    Bytes sector(512);
    files.open_read(images.path("b.raw"))->read_exactly(300 * kKiB, sector);
    child.content((4096 + 600) * 512, sector);
    const auto built = child.build();
    Bytes content(built->size());
    built->read_exactly(0, content);
    write_file_atomically(files, images.path("child.avhd"), content);
    CHECK(shell.run({"image", "compare", images.path("child.avhd"), images.path("b.raw")}) == 0);

    // A copy with the same id and another content: the name decides.
    std::filesystem::copy_file(images.path("base.vhd"), images.path("a copy.vhd"));
    files.open_write(images.path("a copy.vhd"))->write(0, Bytes(512, std::byte{9}));
    CHECK(shell.run({"image", "compare", images.path("child.avhd"), images.path("b.raw")}) == 0);
    std::filesystem::rename(images.path("base.vhd"), images.path("renamed.vhd"));
    CHECK(shell.run({"image", "compare", images.path("child.avhd"), images.path("b.raw")}) == 1);
    CHECK(shell.terminal.err_text().find("a copy.vhd") != std::string::npos);
    CHECK(shell.run({"image", "convert", images.path("child.avhd"), images.path("c.raw"),
                     "--format", "raw", "--parent", images.path("renamed.vhd")}) == 0);
    CHECK(shell.run({"image", "compare", images.path("b.raw"), images.path("c.raw")}) == 0);

    // Without any parent nothing is written.
    std::filesystem::remove(images.path("renamed.vhd"));
    std::filesystem::remove(images.path("a copy.vhd"));
    CHECK(shell.run({"image", "convert", images.path("child.avhd"), images.path("d.raw"),
                     "--format", "raw"}) == 1);
    CHECK_FALSE(std::filesystem::exists(images.path("d.raw")));
}

TEST_CASE("image: a VHD Set is named as what it is", "[ctl]") {
    Images images;
    PosixFileSystem files;
    write_file_atomically(files, images.path("shared.vhds"), as_bytes(std::string(4096, 'x')));
    CHECK(images.shell.run({"image", "info", images.path("shared.vhds")}) == 1);
    CHECK(images.shell.terminal.err_text().find("VHD Set") != std::string::npos);
}
