// Tickets from a KDC of our own: which of the many ways to fail it was.
#include "exporter/wsman/kerberos_ticket.h"

#include "base/file_system.h"
#include "tests/support/kerberos_realm.h"

#include <catch2/catch.hpp>

namespace entrepot::wsman {
namespace {

using test::KerberosRealm;

bool is_missing() {
    if (KerberosRealm::is_available()) return false;
    WARN("skipped: krb5-kdc is not installed");
    return true;
}

KerberosOptions options_of(const std::string& user, const std::string& password) {
    return {.user = user, .password = Secret{password}, .target_host = "hv01.entrepot.test"};
}

std::optional<LoginFailure> failure_of(const KerberosOptions& options) {
    try {
        fetch_kerberos_ticket(options);
    } catch (const LoginError& error) {
        UNSCOPED_INFO(error.message());
        return error.failure();
    }
    return std::nullopt;
}

Secret read(const std::filesystem::path& file) {
    PosixFileSystem files;
    return Secret{ByteView{files.read_file(file, kMiB)}};
}

}  // namespace

TEST_CASE("kerberos: each failure is told by what it is", "[wsman][kerberos]") {
    if (is_missing()) return;
    KerberosRealm realm;
    realm.add_user("backup", "right");
    realm.add_user("late", "right", "-expire 2020-01-01");
    realm.add_user("gone", "right", "-allow_tix");
    realm.add_service("HTTP/hv01.entrepot.test");
    const KerberosOptions good = options_of("backup@ENTREPOT.TEST", "right");
    KerberosOptions other_service = good;
    other_service.service = "WSMAN";
    KerberosOptions without_password = good;
    without_password.password = {};

    CHECK(failure_of(good) == std::nullopt);
    CHECK(failure_of(options_of("backup@entrepot.test", "right")) == std::nullopt);
    CHECK(failure_of(options_of("backup", "right")) == std::nullopt);
    CHECK(failure_of(options_of("ENTREPOT\\backup", "right")) == std::nullopt);
    CHECK(failure_of(options_of("backup", "wrong")) == LoginFailure::password_wrong);
    CHECK(failure_of(options_of("late", "right")) == LoginFailure::account_expired);
    CHECK(failure_of(options_of("gone", "right")) == LoginFailure::account_locked);
    CHECK(failure_of(options_of("nobody", "right")) == LoginFailure::user_unknown);
    CHECK(failure_of(options_of("backup@ELSEWHERE.TEST", "right")) == LoginFailure::no_realm);
    CHECK(failure_of(other_service) == LoginFailure::service_unknown);
    CHECK(failure_of(without_password) == LoginFailure::no_ticket);
    realm.stop_kdc();
    CHECK(failure_of(good) == LoginFailure::kdc_unreachable);
}

TEST_CASE("kerberos: password, keytab and ticket cache lead to the same ticket",
          "[wsman][kerberos]") {
    if (is_missing()) return;
    const KerberosRealm realm;
    realm.add_user("backup", "right");
    realm.add_user("robot", "unknown");
    realm.add_service("HTTP/hv01.entrepot.test");
    const std::string wanted = "HTTP/hv01.entrepot.test@ENTREPOT.TEST";

    KerberosOptions options = options_of("backup", "right");
    CHECK(fetch_kerberos_ticket(options)->service_name() == wanted);

    options = options_of("", "");
    options.keytab = read(realm.add_keytab("robot"));
    CHECK(fetch_kerberos_ticket(options)->service_name() == wanted);
    options.user = "backup";
    CHECK(failure_of(options) == LoginFailure::keytab_lacks_user);
    options.keytab = Secret{"no keytab at all"};
    CHECK(failure_of(options) == LoginFailure::keytab_unreadable);

    REQUIRE(test::run_program({"kinit", "backup"}, "right\n") == 0);
    const auto ticket = fetch_kerberos_ticket(options_of("", ""));
    CHECK(ticket->service_name() == wanted);
    CHECK(ticket->cache_name().find(realm.ticket_cache().string()) != std::string::npos);
}

TEST_CASE("kerberos: the service can be named in every way", "[wsman][kerberos]") {
    if (is_missing()) return;
    const KerberosRealm realm;
    realm.add_user("backup", "right");
    realm.add_service("WSMAN/hv01.entrepot.test");
    KerberosOptions options = options_of("backup", "right");
    const std::string service =
        GENERATE("WSMAN", "WSMAN/hv01.entrepot.test", "WSMAN/hv01.entrepot.test@ENTREPOT.TEST");
    options.service = service;
    if (service != "WSMAN") options.target_host = "127.0.0.1";

    CHECK(fetch_kerberos_ticket(options)->service_name() ==
          "WSMAN/hv01.entrepot.test@ENTREPOT.TEST");
}

TEST_CASE("kerberos: negotiate knows for whom to try it", "[wsman]") {
    CHECK(is_kerberos_likely("backup@CORP.EXAMPLE", "hv01.corp.example", ""));
    CHECK(is_kerberos_likely("corp.example\\backup", "hv01.corp.example", ""));
    CHECK_FALSE(is_kerberos_likely("backup@CORP.EXAMPLE", "10.0.0.1", ""));
    CHECK_FALSE(is_kerberos_likely("backup@CORP.EXAMPLE", "[::1]", ""));
    CHECK(is_kerberos_likely("backup@CORP.EXAMPLE", "10.0.0.1", "HTTP/hv01.corp.example"));
    CHECK_FALSE(is_kerberos_likely("backup", "hv01", ""));
    CHECK_FALSE(is_kerberos_likely("HV01\\backup", "hv01", ""));
}

}  // namespace entrepot::wsman
