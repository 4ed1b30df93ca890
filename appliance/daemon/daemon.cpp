// Start and end of the daemon, in the order that leaves nobody half served.
#include "appliance/daemon/daemon.h"

#include "appliance/daemon/certificate.h"
#include "appliance/daemon/http_server.h"
#include "appliance/daemon/network_front.h"

#include "base/error.h"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/Net/NetSSL.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/String.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace entrepot::daemon {
namespace {

constexpr int kBacklog = 1'024;  // A crowd must not keep others out before they are looked at.
constexpr std::size_t kSocketPathBytesMax = 107;  // sockaddr_un
constexpr std::size_t kLocalConnectionsMax = 1024;

// Poco keeps its TLS library state in one counted place.
class TlsLibrary {
public:
    TlsLibrary() { Poco::Net::initializeSSL(); }
    TlsLibrary(const TlsLibrary&) = delete;
    TlsLibrary& operator=(const TlsLibrary&) = delete;
    ~TlsLibrary() { Poco::Net::uninitializeSSL(); }
};

std::vector<std::string> own_names(const config::Config& config) {
    std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
    const auto add = [&](const std::string& name) {
        if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return;
        names.push_back(name);
    };
    add(Poco::toLower(Poco::Net::DNS::hostName()));
    if (!Poco::Net::IPAddress{config.listen.address}.isWildcard()) add(config.listen.address);
    for (const std::string& name : config.server_names)
        add(name);
    return names;
}

std::string url_host(const config::Config& config) {
    if (!config.server_names.empty()) return config.server_names.front();
    const std::string& address = config.listen.address;
    const Poco::Net::IPAddress parsed{address};
    if (parsed.isWildcard()) return Poco::toLower(Poco::Net::DNS::hostName());
    return parsed.family() == Poco::Net::AddressFamily::IPv6 ? "[" + address + "]" : address;
}

Poco::Net::Context::Ptr make_tls_context(const CertificateFiles& files) {
    Poco::Net::Context::Ptr context =
        new Poco::Net::Context(Poco::Net::Context::TLS_SERVER_USE, files.key.string(),
                               files.certificate.string(), "", Poco::Net::Context::VERIFY_NONE, 9,
                               false, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1:!SHA256:!SHA384");
    context->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
    context->enableSessionCache(false);
    return context;
}

Poco::Net::ServerSocket listen_on_network(const config::Config& config,
                                          const Poco::Net::Context::Ptr& context) {
    const std::string where = fmt::format("{}:{}", config.listen.address, config.listen.port);
    try {
        const Poco::Net::SocketAddress address{config.listen.address, config.listen.port};
        return Poco::Net::SecureServerSocket{address, kBacklog, context};
    } catch (const Poco::Exception& error) {
        throw Error{ErrorCode::busy,
                    fmt::format("cannot listen on {}: {}", where, error.displayText()),
                    "another program may use the port; --listen ADDR:PORT names another"};
    }
}

// The process's umask makes the socket mode 0600; the data directory is 0700 besides.
Poco::Net::ServerSocket listen_locally(FileSystem& file_system, const std::filesystem::path& path) {
    if (path.string().size() > kSocketPathBytesMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("the path {} is too long for a socket", path.string()),
                    "use a data directory with a shorter path"};
    }
    // Whoever left it is dead: we hold the data directory's lock.
    file_system.remove(path);
    try {
        Poco::Net::ServerSocket socket;
        socket.bind(Poco::Net::SocketAddress{Poco::Net::SocketAddress::UNIX_LOCAL, path.string()},
                    false);
        socket.listen(kBacklog);
        std::filesystem::permissions(
            path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        return socket;
    } catch (const Poco::Exception& error) {
        throw Error{ErrorCode::io,
                    fmt::format("cannot listen on {}: {}", path.string(), error.displayText())};
    }
}

HttpServerOptions network_options(const std::vector<std::string>& names,
                                  const KnownAddresses& known) {
    HttpServerOptions options;
    options.known = &known;
    options.hosts.names = names;
    return options;
}

HttpServerOptions local_options() {
    HttpServerOptions options;
    options.hosts.allow_any = true;
    options.limits.per_address_max = kLocalConnectionsMax;
    options.limits.count_max = kLocalConnectionsMax;
    options.limits.request_deadline = std::chrono::hours{24};
    return options;
}

// Until somebody is an administrator every start gives a link; after that, none.
std::string console_line(access::Access& access, const std::string& address) {
    if (!access.is_setup_open()) return "Console: " + address + "/";
    return fmt::format("Set up once within a day: {}/#token={}", address,
                       access.make_setup_link().token);
}

api::Response answer_locally(const api::Router& router, api::Request request) {
    request.user = access::local_administrator();
    return router.dispatch(std::move(request));
}

}  // namespace

void run_daemon(const World& world, const config::Config& config, KeyReader read_key,
                std::ostream& out, const std::function<void()>& wait_for_stop) {
    Appliance appliance{world, config, std::move(read_key)};
    appliance.open_repository();
    const TlsLibrary tls;
    auto names = own_names(config);
    const auto files =
        ensure_certificate(world.file_system, world.clock, config.data_directory / "tls", names);
    // Somebody's own certificate says what they call us.
    std::ranges::copy(names_of(world.file_system, files.certificate), std::back_inserter(names));
    if (ends_soon(world.file_system, world.clock, files.certificate)) {
        world.log.warning(
            "the console's certificate ends within 30 days or has ended",
            {{"file", files.certificate.string()}, {"cure", "put a new one there and restart"}});
    }
    const auto network_socket = listen_on_network(config, make_tls_context(files));
    const auto local_socket = listen_locally(world.file_system, socket_path(config));
    KnownAddresses known{world.clock};
    const NetworkFront front{world.clock,     appliance.router(),        appliance.access(),
                             console_files(), console_security_policy(), &known};
    appliance.start_jobs();
    appliance.start_policies();
    appliance.start_shares();

    HttpServer local{world.clock, world.log, local_socket, local_options(),
                     [&](api::Request request) {
                         return answer_locally(appliance.router(), std::move(request));
                     }};
    HttpServer network{world.clock, world.log, network_socket, network_options(names, known),
                       [&](api::Request request) { return front.answer(std::move(request)); }};

    const std::string address =
        fmt::format("https://{}:{}", url_host(config), network_socket.address().port());
    out << "Certificate SHA-256: " << fingerprint(world.file_system, files.certificate) << "\n"
        << console_line(appliance.access(), address) << "\n"
        << std::flush;
    world.log.info("daemon started", {{"address", address}});
    wait_for_stop();
    world.log.info("daemon stops", {});
    network.stop();
    local.stop();
    world.file_system.remove(socket_path(config));
    appliance.shutdown();
}

}  // namespace entrepot::daemon
