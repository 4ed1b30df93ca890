// auth and clock: every way in which a login comes to nothing.
#include "tests/contract/client_certificate.h"
#include "tests/doctor/expectations.h"
#include "tests/doctor/peer.h"
#include "tests/support/kerberos_realm.h"

#include "base/atomic_file.h"
#include "exporter/wsman/curl_transport.h"

#include <fmt/format.h>

namespace entrepot::test {
namespace {

bool is_without_simulator() {
    if (Simulator::is_available()) return false;
    WARN("skipped: entrepot-hostsim was not built");
    return true;
}

bool is_without_kdc() {
    if (is_without_simulator()) return true;
    if (KerberosRealm::is_available()) return false;
    WARN("skipped: krb5-kdc is not installed");
    return true;
}

std::size_t failed_logins(const Simulator& simulator) {
    return simulator.control({"audit"}).value("failed_logins", std::size_t{0});
}

/// A host of the domain, and a stage that reaches it by name with Kerberos.
struct Domain {
    explicit Domain(const Json& more = Json::object()) {
        realm.add_user("backup", "p-word");
        realm.add_service("HTTP/localhost");
        Json changes{{"keytab", realm.add_keytab("HTTP/localhost").string()},
                     {"users", Json::array({{{"name", "backup@ENTREPOT.TEST"},
                                             {"password", "p-word"},
                                             {"groups", Json::array({"Administrators"})}}})}};
        changes.update(more);
        simulator.emplace(changes);
        stage.use(*simulator);
        const std::string address = "127.0.0.1";
        auto& url = stage.draft.url;
        url.replace(url.find(address), address.size(), "localhost");
        stage.draft.authentication = "kerberos";
        stage.draft.user = "backup@ENTREPOT.TEST";
        stage.secret = Secret{"p-word"};
    }

    KerberosRealm realm;
    std::optional<Simulator> simulator;
    Stage stage;
};

}  // namespace

TEST_CASE("doctor: a healthy host has nothing that failed", "[doctor]") {
    if (is_without_simulator()) return;
    const Simulator simulator;
    Stage stage;
    stage.use(simulator);

    const auto checks = expect_failures(stage, {});
    for (const char* id :
         {"name.address", "port.open", "tls.pinned", "http.winrm", "clock.close", "auth.accepted",
          "os.supported", "role.present", "rights.seen", "schema.complete", "vms.fine",
          "guests.fine", "share.directory", "share.name-here", "residue.none"}) {
        INFO(id);
        CHECK(find(checks, id) != nullptr);
    }
    // What only a first small full can prove, it says.
    const auto* identity = find(checks, "share.identity-unproven");
    REQUIRE(identity != nullptr);
    CHECK(identity->result == doctor::Result::unproven);
    CHECK(identity->command.find("New-SmbGlobalMapping") != std::string::npos);
}

TEST_CASE("doctor: a refused password is shown twice at most, and then held back", "[doctor]") {
    if (is_without_simulator()) return;
    const Simulator simulator;
    Stage stage;
    stage.use(simulator);
    stage.secret = Secret{"wrong"};

    const auto first = expect_failures(stage, {"auth.refused"});
    CHECK(find(first, "auth.refused")->evidence.find("two attempts") != std::string::npos);
    CHECK(failed_logins(simulator) <= 2);
    expect_failures(stage, {"auth.held-back"});
    CHECK(failed_logins(simulator) <= 2);

    // Somebody who knows better may say so.
    stage.secret = Secret{"p&ss <1>"};
    expect_failures(stage, {}, {.retries_login = true});
    expect_failures(stage, {});
}

TEST_CASE("doctor: a locked account is not asked a third time", "[doctor]") {
    if (is_without_simulator()) return;
    const Simulator simulator{with_faults({fault("login", "lock-account")})};
    Stage stage;
    stage.use_http(simulator);

    // Without TLS there is no channel to bind, and so no second attempt.
    const auto checks = expect_failures(stage, {"auth.refused"});
    CHECK(find(checks, "auth.refused")->evidence.find("one attempt") != std::string::npos);
    CHECK(failed_logins(simulator) == 1);
}

TEST_CASE("doctor: the way to log in is switched off on the host", "[doctor]") {
    if (is_without_simulator()) return;
    const bool wants_basic = GENERATE(true, false);
    const Simulator simulator{{{"auth", Json::array({wants_basic ? "negotiate" : "basic"})}}};
    Stage stage;
    stage.use(simulator);
    stage.draft.authentication = wants_basic ? "basic" : "negotiate";

    expect_failures(stage, {wants_basic ? "auth.basic-off" : "auth.negotiate-off"});
    CHECK(failed_logins(simulator) <= 1);
}

TEST_CASE("doctor: Basic with an account of the domain, or without a password", "[doctor]") {
    if (is_without_simulator()) return;
    const Simulator simulator;
    Stage stage;
    stage.draft.authentication = "basic";
    SECTION("domain") {
        stage.use(simulator);
        stage.draft.user = "backup@corp.example";
        expect_failures(stage, {"auth.basic-domain-account"});
    }
    SECTION("no password") {
        stage.use(simulator);
        stage.secret = {};
        expect_failures(stage, {"auth.no-secret"});
    }
}

TEST_CASE("doctor: a proxy that ends TLS is told from a wrong password", "[doctor]") {
    if (is_without_simulator()) return;
    const Simulator simulator;
    const Identity identity = make_identity({});
    const Peer proxy{
        {.identity = &identity, .forwards_to = wsman::parts_of_url(simulator.url()).port}};
    Stage stage;
    stage.draft.url = fmt::format("https://localhost:{}/wsman", proxy.port());
    stage.draft.pin_sha256 = identity.sha256();

    expect_failures(stage, {"auth.channel-binding"});
    CHECK(failed_logins(simulator) == 1);
}

TEST_CASE("doctor: a host that forgets each login, or cuts it", "[doctor]") {
    if (is_without_simulator()) return;
    SECTION("forgets") {
        const Simulator simulator{with_faults({fault("session", "session-lost")})};
        Stage stage;
        stage.use(simulator);
        expect_failures(stage, {"auth.loop"});
    }
    SECTION("does not seal") {
        const Simulator simulator{with_faults({fault("session", "unsealed-answer")})};
        Stage stage;
        stage.use_http(simulator);
        expect_failures(stage, {"auth.seal-broken"});
    }
}

TEST_CASE("doctor: client certificates that are not mapped, or broken", "[doctor]") {
    if (is_without_simulator()) return;
    const ClientCertificate known = make_client_certificate("backup@corp.example");
    const ClientCertificate other = make_client_certificate("other@corp.example");
    Stage stage;
    const auto file = stage.directory.path() / "client.pem";
    write_file_atomically(stage.file_system, file, as_bytes(known.certificate_pem));
    const Simulator simulator{{{"auth", Json::array({"certificate"})},
                               {"users", Json::array({{{"name", "HV01\\backup"},
                                                       {"groups", Json::array({"Administrators"})},
                                                       {"certificate", file.string()}}})}}};
    stage.use(simulator);
    stage.draft.authentication = "certificate";
    stage.draft.secret_kind = "key";
    stage.draft.user.clear();
    stage.draft.client_certificate = other.certificate_pem;
    SECTION("not mapped") {
        stage.secret = Secret{other.key_pem};
        expect_failures(stage, {"auth.certificate-refused"});
    }
    SECTION("another key") {
        stage.secret = Secret{known.key_pem};
        expect_failures(stage, {"auth.certificate-unusable"});
    }
}

TEST_CASE("doctor: what Kerberos says has an id each", "[doctor][kerberos]") {
    if (is_without_kdc()) return;
    Domain domain;
    Stage& stage = domain.stage;
    SECTION("accepted") {
        const auto checks = expect_failures(stage, {});
        CHECK(find(checks, "auth.accepted")->evidence.find("Kerberos") != std::string::npos);
    }
    SECTION("wrong password") {
        stage.secret = Secret{"other"};
        expect_failures(stage, {"auth.password-wrong"});
    }
    SECTION("unknown user") {
        stage.draft.user = "nobody@ENTREPOT.TEST";
        expect_failures(stage, {"auth.user-unknown"});
    }
    SECTION("locked account") {
        domain.realm.administer("modprinc -allow_tix backup");
        expect_failures(stage, {"auth.account-locked"});
    }
    SECTION("expired password") {
        domain.realm.administer("modprinc -pwexpire yesterday backup");
        expect_failures(stage, {"auth.password-expired"});
    }
    SECTION("expired account") {
        domain.realm.administer("modprinc -expire yesterday backup");
        expect_failures(stage, {"auth.account-expired"});
    }
    SECTION("unknown service") {
        stage.draft.service = "WSMAN";
        expect_failures(stage, {"auth.spn-unknown"});
    }
    SECTION("another account's service") {
        domain.realm.add_service("host/localhost");
        stage.draft.service = "host";
        expect_failures(stage, {"auth.ticket-refused"});
    }
    SECTION("no ticket") {
        stage.secret = {};
        stage.draft.user.clear();
        expect_failures(stage, {"auth.no-ticket"});
    }
    SECTION("unknown realm") {
        stage.draft.user = "backup@ELSEWHERE.TEST";
        expect_failures(stage, {"auth.no-realm"});
    }
    SECTION("keytab of another user") {
        stage.draft.secret_kind = "keytab";
        domain.realm.add_user("robot", "x");
        stage.secret =
            Secret{ByteView{stage.file_system.read_file(domain.realm.add_keytab("robot"), kMiB)}};
        expect_failures(stage, {"auth.keytab-other-user"});
    }
    SECTION("no keytab at all") {
        stage.draft.secret_kind = "keytab";
        stage.secret = Secret{"no keytab at all"};
        expect_failures(stage, {"auth.keytab-unreadable"});
    }
    SECTION("KDC down") {
        domain.realm.stop_kdc();
        expect_failures(stage, {"auth.kdc-silent"});
    }
    SECTION("host's clock") {
        domain.simulator->control({"clock", "+1h"});
        expect_failures(stage, {"clock.far", "auth.ticket-refused"});
    }
}

TEST_CASE("doctor: negotiate that fell back to NTLM says what Kerberos lacks",
          "[doctor][kerberos]") {
    if (is_without_kdc()) return;
    Domain domain;
    domain.realm.stop_kdc();
    domain.stage.draft.authentication = "negotiate";

    const auto checks = expect_failures(domain.stage, {});
    const auto* fallback = find(checks, "auth.ntlm-instead");
    REQUIRE(fallback != nullptr);
    CHECK(fallback->evidence.find("no KDC answers") != std::string::npos);
}

TEST_CASE("doctor: a clock that is off is a warning where Kerberos is not used", "[doctor]") {
    if (is_without_simulator()) return;
    const Simulator simulator;
    Stage stage;
    stage.use(simulator);
    const bool is_far = GENERATE(true, false);
    simulator.control({"clock", is_far ? "-2h" : "+3m"});

    const auto checks = expect_failures(stage, {});
    const auto* clock = find(checks, is_far ? "clock.far-without-kerberos" : "clock.differs");
    REQUIRE(clock != nullptr);
    CHECK(clock->evidence.find(is_far ? "behind" : "before") != std::string::npos);
}

}  // namespace entrepot::test
