// A long answer over the daemon's socket: whole, or an error; never half of it taken for all.
#include "appliance/api/problem.h"
#include "appliance/ctl/socket_client.h"
#include "appliance/daemon/http_server.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"
#include "base/log.h"

#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <string>

using namespace entrepot;

namespace {

constexpr std::size_t kPiece = 300'000;
constexpr int kPieces = 7;

api::Response stream_pieces(bool breaks_off) {
    api::Response response;
    response.headers["content-length"] = std::to_string(kPiece * kPieces);
    response.stream = [breaks_off](const api::StreamWriter& write, const std::stop_token&) {
        for (int i = 0; i < kPieces; ++i) {
            if (breaks_off && i == 4) throw Error{ErrorCode::corrupt, "a chunk is damaged"};
            if (!write(std::string(kPiece, static_cast<char>('a' + i)))) return;
        }
    };
    return response;
}

// Of unknown length, with a last word.
api::Response stream_chunks(bool breaks_off) {
    api::Response response;
    response.trailers = std::make_shared<std::map<std::string, std::string>>();
    response.stream = [breaks_off, trailers = response.trailers](const api::StreamWriter& write,
                                                                 const std::stop_token&) {
        write("");
        for (int i = 0; i < kPieces; ++i)
            write(std::string(i % 2 == 0 ? 10 : kPiece, static_cast<char>('a' + i)));
        if (breaks_off) throw Error{ErrorCode::corrupt, "a chunk is damaged"};
        (*trailers)["entrepot-last-word"] = "7";
    };
    return response;
}

api::Response answer(const api::Request& request) {
    if (request.path.starts_with("/chunks")) return stream_chunks(request.path == "/chunks-broken");
    if (request.path == "/none") return api::problem(Error{ErrorCode::not_found, "not here"});
    return stream_pieces(request.path == "/broken");
}

class Lab {
public:
    Lab() : path_(directory_.path() / "sock"), server_(clock_, log_, listen(), options(), answer) {}
    api::Response download(const std::string& path, const ctl::BodySink& sink) const {
        api::Request request;
        request.path = path;
        ctl::SocketClient client{path_};
        return client.download(request, sink);
    }
    std::string send_raw(const std::string& bytes) const {
        Poco::Net::StreamSocket socket;
        socket.connect(address());
        socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
        std::string answer;
        char buffer[4096];
        while (const int count = socket.receiveBytes(buffer, sizeof(buffer)))
            answer.append(buffer, static_cast<std::size_t>(count));
        return answer;
    }

private:
    static daemon::HttpServerOptions options() {
        daemon::HttpServerOptions options;
        options.hosts.allow_any = true;
        return options;
    }
    Poco::Net::SocketAddress address() const {
        return {Poco::Net::SocketAddress::UNIX_LOCAL, path_.string()};
    }
    Poco::Net::ServerSocket listen() const {
        Poco::Net::ServerSocket socket;
        socket.bind(address(), false);
        socket.listen(8);
        return socket;
    }

    SystemClock clock_;
    NullLog log_;
    test::TemporaryDirectory directory_;
    std::filesystem::path path_;
    daemon::HttpServer server_;
};

}  // namespace

TEST_CASE("download: all of it comes, piece by piece, with its length", "[files]") {
    const Lab lab;
    std::string body;
    const auto response = lab.download("/whole", [&](std::string_view piece) { body += piece; });
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    CHECK(response.headers.at("content-length") == std::to_string(kPiece * kPieces));
    REQUIRE(body.size() == kPiece * kPieces);
    CHECK(body[kPiece - 1] == 'a');
    CHECK(body.back() == 'g');
}

TEST_CASE("download: what breaks off is an error", "[files]") {
    const Lab lab;
    std::size_t size = 0;
    CHECK_THROWS_WITH(
        lab.download("/broken", [&](std::string_view piece) { size += piece.size(); }),
        Catch::Contains("gave up in the middle"));
    CHECK(size <= kPiece * 4);
}

TEST_CASE("download: what the taker throws comes back, an error's body does not reach it",
          "[files]") {
    const Lab lab;
    const ctl::BodySink full = [](std::string_view) {
        throw Error{ErrorCode::no_space, "the disk is full"};
    };
    CHECK_THROWS_WITH(lab.download("/whole", full), "the disk is full");
    const auto response = lab.download("/none", full);
    CHECK(response.status == 404);
    CHECK(response.body.find("not here") != std::string::npos);
}

TEST_CASE("download: an answer of unknown length comes whole, with its trailer", "[files]") {
    const Lab lab;
    std::size_t size = 0;
    const auto response =
        lab.download("/chunks", [&](std::string_view piece) { size += piece.size(); });
    CHECK(size == 4 * 10 + 3 * kPiece);
    CHECK(response.headers.at("entrepot-last-word") == "7");
    const std::string raw =
        lab.send_raw("GET /chunks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(raw.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(raw.find("\r\n\r\na\r\naaaaaaaaaa\r\n493e0\r\nbbbb") != std::string::npos);
    CHECK(raw.ends_with("\r\n0\r\nentrepot-last-word: 7\r\n\r\n"));
    const std::string old = lab.send_raw("GET /chunks HTTP/1.0\r\nHost: x\r\n\r\n");
    CHECK(old.ends_with("\r\n\r\naaaaaaaaaa" + old.substr(old.size() - size + 10)));
}

TEST_CASE("download: an answer of unknown length that breaks off has no last chunk", "[files]") {
    const Lab lab;
    CHECK_THROWS_WITH(lab.download("/chunks-broken", [](std::string_view) {}),
                      Catch::Contains("gave up in the middle"));
    const std::string raw =
        lab.send_raw("GET /chunks-broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(raw.ends_with("gggg\r\n"));
}

TEST_CASE("download: HEAD tells the length and sends nothing", "[files]") {
    const Lab lab;
    const std::string head =
        lab.send_raw("HEAD /whole HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(head.find("2100000") != std::string::npos);
    CHECK(head.ends_with("\r\n\r\n"));
}
