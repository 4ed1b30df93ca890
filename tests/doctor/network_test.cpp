// name, port, tls, http: set-ups that are broken below any login.
#include "tests/doctor/expectations.h"
#include "tests/doctor/peer.h"

#include "base/atomic_file.h"

#include <fmt/format.h>

namespace entrepot::test {
namespace {

std::string url_of(std::uint16_t port, const std::string& host = "localhost") {
    return fmt::format("https://{}:{}/wsman", host, port);
}

/// A stage that trusts this CA.
struct TrustingStage : Stage {
    explicit TrustingStage(const Identity& authority) {
        const auto file = directory.path() / "ca.pem";
        write_file_atomically(file_system, file, as_bytes(authority.pem()));
        draft.ca_file = file.string();
    }
};

constexpr const char* kIdentify =
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header/><s:Body>"
    "<i:IdentifyResponse xmlns:i=\"http://schemas.dmtf.org/wbem/wsman/identity/1/"
    "wsmanidentity.xsd\"><i:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
    "</i:ProtocolVersion><i:ProductVendor>Open Management Infrastructure</i:ProductVendor>"
    "<i:ProductVersion>1.0</i:ProductVersion></i:IdentifyResponse></s:Body></s:Envelope>";

}  // namespace

TEST_CASE("doctor: a name that nobody knows, and a resolver that is silent", "[doctor]") {
    Stage stage;
    stage.draft.url = "https://hv01.nowhere.test:5986/wsman";
    const auto state = GENERATE(wsman::NameState::unknown, wsman::NameState::no_answer);
    stage.network.names["hv01.nowhere.test"] = {state, {}, "Name or service not known"};

    const bool is_unknown = state == wsman::NameState::unknown;
    const auto checks = expect_failures(stage, {is_unknown ? "name.unknown" : "name.no-answer"});
    CHECK(find(checks, "auth.skipped") != nullptr);
    CHECK(find(checks, "share.directory") != nullptr);
}

TEST_CASE("doctor: a name that leads to this machine (F-WB-14)", "[doctor]") {
    Stage stage;
    stage.draft.url = "https://hv01.nowhere.test:5986/wsman";
    const std::string address = GENERATE("127.0.0.1", "::1", "169.254.169.254", "fe80::1%eth0");
    stage.network.names["hv01.nowhere.test"] = {
        wsman::NameState::known, {"192.0.2.7", address}, {}};
    stage.allows_local_names = false;
    expect_failures(stage, {"name.leads-here"});
}

TEST_CASE("doctor: Kerberos to an address", "[doctor]") {
    Stage stage;
    stage.draft.url = "https://127.0.0.1:5986/wsman";
    stage.draft.authentication = "kerberos";

    expect_failures(stage, {"name.address-and-kerberos"});
}

TEST_CASE("doctor: no listener, or only the other one", "[doctor]") {
    Stage stage;
    const std::string address = "127.77.3.1";  // Nobody else's.
    SECTION("none") {
        stage.draft.url = url_of(5986, address);
        expect_failures(stage, {"port.refused"});
    }
    SECTION("plain HTTP only") {
        const Peer http{{}, address, 5985};
        stage.draft.url = url_of(5986, address);
        expect_failures(stage, {"port.https-listener-missing"});
    }
    SECTION("HTTPS only") {
        const Peer https{{}, address, 5986};
        stage.draft.url = "http://" + address + ":5985/wsman";
        stage.draft.seals_messages = true;
        expect_failures(stage, {"port.http-listener-missing"});
    }
}

TEST_CASE("doctor: a firewall that drops, and no way at all", "[doctor]") {
    Stage stage;
    stage.draft.url = url_of(5986, "127.0.0.1");
    const auto state = GENERATE(wsman::PortState::silent, wsman::PortState::unroutable);
    stage.network.ports[5986] = {state, "127.0.0.1", "127.0.0.1 port 5986: no answer"};

    expect_failures(stage, {state == wsman::PortState::silent ? "port.silent" : "port.unroutable"});
}

TEST_CASE("doctor: what answers speaks no TLS, an old one, or hangs up", "[doctor]") {
    Stage stage;
    const Identity identity = make_identity({});
    SECTION("plain text") {
        const Peer peer{{}};
        stage.draft.url = url_of(peer.port());
        expect_failures(stage, {"tls.not-tls"});
    }
    SECTION("TLS 1.1") {
        const Peer peer{{.identity = &identity, .only_old_tls = true}};
        stage.draft.url = url_of(peer.port());
        expect_failures(stage, {"tls.too-old"});
    }
    SECTION("hangs up") {
        const Peer peer{{.closes_at_once = true}};
        stage.draft.url = url_of(peer.port());
        expect_failures(stage, {"tls.hung-up"});
    }
    SECTION("silent") {
        stage.draft.url = url_of(5986);
        stage.network.ports[5986] = {wsman::PortState::open, "127.0.0.1", "open"};
        stage.network.handshake = wsman::TlsReport{.state = wsman::TlsState::silent};
        expect_failures(stage, {"tls.silent"});
    }
}

TEST_CASE("doctor: certificates that are wrong in one way each", "[doctor]") {
    const Identity authority = make_authority("Test CA");
    const Identity other = make_authority("Other CA");
    TrustingStage stage{authority};
    struct Row {
        std::string id;
        CertificateWish wish;
        const Identity* issuer;
    };
    using std::chrono::days;
    const std::vector<Row> rows{
        {"tls.unknown-issuer", {}, &other},
        {"tls.self-signed", {}, nullptr},
        {"tls.wrong-name", {.name = "other.example"}, &authority},
        {"tls.expired", {.begins = -days{9}, .ends = -days{2}}, &authority},
        {"tls.not-yet-valid", {.begins = days{2}, .ends = days{9}}, &authority},
        {"tls.wrong-purpose", {.purpose = "clientAuth"}, &authority},
    };
    const auto& row = rows.at(GENERATE(range<std::size_t>(0, 6)));
    const Identity identity = make_identity(row.wish, row.issuer);
    const Peer peer{{.identity = &identity}};
    stage.draft.url = url_of(peer.port());

    const auto checks = expect_failures(stage, {row.id});
    CHECK(find(checks, row.id)->evidence.find(identity.sha256()) != std::string::npos);
    CHECK(find(checks, "auth.skipped") != nullptr);
}

TEST_CASE("doctor: a certificate may be wrong in several ways, and each is said", "[doctor]") {
    Stage stage;
    const Identity identity =
        make_identity({.name = "other.example", .ends = -std::chrono::days{1}, .purpose = ""});
    const Peer peer{{.identity = &identity}};
    stage.draft.url = url_of(peer.port());

    expect_failures(stage, {"tls.expired", "tls.wrong-name", "tls.self-signed"});
}

TEST_CASE("doctor: another certificate than the pinned one; an unreadable CA", "[doctor]") {
    Stage stage;
    const Identity identity = make_identity({});
    const Identity other = make_identity({});
    const Peer peer{{.identity = &identity}};
    stage.draft.url = url_of(peer.port());
    SECTION("pin") {
        stage.draft.pin_sha256 = other.sha256();
        const auto checks = expect_failures(stage, {"tls.pin-differs"});
        CHECK(find(checks, "tls.pin-differs")->cure.find(identity.sha256()) != std::string::npos);
    }
    SECTION("CA") {
        stage.draft.ca_file = (stage.directory.path() / "gone.pem").string();
        expect_failures(stage, {"tls.ca-unreadable"});
    }
}

TEST_CASE("doctor: something else answers where WinRM should", "[doctor]") {
    using Row = std::tuple<std::string, std::string>;
    const auto [id, answer] = GENERATE(table<std::string, std::string>({
        Row{"http.not-found", http_answer("404 Not Found", "Server: Microsoft-HTTPAPI/2.0\r\n")},
        Row{"http.not-ready", http_answer("503 Service Unavailable")},
        Row{"http.redirect", http_answer("302 Found", "Location: https://portal.example/\r\n")},
        Row{"http.gateway", http_answer("502 Bad Gateway", "Server: squid\r\n")},
        Row{"http.other-server", http_answer("200 OK", "Content-Type: text/html\r\n", "<p>Hi")},
        Row{"http.broken", ""},
        Row{"http.broken", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"},
    }));
    const Identity identity = make_identity({});
    const Peer peer{{.identity = &identity,
                     .answer = [answer = answer](const std::string&) { return answer; }}};
    Stage stage;
    stage.draft.url = url_of(peer.port());
    stage.draft.pin_sha256 = identity.sha256();

    const auto checks = expect_failures(stage, {id});
    CHECK(find(checks, "tls.pinned") != nullptr);
}

TEST_CASE("doctor: WS-Management that is not Windows is said, and looked at further", "[doctor]") {
    const Identity identity = make_identity({});
    const Peer peer{
        {.identity = &identity, .answer = [](const std::string& request) {
             const bool is_identify = request.find("Identify") != std::string::npos;
             return is_identify
                        ? http_answer("200 OK", "Content-Type: application/soap+xml\r\n", kIdentify)
                        : http_answer("401 Unauthorized",
                                      "WWW-Authenticate: Basic realm=\"OMI\"\r\n");
         }}};
    Stage stage;
    stage.draft.url = url_of(peer.port());
    stage.draft.pin_sha256 = identity.sha256();

    const auto checks = expect_failures(stage, {"auth.negotiate-off"});
    const auto* product = find(checks, "http.other-product");
    REQUIRE(product != nullptr);
    CHECK(product->evidence.find("Open Management") != std::string::npos);
}

TEST_CASE("doctor: a certificate that ends soon is a warning", "[doctor]") {
    const Identity authority = make_authority("Test CA");
    const Identity identity = make_identity({.ends = std::chrono::days{7}}, &authority);
    const Peer peer{{.identity = &identity,
                     .answer = [](const std::string&) { return http_answer("404 Not Found"); }}};
    TrustingStage stage{authority};
    stage.draft.url = url_of(peer.port());

    const auto checks = expect_failures(stage, {"http.not-found"});
    CHECK(find(checks, "tls.expires-soon") != nullptr);
    CHECK(find(checks, "tls.trusted") != nullptr);
}

}  // namespace entrepot::test
