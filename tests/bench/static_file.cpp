// The appliance's own HTTP server over TLS, giving one plain file at every path: what a download
// out of a recovery point is measured against. Used by download.py.
#include "appliance/daemon/certificate.h"
#include "appliance/daemon/http_server.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SecureServerSocket.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace entrepot;

constexpr std::size_t kPieceBytes = kMiB;

api::Response give(PosixFileSystem& files, const std::filesystem::path& path) {
    const std::shared_ptr<File> file = files.open_read(path, FollowLinks::yes);
    api::Response response;
    response.headers["content-type"] = "application/octet-stream";
    response.headers["content-length"] = std::to_string(file->size());
    response.stream = [file](const api::StreamWriter& write, const std::stop_token&) {
        Bytes piece(kPieceBytes);
        const std::uint64_t end = file->size();
        for (std::uint64_t offset = 0; offset < end; offset += piece.size()) {
            piece.resize(
                static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, end - offset)));
            file->read_exactly(offset, piece);
            if (!write({reinterpret_cast<const char*>(piece.data()), piece.size()})) return;
        }
    };
    return response;
}

Poco::Net::SecureServerSocket listen(PosixFileSystem& files, SystemClock& clock,
                                     const std::filesystem::path& directory, std::uint16_t port) {
    const auto own = daemon::ensure_certificate(files, clock, directory, {"127.0.0.1"});
    const Poco::Net::Context::Ptr context = new Poco::Net::Context(
        Poco::Net::Context::TLS_SERVER_USE, own.key.string(), own.certificate.string(), "",
        Poco::Net::Context::VERIFY_NONE, 9, false, "ECDHE+AESGCM");
    return {Poco::Net::SocketAddress{"127.0.0.1", port}, 16, context};
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 4) {
        std::cerr << "usage: bench_static_file FILE DIRECTORY PORT, until standard input ends\n";
        return 2;
    }
    Poco::Net::initializeSSL();
    PosixFileSystem files;
    SystemClock clock;
    NullLog log;
    const std::filesystem::path path = arguments[1];
    daemon::HttpServerOptions options;
    options.hosts.allow_any = true;
    const auto port = static_cast<std::uint16_t>(std::stoi(arguments[3]));
    daemon::HttpServer server{clock, log, listen(files, clock, arguments[2], port), options,
                              [&](const api::Request&) { return give(files, path); }};
    std::cout << "ready" << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
    }
    server.stop();
    Poco::Net::uninitializeSSL();
}
