// The ladder: each layer stands on those before it; the share stands apart.
#include "appliance/doctor/examination.h"

#include "appliance/doctor/finding.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::doctor {
namespace {

std::string realm_of(const std::string& user) {
    const std::size_t at = user.rfind('@');
    if (at != std::string::npos) return user.substr(at + 1);
    const std::size_t slash = user.find('\\');
    return slash == std::string::npos ? "REALM" : user.substr(0, slash);
}

Arguments common_arguments(const state::HostRecord& host) {
    const auto& draft = host.draft;
    return {{"name", draft.name},
            {"user", draft.user},
            {"account", account_of(draft.user)},
            {"realm", realm_of(draft.user)},
            {"ca_file", draft.ca_file},
            {"host", draft.url},
            {"address", draft.url},
            {"port", "?"}};
}

}  // namespace

std::string account_of(const std::string& user) {
    const std::size_t slash = user.find('\\');
    if (slash != std::string::npos) return user.substr(slash + 1);
    return user.substr(0, user.rfind('@'));
}

Examination::Examination(const Services& services, const state::HostRecord& host,
                         const Options& options, std::stop_token stop)
    : services_(services),
      host_(host),
      options_(options),
      stop_(std::move(stop)),
      report_(common_arguments(host)) {}

template <typename Body>
void Examination::layer(std::string_view name, Body&& body) {
    if (!blocker_.empty()) return report_.skip(name, blocker_);
    if (stop_.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    if (options_.on_layer) options_.on_layer(name);
    try {
        body();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) throw;
        report_.add_unexpected(name, error);
        blocker_ = report_.checks().back().id;
    }
}

std::vector<Check> Examination::run() {
    layer("name", [&] { look_at_name(); });
    layer("port", [&] { look_at_port(); });
    layer("tls", [&] { look_at_tls(); });
    layer("http", [&] { look_at_http(); });
    layer("clock", [&] { look_at_clock(); });
    layer("auth", [&] { look_at_login(); });
    layer("quota", [&] { look_at_quota(); });
    layer("os", [&] { look_at_system(); });
    layer("role", [&] { look_at_role(); });
    layer("rights", [&] { look_at_rights(); });
    layer("schema", [&] { look_at_schema(); });
    layer("vms", [&] { look_at_vms(); });
    layer("guests", [&] { look_at_guests(); });
    const std::string blocker = blocker_;
    blocker_.clear();
    layer("share", [&] { look_at_share(); });
    // What is left on the share can be seen whatever the host does.
    blocker_.clear();
    if (!blocker.empty()) vms_.reset();
    layer("residue", [&] { look_at_residue(); });
    return report_.take();
}

std::vector<Check> examine(const Services& services, const state::HostRecord& host,
                           const Options& options, std::stop_token stop) {
    return Examination{services, host, options, std::move(stop)}.run();
}

}  // namespace entrepot::doctor
