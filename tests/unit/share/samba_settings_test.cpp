// Our Samba's configuration as text: what it admits, and that nothing typed becomes a setting.
#include "appliance/share/samba_settings.h"
#include "appliance/share/host_login.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;

namespace {

SambaSettings make_settings() {
    SambaSettings settings;
    set_listener(settings, "192.0.2.7:445");
    settings.shares = {{"exports", "/srv/exports", {"entrepot-share-01", "entrepot-share-02"}}};
    settings.computers = {{"entrepot-share-02", R"(CORP\HV02$)"}};
    return settings;
}

const SambaPlaces kPlaces{"/run/entrepot/samba"};

bool has_line(const std::string& text, const std::string& line) {
    return text.find("\n  " + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("samba settings: every account begins in its own folder, and only they come in",
          "[share]") {
    const std::string text = make_smb_conf(make_settings(), kPlaces);
    CHECK(text.find("\n[exports]\n  path = /srv/exports/%u\n"
                    "  valid users = entrepot-share-01 entrepot-share-02\n") != std::string::npos);
    for (const char* line :
         {"server min protocol = SMB3_11", "server smb encrypt = required",
          "server signing = mandatory", "map to guest = never", "ntlm auth = ntlmv2-only",
          "rpc start on demand helpers = no", "hide unreadable = yes", "follow symlinks = no",
          "wide links = no", "force create mode = 0660", "map archive = no",
          "dfree command = /srv/exports/.free-space", "interfaces = 192.0.2.7",
          "bind interfaces only = yes", "smb ports = 445"}) {
        CAPTURE(line);
        CHECK(has_line(text, line));
    }
    CHECK(make_user_map(make_settings()).find("!entrepot-share-02 = \"CORP\\HV02$\"\n") !=
          std::string::npos);
}

TEST_CASE("samba settings: a share without accounts admits nobody", "[share]") {
    SambaSettings settings = make_settings();
    settings.shares[0].accounts.clear();
    const std::string text = make_smb_conf(settings, kPlaces);
    CHECK(has_line(text, "valid users = root"));
    CHECK(has_line(text, "invalid users = root"));
}

TEST_CASE("samba settings: an administrator's lines come before ours", "[share]") {
    SambaSettings settings = make_settings();
    settings.include = "/etc/entrepot/samba.conf";
    const std::string text = make_smb_conf(settings, kPlaces);
    const std::size_t include = text.find("include = /etc/entrepot/samba.conf");
    REQUIRE(include != std::string::npos);
    CHECK(text.find("server role =") < include);
    CHECK(text.find("workgroup =") < include);
    CHECK(text.find("server smb encrypt =") > include);
    CHECK(text.find("map to guest =") > include);
}

TEST_CASE("samba settings: listeners and server names", "[share]") {
    SambaSettings settings;
    set_listener(settings, "[::1]:4450");
    CHECK(settings.address == "::1");
    CHECK(settings.port == 4450);
    set_listener(settings, "0.0.0.0:445");
    CHECK(has_line(make_smb_conf(settings, kPlaces), "bind interfaces only = no"));
    CHECK(make_server_name("appliance.corp.example") == "APPLIANCE");
    CHECK(make_server_name("a-very-long-name-of-a-server") == "A-VERY-LONG-NAM");
    CHECK(make_server_name("192.0.2.7") == "APPLIANCE");
    CHECK(make_server_name("fe80::1") == "APPLIANCE");
    CHECK(make_server_name("b\"ad]\nname") == "BADNAME");
}

TEST_CASE("samba settings: what would change the configuration's meaning is refused", "[share]") {
    for (const std::string name : {"", "global", "Homes", "IPC$", "print$", "a b", "a]b", "a\nb",
                                   "a%u", ".x", "x.", "a/b"}) {
        CAPTURE(name);
        CHECK(code_of([&] { check_served_name(name); }) == ErrorCode::invalid);
    }
    CHECK_NOTHROW(check_served_name("exports-2"));
    for (const std::string path :
         {"/srv/%u", "/srv/a\nb", "/srv/a\\", "/srv/\"a\"", "/srv/a ", "/srv/a;b", "/srv/#a"}) {
        CAPTURE(path);
        CHECK(code_of([&] { check_served_path(path); }) == ErrorCode::invalid);
    }
    CHECK_NOTHROW(check_served_path("/srv/entrepot exports/1"));
    for (const std::string computer :
         {"", "HV01$", R"(CORP\HV01)", R"(CORP\$)", R"(\HV01$)", R"(CORP\HV 01$)", "CORP\\HV01$\"",
          "CORP\\HV01\n$", R"(CORP\@all$)", R"(CORP\A\B$)", R"(CORP\*$)"}) {
        CAPTURE(computer);
        CHECK(code_of([&] { check_computer(computer); }) == ErrorCode::invalid);
    }
    CHECK_NOTHROW(check_computer(R"(CORP\HV01$)"));
}

TEST_CASE("samba settings: free space is told in pieces of one length", "[share]") {
    CHECK(make_space_text(64 * kTiB, 0).size() == make_space_text(0, 64 * kTiB).size());
    CHECK(make_space_text(2 * kMiB, kMiB) == "00000000000000002048 00000000000000001024 1024\n");
}

TEST_CASE("host login: the commands name share and account, and hold no password", "[share]") {
    const auto steps = make_host_login(R"(\\appliance.corp.example\it's)", "entrepot-share-01");
    REQUIRE(steps.size() == 3);
    CHECK(steps[1].command.find(R"(-RemotePath '\\appliance.corp.example\it''s')") !=
          std::string::npos);
    CHECK(steps[1].command.find(R"('APPLIANCE\entrepot-share-01')") != std::string::npos);
    CHECK(steps[1].command.find("Read-Host -AsSecureString") != std::string::npos);
    CHECK(steps[1].command.find("-RequirePrivacy $true") != std::string::npos);
}
