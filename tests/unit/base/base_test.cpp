// The ground floor: conversions, times, checksums, JSON bounds, files.
#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/random.h"

#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

using namespace entrepot;

TEST_CASE("bytes: hexadecimal and base64 survive a round trip and refuse nonsense", "[base]") {
    CHECK(to_hex(as_bytes("\x01\xfe")) == "01fe");
    CHECK(as_text(from_hex("4142")) == "AB");
    CHECK_THROWS_AS(from_hex("4"), Error);
    CHECK_THROWS_AS(from_hex("4g"), Error);
    for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
        CHECK(as_text(from_base64(to_base64(as_bytes(text)))) == text);
    }
    CHECK_THROWS_AS(from_base64("a"), Error);
    CHECK_THROWS_AS(from_base64("####"), Error);
}

TEST_CASE("guid: text and file order agree, braces and case are tolerated", "[base]") {
    const auto guid = Guid::parse("{2DC27766-F623-4200-9D64-115E9BFD4A08}");
    REQUIRE(guid);
    CHECK(guid->to_string() == "2dc27766-f623-4200-9d64-115e9bfd4a08");
    CHECK(to_hex(guid->bytes) == "6677c22d23f600429d64115e9bfd4a08");
    CHECK(!Guid::parse("2DC27766-F623-4200-9D64-115E9BFD4A0"));
    CHECK(!Guid::parse("2DC27766xF623-4200-9D64-115E9BFD4A08"));
}

TEST_CASE("crc32c: the published check value, and a field that is taken as zero", "[base]") {
    CHECK(crc32c(as_bytes("123456789")) ==
          0xE3069283U);  // RFC 3720 B.4 gives this catalogue value.
    CHECK(crc32c_with_zeroed_field(as_bytes("12XXXX789"), 2) ==
          crc32c(as_bytes(std::string_view{"12\0\0\0\000789", 9})));
}

TEST_CASE("clock: RFC 3339 round trip, offsets, and refusal of other texts", "[base]") {
    const auto time = parse_time("2026-01-31T08:15:00.250+02:00");
    REQUIRE(time);
    CHECK(format_time(*time) == "2026-01-31T06:15:00.250Z");
    for (const char* text : {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T25:00:00Z",
                             "2026-01-31T00:00:00", "2026-01-31T00:00:00Zx"}) {
        CAPTURE(text);
        CHECK(!parse_time(text));
    }
}

TEST_CASE("json: too deep, too large and repeated keys are refused", "[base]") {
    CHECK(parse_json(R"({"a":[1,2]})", "x")["a"][1] == 2);
    CHECK_THROWS_AS(parse_json(std::string(100, '['), "x"), Error);
    CHECK_THROWS_AS(parse_json(R"({"a":1,"a":2})", "x"), Error);
    CHECK_THROWS_AS(parse_json("[1,2,3]", "x", 3), Error);
    CHECK_THROWS_AS(parse_json("[1,2", "x"), Error);
}

TEST_CASE("json: a long list costs no more than its length", "[base]") {
    // With work at each member for all before it this would take the better part of an hour.
    constexpr std::size_t kMembers = 1'000'000;
    std::string text = "[{}";
    for (std::size_t i = 1; i < kMembers; ++i)
        text += ",{}";
    CHECK(parse_json(text + "]", "x").size() == kMembers);
}

TEST_CASE("error: context is told from the outside in", "[base]") {
    Error error{ErrorCode::corrupt, "BAT entry 812 is wrong"};
    error.add_context("reading a.vhdx").add_context("ingesting disk 0");
    CHECK(std::string{error.what()} == "ingesting disk 0: reading a.vhdx: BAT entry 812 is wrong");
    CHECK(exit_status(error.code()) == 4);
    CHECK(error_code_from(to_string(ErrorCode::parent_missing)) == ErrorCode::parent_missing);
}

TEST_CASE("atomic file: nothing appears before commit, nothing stays behind without it", "[base]") {
    test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    const auto target = directory.path() / "target";
    {
        AtomicFile file{file_system, target};
        file.append(as_bytes("lost"));
    }
    CHECK(file_system.list(directory.path()).empty());

    AtomicFile file{file_system, target};
    file.append(as_bytes("ke"));
    file.append(as_bytes("pt"));
    CHECK_FALSE(file_system.exists(target));
    file.commit();
    CHECK(as_text(file_system.read_file(target, 100)) == "kept");
    CHECK(file_system.list(directory.path()).size() == 1);
}

TEST_CASE("file system: what is not a regular file is not opened, a lock is held once", "[base]") {
    test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    CHECK_THROWS_AS(file_system.open_read(directory.path()), Error);
    std::filesystem::create_symlink("/etc/passwd", directory.path() / "link");
    CHECK_THROWS_AS(file_system.open_read(directory.path() / "link", FollowLinks::no), Error);

    auto first = file_system.try_lock(directory.path() / "lock");
    REQUIRE(first);
    CHECK_FALSE(file_system.try_lock(directory.path() / "lock"));
    first.reset();
    CHECK(file_system.try_lock(directory.path() / "lock"));
}

TEST_CASE("random: a seed repeats itself", "[base]") {
    SeededRandom first{7};
    SeededRandom second{7};
    CHECK(first.u64() == second.u64());
    CHECK(SeededRandom{8}.u64() != SeededRandom{7}.u64());
}
