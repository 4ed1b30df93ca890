// What people write to name a place, what a browser gets as a name, and where files are written.
#include "appliance/api/content_disposition.h"
#include "appliance/ctl/files_place.h"
#include "appliance/ctl/files_target.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"
#include "base/file_system.h"
#include "base/random.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace entrepot;
namespace fs = std::filesystem;

TEST_CASE("files place: the last two parts are disk and partition", "[files]") {
    const auto all = ctl::parse_files_place("web01@latest:0:2");
    CHECK(all.point == "web01@latest");
    CHECK(all.disk == "0");
    CHECK(all.volume == "2");
    const auto disk = ctl::parse_files_place("abc123:0");
    CHECK(disk.point == "abc123");
    CHECK(disk.disk == "0");
    CHECK_FALSE(disk.volume.has_value());
    CHECK_FALSE(ctl::parse_files_place("abc123").disk.has_value());
    CHECK(ctl::parse_files_place("odd:name@latest:1:3").point == "odd:name@latest");
    for (const std::string text : {"", ":0", "a:0:", "a:0:x", "a::1", "a:"}) {
        INFO(text);
        CHECK_THROWS_AS(ctl::parse_files_place(text), Error);
    }
}

TEST_CASE("attachment: a name never becomes a header or a path (F-RS-03)", "[files]") {
    CHECK(api::attachment_named("plan 1.docx") ==
          "attachment; filename=\"plan 1.docx\"; filename*=UTF-8''plan%201.docx");
    CHECK(api::attachment_named("a\"b;c\\\r\nSet-Cookie: x") ==
          "attachment; filename=\"a_b_c___Set-Cookie_ x\"; "
          "filename*=UTF-8''a%22b%3Bc%5C%0D%0ASet-Cookie%3A%20x");
    CHECK(api::attachment_named("é") == "attachment; filename=\"__\"; filename*=UTF-8''%C3%A9");
    CHECK(api::attachment_named("..").find("filename=\"file\"") != std::string::npos);
}

TEST_CASE("target file: whole or not at all, zeros as holes, nothing replaced unasked", "[files]") {
    test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    SystemRandom random;
    const fs::path folder = directory.path();
    Bytes content(3 * kMiB);
    content.back() = std::byte{7};
    content[100] = std::byte{1};
    {
        ctl::TargetFile file{file_system, random, folder, "file", ctl::Existing::keep};
        file.append(ByteView{content}.first(1000));
        CHECK_FALSE(file_system.exists(folder / "file"));
    }
    CHECK(fs::is_empty(folder));
    ctl::TargetFile file{file_system, random, folder, "file", ctl::Existing::keep};
    file.append(ByteView{content}.first(70'001));
    file.append(ByteView{content}.subspan(70'001));
    file.commit();
    CHECK((file_system.read_file(folder / "file", content.size()) == content));
    CHECK(file_system.find_status(folder / "file")->allocated_bytes < kMiB);
    const auto open = [&](const std::string& name, ctl::Existing existing) {
        ctl::TargetFile again{file_system, random, folder, name, existing};
    };
    CHECK_THROWS_AS(open("file", ctl::Existing::keep), Error);
    CHECK_NOTHROW(open("file", ctl::Existing::replace));
    fs::create_directory(folder / "folder");
    CHECK_THROWS_AS(open("folder", ctl::Existing::replace), Error);
    for (const std::string name : {"..", ".", "", "a/b", "../x", "line\nend"}) {
        INFO(name);
        CHECK_THROWS_AS(open(name, ctl::Existing::replace), Error);
    }
    CHECK_THROWS_AS(open(std::string(256, 'a'), ctl::Existing::keep), Error);
}

TEST_CASE("target file: what somebody else made meanwhile is not replaced", "[files]") {
    test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    SystemRandom random;
    ctl::TargetFile file{file_system, random, directory.path(), "file", ctl::Existing::keep};
    file.append(as_bytes("ours"));
    file_system.create(directory.path() / "file")->write(0, as_bytes("theirs"));
    CHECK_THROWS_WITH(file.commit(), Catch::Contains("file"));
    CHECK(as_text(file_system.read_file(directory.path() / "file", 100)) == "theirs");
}

TEST_CASE("target folder: a link in its place leads nowhere", "[files]") {
    test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    CHECK(ctl::ensure_folder(file_system, directory.path(), "new") == directory.path() / "new");
    CHECK(ctl::ensure_folder(file_system, directory.path(), "new") == directory.path() / "new");
    fs::create_directory_symlink("/tmp", directory.path() / "link");
    CHECK_THROWS_AS(ctl::ensure_folder(file_system, directory.path(), "link"), Error);
    CHECK_THROWS_AS(ctl::ensure_folder(file_system, directory.path(), ".."), Error);
}
