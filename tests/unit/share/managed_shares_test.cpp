// Shares of ours: who gets which account, what is shown once, and what a host learns of space.
#include "appliance/share/managed_shares.h"
#include "appliance/share/limits.h"

#include "tests/support/state_fixture.h"
#include "tests/unit/share/fake_samba.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;
namespace fs = std::filesystem;

namespace {

class OwnAccounts final : public SystemAccounts {
public:
    std::uint32_t count = 3;
    std::optional<SystemAccount> find(const std::string& name) override {
        for (std::uint32_t number = 1; number <= count; ++number) {
            if (name == share_account_name(number)) {
                return SystemAccount{.user_id = ::geteuid(), .group_id = ::getegid()};
            }
        }
        return std::nullopt;
    }
};

struct ManagedFixture : test::StateFixture {
    PosixFileSystem files;
    NullLog log;
    OwnAccounts system_accounts;
    test::FakeTools tools;
    test::FakeStarter starter;
    Secret key{"a credential key of a test"};
    fs::path root = directory.path() / "exports";
    ShareRegistry registry{{files, clock, state->shares, state->hosts, &state->share_accounts,
                            &system_accounts, "appliance"}};
    std::unique_ptr<ManagedShares> shares = make();

    ManagedFixture() {
        // Everybody gets through the folders above, as to /srv.
        files.set_access(directory.path(), {.mode = 0755});
        files.make_directories(root);
        files.set_access(root, {.mode = 0755});
    }
    std::unique_ptr<ManagedShares> make() {
        return std::make_unique<ManagedShares>(
            ManagedEnvironment{
                files, random, log, *state, registry, system_accounts, [this] { return key; }, {}},
            SambaEnvironment{clock, random, log, files, tools, starter,
                             [](const std::string&, std::uint16_t) { return false; }, true},
            SambaPlaces{directory.path() / "samba"});
    }
    state::ShareRecord add_share(const std::string& name = "exports") {
        const fs::path path = directory.path() / name;
        files.make_directories(path);
        files.set_access(path, {.mode = 0755});
        return registry.add_managed(
            {.name = name, .unc = {}, .path = path, .listen = "127.0.0.1:4450"});
    }
    state::HostRecord add_host(const std::string& name, const std::string& share = {}) {
        return state->hosts.add(
            {.name = name, .url = "https://hv/wsman", .authentication = "ntlm", .share = share});
    }
    std::string space_of(const std::string& account) {
        return std::string{as_text(files.read_file(root / account / kSpaceFile, kKiB))};
    }
};

}  // namespace

TEST_CASE("managed shares: each host gets an account of its own and sees its password once",
          "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    const auto first = fixture.shares->issue(fixture.add_host("hv01"), Rotate::no);
    const auto host = fixture.add_host("hv02");
    const auto second = fixture.shares->issue(host, Rotate::no);
    CHECK(first.account == "entrepot-share-01");
    CHECK(second.account == "entrepot-share-02");
    CHECK(second.share.unc == R"(\\appliance\exports)");
    CHECK(second.password.reveal_text().size() == 26);
    CHECK(first.password.reveal_text() != second.password.reveal_text());

    CHECK(code_of([&] { fixture.shares->issue(host, Rotate::no); }) == ErrorCode::conflict);
    const auto rotated = fixture.shares->issue(host, Rotate::yes);
    CHECK(rotated.account == second.account);
    CHECK(rotated.password.reveal_text() != second.password.reveal_text());
    CHECK(fixture.state->share_accounts.read_password(host.id, fixture.key).reveal_text() ==
          rotated.password.reveal_text());

    const auto made = fixture.state->share_accounts.find(host.id)->changed;
    fixture.shares->issue(host, Rotate::yes);
    CHECK(fixture.state->share_accounts.find(host.id)->changed > made);

    fixture.shares->revoke(host);
    CHECK(code_of([&] { fixture.state->share_accounts.read_password(host.id, fixture.key); }) ==
          ErrorCode::not_found);
    CHECK(fixture.shares->issue(host, Rotate::no).account == second.account);
}

TEST_CASE("managed shares: passwords lie sealed", "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    const auto issued = fixture.shares->issue(fixture.add_host("hv01"), Rotate::no);
    fixture.reopen();
    const Bytes database = fixture.files.read_file(fixture.file(), 16 * kMiB);
    CHECK(as_text(database).find(issued.password.reveal_text()) == std::string_view::npos);
}

TEST_CASE("managed shares: without a free account it is said how to make more", "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    fixture.system_accounts.count = 0;
    const auto host = fixture.add_host("hv01");
    try {
        fixture.shares->issue(host, Rotate::no);
        FAIL("issued");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::not_found);
        CHECK(error.hint().find("entrepot share setup") != std::string::npos);
    }
    fixture.system_accounts.count = 1;
    fixture.shares->issue(host, Rotate::no);
    try {
        fixture.shares->issue(fixture.add_host("hv02"), Rotate::no);
        FAIL("issued");
    } catch (const Error& error) {
        CHECK(error.hint().find("--accounts 2") != std::string::npos);
    }
}

TEST_CASE("managed shares: a host on somebody else's share gets none here", "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    fixture.files.make_directories(fixture.directory.path() / "other");
    fixture.registry.add("other", R"(\\nas\other)", fixture.directory.path() / "other");
    CHECK(code_of([&] { fixture.shares->issue(fixture.add_host("hv01", "other"), Rotate::no); }) ==
          ErrorCode::conflict);
    CHECK(fixture.shares->issue(fixture.add_host("hv02", "exports"), Rotate::no).account ==
          "entrepot-share-01");
}

TEST_CASE("managed shares: an account with another host's files is not given away", "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    const auto old_host = fixture.add_host("hv01");
    fixture.shares->issue(old_host, Rotate::no);
    const fs::path left = fixture.root / "entrepot-share-01" / old_host.id;
    fixture.files.make_directories(left / "0123456789abcdef0123456789abcdef");
    fixture.state->hosts.remove(old_host.id);

    CHECK(fixture.shares->issue(fixture.add_host("hv02"), Rotate::no).account ==
          "entrepot-share-02");
    // Empty, it is only a name, which goes.
    fs::remove_all(left / "0123456789abcdef0123456789abcdef");
    CHECK(fixture.shares->issue(fixture.add_host("hv03"), Rotate::no).account ==
          "entrepot-share-01");
    CHECK(!fs::exists(left));
}

TEST_CASE("managed shares: areas lie below accounts, and want one", "[share]") {
    ManagedFixture fixture;
    const auto share = fixture.add_share();
    const auto host = fixture.add_host("hv01");
    CHECK(code_of([&] { fixture.registry.open_area(share, host.id); }) == ErrorCode::not_found);
    fixture.shares->issue(host, Rotate::no);
    CHECK(fixture.registry.open_area(share, host.id).host_path(host.id) ==
          fixture.root / "entrepot-share-01" / host.id);
    fixture.system_accounts.count = 0;
    CHECK(code_of([&] { fixture.registry.open_area(share, host.id); }) == ErrorCode::not_found);
}

TEST_CASE("managed shares: a host learns of its own files' sizes, of nothing else", "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    const auto host = fixture.add_host("hv01");
    const auto other = fixture.add_host("hv02");
    fixture.shares->issue(host, Rotate::no);
    fixture.shares->issue(other, Rotate::no);
    fixture.shares->set_quota(host, 100 * kGiB);
    fixture.shares->start();  // Writes what hosts are told.
    CHECK(fixture.space_of("entrepot-share-01") == make_space_text(100 * kGiB, 100 * kGiB));
    CHECK(fixture.space_of("entrepot-share-02") ==
          make_space_text(share::limits::kUnlimitedBytes, share::limits::kUnlimitedBytes));

    // A hole counts as what it claims to be, on its own account only.
    const fs::path file = fixture.root / "entrepot-share-01" / host.id / "disk.vhdx";
    fixture.files.create(file)->truncate(30 * kGiB);
    fixture.shares->refresh();
    CHECK(fixture.space_of("entrepot-share-01") == make_space_text(100 * kGiB, 70 * kGiB));
    CHECK(fixture.space_of("entrepot-share-02") ==
          make_space_text(share::limits::kUnlimitedBytes, share::limits::kUnlimitedBytes));
    CHECK(fixture.shares->list_accounts(*fixture.state->shares.find("exports")).at(0).used_bytes ==
          30 * kGiB);
    fixture.files.open_write(file)->truncate(200 * kGiB);
    fixture.shares->refresh();
    CHECK(fixture.space_of("entrepot-share-01") == make_space_text(100 * kGiB, 0));
    fixture.shares->stop();
}

TEST_CASE("managed shares: quotas and computers are checked", "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    const auto host = fixture.add_host("hv01");
    const auto other = fixture.add_host("hv02");
    CHECK(code_of([&] { fixture.shares->set_quota(host, kGiB); }) == ErrorCode::not_found);
    fixture.shares->set_computer(host, R"(CORP\HV01$)");
    CHECK(code_of([&] { fixture.shares->set_quota(host, 1); }) == ErrorCode::invalid);
    fixture.shares->set_quota(host, kGiB);
    CHECK(code_of([&] { fixture.shares->set_computer(other, R"(CORP\HV01$)"); }) ==
          ErrorCode::conflict);
    CHECK(code_of([&] { fixture.shares->set_computer(other, "HV01$\n"); }) == ErrorCode::invalid);
    const auto views = fixture.shares->list_accounts(*fixture.state->shares.find("exports"));
    REQUIRE(views.size() == 2);
    CHECK(views[0].record.quota_bytes == kGiB);
    CHECK(views[0].record.computer == R"(CORP\HV01$)");
    CHECK(!views[0].record.has_password);
}

TEST_CASE("managed shares: Samba is told of hosts that may log in, and of none that left",
          "[share]") {
    ManagedFixture fixture;
    fixture.add_share();
    const auto host = fixture.add_host("hv01");
    const auto other = fixture.add_host("hv02");
    fixture.shares->start();
    const auto issued = fixture.shares->issue(host, Rotate::no);
    fixture.shares->issue(other, Rotate::no);
    CHECK(fixture.shares->health().state == SambaState::running);
    CHECK(fixture.tools.accounts.size() == 2);
    CHECK(fixture.tools.accounts.at("entrepot-share-01") == issued.password.reveal_text());
    fixture.shares->revoke(other);
    CHECK(fixture.tools.accounts.size() == 1);
    fixture.state->hosts.remove(host.id);
    fixture.shares->refresh();
    CHECK(fixture.tools.accounts.empty());
    fixture.state->hosts.remove(other.id);
    fixture.registry.remove("exports");
    fixture.shares->refresh();
    CHECK(fixture.shares->health().state == SambaState::off);
    fixture.shares->stop();
    for (const auto& life : fixture.starter.lives)
        CHECK(!life->runs);
}

TEST_CASE("managed shares: what Samba or hosts could not use is refused", "[share]") {
    ManagedFixture fixture;
    const auto add = [&](ManagedShareDraft draft) {
        return code_of([&] { fixture.registry.add_managed(draft); });
    };
    const ManagedShareDraft good{
        .name = "exports", .unc = {}, .path = fixture.root, .listen = "127.0.0.1:4450"};
    ManagedShareDraft draft = good;
    draft.unc = R"(\\appliance\exports\folder)";
    CHECK(add(draft) == ErrorCode::invalid);
    draft = good;
    draft.unc = R"(\\appliance\IPC$)";
    CHECK(add(draft) == ErrorCode::invalid);
    draft = good;
    fixture.files.make_directories(fixture.directory.path() / "50%u");
    draft.path = fixture.directory.path() / "50%u";
    CHECK(add(draft) == ErrorCode::invalid);
    draft = good;
    fixture.files.set_access(fixture.root, {.mode = 0777});
    CHECK(add(draft) == ErrorCode::permission_denied);
    fixture.files.set_access(fixture.root, {.mode = 0700});
    fixture.files.set_access(fixture.directory.path(), {.mode = 0700});
    CHECK(add(draft) == ErrorCode::permission_denied);
    fixture.files.set_access(fixture.directory.path(), {.mode = 0711});
    CHECK(!add(draft));
    CHECK(fixture.files.find_status(fixture.root)->mode == 0711);

    fixture.files.make_directories(fixture.directory.path() / "more");
    draft.name = "more";
    draft.path = fixture.directory.path() / "more";
    draft.listen = "127.0.0.1:4451";
    CHECK(add(draft) == ErrorCode::conflict);
    draft.listen = good.listen;
    draft.unc = R"(\\appliance\EXPORTS)";
    CHECK(add(draft) == ErrorCode::conflict);
    draft.unc = R"(\\appliance\more)";
    CHECK(!add(draft));
}
