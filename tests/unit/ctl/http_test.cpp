// Server and client over a local socket: what passes, what is refused, how it ends.
#include "appliance/ctl/socket_client.h"
#include "appliance/daemon/certificate.h"
#include "appliance/daemon/http_server.h"
#include "tests/support/temporary_directory.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/limits.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <catch2/catch.hpp>

#include <latch>
#include <memory>
#include <thread>

using namespace entrepot;
using api::Method;

namespace {

api::Request make_request(Method method, const std::string& path, std::string body = {}) {
    api::Request request;
    request.method = method;
    request.path = path;
    request.query = {{"name", "a b&c"}};
    request.body = std::move(body);
    return request;
}

class ServerFixture {
public:
    explicit ServerFixture(daemon::HttpHandler handler,
                           daemon::HttpServerOptions options = local_options())
        : path(directory.path() / "sock"), server(clock, log, listen(), options, handler) {}

    static daemon::HttpServerOptions local_options() {
        daemon::HttpServerOptions options;
        options.hosts.allow_any = true;
        return options;
    }

    /// Sends bytes as they are and reads until the server closes, which it may do before it has
    /// read everything.
    std::string send_raw(const std::string& bytes) const {
        Poco::Net::StreamSocket socket;
        socket.connect(address());
        std::string answer;
        try {
            socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
        } catch (const Poco::Exception&) {
            answer.clear();
        }
        char buffer[4096];
        try {
            while (const int count = socket.receiveBytes(buffer, sizeof(buffer))) {
                answer.append(buffer, static_cast<std::size_t>(count));
            }
        } catch (const Poco::Exception&) {
            return answer;
        }
        return answer;
    }

    SystemClock clock;
    NullLog log;
    test::TemporaryDirectory directory;
    std::filesystem::path path;
    daemon::HttpServer server;

private:
    Poco::Net::SocketAddress address() const {
        return {Poco::Net::SocketAddress::UNIX_LOCAL, path.string()};
    }
    Poco::Net::ServerSocket listen() const {
        Poco::Net::ServerSocket socket;
        socket.bind(address(), false);
        socket.listen(8);
        return socket;
    }
};

api::Response echo(const api::Request& request) {
    return api::Response::json({{"method", to_string(request.method)},
                                {"path", request.path},
                                {"name", request.query_value("name")},
                                {"size", request.body.size()}},
                               202);
}

}  // namespace

TEST_CASE("http: method, path, query and body arrive, several times over one client", "[ctl]") {
    ServerFixture fixture{echo};
    CHECK(ctl::is_daemon_there(fixture.path));
    ctl::SocketClient client{fixture.path};
    for (const Method method : {Method::get, Method::post, Method::delete_, Method::put}) {
        const std::string body = method == Method::get ? "" : std::string(70'000, 'x');
        const auto response = client.send(make_request(method, "/a%20b", body));
        CHECK(response.status == 202);
        const Json answer = parse_json(response.body, "answer");
        CHECK(answer.at("method") == to_string(method));
        CHECK(answer.at("path") == "/a%20b");
        CHECK(answer.at("name") == "a b&c");
        CHECK(answer.at("size") == body.size());
    }
}

TEST_CASE("http: a header of the request arrives, and none can begin another", "[ctl]") {
    ServerFixture fixture{[](const api::Request& request) {
        return api::Response::json({{"key", request.header("idempotency-key")}});
    }};
    ctl::SocketClient client{fixture.path};
    auto request = make_request(Method::post, "/");
    request.headers["idempotency-key"] = "k-1";
    CHECK(parse_json(client.send(request).body, "answer").at("key") == "k-1");
    request.headers["idempotency-key"] = "k\r\nX: y";
    CHECK_THROWS_AS(client.send(request), Error);
    CHECK(parse_json(client.send(make_request(Method::post, "/")).body, "answer").at("key") == "");
}

TEST_CASE("http: a body beyond the bound is refused, announced or not", "[ctl]") {
    ServerFixture fixture{echo};
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
    CHECK(fixture.send_raw(head + "Content-Length: 2000000\r\n\r\n").starts_with("HTTP/1.1 413"));
    std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    for (std::size_t sent = 0; sent <= limits::kRequestBodyBytesMax; sent += 0x10000)
        chunked += chunk;
    CHECK(fixture.send_raw(chunked + "0\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_CASE("http: a refused head is answered and the connection closed", "[ctl]") {
    ServerFixture fixture{echo};
    const std::string smuggled =
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string answer = fixture.send_raw(smuggled);
    CHECK(answer.starts_with("HTTP/1.1 400"));
    CHECK(answer.find("second") == std::string::npos);
}

TEST_CASE("http: a peer that stays silent is sent away at its deadline", "[ctl]") {
    auto options = ServerFixture::local_options();
    options.limits.request_deadline = std::chrono::milliseconds{100};
    ServerFixture fixture{echo, options};
    CHECK(fixture.send_raw("GET / HTTP/1.1\r\nHos").find("202") == std::string::npos);
}

TEST_CASE("http: a stream ends when the server stops", "[ctl]") {
    std::latch is_streaming{1};
    ServerFixture fixture{[&](const api::Request&) {
        api::Response response;
        response.stream = [&](const api::StreamWriter& write, const std::stop_token& stop) {
            write("event: ping\n\n");
            is_streaming.count_down();
            SystemClock clock;
            clock.sleep_for(std::chrono::minutes{10}, stop);
        };
        return response;
    }};
    std::string answer;
    std::jthread reader{[&] { answer = fixture.send_raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n"); }};
    is_streaming.wait();
    fixture.server.stop();
    reader.join();
    CHECK(answer.find("event: ping") != std::string::npos);
}

TEST_CASE("http: live pages and downloads do not take each other's place", "[ctl]") {
    auto options = ServerFixture::local_options();
    options.streams = {.live_max = 1, .download_max = 1};
    std::latch is_live{1};
    ServerFixture fixture{[&](const api::Request& request) {
                              api::Response response;
                              const bool is_page = request.path == "/live";
                              if (is_page) response.headers["content-type"] = "text/event-stream";
                              response.stream = [&, is_page](const api::StreamWriter& write,
                                                             const std::stop_token& stop) {
                                  write("content");
                                  if (!is_page) return;
                                  is_live.count_down();
                                  SystemClock clock;
                                  clock.sleep_for(std::chrono::minutes{10}, stop);
                              };
                              return response;
                          },
                          options};
    std::jthread page{[&] { fixture.send_raw("GET /live HTTP/1.1\r\nHost: x\r\n\r\n"); }};
    is_live.wait();
    const auto ask = [&](const std::string& path) {
        return fixture.send_raw("GET " + path +
                                " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    };
    const std::string second = ask("/live");
    CHECK(second.starts_with("HTTP/1.1 503"));
    CHECK(second.find("too many pages") != std::string::npos);
    const std::string download = ask("/file");
    CHECK(download.starts_with("HTTP/1.1 200"));
    CHECK(download.find("content") != std::string::npos);
    fixture.server.stop();
}

TEST_CASE("http: a name that is not ours is refused after the options are gone (F-WB-18)",
          "[ctl]") {
    auto options = std::make_unique<daemon::HttpServerOptions>();
    options->hosts.names = {"appliance.example", "*.backup.example"};
    const ServerFixture fixture{echo, *options};
    options->hosts.allow_any = true;
    options.reset();
    const auto ask = [&](const std::string& host) {
        return fixture.send_raw("GET / HTTP/1.1\r\nHost: " + host +
                                "\r\nConnection: close\r\n\r\n");
    };
    CHECK(ask("appliance.example").starts_with("HTTP/1.1 202"));
    CHECK(ask("One.Backup.example:8443").starts_with("HTTP/1.1 202"));
    for (const std::string strange : {"evil.example", "backup.example", ".backup.example",
                                      "a.b.backup.example", "appliance.example.evil.example"}) {
        INFO(strange);
        CHECK(ask(strange).starts_with("HTTP/1.1 421"));
    }
}

TEST_CASE("http: nobody at the socket is unreachable", "[ctl]") {
    const test::TemporaryDirectory directory;
    CHECK_FALSE(ctl::is_daemon_there(directory.path() / "none"));
    ctl::SocketClient client{directory.path() / "none"};
    try {
        client.send(make_request(Method::get, "/"));
        FAIL("nothing was thrown");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::unreachable);
    }
}

TEST_CASE("certificate: made once, kept, renewed before it ends", "[ctl]") {
    const test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    const auto ensure = [&] {
        const auto files = daemon::ensure_certificate(file_system, clock, directory.path() / "tls",
                                                      {"localhost", "127.0.0.1", "::1"});
        return daemon::fingerprint(file_system, files.certificate);
    };
    const std::string first = ensure();
    CHECK(first.size() == 64);
    CHECK(ensure() == first);
    const auto mode = std::filesystem::status(directory.path() / "tls/key.pem").permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    CHECK(daemon::end_of(file_system,
                         daemon::certificate_files(directory.path() / "tls").certificate) ==
          clock.wall_now() + std::chrono::hours{24 * 825});
    clock.advance(std::chrono::hours{24 * 800});
    CHECK(ensure() != first);
}

TEST_CASE("certificate: ours is made anew where it lacks a name that was asked for", "[ctl]") {
    const test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    const auto ensure = [&](const std::vector<std::string>& names) {
        return daemon::ensure_certificate(file_system, clock, directory.path(), names);
    };
    const auto files = ensure({"localhost", "127.0.0.1"});
    const std::string first = daemon::fingerprint(file_system, files.certificate);
    CHECK(daemon::names_of(file_system, files.certificate) ==
          std::vector<std::string>{"localhost"});
    ensure({"127.0.0.1"});
    CHECK(daemon::fingerprint(file_system, files.certificate) == first);
    ensure({"localhost", "127.0.0.1", "backup.example"});
    CHECK(daemon::fingerprint(file_system, files.certificate) != first);
    CHECK(daemon::names_of(file_system, files.certificate) ==
          std::vector<std::string>{"localhost", "backup.example"});
    const std::string second = daemon::fingerprint(file_system, files.certificate);
    ensure({"10.0.0.5"});
    CHECK(daemon::fingerprint(file_system, files.certificate) != second);
}

TEST_CASE("certificate: one that somebody else made is kept, and its end is told of (F-WB-21)",
          "[ctl]") {
    // openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 1 -subj
    // /CN=backup.example
    constexpr std::string_view kTheirs =
        "-----BEGIN CERTIFICATE-----\n"
        "MIIBiDCCAS2gAwIBAgIUZkF8WbSwjbD2f1ZeyqQ5f9SjcE4wCgYIKoZIzj0EAwIw\n"
        "GTEXMBUGA1UEAwwOYmFja3VwLmV4YW1wbGUwHhcNMjYxMTI5MDAzMjIzWhcNMjYx\n"
        "MTMwMDAzMjIzWjAZMRcwFQYDVQQDDA5iYWNrdXAuZXhhbXBsZTBZMBMGByqGSM49\n"
        "AgEGCCqGSM49AwEHA0IABBCQO4kCuv2A3WUKgXOxLa4WEYYaW3SpC8fEsvnDFMmz\n"
        "i2mZqIv0yflOygbXqvAPjYaWI9enSj5BL3c3elZgiqijUzBRMB0GA1UdDgQWBBT1\n"
        "B/cyC25eR4tpYFlRUi60gikWfTAfBgNVHSMEGDAWgBT1B/cyC25eR4tpYFlRUi60\n"
        "gikWfTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCZzBpVzvf2\n"
        "FdowRI/UNKJpy1gq4en7z14ztaubgpOeagIhAKJR0prpERF5aCzMN6QYrkXbf4Cn\n"
        "KHhXOJTvdhLl8Sol\n"
        "-----END CERTIFICATE-----\n";
    const test::TemporaryDirectory directory;
    PosixFileSystem file_system;
    ManualClock clock{*parse_time("2030-03-01T12:00:00Z")};
    const auto tls = directory.path() / "tls";
    file_system.make_directories(tls);
    write_file_atomically(file_system, tls / "certificate.pem", as_bytes(kTheirs));
    write_file_atomically(file_system, tls / "key.pem", as_bytes(std::string_view{"a key"}));
    const auto files = daemon::ensure_certificate(file_system, clock, tls, {"localhost"});
    CHECK(as_text(file_system.read_file(files.certificate, 4096)) == kTheirs);
    CHECK(daemon::ends_soon(file_system, clock, files.certificate));
}
