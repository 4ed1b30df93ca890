// The transport against a real TLS server: trust, bounds, and nothing sent twice.
#include "exporter/wsman/curl_transport.h"

#include "base/error.h"
#include "exporter/wsman/channel_binding.h"
#include "exporter/wsman/local_target.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/exporter/tls_server.h"

#include <openssl/ssl.h>
#include <catch2/catch.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace entrepot::wsman {
namespace {

TlsReply text_reply(const std::string& body) {
    return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
            false};
}

HttpRequest secret_request() {
    HttpRequest request;
    request.headers.push_back({"Authorization", "Basic c2VjcmV0"});
    request.body = "<x/>";
    request.timeout = std::chrono::seconds{10};
    return request;
}

std::size_t open_files() {
    const std::filesystem::directory_iterator files{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

bool is_of_this_machine(const std::string& host) {
    addrinfo* raw = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, nullptr, &raw) != 0) return false;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list{raw, &::freeaddrinfo};
    for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next)
        if (!is_local_address(*one->ai_addr)) return false;
    return true;
}

ErrorCode failure_of(Transport& transport) {
    try {
        transport.exchange(secret_request(), {});
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("transport: the pinned certificate is accepted whatever its name", "[wsman][tls]") {
    const TlsServer server{"another-name.example", {text_reply("one"), text_reply("two")}};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});

    const HttpAnswer first = transport->exchange(secret_request(), {});
    const HttpAnswer second = transport->exchange(secret_request(), {});

    CHECK(first.body == "one");
    CHECK(first.is_new_connection);
    CHECK(second.body == "two");
    CHECK(!second.is_new_connection);
    CHECK(server.requests().at(0).find("Expect:") == std::string::npos);
    CHECK(server.requests().at(0).find("Accept-Encoding: identity") != std::string::npos);
    CHECK(!transport->peer_certificate().empty());
    CHECK(tls_server_end_point(transport->peer_certificate()).size() == 21 + 32);
}

TEST_CASE("transport: a name that leads to this machine is not connected to (F-WB-14)",
          "[wsman][tls]") {
    const TlsServer server{"localhost", {text_reply("one")}};
    // Of a name, the spelling says nothing: this one is in every /etc/hosts.
    std::string host(256, '\0');
    REQUIRE(::gethostname(host.data(), host.size()) == 0);
    host.resize(host.find('\0'));
    if (!is_of_this_machine(host)) {
        WARN("skipped: this machine's name does not lead to its loopback");
        return;
    }
    std::string url = server.url();
    url.replace(url.find("localhost"), 9, host);
    const auto open = make_curl_transport({.url = url, .pin_sha256 = server.pin()});
    CHECK(open->exchange(secret_request(), {}).body == "one");
    const auto closed = make_curl_transport(
        {.url = url, .pin_sha256 = server.pin(), .local_names = LocalNames::forbidden});
    CHECK(failure_of(*closed) == ErrorCode::access_denied);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("transport: an address in the URL is connected to as it stands", "[wsman][tls]") {
    const TlsServer server{"localhost", {text_reply("one")}};
    const auto transport = make_curl_transport(
        {.url = server.url(), .pin_sha256 = server.pin(), .local_names = LocalNames::forbidden});
    CHECK(transport->exchange(secret_request(), {}).body == "one");
}

TEST_CASE("transport: with another pin nothing is sent", "[F-WM-09][wsman][tls]") {
    const TlsServer server{"localhost", {text_reply("one")}};
    std::string pin = server.pin();
    pin[0] = pin[0] == '0' ? '1' : '0';
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = pin});

    CHECK(failure_of(*transport) == ErrorCode::untrusted);
    CHECK(server.connection_count() == 1);
    CHECK(server.requests().empty());
}

TEST_CASE("transport: a CA file vouches for its own certificates only", "[F-WM-09][wsman][tls]") {
    const TlsServer server{"localhost", {text_reply("one")}};
    const TlsServer other{"localhost", {text_reply("one")}};
    const TlsServer misnamed{"another-name.example", {text_reply("one")}};
    const test::TemporaryDirectory directory;
    const auto write = [&](const char* name, const std::string& pem) {
        std::ofstream file{directory.path() / name};
        file << pem;
        return directory.path() / name;
    };

    const auto good = make_curl_transport(
        {.url = server.url(), .ca_file = write("good.pem", server.certificate_pem())});
    CHECK(good->exchange(secret_request(), {}).body == "one");
    good->disconnect();  // The server takes one connection at a time.
    const auto wrong = make_curl_transport(
        {.url = server.url(), .ca_file = write("other.pem", other.certificate_pem())});
    CHECK(failure_of(*wrong) == ErrorCode::untrusted);
    const auto named = make_curl_transport(
        {.url = misnamed.url(), .ca_file = write("name.pem", misnamed.certificate_pem())});
    CHECK(failure_of(*named) == ErrorCode::untrusted);
    const auto system = make_curl_transport({.url = server.url()});
    CHECK(failure_of(*system) == ErrorCode::untrusted);

    CHECK(server.requests().size() == 1);
    CHECK(misnamed.requests().empty());
}

TEST_CASE("transport: who speaks old TLS alone is not trusted, and gets nothing",
          "[F-WM-09][wsman][tls]") {
    const TlsServer server{"localhost", {}, TLS1_1_VERSION};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});
    try {
        transport->exchange(secret_request(), {});
        FAIL("sent");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::untrusted);
        CHECK(error.hint().find("TLS 1.2") != std::string::npos);
        CHECK(error.message().find("OpenSSL") == std::string::npos);
    }
    CHECK(server.requests().empty());
}

TEST_CASE("transport: a redirect is an answer, not a way", "[F-WM-10][wsman][tls]") {
    const TlsServer elsewhere{"localhost", {text_reply("stolen")}};
    const TlsServer server{
        "localhost",
        {{"HTTP/1.1 307 Go\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n",
          false}}};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});

    CHECK(transport->exchange(secret_request(), {}).status == 307);
    CHECK(elsewhere.connection_count() == 0);
}

TEST_CASE("transport: a request on a dead connection is not sent again", "[wsman][tls]") {
    // The second request arrives, and the connection ends without an answer: it may have acted.
    const TlsServer server{"localhost", {text_reply("one"), {"", true}, text_reply("again")}};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});
    transport->exchange(secret_request(), {});

    CHECK(failure_of(*transport) == ErrorCode::unreachable);
    CHECK(server.requests().size() == 2);
}

TEST_CASE("transport: a body that is cut, compressed or endless is no answer",
          "[F-WM-04][F-WM-05][wsman][tls]") {
    using Row = std::tuple<std::string, ErrorCode>;
    const auto [reply, expected] = GENERATE(values<Row>({
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", ErrorCode::unreachable},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ErrorCode::unreachable},
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
         ErrorCode::protocol},
        {"HTTP/1.1 200 OK\r\n\r\n" + std::string(9 * kMiB, 'x'), ErrorCode::limit},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(80 * kKiB, 'x') + "\r\n\r\n", ErrorCode::limit},
        {"SSH-2.0-OpenSSH\r\n", ErrorCode::protocol},
    }));
    const TlsServer server{"localhost", {{reply, true}}};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});

    INFO(reply.substr(0, 60));
    CHECK(failure_of(*transport) == expected);
}

TEST_CASE("transport: nobody there, plain HTTP, bad pins and bad URLs are told apart",
          "[F-WM-01][wsman]") {
    std::string url;
    {
        const TlsServer gone{"localhost", {}};
        url = gone.url();
    }
    CHECK(failure_of(*make_curl_transport({.url = url})) == ErrorCode::unreachable);
    const auto code_of = [](const CurlTransportOptions& options) {
        try {
            make_curl_transport(options);
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;
    };
    CHECK(code_of({.url = "http://h:5985/wsman"}) == ErrorCode::unsupported);
    CHECK(code_of({.url = "ftp://h/"}) == ErrorCode::invalid);
    CHECK(code_of({.url = ""}) == ErrorCode::invalid);
    CHECK(code_of({.url = "https://h/", .pin_sha256 = "abcd"}) == ErrorCode::invalid);
    CHECK(code_of({.url = "https://h/", .pin_sha256 = "zz"}) == ErrorCode::invalid);
    CHECK(host_of_url("https://hv01.example:5986/wsman") == "hv01.example");
}

TEST_CASE("transport: a peer that vanished is left at the deadline, and nothing stays",
          "[F-WM-02][wsman]") {
    // It takes the connection, and no byte ever comes back.
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(listener, 128) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    const std::string url = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    HttpRequest request = secret_request();
    request.timeout = std::chrono::milliseconds{20};
    const auto attempt = [&] {
        const auto transport = make_curl_transport({.url = url});
        try {
            transport->exchange(request, {});
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;
    };
    CHECK(attempt() == ErrorCode::timeout);
    const std::size_t before = open_files();
    for (int i = 0; i < 50; ++i)
        attempt();
    CHECK(open_files() == before);
    ::close(listener);
}

TEST_CASE("transport: an answer that stops in the middle ends at the deadline",
          "[F-WM-03][wsman][tls]") {
    const TlsServer server{"localhost",
                           {{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", false}}};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});
    HttpRequest request = secret_request();
    request.timeout = std::chrono::milliseconds{300};
    ErrorCode code = ErrorCode::internal;
    try {
        transport->exchange(request, {});
    } catch (const Error& error) {
        code = error.code();
    }

    CHECK(code == ErrorCode::timeout);
}

TEST_CASE("transport: a stop request ends an exchange", "[wsman][tls]") {
    const TlsServer server{"localhost", {text_reply("one")}};
    const auto transport = make_curl_transport({.url = server.url(), .pin_sha256 = server.pin()});
    std::stop_source stop;
    stop.request_stop();

    CHECK_THROWS_AS(transport->exchange(secret_request(), stop.get_token()), Error);
    CHECK(server.requests().empty());
}

}  // namespace entrepot::wsman
