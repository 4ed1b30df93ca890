// What stands between the network and the routes: headers that browsers obey, sessions, the
// console's files.
#pragma once

#include "appliance/access/access.h"
#include "appliance/api/request.h"
#include "appliance/api/router.h"
#include "appliance/daemon/known_addresses.h"

#include "base/clock.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

namespace entrepot::daemon {

/// A file of the console; nullopt if there is none at that path.
struct StaticFile {
    std::string_view content_type;
    std::string_view content;
    std::string_view etag;
};
using StaticFiles = std::function<std::optional<StaticFile>(std::string_view path)>;

class NetworkFront {
public:
    /// The references outlive it. `known` learns where users ask from.
    NetworkFront(Clock& clock, const api::Router& router, access::Access& access, StaticFiles files,
                 std::string content_security_policy, KnownAddresses* known = nullptr)
        : clock_(clock),
          router_(router),
          access_(access),
          files_(std::move(files)),
          content_security_policy_(std::move(content_security_policy)),
          known_(known) {}

    /// Never throws for what a request can do. Safe to call from several threads.
    api::Response answer(api::Request request) const;

private:
    using Stream = std::function<void(const api::StreamWriter&, std::stop_token)>;
    /// Looks whether the session lives before every piece, or before the first after each interval.
    Stream end_with_session(Stream stream, const api::User& user,
                            std::chrono::milliseconds interval) const;
    api::Response answer_api(api::Request request) const;
    api::Response answer_file(const api::Request& request) const;

    Clock& clock_;
    const api::Router& router_;
    access::Access& access_;
    StaticFiles files_;
    std::string content_security_policy_;
    KnownAddresses* known_;
};

/// The console's files where they are compiled in; nothing otherwise.
StaticFiles console_files();
std::string console_security_policy();

}  // namespace entrepot::daemon
