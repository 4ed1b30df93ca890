// The rules about shares; see share_registry.h.
#include "appliance/share/share_registry.h"

#include "appliance/share/limits.h"
#include "appliance/share/samba_settings.h"
#include "appliance/share/unc.h"
#include "appliance/state/names.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

// Everybody gets through, nobody sees which accounts there are.
constexpr std::uint32_t kManagedRootMode = 0711;
constexpr std::uint32_t kOthersWrite = 0022;
constexpr std::uint32_t kOthersEnter = 0001;

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

bool is_same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

// The accounts of the hosts get to the folder by name, and nobody but us changes what lies there.
void check_reach(FileSystem& file_system, const fs::path& path) {
    const auto own = file_system.find_status(path);
    if (own && (own->mode & kOthersWrite) != 0) {
        throw Error{ErrorCode::permission_denied,
                    fmt::format("others may write into {}", path.string()),
                    fmt::format("chmod go-w {}", path.string())};
    }
    for (fs::path above = path.parent_path();; above = above.parent_path()) {
        const auto status = file_system.find_status(above);
        if (!status || (status->mode & kOthersEnter) == 0) {
            throw Error{
                ErrorCode::permission_denied,
                fmt::format("the hosts' accounts can't get through {} to {}", above.string(),
                            path.string()),
                fmt::format("take a folder elsewhere, such as /srv/entrepot, or: chmod o+x {}",
                            above.string())};
        }
        if (above == above.root_path()) return;
    }
}

}  // namespace

state::ShareRecord ShareRegistry::add(const std::string& name, std::string_view unc,
                                      const fs::path& path) {
    state::check_name("share", name);
    const state::ShareRecord share{
        .name = name, .unc = check_unc(unc), .path = normalise(path), .listen = {}};
    check_folder(share);
    environment_.shares.add(share);
    return share;
}

state::ShareRecord ShareRegistry::add_managed(const ManagedShareDraft& draft) {
    state::check_name("share", draft.name);
    const std::string unc = draft.unc.empty()
                                ? fmt::format(R"(\\{}\{})", environment_.own_name, draft.name)
                                : draft.unc;
    const state::ShareRecord share{.name = draft.name,
                                   .unc = check_unc(unc),
                                   .path = normalise(draft.path),
                                   .listen = draft.listen};
    check_served_name(share_of_unc(share.unc));
    check_served_path(share.path);
    check_folder(share);
    check_beside(share);
    check_reach(environment_.file_system, share.path);
    environment_.file_system.set_access(share.path, {.mode = kManagedRootMode});
    environment_.shares.add(share);
    return share;
}

void ShareRegistry::check_folder(const state::ShareRecord& share) {
    ExportArea{environment_.file_system, environment_.clock, share.path}.check_root();
    for (const state::ShareRecord& other : environment_.shares.list()) {
        if (is_inside(share.path, other.path) || is_inside(other.path, share.path)) {
            throw Error{ErrorCode::conflict,
                        fmt::format("{} lies inside or around {}, which is share {}",
                                    share.path.string(), other.path.string(), other.name)};
        }
    }
}

void ShareRegistry::check_beside(const state::ShareRecord& share) {
    std::size_t count = 0;
    for (const state::ShareRecord& other : environment_.shares.list()) {
        if (!other.is_managed()) continue;
        if (other.listen != share.listen) {
            throw Error{ErrorCode::conflict,
                        fmt::format("share {} is served at {}, and one file server serves all",
                                    other.name, other.listen),
                        fmt::format("add it with --listen {}", other.listen)};
        }
        if (is_same_name(share_of_unc(other.unc), share_of_unc(share.unc))) {
            throw Error{ErrorCode::conflict,
                        fmt::format("share {} is {} for hosts already", other.name, other.unc),
                        "give the new one another UNC path with --unc"};
        }
        if (++count >= limits::kManagedSharesMax) {
            throw Error{ErrorCode::limit, fmt::format("the appliance serves at most {} shares",
                                                      limits::kManagedSharesMax)};
        }
    }
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
                    "entrepot share add NAME --managed --path DIR makes one"};
    }
    if (shares.size() > 1) {
        throw Error{
            ErrorCode::conflict,
            fmt::format("host {} names no share and there are {}", host.name, shares.size()),
            "give the host one with --share"};
    }
    return std::move(shares.front());
}

ExportArea ShareRegistry::open_area(const state::ShareRecord& share, const std::string& host_id) {
    if (!share.is_managed()) {
        return ExportArea{environment_.file_system, environment_.clock, share.path};
    }
    ENTREPOT_CHECK(environment_.accounts != nullptr && environment_.system_accounts != nullptr);
    const auto account = environment_.accounts->find(host_id);
    const auto host = environment_.hosts.find(host_id);
    const std::string host_name = host ? host->draft.name : host_id;
    if (!account) {
        throw Error{ErrorCode::not_found,
                    fmt::format("host {} has no account on share {} yet", host_name, share.name),
                    fmt::format("entrepot share credentials {} makes one and shows what to do on "
                                "the host",
                                host_name)};
    }
    const auto system = environment_.system_accounts->find(account->account);
    if (!system) {
        throw Error{
            ErrorCode::not_found,
            fmt::format("the system account {} of host {} is gone", account->account, host_name),
            "as root: entrepot share setup"};
    }
    return ExportArea{environment_.file_system, environment_.clock, share.path,
                      AreaAccount{.name = account->account, .group_id = system->group_id}};
}

}  // namespace entrepot::share
