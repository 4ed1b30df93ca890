// entrepot image with the real program: exit statuses, and what it leaves behind.
#include "tests/cli/image_lab.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace entrepot;
using test::VhdxImageBuilder;

namespace {

using test::child_builder;
using test::ImageLab;
using test::kBlock;
using test::parent_builder;
using test::pattern;

const Json& first_finding(const Json& document, const std::string& severity) {
    for (const Json& finding : document.at("findings")) {
        if (finding.at("severity") == severity) return finding;
    }
    FAIL("no finding of severity " << severity << " in " << document.dump());
    return document;
}

}  // namespace

TEST_CASE("image cli: info shows every structure of every layer", "[cli]") {
    ImageLab lab;
    lab.write("parent.vhdx", parent_builder());
    VhdxImageBuilder child = child_builder();
    const Guid unknown = test::guid_of("0badcafe-2222-4333-8444-555555555555");
    child.more_items.push_back({unknown, 0, pattern(16), {}});
    child.locator.emplace_back("favourite_colour", "blue");
    lab.write("child.avhdx", child);
    const Json info = lab.json({"info", lab.path("child.avhdx")});
    CHECK(info.at("complete") == true);
    CHECK(info.at("type") == "differencing");
    REQUIRE(info.at("layers").size() == 2);
    const Json& layer = info.at("layers").at(0);
    const Json& headers = layer.at("vhdx").at("headers");
    CHECK(headers.at(0).at("sequence_number") == 7);
    CHECK(headers.at(0).at("current") == false);
    CHECK(headers.at(1).at("sequence_number") == 8);
    CHECK(headers.at(1).at("current") == true);
    CHECK(headers.at(1).at("data_write_guid") == child.data_write_guid.to_string());
    CHECK(layer.at("vhdx").at("region_tables").at(1).at("regions").at(1).at("name") == "BAT");
    const Json& items = layer.at("vhdx").at("metadata");
    REQUIRE(items.size() == 7);
    CHECK(items.at(6).at("id") == unknown.to_string());
    CHECK(items.at(6).at("name").is_null());
    CHECK(layer.at("vhdx").at("locator").at("favourite_colour") == "blue");
    CHECK(layer.at("vhdx").at("log").at("dirty") == false);
    CHECK(layer.at("bytes").at("data") == 1024);
    CHECK(layer.at("bytes").at("zero") == kBlock);
    CHECK(layer.at("bytes").at("unmapped") == kBlock);
    CHECK(info.at("layers").at(1).at("bytes").at("data") == 2 * kBlock);
}

TEST_CASE("image cli: check ends with 0, 1 or 4, and lists findings", "[cli]") {
    ImageLab lab;
    lab.write("parent.vhdx", parent_builder());
    lab.write("child.avhdx", child_builder());
    const Json sound = lab.json({"check", lab.path("child.avhdx")});
    CHECK(sound.at("result") == "sound");
    CHECK(sound.at("complete") == true);
    CHECK(sound.at("layers").size() == 2);

    lab.write("damaged.vhdx", parent_builder().block(1, 6, 4 * kMiB).block(2, 5));
    const Json damaged = lab.json({"check", lab.path("damaged.vhdx")}, 4);
    CHECK(damaged.at("result") == "damaged");
    CHECK(damaged.at("finding_count") == 2);
    const Json& finding = first_finding(damaged, "damage");
    CHECK(finding.at("structure") == "BAT");
    CHECK(finding.at("offset") == 3 * kMiB + 16);
    const auto text = lab.image({"check", lab.path("damaged.vhdx")});
    CHECK(text.status == 4);
    CHECK(text.out.find("damage: BAT State at 3145744: entry 2 of block 2") != std::string::npos);

    ImageLab alone;
    alone.write("child.avhdx", child_builder());
    const Json incomplete = alone.json({"check", alone.path("child.avhdx")}, 1);
    CHECK(incomplete.at("result") == "incomplete");
    CHECK(first_finding(incomplete, "incomplete").at("message").dump().find("parent.vhdx") !=
          std::string::npos);
    alone.write("other.vhdx", child_builder());
    const Json wrong =
        alone.json({"check", alone.path("child.avhdx"), "--parent", alone.path("other.vhdx")}, 1);
    CHECK(first_finding(wrong, "incomplete").at("field") == "parent_linkage");
    VhdxImageBuilder future = parent_builder();
    future.version = 2;
    alone.write("future.vhdx", future);
    CHECK(alone.json({"check", alone.path("future.vhdx")}, 1).at("result") == "unsupported");
    CHECK(alone.json({"check", alone.path("nothing.vhdx")}, 1).contains("error"));
}

TEST_CASE("image cli: check of a VHD finds overlaps and leaks", "[cli]") {
    ImageLab lab;
    Bytes content(8 * kMiB);
    const Bytes data = pattern(kBlock);
    std::copy(data.begin(), data.end(), content.begin());
    std::copy(data.begin(), data.end(), content.begin() + 4 * kMiB);
    lab.write_bytes("a.raw", content);
    lab.json({"convert", lab.path("a.raw"), lab.path("a.vhd"), "--format", "vhd"});
    const Json sound = lab.json({"check", lab.path("a.vhd")});
    CHECK(sound.at("layers").at(0).at("blocks").at("present") == 2);
    CHECK(sound.at("finding_count") == 0);

    const Json info = lab.json({"info", lab.path("a.vhd")});
    const std::uint64_t table = info.at("layers").at(0).at("vhd").at("table_offset");
    Bytes bytes = lab.read("a.vhd");
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(table), 4,
                bytes.begin() + static_cast<std::ptrdiff_t>(table + 8));
    lab.write_bytes("b.vhd", bytes);
    const Json damaged = lab.json({"check", lab.path("b.vhd")}, 4);
    CHECK(first_finding(damaged, "damage").at("kind") == "overlap");
    CHECK(first_finding(damaged, "damage").at("offset") == table + 8);
    CHECK(first_finding(damaged, "warning").at("kind") == "leak");
    CHECK(damaged.at("layers").at(0).at("blocks").at("leaked_bytes") == kBlock + 4096);
}

TEST_CASE("image cli: map tells data, zero, unmapped and parent by the sector", "[cli]") {
    ImageLab lab;
    lab.write("child.avhdx", child_builder());
    const Json map = lab.json({"map", lab.path("child.avhdx")});
    const auto extent = [](std::uint64_t offset, std::uint64_t length, const char* kind) {
        return Json{{"offset", offset}, {"length", length}, {"kind", kind}};
    };
    const Json expected = Json::array(
        {extent(0, kBlock + 1024, "parent"), extent(kBlock + 1024, 1024, "data"),
         extent(kBlock + 2048, 2 * kBlock - 2048, "parent"), extent(3 * kBlock, kBlock, "zero"),
         extent(4 * kBlock, kBlock, "unmapped"), extent(5 * kBlock, 27 * kBlock, "parent")});
    CHECK(map.at("extents") == expected);
}

TEST_CASE("image cli: read gives any bytes as they are", "[cli]") {
    ImageLab lab;
    Bytes content(kMiB);
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<std::byte>(i);
    lab.write_bytes("a.raw", content);
    const auto all = lab.image({"read", lab.path("a.raw"), "--offset", "3", "--length", "70000"});
    CHECK(all.status == 0);
    CHECK((all.out == as_text(ByteView{content}.subspan(3, 70000))));
    CHECK(all.err.empty());
    const auto beyond =
        lab.image({"read", lab.path("a.raw"), "--offset", "1048570", "--length", "7"});
    CHECK(beyond.status == 2);
    CHECK(beyond.out.empty());
    CHECK(beyond.err.find("1048576") != std::string::npos);
}

TEST_CASE("image cli: compare ends with 0 for equal, 1 for different, 4 for damage", "[cli]") {
    ImageLab lab;
    lab.write("parent.vhdx", parent_builder());
    lab.json({"convert", lab.path("parent.vhdx"), lab.path("a.raw"), "--format", "raw"});
    CHECK(lab.json({"compare", lab.path("parent.vhdx"), lab.path("a.raw")}).at("equal") == true);
    lab.flip("a.raw", 3 * kBlock + 5000);
    const Json different = lab.json({"compare", lab.path("parent.vhdx"), lab.path("a.raw")}, 1);
    CHECK(different.at("ranges") ==
          Json::array({{{"offset", 3 * kBlock + 4608}, {"length", 512}}}));
    lab.write("damaged.vhdx", parent_builder().block(1, 5));
    CHECK(lab.image({"compare", lab.path("damaged.vhdx"), lab.path("a.raw")}).status == 4);
}

TEST_CASE("image cli: a refused conversion leaves nothing behind", "[cli]") {
    ImageLab lab;
    struct Row {
        std::string name;
        int status;
        std::string words;
    };
    const std::vector<Row> rows{
        {"late.vhdx", 4, "block 31"},  // Found after most of the target is written.
        {"truncated.vhdx", 4, "truncated"}, {"future.vhdx", 1, "ersion 2"},
        {"child.avhdx", 1, "parent.vhdx"},  {"image.qcow2", 1, "qcow2"},
        {"set.vhds", 1, "VHD Set"},         {"nothing.vhdx", 1, "nothing.vhdx"},
        {"twice.vhdx", 4, "whose space"},
    };
    lab.write("twice.vhdx", parent_builder().block(9, 6, 5 * kMiB));
    lab.write("late.vhdx", parent_builder().block(31, 6, 40 * kMiB));
    lab.write("truncated.vhdx", parent_builder());
    lab.truncate("truncated.vhdx", 300 * kKiB);
    VhdxImageBuilder future = parent_builder();
    future.version = 2;
    lab.write("future.vhdx", future);
    VhdxImageBuilder child = child_builder();
    child.child_of(test::guid_of("77777777-2222-4333-8444-555555555555"), ".\\parent.vhdx");
    lab.write("child.avhdx", child);
    Bytes qcow2(64 * kKiB);
    const ByteView magic = as_bytes("QFI\xfb");
    std::copy(magic.begin(), magic.end(), qcow2.begin());
    lab.write_bytes("image.qcow2", qcow2);
    lab.write_bytes("set.vhds", qcow2);
    const auto before = lab.names();
    for (const Row& row : rows) {
        for (const char* format : {"raw", "vhdx", "vhdx-fixed", "vhd", "qcow2"}) {
            const auto finished =
                lab.image({"convert", lab.path(row.name), lab.path("target"), "--format", format});
            INFO(row.name << " to " << format << ": " << finished.err);
            CHECK(finished.status == row.status);
            CHECK(finished.out.empty());
            CHECK(finished.err.find(row.words) != std::string::npos);
            CHECK(lab.names() == before);
        }
    }
    lab.write("sound.vhdx", parent_builder());
    lab.write_bytes("target", as_bytes("precious"));
    const auto finished =
        lab.image({"convert", lab.path("sound.vhdx"), lab.path("target"), "--format", "raw"});
    CHECK(finished.status == 1);
    CHECK(finished.err.find("exists already") != std::string::npos);
    CHECK((as_text(lab.read("target")) == "precious"));
}

TEST_CASE("image cli: what belongs to the disk goes on to what is made of it", "[cli]") {
    ImageLab lab;
    VhdxImageBuilder source = parent_builder();
    source.physical_sector_size = 512;
    source.virtual_disk_id = test::guid_of("0badcafe-2222-4333-8444-555555555555");
    lab.write("source.vhdx", source);
    lab.json({"convert", lab.path("source.vhdx"), lab.path("a.vhdx"), "--format", "vhdx"});
    lab.json({"convert", lab.path("source.vhdx"), lab.path("a.raw"), "--format", "raw"});
    lab.json({"convert", lab.path("a.raw"), lab.path("child.avhdx"), "--format", "vhdx-diff",
              "--base", lab.path("a.vhdx")});
    for (const char* name : {"a.vhdx", "child.avhdx"}) {
        const Json info = lab.json({"info", lab.path(name)});
        CHECK(info.at("virtual_disk_id") == source.virtual_disk_id.to_string());
        CHECK(info.at("layers").at(0).at("physical_sector_size") == 512);
        CHECK(info.at("layers").at(0).at("data_write_guid") != source.data_write_guid.to_string());
    }
}
