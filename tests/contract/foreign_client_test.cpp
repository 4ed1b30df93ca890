// Clients that we did not write, against the simulated host: where they and our own client agree,
// the simulator is not merely our mirror image.
#include "base/file_system.h"
#include "tests/contract/simulator.h"
#include "tests/support/kerberos_realm.h"

#include <catch2/catch.hpp>

namespace entrepot {
namespace {

constexpr int kNotInstalled = 77;
constexpr const char* kIdentify =
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
    "xmlns:i=\"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd\"><s:Header/>"
    "<s:Body><i:Identify/></s:Body></s:Envelope>";

std::string by_name(std::string url) {
    const std::string address = "127.0.0.1";
    return url.replace(url.find(address), address.size(), "localhost");
}

/// Debian's own Python, which has Debian's packages.
int run_winrm(const std::string& url, const std::string& authentication, const std::string& user,
              const std::string& password, const std::string& encryption) {
    const std::string folder = std::string{ENTREPOT_SOURCE_DIR} + "/tests/contract/";
    const int status = test::run_program({"env", "OPENSSL_CONF=" + folder + "openssl_legacy.cnf",
                                          "/usr/bin/python3", folder + "winrm_client.py", url,
                                          authentication, user, password, encryption});
    if (status == kNotInstalled)
        WARN("skipped: python3-winrm is not installed, or cannot do " << authentication << " "
                                                                      << encryption);
    return status;
}

bool is_understood(int status) {
    return status == 0 || status == kNotInstalled;
}

Json domain_host(const test::KerberosRealm& realm) {
    realm.add_user("backup", "p-word");
    realm.add_service("HTTP/localhost");
    return {{"keytab", realm.add_keytab("HTTP/localhost").string()},
            {"users", Json::array({{{"name", "backup@ENTREPOT.TEST"},
                                    {"password", "p-word"},
                                    {"groups", Json::array({"Administrators"})}}})}};
}

}  // namespace

TEST_CASE("foreign client: python3-winrm, NTLM, sealed and over TLS", "[contract]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator;
    const std::string user = "HV01\\backup";
    const std::string password = "p&ss <1>";

    CHECK(is_understood(run_winrm(simulator.http_url(), "ntlm", user, password, "always")));
    CHECK(is_understood(run_winrm(simulator.url(), "ntlm", user, password, "always")));
    CHECK(is_understood(run_winrm(simulator.url(), "ntlm", user, password, "never")));
    CHECK(is_understood(run_winrm(simulator.url(), "basic", user, password, "never")));
    // The simulator refuses what Windows refuses: plain text without TLS, and a wrong password.
    CHECK(run_winrm(simulator.http_url(), "ntlm", user, password, "never") != 0);
    CHECK(run_winrm(simulator.http_url(), "ntlm", user, "wrong", "always") != 0);
}

TEST_CASE("foreign client: python3-winrm, Kerberos, sealed and over TLS", "[contract][kerberos]") {
    if (!Simulator::is_available() || !test::KerberosRealm::is_available()) return;
    const test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm)};
    REQUIRE(test::run_program({"kinit", "backup"}, "p-word\n") == 0);
    const std::string user = "backup@ENTREPOT.TEST";

    CHECK(is_understood(run_winrm(by_name(simulator.http_url()), "kerberos", user, "", "always")));
    CHECK(is_understood(run_winrm(by_name(simulator.url()), "kerberos", user, "", "never")));
}

TEST_CASE("foreign client: curl --negotiate with a ticket", "[contract][kerberos]") {
    if (!Simulator::is_available() || !test::KerberosRealm::is_available()) return;
    const test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm)};
    const auto answer = realm.path("answer.xml");
    const std::vector<std::string> words{"curl",
                                         "--silent",
                                         "--fail",
                                         "--insecure",
                                         "--negotiate",
                                         "--user",
                                         ":",
                                         "--header",
                                         "Content-Type: application/soap+xml;charset=UTF-8",
                                         "--data-binary",
                                         kIdentify,
                                         "--output",
                                         answer.string(),
                                         by_name(simulator.url())};

    const int without_ticket = test::run_program(words);
    if (without_ticket == 127) {
        WARN("skipped: curl is not installed");
        return;
    }
    CHECK(without_ticket != 0);
    REQUIRE(test::run_program({"kinit", "backup"}, "p-word\n") == 0);
    CHECK(test::run_program(words) == 0);
    PosixFileSystem files;
    const Bytes text = files.read_file(answer, kMiB);
    CHECK(as_text(text).find("OS: 10.0.") != std::string_view::npos);
}

}  // namespace entrepot
