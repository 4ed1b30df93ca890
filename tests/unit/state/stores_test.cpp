// The stores of the state: what goes in comes out, after a restart too, and hostile text stays
// text.
#include "appliance/state/credential_box.h"
#include "appliance/state/names.h"

#include "base/file_system.h"
#include "base/guid.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace entrepot;
using namespace entrepot::state;
using test::code_of;
using test::StateFixture;

namespace {

const Secret kKey{std::string_view{"0123456789abcdef0123456789abcdef"}};
const Secret kOtherKey{std::string_view{"0123456789abcdef0123456789abcdeX"}};

HostDraft draft_of(const std::string& name) {
    return {.name = name,
            .url = "https://hv01:5986/wsman",
            .authentication = "ntlm",
            .user = "HV01\\backup",
            .ca_file = {},
            .pin_sha256 = std::string(64, 'A'),
            .share = "exports",
            .service = {},
            .secret_kind = "password",
            .client_certificate = {},
            .seals_messages = false};
}

// What people and hosts may call things.
const std::vector<std::string> kHostileTexts{"'; DROP TABLE hosts; --", "\"quoted\"",
                                             "100 %s {} ?1 :name",      "<script>alert(1)</script>",
                                             "..\\..\\x/../y",          "\xc3\xa9\xe2\x82\xac"};

}  // namespace

TEST_CASE("host store: a host survives a restart with its password sealed", "[state]") {
    StateFixture fixture;
    const HostRecord host =
        fixture.state->hosts.add(draft_of("hv01"), Secret{std::string_view{"pa ss"}}, kKey);
    fixture.reopen();

    const HostRecord found = fixture.state->hosts.get("hv01");
    CHECK(found.id == host.id);
    CHECK(found.has_password);
    CHECK(found.draft.pin_sha256 == std::string(64, 'a'));
    CHECK(found.draft.user == "HV01\\backup");
    CHECK(found.created == fixture.clock.wall_now());
    CHECK(fixture.state->hosts.read_password(host.id, kKey).reveal_text() == "pa ss");
    CHECK(code_of([&] { fixture.state->hosts.read_password(host.id, kOtherKey); }) ==
          ErrorCode::unauthenticated);

    fixture.state.reset();
    const Bytes raw = PosixFileSystem{}.read_file(fixture.file(), 64 * kMiB);
    CHECK(as_text(raw).find("pa ss") == std::string_view::npos);
}

TEST_CASE("host store: what Kerberos and certificates need survives, and fits together",
          "[state]") {
    StateFixture fixture;
    HostDraft kerberos = draft_of("hv01");
    kerberos.authentication = "kerberos";
    kerberos.url = "http://hv01:5985/wsman";
    kerberos.seals_messages = true;
    kerberos.service = "WSMAN";
    kerberos.secret_kind = "keytab";
    HostDraft certificate = draft_of("hv02");
    certificate.authentication = "certificate";
    certificate.secret_kind = "key";
    certificate.client_certificate = "-----BEGIN CERTIFICATE-----\n";
    fixture.state->hosts.add(kerberos, Secret{std::string_view{"\x05\x02"}}, kKey);
    fixture.state->hosts.add(certificate, Secret{std::string_view{"key"}}, kKey);
    fixture.reopen();

    HostStore& hosts = fixture.state->hosts;
    const HostDraft first = hosts.get("hv01").draft;
    CHECK(first.service == "WSMAN");
    CHECK(first.secret_kind == "keytab");
    CHECK(first.seals_messages);
    CHECK(hosts.get("hv02").draft.client_certificate == certificate.client_certificate);
    HostDraft changed = first;
    changed.service = "host";
    hosts.update(hosts.get("hv01").id, changed);
    CHECK(hosts.get("hv01").draft.service == "host");

    const auto refused = [&](HostDraft draft, auto&& change) {
        draft.name = "other";
        change(draft);
        return code_of([&] { hosts.add(draft); }) == ErrorCode::invalid;
    };
    CHECK(refused(kerberos, [](HostDraft& one) { one.seals_messages = false; }));
    CHECK(refused(kerberos, [](HostDraft& one) { one.authentication = "basic"; }));
    CHECK(refused(kerberos, [](HostDraft& one) { one.authentication = "ntlm"; }));
    CHECK(refused(certificate, [](HostDraft& one) { one.client_certificate.clear(); }));
    CHECK(refused(certificate, [](HostDraft& one) { one.seals_messages = true; }));
}

TEST_CASE("host store: names are unique, fields are checked, ids found in any form", "[state]") {
    StateFixture fixture;
    HostStore& hosts = fixture.state->hosts;
    const HostRecord host = hosts.add(draft_of("hv01"));
    const HostRecord other = hosts.add(draft_of("hv02"));
    CHECK(code_of([&] { hosts.add(draft_of("hv01")); }) == ErrorCode::already_exists);
    CHECK(code_of([&] { hosts.update(other.id, draft_of("hv01")); }) == ErrorCode::already_exists);
    CHECK(code_of([&] { hosts.update("none", draft_of("hv03")); }) == ErrorCode::not_found);
    hosts.update(other.id, draft_of("hv03"));
    CHECK(hosts.find("hv03")->id == other.id);
    CHECK(hosts.find(Guid::parse(host.id)->to_upper_string())->draft.name == "hv01");
    CHECK(!hosts.find("hv02"));
    CHECK(code_of([&] { hosts.get("hv02"); }) == ErrorCode::not_found);
    CHECK(hosts.read_password(host.id, kKey).empty());

    const auto refused = [&](auto change) {
        HostDraft draft = draft_of("fresh");
        change(draft);
        return code_of([&] { hosts.add(draft); });
    };
    CHECK(refused([](HostDraft& d) { d.name = ""; }) == ErrorCode::invalid);
    CHECK(refused([](HostDraft& d) { d.name = "2dc27766-f623-4200-9d64-115e9bfd4a08"; }) ==
          ErrorCode::invalid);
    CHECK(refused([](HostDraft& d) { d.url = "ftp://x"; }) == ErrorCode::invalid);
    CHECK(refused([](HostDraft& d) { d.authentication = "magic"; }) == ErrorCode::invalid);
    CHECK(refused([](HostDraft& d) { d.pin_sha256 = "abc"; }) == ErrorCode::invalid);
    CHECK(refused([](HostDraft& d) { d.ca_file = "/etc/ca.pem"; }) == ErrorCode::invalid);
    CHECK(refused([](HostDraft& d) { d.user = "a\nb"; }) == ErrorCode::invalid);
    CHECK(hosts.list().size() == 2);
}

TEST_CASE("host store: a host takes along what only it explains", "[state]") {
    StateFixture fixture;
    const std::string id = fixture.state->hosts.add(draft_of("hv01")).id;
    fixture.state->vms.put({.host_id = id, .vm_id = "V", .name = "web01", .state = "running"});
    fixture.state->exclusions.put(id, "V", "disk", "scratch");
    fixture.state->vm_flags.set(id, "V", kForceFullFlag, "restored over");
    fixture.state->residue.replace(id, "V", {{.text = "snapshot left", .command = "Get-VM"}});
    fixture.state->hosts.remove(id);
    CHECK(fixture.state->vms.list().empty());
    CHECK(fixture.state->exclusions.list().empty());
    CHECK(fixture.state->vm_flags.list().empty());
    CHECK(fixture.state->residue.list().empty());
    CHECK(code_of([&] { fixture.state->hosts.remove(id); }) == ErrorCode::not_found);
}

TEST_CASE("names: bounded, plain, and never like an id or an option", "[state]") {
    for (const std::string& name :
         std::vector<std::string>{"hv01", "Büro Köln", "a", "web 01.example"}) {
        CHECK_NOTHROW(check_name("host", name));
    }
    for (const std::string& name : std::vector<std::string>{
             std::string{}, std::string(129, 'x'), std::string{"a\nb"}, std::string{"a\u202eb"},
             std::string{"\ufeffb"}, std::string{"a\u0085b"}, std::string{"\xff\xfe"},
             std::string{"-rf"}, std::string{" a"}, std::string{"a "},
             std::string{"2dc27766-f623-4200-9d64-115e9bfd4a08"}}) {
        CHECK(code_of([&] { check_name("host", name); }) == ErrorCode::invalid);
    }
}

TEST_CASE("credential box: bound to its owner, different each time, tamper shows", "[state]") {
    SeededRandom random{7};
    const Secret secret{std::string_view{"hunter2"}};
    const std::string first = seal_credential(kKey, "host a", secret, random);
    CHECK(first != seal_credential(kKey, "host a", secret, random));
    CHECK(open_credential(kKey, "host a", first).reveal_text() == "hunter2");
    CHECK(code_of([&] { open_credential(kKey, "host b", first); }) == ErrorCode::unauthenticated);
    std::string changed = first;
    changed[10] = changed[10] == 'A' ? 'B' : 'A';
    CHECK(code_of([&] { open_credential(kKey, "host a", changed); }) == ErrorCode::unauthenticated);
    CHECK(code_of([&] { open_credential(kKey, "host a", "1:"); }) == ErrorCode::unauthenticated);
}

TEST_CASE("stores: hostile text comes back as it went in", "[state]") {
    StateFixture fixture;
    for (const std::string& text : kHostileTexts) {
        fixture.state->hosts.add(draft_of(text));
        fixture.state->vms.put({.host_id = "h",
                                .vm_id = text,
                                .name = text,
                                .state = text,
                                .disks = Json::array({text}),
                                .details = {{text, text}}});
        CHECK(fixture.state->hosts.find(text)->draft.name == text);
        const auto vms = fixture.state->vms.find_by_text(text);
        REQUIRE(vms.size() == 1);
        CHECK(vms[0].details == Json{{text, text}});
    }
    CHECK(fixture.state->hosts.list().size() == kHostileTexts.size());
}

TEST_CASE("vm store: a new listing replaces the old one of that host only", "[state]") {
    StateFixture fixture;
    VmStore& vms = fixture.state->vms;
    const std::string guid = "2DC27766-F623-4200-9D64-115E9BFD4A08";
    vms.replace_all("h1", {{.vm_id = guid, .name = "a"}, {.vm_id = "2", .name = "b"}});
    vms.replace_all("h2", {{.vm_id = "3", .name = "a"}});
    vms.replace_all("h1", {{.vm_id = guid, .name = "c", .seen = fixture.clock.wall_now()}});
    CHECK(vms.list().size() == 2);
    CHECK(vms.find("h1", guid)->seen == fixture.clock.wall_now());
    CHECK(vms.find_by_text("2dc27766-f623-4200-9d64-115e9bfd4a08").size() == 1);
    CHECK(vms.find_by_text("a").at(0).host_id == "h2");
    CHECK(!vms.find("h1", "2"));
}

TEST_CASE("flags and residue: what stays keeps its first time", "[state]") {
    StateFixture fixture;
    State& state = *fixture.state;
    const WallTime first = fixture.clock.wall_now();
    state.vm_flags.set("h", "v", kForceFullFlag, "restored over");
    state.residue.replace("h", "v", {{.text = "a", .command = "1"}, {.text = "b", .command = "1"}});
    fixture.clock.advance(std::chrono::hours{1});
    state.vm_flags.set("h", "v", kForceFullFlag, "another reason");
    state.residue.replace("h", "v", {{.text = "b", .command = "2"}, {.text = "c", .command = "1"}});

    CHECK(state.vm_flags.find("h", "v", kForceFullFlag)->reason == "restored over");
    CHECK(state.vm_flags.find("h", "v", kForceFullFlag)->since == first);
    state.vm_flags.clear("h", "v", kForceFullFlag);
    CHECK(!state.vm_flags.find("h", "v", kForceFullFlag));

    const auto residue = state.residue.list_of_vm("h", "v");
    REQUIRE(residue.size() == 2);
    CHECK(residue[0].text == "b");
    CHECK(residue[0].command == "2");
    CHECK(residue[0].since == first);
    CHECK(residue[1].text == "c");
    state.residue.add("h", "v", {.text = "b", .command = "3"});
    state.residue.add("h", "v", {.text = "d", .command = "1"});
    const auto more = state.residue.list_of_vm("h", "v");
    REQUIRE(more.size() == 3);
    CHECK(more[0].command == "3");
    CHECK(more[0].since == first);
    CHECK(more[2].text == "d");
    state.residue.replace("h", "v", {});
    CHECK(state.residue.list().empty());
}

TEST_CASE("exclusions: need a reason, can be taken back once", "[state]") {
    StateFixture fixture;
    ExclusionStore& exclusions = fixture.state->exclusions;
    CHECK(code_of([&] { exclusions.put("h", "v", "d", ""); }) == ErrorCode::invalid);
    exclusions.put("h", "v", "d", "scratch");
    exclusions.put("h", "v", "d", "page file");
    REQUIRE(exclusions.list_of_vm("h", "v").size() == 1);
    CHECK(exclusions.list_of_vm("h", "v")[0].reason == "page file");
    exclusions.remove("h", "v", "d");
    CHECK(code_of([&] { exclusions.remove("h", "v", "d"); }) == ErrorCode::not_found);
}

TEST_CASE("policy store: a run and the policy's last run are one transaction", "[state]") {
    StateFixture fixture;
    PolicyStore& policies = fixture.state->policies;
    const PolicyRecord policy = policies.add("nightly", {{"calendar", "daily"}});
    CHECK(code_of([&] { policies.add("nightly", {}); }) == ErrorCode::already_exists);
    CHECK(!policies.get("nightly").last_run);
    const PolicyRun run = policies.plan_run(policy, {{"vms", 1}}, fixture.clock.wall_now());
    fixture.reopen();

    PolicyStore& reopened = fixture.state->policies;
    CHECK(reopened.get("nightly").last_run == fixture.clock.wall_now());
    REQUIRE(reopened.list_open_runs().size() == 1);
    CHECK(reopened.list_open_runs()[0].plan == Json{{"vms", 1}});
    reopened.set_run_state(run.id, "done");
    CHECK(reopened.list_open_runs().empty());
    CHECK(reopened.list_runs(policy.id, 10).size() == 1);
    reopened.remove(policy.id);
    CHECK(code_of([&] { reopened.plan_run(policy, {}, fixture.clock.wall_now()); }) ==
          ErrorCode::not_found);
    CHECK(reopened.list_open_runs().empty());
}

TEST_CASE("journal: a value is there after a restart, and only its job sees it", "[state]") {
    StateFixture fixture;
    fixture.state->journal.put("job1", "export", {{"id", "x"}});
    fixture.state->journal.put("job1", "export", {{"id", "y"}});
    fixture.state->journal.put("job2", "other", nullptr);
    fixture.reopen();
    CHECK(fixture.state->journal.find("job1", "export") == Json{{"id", "y"}});
    CHECK(!fixture.state->journal.find("job2", "export"));
    CHECK(fixture.state->journal.find("job2", "other") == Json(nullptr));
    CHECK(fixture.state->journal.list("job1").size() == 1);
    CHECK(fixture.state->journal.list_key("export").count("job1") == 1);
}
