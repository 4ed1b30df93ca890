// Children and parents as people leave them lying about.
#include "tests/cli/image_lab.h"

#include <fmt/format.h>

#include <string>
#include <vector>

using namespace entrepot;
using test::child_builder;
using test::ImageLab;
using test::parent_builder;
using test::VhdxImageBuilder;

namespace {

Guid numbered(unsigned number) {
    return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

/// An empty layer that is number `own`, on number `parent`.
VhdxImageBuilder layer(unsigned own, unsigned parent) {
    VhdxImageBuilder builder;
    builder.file_size_bytes = 5 * kMiB;
    builder.data_write_guid = numbered(own);
    return builder.child_of(numbered(parent), fmt::format(".\\{}.avhdx", parent));
}

void check_refused(ImageLab& lab, const std::string& image, int status,
                   const std::vector<std::string>& words) {
    const auto before = lab.names();
    const auto finished =
        lab.image({"convert", lab.path(image), lab.path("target"), "--format", "raw"});
    INFO(finished.err);
    CHECK(finished.status == status);
    CHECK(finished.out.empty());
    for (const std::string& word : words)
        CHECK(finished.err.find(word) != std::string::npos);
    CHECK(lab.names() == before);
}

}  // namespace

TEST_CASE("image cli: an image that is its own ancestor is damage", "[cli]") {
    ImageLab lab;
    lab.write("own.vhdx", layer(1, 1));
    check_refused(lab, "own.vhdx", 4, {"is its own ancestor", "own.vhdx"});
    CHECK(lab.json({"check", lab.path("own.vhdx")}, 4).at("result") == "damaged");
    CHECK(lab.image({"info", lab.path("own.vhdx")}).status == 4);

    ImageLab ring;
    ring.write("1.avhdx", layer(1, 2));
    ring.write("2.avhdx", layer(2, 3));
    ring.write("3.avhdx", layer(3, 1));
    check_refused(ring, "1.avhdx", 4, {"own ancestor"});
    const Json check = ring.json({"check", ring.path("1.avhdx")}, 4);
    CHECK(check.at("layers").size() == 3);
    CHECK(check.at("complete") == false);
}

TEST_CASE("image cli: a chain has at most 64 layers", "[cli]") {
    ImageLab lab;
    VhdxImageBuilder lowest;
    lowest.file_size_bytes = 5 * kMiB;
    lowest.data_write_guid = numbered(0);
    lab.write("0.vhdx", lowest);
    for (unsigned number = 1; number <= 64; ++number)
        lab.write(fmt::format("{}.avhdx", number), layer(number, number - 1));
    CHECK(lab.image({"map", lab.path("63.avhdx")}).status == 0);
    CHECK(lab.json({"check", lab.path("63.avhdx")}).at("complete") == true);
    check_refused(lab, "64.avhdx", 1, {"more than 64 layers"});
    const Json check = lab.json({"check", lab.path("64.avhdx")}, 1);
    CHECK(check.at("result") == "unsupported");
    CHECK(check.at("complete") == false);
}

TEST_CASE("image cli: a file with the parent's name that is another image is told", "[cli]") {
    ImageLab lab;
    lab.write("child.avhdx", child_builder());
    check_refused(lab, "child.avhdx", 1, {"needs a parent \"parent.vhdx\"", "--parent"});
    VhdxImageBuilder changed = parent_builder();
    changed.data_write_guid = numbered(9);
    lab.write("Parent.VHDX", changed);
    check_refused(lab, "child.avhdx", 1,
                  {"needs a parent \"parent.vhdx\" with the identity 11111111-2222",
                   "Parent.VHDX has 00000000-2222-4333-8444-000000000009", "its data changed"});
    const auto check = lab.image({"check", lab.path("child.avhdx")});
    CHECK(check.status == 1);
    CHECK(check.out.find("Parent.VHDX has 00000000-2222") != std::string::npos);
    CHECK(lab.image({"info", lab.path("child.avhdx")}).status == 0);
}

TEST_CASE("image cli: a damaged parent is damage, not a missing one", "[cli]") {
    ImageLab lab;
    lab.write("child.avhdx", child_builder());
    lab.write("parent.vhdx", parent_builder());
    lab.truncate("parent.vhdx", 3 * kMiB);
    check_refused(lab, "child.avhdx", 4, {"parent.vhdx", "region", "needs a parent"});
    CHECK(lab.image({"check", lab.path("child.avhdx")}).status == 1);
}

TEST_CASE("image cli: parents are taken from where they are named, then from beside the child",
          "[cli]") {
    ImageLab here;
    ImageLab there;
    VhdxImageBuilder grandchild = layer(5, 6);
    grandchild.block(0, 2);
    VhdxImageBuilder child = child_builder();
    child.data_write_guid = numbered(6);
    here.write("grandchild.avhdx", grandchild);
    there.write("child.avhdx", child);
    there.write("parent.vhdx", parent_builder());
    check_refused(here, "grandchild.avhdx", 1, {"6.avhdx"});

    // The parent of the child lies beside it.
    const std::vector<std::string> named{"--parent", there.path("child.avhdx")};
    const auto with = [&](std::vector<std::string> words) {
        words.insert(words.end(), named.begin(), named.end());
        return here.image(words);
    };
    const auto converted = with(
        {"convert", here.path("grandchild.avhdx"), here.path("flat.vhdx"), "--format", "vhdx"});
    INFO(converted.err);
    CHECK(converted.status == 0);
    CHECK(with({"compare", here.path("grandchild.avhdx"), here.path("flat.vhdx")}).status == 0);
    CHECK(with({"compare", here.path("flat.vhdx"), here.path("grandchild.avhdx")}).status == 0);
    CHECK(with({"check", here.path("grandchild.avhdx")}).status == 0);
    CHECK(with({"map", here.path("grandchild.avhdx")}).out.find("parent") == std::string::npos);
    // The base of a difference may be a child itself.
    CHECK(with({"convert", here.path("flat.vhdx"), here.path("next.avhdx"), "--format", "vhdx-diff",
                "--base", here.path("grandchild.avhdx")})
              .status == 0);
    CHECK(with({"compare", here.path("next.avhdx"), here.path("flat.vhdx")}).status == 0);

    const auto wrong = here.image({"convert", here.path("grandchild.avhdx"), here.path("x.raw"),
                                   "--format", "raw", "--parent", there.path("parent.vhdx")});
    CHECK(wrong.status == 1);
    CHECK(wrong.err.find("parent.vhdx has 11111111-2222") != std::string::npos);
}

TEST_CASE("image cli: words of an image cannot play with the terminal", "[cli]") {
    ImageLab lab;
    VhdxImageBuilder child = child_builder();
    child.locator[1].second = ".\\" + std::string(300, 'x') + "\x1b[2J\x07.vhdx";
    lab.write("child.avhdx", child);
    for (const char* command : {"info", "check", "map"}) {
        const auto finished = lab.image({command, lab.path("child.avhdx")});
        CHECK((finished.out + finished.err).find('\x1b') == std::string::npos);
    }
    const auto finished =
        lab.image({"read", lab.path("child.avhdx"), "--offset", "0", "--length", "512"});
    CHECK(finished.status == 1);
    CHECK(finished.err.find('\x1b') == std::string::npos);
    CHECK(finished.err.size() < 600);
}

TEST_CASE("image cli: an answer that cannot be written is no success", "[cli]") {
    ImageLab lab;
    lab.write("disk.vhdx", parent_builder());
    const auto program = std::filesystem::path{ENTREPOT_BINARY_DIR} / "bin" / "entrepot";
    for (const std::string words : {"info", "map", "read --offset 0 --length 10000000"}) {
        const auto finished = test::run_to_end({"/bin/sh",
                                                {"-c", "exec \"$0\" image $2 \"$1\" > /dev/full",
                                                 program, lab.path("disk.vhdx"), words},
                                                {}});
        INFO(words);
        CHECK(finished.status == 1);
        CHECK(finished.err.find("standard output") != std::string::npos);
    }
}
