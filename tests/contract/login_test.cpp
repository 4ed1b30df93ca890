// Every way to log in, with and without TLS, against the simulated host: sealed messages, Kerberos
// with a KDC of our own, client certificates, channel binding.
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/log.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/wsman_connection.h"
#include "tests/contract/client_certificate.h"
#include "tests/contract/simulator.h"
#include "tests/support/kerberos_realm.h"
#include "tests/support/replay_transport.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>
#include <optional>

namespace entrepot {
namespace {

using hyperv::Authentication;
using hyperv::Connection;
using hyperv::MessageEncryption;

constexpr const char* kWeb = "AAAAAAAA-0000-4000-8000-000000000001";

struct Outcome {
    ErrorCode code = ErrorCode::internal;
    std::string message{};
    std::string hint{};
};

/// Lists, and calls methods that read; nullopt if all went well.
std::optional<Outcome> failure_of(const Connection& connection) {
    ManualClock clock{SystemClock{}.wall_now()};
    NullLog log;
    try {
        const auto host = hyperv::connect({clock, log}, connection, {});
        const bool is_complete =
            host->list_vms().size() == 2 && host->read_vm(kWeb).disks.at(0).virtual_disk_id;
        if (!is_complete) return Outcome{.message = "an incomplete answer"};
    } catch (const Error& error) {
        UNSCOPED_INFO(error.what() << " / " << error.hint());
        return Outcome{error.code(), error.message(), error.hint()};
    }
    return std::nullopt;
}

bool works(const Connection& connection) {
    return !failure_of(connection).has_value();
}

Json planned(const std::string& what, int times) {
    return {{"faults", Json::array({{{"at", "session"}, {"do", what}, {"times", times}}})}};
}

bool is_without_kdc() {
    if (Simulator::is_available() && test::KerberosRealm::is_available()) return false;
    WARN("skipped: krb5-kdc is not installed, or entrepot-hostsim was not built");
    return true;
}

/// A host of the domain: its own service's keytab, and an account of the realm.
Json domain_host(const test::KerberosRealm& realm, const Json& more = Json::object()) {
    realm.add_user("backup", "p-word");
    realm.add_service("HTTP/localhost");
    Json changes{{"keytab", realm.add_keytab("HTTP/localhost").string()},
                 {"users", Json::array({{{"name", "backup@ENTREPOT.TEST"},
                                         {"password", "p-word"},
                                         {"groups", Json::array({"Administrators"})}}})}};
    changes.update(more);
    return changes;
}

/// As the host is called in the domain, which its address is not.
Connection by_name(Connection connection, Authentication authentication) {
    const std::string address = "127.0.0.1";
    connection.url.replace(connection.url.find(address), address.size(), "localhost");
    connection.authentication = authentication;
    connection.user = "backup@ENTREPOT.TEST";
    connection.password = Secret{"p-word"};
    return connection;
}

}  // namespace

TEST_CASE("login: NTLM seals every message without TLS, and inside it if asked", "[contract]") {
    if (!Simulator::is_available()) return;
    const bool indents = GENERATE(true, false);
    const Simulator simulator{{{"inner_header_tabs", indents}}};
    for (const auto way : {Authentication::negotiate, Authentication::ntlm}) {
        Connection plain = simulator.http_connection(way);
        plain.indents_inner_headers = indents;
        CHECK(works(plain));
        Connection both = simulator.connection(way);
        both.encryption = MessageEncryption::always;
        CHECK(works(both));

        plain.password = Secret{"wrong"};
        const auto refused = failure_of(plain);
        REQUIRE(refused);
        CHECK(refused->code == ErrorCode::unauthenticated);
    }
    const Connection basic = simulator.http_connection(Authentication::basic);
    CHECK(failure_of(basic).value_or(Outcome{}).code == ErrorCode::invalid);
}

TEST_CASE("login: what is not sealed as it must be is not believed", "[contract]") {
    if (!Simulator::is_available()) return;
    const std::string fault = GENERATE("unsealed-answer", "broken-seal");
    const Simulator simulator{planned(fault, 0)};

    const auto failure = failure_of(simulator.http_connection(Authentication::ntlm));
    REQUIRE(failure);
    CHECK(failure->code == ErrorCode::protocol);
}

TEST_CASE("login: a sealed session that the host forgot is set up again", "[contract]") {
    if (!Simulator::is_available()) return;
    const Simulator simulator{planned("session-lost", 2)};

    CHECK(works(simulator.http_connection(Authentication::negotiate)));
}

TEST_CASE("login: a sealed request without an answer is repeated only if it reads", "[contract]") {
    if (!Simulator::is_available()) return;
    const Json lost{{"faults", Json::array({{{"at", "Enumerate"}, {"do", "reply-lost"}},
                                            {{"at", "CreateSnapshot"}, {"do", "reply-lost"}}})}};
    const Simulator simulator{lost};
    const Connection connection = simulator.http_connection(Authentication::ntlm);
    CHECK(works(connection));

    ManualClock clock{WallTime{}};
    NullLog quiet;
    const auto host = hyperv::connect({clock, quiet}, connection, {});
    ErrorCode code = ErrorCode::internal;
    try {
        host->start_create_snapshot(kWeb, hyperv::ConsistencyLevel::crash, "Entrepot 1");
    } catch (const Error& error) {
        code = error.code();
    }
    CHECK(code == ErrorCode::unreachable);
    const std::string log = simulator.request_log();
    const std::size_t first = log.find("\"CreateSnapshot\"");
    REQUIRE(first != std::string::npos);
    CHECK(log.find("\"CreateSnapshot\"", first + 1) == std::string::npos);
}

TEST_CASE("login: Kerberos by password, keytab and ticket, with TLS and sealed without",
          "[contract][kerberos]") {
    if (is_without_kdc()) return;
    const test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm)};
    const auto way = Authentication::kerberos;

    Connection tls = by_name(simulator.connection(way), way);
    CHECK(works(tls));
    CHECK(works(by_name(simulator.http_connection(way), Authentication::negotiate)));
    tls.encryption = MessageEncryption::always;
    CHECK(works(tls));

    REQUIRE(test::run_program({"kinit", "backup"}, "p-word\n") == 0);
    Connection plain = by_name(simulator.http_connection(way), way);
    plain.user.clear();
    plain.password = {};
    CHECK(works(plain));

    PosixFileSystem files;
    plain.keytab = Secret{ByteView{files.read_file(realm.add_keytab("backup"), kMiB)}};
    plain.user = "backup";
    CHECK(works(plain));
}

TEST_CASE("login: a host without Negotiate is logged in to by Kerberos' own scheme",
          "[contract][kerberos]") {
    if (is_without_kdc()) return;
    const test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm, {{"auth", Json::array()}})};

    CHECK(works(
        by_name(simulator.http_connection(Authentication::kerberos), Authentication::kerberos)));
    CHECK_FALSE(
        works(by_name(simulator.connection(Authentication::ntlm), Authentication::negotiate)));
}

TEST_CASE("login: what is wrong with Kerberos is said in its own words", "[contract][kerberos]") {
    if (is_without_kdc()) return;
    test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm)};
    const Connection good =
        by_name(simulator.connection(Authentication::kerberos), Authentication::kerberos);

    Connection wrong = good;
    wrong.password = Secret{"other"};
    CHECK_THAT(failure_of(wrong).value_or(Outcome{}).message,
               Catch::Contains("the password is wrong"));
    wrong = good;
    wrong.service = "WSMAN";
    CHECK_THAT(failure_of(wrong).value_or(Outcome{}).message,
               Catch::Contains("does not know the service") && Catch::Contains("WSMAN/localhost"));
    wrong = good;
    wrong.user = {};
    wrong.password = {};
    CHECK_THAT(failure_of(wrong).value_or(Outcome{}).message,
               Catch::Contains("there is no ticket"));

    // Of another service's key: the KDC gives the ticket, the host cannot read it.
    realm.add_service("host/localhost");
    wrong = good;
    wrong.service = "host";
    CHECK_THAT(failure_of(wrong).value_or(Outcome{}).hint, Catch::Contains("--spn"));

    simulator.control({"clock", "+1h"});
    CHECK_THAT(failure_of(good).value_or(Outcome{}).hint,
               Catch::Contains("minutes before ours; Kerberos allows five"));
    simulator.control({"clock", "-1h"});
    realm.stop_kdc();
    CHECK_THAT(failure_of(good).value_or(Outcome{}).message, Catch::Contains("no KDC answers"));
}

TEST_CASE("login: where no KDC answers negotiate falls back to NTLM", "[contract][kerberos]") {
    if (is_without_kdc()) return;
    test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm)};
    realm.stop_kdc();
    const auto way = Authentication::negotiate;

    CHECK(works(by_name(simulator.connection(way), way)));
}

TEST_CASE("login: a host that insists on channel binding gets it", "[contract][kerberos]") {
    if (is_without_kdc()) return;
    const test::KerberosRealm realm;
    const Simulator simulator{domain_host(realm, {{"channel_binding", "strict"}})};

    CHECK(works(by_name(simulator.connection(Authentication::kerberos), Authentication::kerberos)));
    CHECK(works(by_name(simulator.connection(Authentication::ntlm), Authentication::ntlm)));
}

TEST_CASE("login: a client certificate is an account, another one is none", "[contract]") {
    if (!Simulator::is_available()) return;
    const test::TemporaryDirectory directory;
    const test::ClientCertificate known = test::make_client_certificate("backup@corp.example");
    const test::ClientCertificate other = test::make_client_certificate("other@corp.example");
    PosixFileSystem files;
    const auto file = directory.path() / "client.pem";
    write_file_atomically(files, file, as_bytes(known.certificate_pem));
    const Simulator simulator{{{"auth", Json::array({"certificate"})},
                               {"users", Json::array({{{"name", "HV01\\backup"},
                                                       {"groups", Json::array({"Administrators"})},
                                                       {"certificate", file.string()}}})}}};
    Connection connection = simulator.connection(Authentication::certificate);
    connection.user.clear();
    connection.password = {};
    connection.client_certificate = known.certificate_pem;
    connection.client_key = Secret{known.key_pem};
    CHECK(works(connection));

    connection.client_key = Secret{other.key_pem};
    CHECK(failure_of(connection).value_or(Outcome{}).code == ErrorCode::invalid);
    connection.client_certificate = other.certificate_pem;
    const auto refused = failure_of(connection);
    REQUIRE(refused);
    CHECK(refused->code == ErrorCode::unauthenticated);
    CHECK_THAT(refused->hint, Catch::Contains("certmapping"));
}

TEST_CASE("login: what was sealed is recorded in plain text, names nobody and plays again",
          "[contract]") {
    if (!Simulator::is_available()) return;
    const test::TemporaryDirectory directory;
    const Simulator simulator;
    ManualClock clock{WallTime{}};
    NullLog log;
    Connection connection = simulator.http_connection(Authentication::negotiate);
    connection.record_directory = directory.path() / "record";
    const auto vms = hyperv::connect({clock, log}, connection, {})->list_vms();

    auto replay = std::make_unique<test::ReplayTransport>(connection.record_directory);
    REQUIRE(replay->size() > 0);
    connection.authentication = Authentication::basic;
    connection.record_directory.clear();
    const auto again =
        hyperv::connect_over({clock, log}, connection, std::move(replay), {})->list_vms();
    REQUIRE(again.size() == vms.size());
    CHECK(again.at(0).name == vms.at(0).name);
    CHECK(again.at(1).disks.size() == vms.at(1).disks.size());

    PosixFileSystem files;
    for (const auto& entry : std::filesystem::directory_iterator{directory.path() / "record"}) {
        const Bytes bytes = files.read_file(entry.path(), 16 * kMiB);
        const std::string_view text = as_text(bytes);
        INFO(entry.path());
        CHECK(text.find("HV01") == std::string_view::npos);
        CHECK(text.find("backup") == std::string_view::npos);
        CHECK(text.find("NTLMSSP") == std::string_view::npos);
    }
}

}  // namespace entrepot
