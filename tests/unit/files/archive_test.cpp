// Archives as other people's programs read them: all that was there byte for byte, what was not by
// name, and nothing outside of the folder they are unpacked in.
#include "appliance/files/archive_link.h"
#include "appliance/files/guest_archive.h"
#include "tests/support/guest_images.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/files/memory_disk.h"

#include "base/error.h"
#include "base/file_system.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <tuple>

using namespace entrepot;
using files::ArchiveFormat;
namespace fs = std::filesystem;

namespace {

struct Lab {
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    test::TemporaryDirectory directory;
    test::MemoryDisk disk;
    fs::path file = directory.path() / "archive";
    fs::path out = directory.path() / "out";
    files::ArchiveLimits limits;
    std::vector<std::string> names;  ///< What is chosen; none: everything.

    files::ArchiveReport make(ArchiveFormat format, const std::string& path = "/") {
        Bytes archive;
        const auto report = write(format, path, [&](ByteView piece) {
            archive.insert(archive.end(), piece.begin(), piece.end());
        });
        test::write_whole(file, archive);
        return report;
    }

    files::ArchiveReport write(ArchiveFormat format, const std::string& path,
                               const files::ArchiveSink& sink, std::stop_token stop = {}) {
        files::GuestArchive archive{clock,
                                    std::make_unique<test::MemoryDisk>(disk),
                                    {{{"point", 0}, 1, path}, format, names},
                                    limits};
        return archive.write(sink, stop);
    }

    void unpack(ArchiveFormat format) const {
        fs::remove_all(out);
        fs::create_directory(out);
        const std::string from = test::shell_quoted(file);
        const std::string to = test::shell_quoted(out);
        test::shell(format == ArchiveFormat::tar
                        ? "LC_ALL=C.UTF-8 tar -xf " + from + " -C " + to
                        : "LC_ALL=C.UTF-8 7z x -bd -o" + to + " -tzip " + from + " >/dev/null");
    }

    std::map<std::string, Bytes> unpacked(ArchiveFormat format) const {
        unpack(format);
        std::map<std::string, Bytes> found;
        for (const auto& entry : fs::recursive_directory_iterator{out}) {
            const std::string name = fs::relative(entry.path(), out).string();
            found[name] = entry.is_directory() ? Bytes{} : test::read_whole(entry.path());
        }
        return found;
    }
};

std::string text_of(const Bytes& bytes) {
    return std::string{as_text(bytes)};
}

}  // namespace

TEST_CASE("archive: a folder comes out as it went in, in either format", "[files]") {
    const auto format = GENERATE(ArchiveFormat::tar, ArchiveFormat::zip);
    Lab lab;
    std::map<std::string, Bytes> expected{{"data", {}}, {"data/empty folder", {}}};
    lab.disk.add("/data/empty folder", {guest::FileKind::folder});
    lab.disk.add("/other/not asked for", {guest::FileKind::file, Bytes(5)});
    const std::string long_name(200, 'n');
    for (const auto& [path, size] : std::map<std::string, std::size_t>{{"a.txt", 3},
                                                                       {"empty", 0},
                                                                       {"報告書.txt", 1000},
                                                                       {long_name, 70'000},
                                                                       {"big", 3 * kMiB + 17}}) {
        const Bytes content = test::random_bytes(size, static_cast<std::uint32_t>(size));
        lab.disk.add("/data/" + path, {guest::FileKind::file, content});
        expected["data/" + path] = content;
    }
    const Bytes text(2 * kMiB, std::byte{'x'});
    lab.disk.add("/data/text", {guest::FileKind::file, text});
    expected["data/text"] = text;
    lab.disk.page_entries = 2;

    const auto report = lab.make(format, "/data");
    CHECK(report.file_count == 6);
    CHECK(report.not_restored_count == 0);
    const auto found = lab.unpacked(format);
    CHECK(found.size() == expected.size());
    CHECK((found == expected));
    PosixFileSystem file_system;
    CHECK(format_time(file_system.find_status(lab.out / "data" / "a.txt")->modified) ==
          "2026-02-03T04:05:06.000Z");
}

TEST_CASE("archive: of a folder only what was chosen, with all that is below it", "[files]") {
    const auto format = GENERATE(ArchiveFormat::tar, ArchiveFormat::zip);
    Lab lab;
    const Bytes content = test::random_bytes(5'000, 3);
    for (const char* path : {"/data/a", "/data/b", "/data/sub/deep/c", "/data/sub/d", "/data/ä"})
        lab.disk.add(path, {guest::FileKind::file, content});
    lab.disk.page_entries = 1;
    lab.names = {"ä", "sub"};
    CHECK(lab.make(format, "/data").file_count == 3);
    const std::map<std::string, Bytes> expected{
        {"data", {}},          {"data/ä", content},          {"data/sub", {}},
        {"data/sub/deep", {}}, {"data/sub/deep/c", content}, {"data/sub/d", content}};
    CHECK((lab.unpacked(format) == expected));
}

TEST_CASE("archive: a chosen name that is not there is told before anything is sent", "[files]") {
    Lab lab;
    lab.disk.add("/data/a", {guest::FileKind::file, Bytes(5)});
    lab.names = {"a", "gone"};
    CHECK_THROWS_AS(lab.make(ArchiveFormat::zip, "/data"), Error);
    lab.names = {"x"};
    CHECK_THROWS_AS(lab.make(ArchiveFormat::zip, "/data/a"), Error);  // Nothing is in a file.
}

TEST_CASE("archive: what was chosen is a list of names, bounded, each once", "[files]") {
    CHECK(files::archive_names_from("").empty());
    CHECK(files::archive_names_from("a b/\\x2f.txt") ==
          std::vector<std::string>{"a b", "\\x2f.txt"});
    for (const char* bad : {"/a", "a//b", "..", "a/.", "a/a"}) {
        INFO(bad);
        CHECK_THROWS_AS(files::archive_names_from(bad), Error);
    }
    std::string many;
    for (std::size_t i = 0; i <= files::kArchiveNamesMax; ++i)
        many += fmt::format("{}n{}", i == 0 ? "" : "/", i);
    CHECK_THROWS_AS(files::archive_names_from(many), Error);
    CHECK(files::archive_names_from(many.substr(0, many.rfind('/'))).size() ==
          files::kArchiveNamesMax);
}

TEST_CASE("archive: one file alone, and a whole partition", "[files]") {
    const auto format = GENERATE(ArchiveFormat::tar, ArchiveFormat::zip);
    Lab lab;
    lab.disk.add("/docs/plan", {guest::FileKind::file, test::random_bytes(100, 1)});
    lab.make(format, "/docs/plan");
    CHECK(lab.unpacked(format).at("plan") == test::random_bytes(100, 1));
    lab.make(format);
    CHECK(lab.unpacked(format).contains("disk0-partition1/docs/plan"));
}

TEST_CASE("archive: what cannot be read is named in its last entry, and the rest is there",
          "[files]") {
    const auto format = GENERATE(ArchiveFormat::tar, ArchiveFormat::zip);
    Lab lab;
    const Bytes content = test::random_bytes(10, 1);
    lab.disk.add("/d/a", {guest::FileKind::file, content});
    lab.disk.add("/d/damaged", {guest::FileKind::file, content, "", "", 0});
    lab.disk.add("/d/link", {guest::FileKind::link, {}, "", "/etc/passwd"});
    lab.disk.add("/d/lost", {guest::FileKind::folder, {}, "", "", 0});
    lab.disk.add("/d/lost/inside", {guest::FileKind::file, content});
    lab.disk.add("/d/pipe", {guest::FileKind::other});
    lab.disk.add("/d/wof", {guest::FileKind::file, content, "Windows compressed it"});
    lab.disk.add("/d/z", {guest::FileKind::file, content});
    const auto report = lab.make(format, "/d");
    CHECK(report.file_count == 2);
    CHECK(report.not_restored_count == 5);
    auto found = lab.unpacked(format);
    const std::string list = text_of(found.at("ENTREPOT-NOT-RESTORED.txt"));
    for (const std::string line :
         {"/d/damaged: a chunk is damaged", "/d/link: it is a link to /etc/passwd",
          "/d/lost: the folder cannot be read", "/d/pipe: it is a device",
          "/d/wof: Windows compressed it"}) {
        CHECK_THAT(list, Catch::Contains(line));
    }
    found.erase("ENTREPOT-NOT-RESTORED.txt");
    CHECK((found == std::map<std::string, Bytes>{
                        {"d", {}}, {"d/a", content}, {"d/lost", {}}, {"d/z", content}}));
}

TEST_CASE("archive: what a link may lead to", "[files]") {
    using Row = std::tuple<std::string, std::size_t, std::optional<std::string>>;
    const auto [target, depth, expected] = GENERATE(values<Row>({
        {"a", 0, "a"},
        {"a/b", 0, "a/b"},
        {"./a//b/.", 0, "a/b"},
        {"...", 0, "..."},
        {".", 0, "."},
        {"../a", 1, "../a"},
        {"../../a", 2, "../../a"},
        {"..", 1, ".."},
        {"%x41", 0, "%x25x41"},
        {"", 0, std::nullopt},
        {"/", 5, std::nullopt},
        {"/etc/passwd", 5, std::nullopt},
        {"..", 0, std::nullopt},
        {"../../a", 1, std::nullopt},
        // "a" may be a link to somewhere else.
        {"a/..", 5, std::nullopt},
        {"../a/../b", 5, std::nullopt},
        {"C:\\Users", 5, std::nullopt},
        {"..\\a", 5, std::nullopt},
        {"line\\x0afeed", 5, std::nullopt},
    }));
    INFO(target);
    CHECK(files::archive_link_target(target, depth) == expected);
}

TEST_CASE("archive: links that stay in a tar are links, behind all files; others are named",
          "[files]") {
    Lab lab;
    const auto link = [&](const std::string& path, const std::string& target) {
        lab.disk.add(path, {guest::FileKind::link, {}, "", target});
    };
    const std::string long_name(180, 'n');
    lab.disk.add("/d/sub/file", {guest::FileKind::file, Bytes(3, std::byte{'f'})});
    lab.disk.add("/d/sub/" + long_name, {guest::FileKind::file, Bytes(3, std::byte{'n'})});
    lab.disk.add("/d/報告", {guest::FileKind::file, Bytes(3, std::byte{'r'})});
    link("/d/a to folder", "sub");
    link("/d/a to long", "sub/" + long_name);
    link("/d/sub/up", "../報告");
    link("/d/sub/nowhere", "not there");
    link("/d/absolute", "/etc/passwd");
    link("/d/out", "../secret");
    link("/d/sub/out", "../../secret");
    link("/d/trick", "a to folder/../../secret");
    const auto report = lab.make(ArchiveFormat::tar, "/d");
    CHECK(report.link_count == 4);
    CHECK(report.not_restored_count == 4);
    const std::string archive = test::shell_quoted(lab.file);
    // The last five entries are the links and the list of what is missing.
    test::shell("test $(tar -tvf " + archive + " | tail -n 5 | grep -c '^l') = 4");
    // 7-Zip makes none with a step up, and says so.
    const auto [unpacker, takes_steps_up] = GENERATE(table<std::string, bool>(
        {{"tar -xf {0} -C {1}", true},
         {"7z x -bd -ttar -o{1} {0}; test $? -le 2", false},
         {"python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], "
          "filter=\"data\")' {0} {1}",
          true}}));
    INFO(unpacker);
    fs::create_directory(lab.out);
    test::shell("export LC_ALL=C.UTF-8; " +
                fmt::format(fmt::runtime(unpacker), archive, test::shell_quoted(lab.out)));
    const fs::path top = lab.out / "d";
    CHECK(fs::read_symlink(top / "a to folder") == "sub");
    CHECK((test::read_whole(top / "a to folder" / "file") == Bytes(3, std::byte{'f'})));
    CHECK((test::read_whole(top / "a to long") == Bytes(3, std::byte{'n'})));
    if (takes_steps_up) {
        CHECK((test::read_whole(top / "sub" / "up") == Bytes(3, std::byte{'r'})));
    }
    CHECK(fs::read_symlink(top / "sub" / "nowhere") == "not there");
    const std::string list = text_of(test::read_whole(lab.out / "ENTREPOT-NOT-RESTORED.txt"));
    for (const std::string path : {"absolute", "out", "sub/out", "trick"}) {
        CHECK_FALSE(fs::exists(fs::symlink_status(top / path)));
        CHECK_THAT(list, Catch::Contains("/d/" + path + ": it is a link to "));
    }
    lab.make(ArchiveFormat::zip, "/d");
    CHECK(lab.unpacked(ArchiveFormat::zip).contains("d/sub/file"));
    CHECK_FALSE(fs::exists(fs::symlink_status(top / "a to folder")));
}

TEST_CASE("archive: a file that breaks off in its middle has no zeros for content", "[files]") {
    Lab lab;
    const Bytes content = test::random_bytes(3 * kMiB, 1);
    lab.disk.add("/d/broken", {guest::FileKind::file, content, "", "", 2 * kMiB});
    lab.disk.add("/d/z", {guest::FileKind::file, content});
    SECTION("tar: its end says what it is") {
        CHECK(lab.make(ArchiveFormat::tar, "/d").not_restored_count == 1);
        const auto found = lab.unpacked(ArchiveFormat::tar);
        const Bytes& broken = found.at("d/broken");
        REQUIRE(broken.size() == content.size());
        CHECK(std::equal(broken.begin(), broken.begin() + 2 * kMiB, content.begin()));
        CHECK_THAT(text_of(Bytes(broken.begin() + 2 * kMiB, broken.end())),
                   Catch::Contains("could not be read"));
        CHECK_FALSE(is_zero(ByteView{broken}.last(512)));
        CHECK(found.at("d/z") == content);
    }
    SECTION("zip: whoever unpacks it is told, and gets the others") {
        CHECK(lab.make(ArchiveFormat::zip, "/d").not_restored_count == 1);
        CHECK_THROWS(lab.unpack(ArchiveFormat::zip));
        CHECK(test::read_whole(lab.out / "d/z") == content);
        CHECK_THAT(text_of(test::read_whole(lab.out / "ENTREPOT-NOT-RESTORED.txt")),
                   Catch::Contains("/d/broken: only its first 2097152 bytes are here"));
    }
}

TEST_CASE("archive: a name never leads out of the folder, nor to a device (F-RS-03)", "[files]") {
    using files::archive_name;
    CHECK(archive_name("..\\x5c..\\x5cevil.exe", ArchiveFormat::zip) == "..%x5c..%x5cevil.exe");
    CHECK(archive_name("..\\x2f..\\x2fetc", ArchiveFormat::tar) == "..%x2f..%x2fetc");
    CHECK(archive_name("a%x5cb", ArchiveFormat::tar) == "a%x25x5cb");
    CHECK(archive_name("100%", ArchiveFormat::zip) == "100%");
    CHECK(archive_name("x:stream", ArchiveFormat::zip) == "x%x3astream");
    CHECK(archive_name("1234.host:2,S", ArchiveFormat::tar) == "1234.host:2,S");
    CHECK(archive_name("dot.", ArchiveFormat::zip) == "dot%x2e");
    CHECK(archive_name("dot.", ArchiveFormat::tar) == "dot.");
    CHECK(archive_name("nul", ArchiveFormat::zip) == "%x6eul");
    CHECK(archive_name("Com1.txt", ArchiveFormat::zip) == "%x43om1.txt");
    CHECK(archive_name("COM\u00b9", ArchiveFormat::zip) == "%x43OM\u00b9");
    CHECK(archive_name("CON .txt", ArchiveFormat::zip) == "%x43ON .txt");
    CHECK(archive_name("console", ArchiveFormat::zip) == "console");
    CHECK(archive_name("nul", ArchiveFormat::tar) == "nul");
}

TEST_CASE("archive: beyond its limits it ends with the reason, as a whole archive", "[files]") {
    const auto format = GENERATE(ArchiveFormat::tar, ArchiveFormat::zip);
    Lab lab;
    for (const std::string name : {"a", "b", "c", "d"})
        lab.disk.add("/f/" + name, {guest::FileKind::file, Bytes(100, std::byte{1})});
    SECTION("entries") {
        lab.limits.entry_count_max = 2;
        CHECK(lab.make(format, "/f").not_restored_count == 1);
        const auto found = lab.unpacked(format);
        CHECK(found.contains("f/b"));
        CHECK_FALSE(found.contains("f/c"));
        CHECK_THAT(text_of(found.at("ENTREPOT-NOT-RESTORED.txt")),
                   Catch::Contains("/f/c: and everything behind it: there are more than 2 files"));
    }
    SECTION("bytes: a file of a guest may claim terabytes (F-RS-05)") {
        lab.limits.content_bytes_max = 350;
        lab.disk.add("/f/b", {guest::FileKind::file, {}, "", "", {}, 16 * kTiB});
        CHECK(lab.make(format, "/f").not_restored_count == 1);
        CHECK(lab.unpacked(format).contains("f/d"));
    }
    SECTION("time") {
        lab.limits.time_max = std::chrono::hours{0};
        CHECK(lab.make(format, "/f").not_restored_count == 1);
        CHECK(lab.unpacked(format).contains("ENTREPOT-NOT-RESTORED.txt"));
    }
}

TEST_CASE("archive: more than 65,535 entries", "[files]") {
    const auto format = GENERATE(ArchiveFormat::tar, ArchiveFormat::zip);
    Lab lab;
    for (int i = 0; i < 70'000; ++i)
        lab.disk.files.emplace(fmt::format("/many/{:06}", i), test::MemoryFile{});
    lab.disk.files.emplace("/many", test::MemoryFile{guest::FileKind::folder});
    CHECK(lab.make(format, "/many").file_count == 70'000);
    const std::string list = format == ArchiveFormat::tar ? "tar -tf " : "7z l -ba -tzip ";
    test::shell("test $(" + list + test::shell_quoted(lab.file) + " | wc -l) = 70001");
}

TEST_CASE("archive: sizes and times that a tar's header cannot tell stand before it", "[files]") {
    Bytes archive;
    const auto writer = files::make_tar_writer(
        [&](ByteView piece) { archive.insert(archive.end(), piece.begin(), piece.end()); });
    writer->begin_file({"large", parse_time("1965-01-01T00:00:00Z"), 9 * kGiB});
    CHECK_THAT(text_of(archive), Catch::Contains("19 size=9663676416\n"));
    CHECK_THAT(text_of(archive), Catch::Contains("20 mtime=-157766400\n"));
}

// The zeros deflate to a few MiB.
TEST_CASE("archive: more than 4 GiB in one file of a zip", "[.large]") {
    Lab lab;
    lab.disk.add("/f/large", {guest::FileKind::file, {}, "", "", {}, 4 * kGiB + 5});
    lab.disk.add("/f/z", {guest::FileKind::file, test::random_bytes(100, 1)});
    lab.make(ArchiveFormat::zip, "/f");
    test::shell("7z t -bd -tzip " + test::shell_quoted(lab.file) + " >/dev/null");
    test::shell("7z l -slt -tzip " + test::shell_quoted(lab.file) +
                " | grep -q '^Size = 4294967301$'");
}

TEST_CASE("archive: it stops when its taker is gone or when it is told to", "[files]") {
    Lab lab;
    lab.disk.add("/f/a", {guest::FileKind::file, {}, "", "", {}, 100 * kMiB});
    std::uint64_t size = 0;
    CHECK_THROWS_WITH(lab.write(ArchiveFormat::tar, "/f",
                                [&](ByteView piece) {
                                    size += piece.size();
                                    throw Error{ErrorCode::cancelled, "gone"};
                                }),
                      "gone");
    CHECK(size < 3 * kMiB);
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(lab.write(
                        ArchiveFormat::tar, "/f", [](ByteView) {}, stop.get_token()),
                    Error);
}

TEST_CASE("archive: what it is asked for is looked at before it begins", "[files]") {
    Lab lab;
    lab.disk.add("/f/link", {guest::FileKind::link, {}, "", "x"});
    CHECK_THROWS_WITH(lab.make(ArchiveFormat::zip, "/none"), "there is no /none");
    CHECK_THROWS_WITH(lab.make(ArchiveFormat::zip, "/f/link"), Catch::Contains("not followed"));
    CHECK_THROWS_AS(files::archive_format_from("rar"), Error);
}

TEST_CASE("folder walk: a wide and deep tree in flat memory, each entry once", "[files]") {
    test::MemoryDisk disk;
    const std::string wide(4000, 'w');
    std::string path;
    for (int depth = 0; depth < 12; ++depth) {
        for (int i = 0; i < 900; ++i)
            disk.files.emplace(fmt::format("{}/{}{:03}", path, wide, i), test::MemoryFile{});
        path += "/folder";
        disk.files.emplace(path, test::MemoryFile{guest::FileKind::folder});
    }
    files::FolderWalk walk{disk, 0, "/"};
    std::size_t count = 0;
    while (walk.next())
        ++count;
    CHECK(count == 12 * 901);
    // Pages that were forgotten on the way down were asked for again.
    CHECK(disk.list_count > 13);
}
