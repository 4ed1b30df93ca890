// System accounts for hosts: made on an explicit command, each once.
#include "appliance/share/system_accounts.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <set>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;

namespace {

class FakeSystem final : public SystemAccounts, public ProcessRunner {
public:
    std::set<std::string> names;
    std::string failure;

    std::optional<SystemAccount> find(const std::string& name) override {
        if (!names.contains(name)) return std::nullopt;
        return SystemAccount{};
    }
    CommandResult run(const Command& command, std::stop_token) override {
        CHECK(command.program == "useradd");
        // The database has a colon between its fields.
        for (const std::string& word : command.arguments)
            CHECK(word.find(':') == std::string::npos);
        if (!failure.empty()) return {.exit_status = 1, .out = {}, .err = failure};
        names.insert(command.arguments.back());
        return {};
    }
};

}  // namespace

TEST_CASE("system accounts: missing ones are made, those there are left alone", "[share]") {
    FakeSystem system;
    system.names = {"root", "entrepot-share-02"};
    CHECK(list_share_accounts(system).empty());
    CHECK(make_share_accounts(system, system, 3, true, {}) ==
          std::vector<std::string>{"entrepot-share-01", "entrepot-share-03"});
    CHECK(list_share_accounts(system).size() == 3);
    CHECK(make_share_accounts(system, system, 3, false, {}).empty());
}

TEST_CASE("system accounts: who may not make them is told", "[share]") {
    FakeSystem system;
    CHECK(code_of([&] { make_share_accounts(system, system, 1, false, {}); }) ==
          ErrorCode::permission_denied);
    CHECK(code_of([&] { make_share_accounts(system, system, 0, true, {}); }) == ErrorCode::invalid);
    CHECK(code_of([&] { make_share_accounts(system, system, 1'000, true, {}); }) ==
          ErrorCode::invalid);
    system.failure = "useradd: cannot lock /etc/passwd; try again later.";
    try {
        make_share_accounts(system, system, 1, true, {});
        FAIL("made");
    } catch (const Error& error) {
        CHECK(error.message().find("cannot lock /etc/passwd") != std::string::npos);
    }
    CHECK(system.names.empty());
}

TEST_CASE("system accounts: the system's database is asked", "[share]") {
    PosixSystemAccounts accounts;
    REQUIRE(accounts.find("root"));
    CHECK(accounts.find("root")->user_id == 0);
    CHECK(!accounts.find("no-such-account-here"));
}
