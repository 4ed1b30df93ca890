// The image commands on real files.
#include "tests/unit/ctl/fake_terminal.h"

#include "tests/support/temporary_directory.h"

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
        SeededRandom random{1};
        random.fill(MutableByteView{content}.subspan(64 * kKiB, 128 * kKiB));
        write(path("a.raw"), content);
        content[300 * kKiB] = std::byte{7};
        write(path("b.raw"), content);
    }

    std::string path(const std::string& name) const { return (directory.path() / name).string(); }
    Json document() const { return parse_json(shell.terminal.out_text(), "output"); }

    Shell shell;
    test::TemporaryDirectory directory;

private:
    static void write(const std::string& path, ByteView content) {
        PosixFileSystem file_system;
        write_file_atomically(file_system, path, content);
    }
};

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
