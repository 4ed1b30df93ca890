// Shares by name: which one a host gets, and what must not be.
#include "appliance/share/share_registry.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;

namespace {

struct RegistryFixture : test::StateFixture {
    PosixFileSystem files;
    ShareRegistry registry{{files, clock, state->shares, state->hosts}};

    std::filesystem::path make_folder(const std::string& name) {
        files.make_directories(directory.path() / name);
        return directory.path() / name;
    }
};

}  // namespace

TEST_CASE("share registry: the only share is every host's, two need a name", "[share]") {
    RegistryFixture fixture;
    state::HostDraft host{
        .name = "hv01", .url = "https://hv01:5986/wsman", .authentication = "ntlm"};
    CHECK(code_of([&] { fixture.registry.share_of(host); }) == ErrorCode::not_found);
    fixture.registry.add("one", R"(\\a\one\)", fixture.make_folder("one").string() + "/");
    CHECK(fixture.registry.share_of(host).path == fixture.directory.path() / "one");
    CHECK(fixture.registry.share_of(host).unc == R"(\\a\one)");
    fixture.registry.add("two", R"(\\a\two)", fixture.make_folder("two"));
    CHECK(code_of([&] { fixture.registry.share_of(host); }) == ErrorCode::conflict);
    host.share = "two";
    CHECK(fixture.registry.share_of(host).name == "two");
    fixture.state->hosts.add(host);
    CHECK(code_of([&] { fixture.registry.remove("two"); }) == ErrorCode::conflict);
    fixture.registry.remove("one");
    CHECK(code_of([&] { fixture.registry.remove("one"); }) == ErrorCode::not_found);
    host.share = "one";
    CHECK(code_of([&] { fixture.registry.share_of(host); }) == ErrorCode::not_found);
}

TEST_CASE("share registry: bad shares are refused", "[share]") {
    RegistryFixture fixture;
    const auto folder = fixture.make_folder("one");
    fixture.make_folder("one/inner");
    fixture.make_folder("one-more");
    fixture.registry.add("one", R"(\\a\one)", folder);
    const auto add = [&](const std::string& name, const std::string& unc,
                         const std::filesystem::path& path) {
        return code_of([&] { fixture.registry.add(name, unc, path); });
    };
    CHECK(add("one", R"(\\a\x)", fixture.make_folder("x")) == ErrorCode::already_exists);
    CHECK(add("in", R"(\\a\in)", folder / "inner") == ErrorCode::conflict);
    CHECK(add("out", R"(\\a\out)", fixture.directory.path()) == ErrorCode::conflict);
    CHECK(add("same", R"(\\a\same)", folder / "inner" / "..") == ErrorCode::conflict);
    CHECK(add("gone", R"(\\a\gone)", "/no/such/folder") == ErrorCode::not_found);
    CHECK(add("rel", R"(\\a\rel)", "relative") == ErrorCode::invalid);
    CHECK(add("-bad", R"(\\a\b)", fixture.make_folder("y")) == ErrorCode::invalid);
    CHECK(!add("more", R"(\\a\more)", fixture.directory.path() / "one-more"));
}
