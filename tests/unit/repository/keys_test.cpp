// Who gets in, and what happens to the slots.
#include "repository_fixture.h"

#include "base/error.h"

#include <catch2/catch.hpp>

namespace entrepot::repository::test {
namespace {

Secret secret(std::string_view text) {
    return Secret{text};
}

ErrorCode code_of_opening(Fixture& fixture, std::optional<Secret> key) {
    try {
        fixture.open_with(std::move(key));
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("keys: passphrase and recovery key open, anything else does not", "[keys]") {
    Fixture fixture{"first"};
    const std::string point = fixture.add_full("vm", make_disk(1, kMiB));
    const std::string credential{fixture.repository().credential_key().reveal_text()};

    CHECK(code_of_opening(fixture, secret("wrong")) == ErrorCode::unauthenticated);
    CHECK(code_of_opening(fixture, std::nullopt) == ErrorCode::locked);
    std::string typed{fixture.created_.recovery_key.reveal_text()};
    for (char& c : typed)
        c = c == '-' ? ' ' : static_cast<char>(std::toupper(c));
    fixture.open_with(secret(typed));
    CHECK(fixture.read_disk(point) == make_disk(1, kMiB));
    CHECK(fixture.repository().credential_key().reveal_text() == credential);
}

TEST_CASE("keys: change, add and revoke rewrite slots only", "[keys]") {
    Fixture fixture{"first"};
    const std::string point = fixture.add_full("vm", make_disk(2, kMiB));
    Repository& repository = fixture.repository();
    CHECK(repository.list_keys().size() == 2);
    CHECK_THROWS_AS(repository.change_passphrase(secret("wrong"), secret("x")), Error);
    repository.change_passphrase(secret("first"), secret("second"));
    CHECK(repository.add_passphrase(secret("third")) == 2);
    repository.revoke_key(1);

    CHECK(code_of_opening(fixture, secret("first")) == ErrorCode::unauthenticated);
    CHECK(code_of_opening(fixture, fixture.created_.recovery_key) == ErrorCode::unauthenticated);
    fixture.open_with(secret("second"));
    fixture.repository().revoke_key(0);
    CHECK_THROWS_AS(fixture.repository().revoke_key(2), Error);
    fixture.open_with(secret("third"));
    CHECK(fixture.read_disk(point) == make_disk(2, kMiB));
}

TEST_CASE("keys: nothing that was ingested lies readable in packs, maps or manifests", "[keys]") {
    Fixture fixture{"first"};
    Bytes disk(kMiB);
    const std::string text = "the quick brown fox";
    for (std::size_t i = 0; i < text.size(); ++i)
        disk[i] = static_cast<std::byte>(text[i]);
    fixture.add_full("secret-machine", disk);
    for (const char* collection : {"packs", "maps", "manifests"}) {
        for (const auto& path : fixture.objects(collection)) {
            const Bytes content = fixture.posix_.read_file(path, kMiB);
            CHECK(as_text(content).find(text) == std::string_view::npos);
            CHECK(as_text(content).find("secret-machine") == std::string_view::npos);
        }
    }
}

TEST_CASE("open: another process, another repository, an empty directory", "[keys]") {
    Fixture fixture{"first"};
    const auto open = [&](const std::filesystem::path& directory, const std::string& id) {
        try {
            Repository::open(fixture.environment(), directory, {secret("first"), id});
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;
    };
    CHECK(open(fixture.directory(), {}) == ErrorCode::busy);
    CHECK(open(fixture.temporary_.path() / "nowhere", {}) == ErrorCode::not_found);
    fixture.close();
    CHECK(open(fixture.directory(), std::string(32, '0')) == ErrorCode::conflict);
    CreateOptions options;
    CHECK_THROWS_AS(Repository::create(fixture.environment(), fixture.directory(), options), Error);
}

}  // namespace entrepot::repository::test
