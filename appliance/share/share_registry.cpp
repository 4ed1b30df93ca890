// The rules about shares; see share_registry.h.
#include "appliance/share/share_registry.h"

#include "appliance/share/unc.h"
#include "appliance/state/names.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& inner, const fs::path& outer) {
    const auto [at_inner, at_outer] =
        std::mismatch(inner.begin(), inner.end(), outer.begin(), outer.end());
    return at_outer == outer.end();
}

// Absolute, without "." and "..", without a slash at the end.
fs::path normalise(const fs::path& path) {
    if (!path.is_absolute()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("the path {} of a share is not absolute", path.string())};
    }
    const fs::path plain = path.lexically_normal();
    return plain.has_filename() ? plain : plain.parent_path();
}

}  // namespace

state::ShareRecord ShareRegistry::add(const std::string& name, std::string_view unc,
                                      const fs::path& path) {
    state::check_name("share", name);
    const state::ShareRecord share{.name = name, .unc = check_unc(unc), .path = normalise(path)};
    open_area(share).check_root();
    for (const state::ShareRecord& other : environment_.shares.list()) {
        if (is_inside(share.path, other.path) || is_inside(other.path, share.path)) {
            throw Error{ErrorCode::conflict,
                        fmt::format("{} lies inside or around {}, which is share {}",
                                    share.path.string(), other.path.string(), other.name)};
        }
    }
    environment_.shares.add(share);
    return share;
}

void ShareRegistry::remove(const std::string& name) {
    for (const state::HostRecord& host : environment_.hosts.list()) {
        if (host.draft.share != name) continue;
        throw Error{ErrorCode::conflict,
                    fmt::format("share {} is the one of host {}", name, host.draft.name)};
    }
    environment_.shares.remove(name);
}

state::ShareRecord ShareRegistry::share_of(const state::HostDraft& host) {
    if (!host.share.empty()) {
        if (auto share = environment_.shares.find(host.share)) return *std::move(share);
        throw Error{ErrorCode::not_found,
                    fmt::format("there is no share {}, which host {} names", host.share, host.name),
                    "entrepot share add makes one"};
    }
    std::vector<state::ShareRecord> shares = environment_.shares.list();
    if (shares.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("there is no share for host {}", host.name),
                    R"(entrepot share add NAME --unc '\\SERVER\SHARE' --path DIR makes one)"};
    }
    if (shares.size() > 1) {
        throw Error{
            ErrorCode::conflict,
            fmt::format("host {} names no share and there are {}", host.name, shares.size()),
            "give the host one with --share"};
    }
    return std::move(shares.front());
}

ExportArea ShareRegistry::open_area(const state::ShareRecord& share) {
    return ExportArea{environment_.file_system, environment_.clock, share.path};
}

}  // namespace entrepot::share
