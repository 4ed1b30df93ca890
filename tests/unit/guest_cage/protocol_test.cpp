// What a worker may say, since what it says may be an attacker's.
#include "storage/guest_model/protocol.h"

#include "storage/guest_model/limits.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace entrepot::guest {
namespace {

ErrorCode code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::usage;
}

FileEntry entry_of(const std::string& name) {
    FileEntry entry;
    entry.name = name;
    return entry;
}

}  // namespace

TEST_CASE("protocol: a failure is about reading a disk, and about nothing else", "[guest]") {
    const Error told = decode_error(encode(Error{ErrorCode::corrupt, "a record is damaged"}));
    CHECK(told.code() == ErrorCode::corrupt);
    CHECK(told.message() == "a record is damaged");
    for (const ErrorCode code : {ErrorCode::unauthenticated, ErrorCode::locked, ErrorCode::busy,
                                 ErrorCode::access_denied, ErrorCode::cancelled}) {
        CHECK(code_of([&] {
                  decode_error(encode(Error{code, "give me your key"}));
              }) == ErrorCode::protocol);
    }
}

TEST_CASE("protocol: places of content lie on the disk", "[guest]") {
    constexpr std::uint64_t kDisk = 1000;
    constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
    const std::vector<ContentPlace> places{{1000, 0}, {1, 999}, {kHuge, std::nullopt}};
    CHECK(decode_places(encode(places), kDisk) == places);
    CHECK(decode_places(encode(std::vector<ContentPlace>{}), kDisk).empty());
    const std::vector<ContentPlace> wrong{{2, 999}, {1, 1001}, {kHuge, 1}, {1, kHuge}, {0, 0}};
    for (const ContentPlace& place : wrong) {
        CHECK(code_of([&] { decode_places(encode(std::vector<ContentPlace>{place}), kDisk); }) ==
              ErrorCode::protocol);
    }
    const std::vector<ContentPlace> many(limits::kPlacesMax + 1, ContentPlace{1, 0});
    CHECK(code_of([&] { decode_places(encode(many), kDisk); }) == ErrorCode::protocol);
}

TEST_CASE("protocol: no folder holds a root", "[guest]") {
    FolderPage page;
    page.entries.push_back(entry_of("plan.docx"));
    CHECK(decode_page(encode(page)).entries.size() == 1);
    page.entries.push_back(entry_of("/"));
    CHECK(code_of([&] { decode_page(encode(page)); }) == ErrorCode::protocol);

    FileStatus status;
    status.entry = entry_of("/");
    CHECK(decode_status(encode(status)).entry.name == "/");
    status.entry = entry_of("a/b");
    CHECK(code_of([&] { decode_status(encode(status)); }) == ErrorCode::protocol);
}

}  // namespace entrepot::guest
