// See managed_shares.h.
#include "appliance/share/managed_shares.h"

#include "appliance/share/limits.h"
#include "appliance/share/logical_use.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

// 32 letters and digits that nobody mistakes for each other and no shell gives a meaning: five bits
// each, 130 in all.
constexpr std::string_view kPasswordLetters = "abcdefghijkmnpqrstuvwxyz23456789";
constexpr std::size_t kPasswordLength = 26;
constexpr std::uint32_t kSpaceFileMode = 0640;

Secret make_password(Random& random) {
    std::array<std::byte, kPasswordLength> bytes{};
    random.fill(bytes);
    std::string password;
    for (const std::byte byte : bytes)
        password += kPasswordLetters[std::to_integer<std::size_t>(byte) % kPasswordLetters.size()];
    return Secret{password};
}

std::string version_of(const state::ShareAccountRecord& account) {
    const auto made = std::chrono::floor<std::chrono::milliseconds>(account.changed);
    return std::to_string(made.time_since_epoch().count());
}

[[noreturn]] void refuse_without_accounts(std::size_t count) {
    if (count == 0) {
        throw Error{ErrorCode::not_found,
                    fmt::format("there are no system accounts for hosts ({} and on)",
                                share_account_name(1)),
                    "as root: entrepot share setup"};
    }
    throw Error{ErrorCode::not_found,
                fmt::format("all {} system accounts for hosts are in use", count),
                fmt::format("as root: entrepot share setup --accounts {}", count * 2)};
}

}  // namespace

ManagedShares::ManagedShares(ManagedEnvironment environment, const SambaEnvironment& samba,
                             const SambaPlaces& places)
    : environment_(std::move(environment)), service_(samba, places, [this] { refresh_space(); }) {}

void ManagedShares::start() {
    // Before the thread: what an earlier process left running is judged by what is wanted now.
    service_.want(make_wanted());
    service_.start();
}

void ManagedShares::stop() {
    service_.stop();
}

void ManagedShares::refresh() {
    if (service_.is_started()) service_.want(make_wanted());
}

std::vector<ManagedShares::Member> ManagedShares::list_members() {
    std::vector<Member> members;
    for (auto& account : environment_.state.share_accounts.list()) {
        auto host = environment_.state.hosts.find(account.host_id);
        if (!host) continue;
        try {
            auto share = environment_.registry.share_of(host->draft);
            if (!share.is_managed()) continue;
            members.push_back({*std::move(host), std::move(share), std::move(account)});
        } catch (const Error&) {
            // A host whose share is not clear has none; its backups say so.
        }
    }
    return members;
}

WantedSamba ManagedShares::make_wanted() {
    WantedSamba wanted;
    wanted.settings.include = environment_.samba_include;
    for (const state::ShareRecord& share : environment_.registry.list()) {
        if (!share.is_managed()) continue;
        if (wanted.settings.shares.empty()) {
            set_listener(wanted.settings, share.listen);
            wanted.settings.server_name = make_server_name(server_of_unc(share.unc));
        }
        wanted.settings.shares.push_back({share_of_unc(share.unc), share.path, {}});
    }
    for (const Member& member : list_members()) {
        const auto& account = member.account;
        if (!account.has_password && account.computer.empty()) continue;
        try {
            environment_.registry.open_area(member.share, member.host.id)
                .prepare_host(member.host.id);
        } catch (const Error& error) {
            environment_.log.error("a host can't be served on its share",
                                   {{"host", member.host.draft.name}, {"error", error.what()}});
            continue;
        }
        write_space(member);
        for (ServedShare& share : wanted.settings.shares) {
            if (share.path == member.share.path) share.accounts.push_back(account.account);
        }
        if (account.has_password) {
            wanted.accounts.push_back({account.account,
                                       environment_.state.share_accounts.read_password(
                                           member.host.id, environment_.credential_key()),
                                       version_of(account)});
        }
        if (!account.computer.empty()) {
            wanted.settings.computers.push_back({account.account, account.computer});
        }
    }
    return wanted;
}

state::ShareRecord ManagedShares::require_managed(const state::HostRecord& host) {
    auto share = environment_.registry.share_of(host.draft);
    if (share.is_managed()) return share;
    throw Error{
        ErrorCode::conflict,
        fmt::format("host {} exports to share {}, which the appliance does not serve itself",
                    host.draft.name, share.name),
        "make its account where the share is served, or add a share with --managed"};
}

// What another host left there must not be seen.
bool ManagedShares::is_free_for(const std::string& account, const state::HostRecord& host) {
    for (const state::ShareRecord& share : environment_.registry.list()) {
        const fs::path folder = share.path / account;
        if (!share.is_managed() || !environment_.file_system.exists(folder)) continue;
        for (const DirectoryEntry& entry : environment_.file_system.list(folder)) {
            if (entry.name == kSpaceFile || entry.name == host.id) continue;
            if (entry.type != FileType::directory || !is_path_id(entry.name)) return false;
            if (!environment_.file_system.list(folder / entry.name).empty()) return false;
            environment_.file_system.remove(folder / entry.name);
        }
    }
    return true;
}

state::ShareAccountRecord ManagedShares::ensure_account(const state::HostRecord& host) {
    auto& accounts = environment_.state.share_accounts;
    if (auto found = accounts.find(host.id)) return *std::move(found);
    std::set<std::string> taken;
    for (const auto& record : accounts.list())
        taken.insert(record.account);
    const auto names = list_share_accounts(environment_.system_accounts);
    for (const std::string& name : names) {
        if (taken.contains(name) || !is_free_for(name, host)) continue;
        accounts.add(host.id, name);
        environment_.log.info("a host got its account on the share",
                              {{"host", host.draft.name}, {"account", name}});
        return *accounts.find(host.id);
    }
    refuse_without_accounts(names.size());
}

IssuedCredentials ManagedShares::issue(const state::HostRecord& host, Rotate rotate) {
    IssuedCredentials issued;
    {
        const std::scoped_lock lock{mutex_};
        issued.share = require_managed(host);
        const auto account = ensure_account(host);
        if (account.has_password && rotate == Rotate::no) {
            throw Error{ErrorCode::conflict,
                        fmt::format("the password of {} for host {} was shown when it was made, "
                                    "and is not shown again",
                                    account.account, host.draft.name),
                        fmt::format("entrepot share credentials {} --rotate makes a new one",
                                    host.draft.name)};
        }
        issued.account = account.account;
        issued.password = make_password(environment_.random);
        environment_.state.share_accounts.set_password(host.id, issued.password,
                                                       environment_.credential_key());
    }
    refresh();
    return issued;
}

void ManagedShares::revoke(const state::HostRecord& host) {
    {
        const std::scoped_lock lock{mutex_};
        environment_.state.share_accounts.clear_password(host.id);
        environment_.state.share_accounts.set_computer(host.id, {});
    }
    refresh();
}

void ManagedShares::set_quota(const state::HostRecord& host, std::uint64_t quota_bytes) {
    const bool is_sane = quota_bytes == 0 || (quota_bytes >= limits::kQuotaBytesMin &&
                                              quota_bytes <= limits::kQuotaBytesMax);
    if (!is_sane) {
        throw Error{ErrorCode::invalid, fmt::format("a quota must be from {} to {}, or none",
                                                    format_size(limits::kQuotaBytesMin),
                                                    format_size(limits::kQuotaBytesMax))};
    }
    environment_.state.share_accounts.set_quota(host.id, quota_bytes);
    refresh();
}

void ManagedShares::set_computer(const state::HostRecord& host, const std::string& computer) {
    if (!computer.empty()) check_computer(computer);
    {
        const std::scoped_lock lock{mutex_};
        require_managed(host);
        ensure_account(host);
        for (const auto& record : environment_.state.share_accounts.list()) {
            if (computer.empty() || record.host_id == host.id || record.computer != computer) {
                continue;
            }
            throw Error{ErrorCode::conflict,
                        fmt::format("{} logs in as {} already, which is another host's account",
                                    computer, record.account)};
        }
        environment_.state.share_accounts.set_computer(host.id, computer);
    }
    refresh();
}

std::vector<AccountView> ManagedShares::list_accounts(const state::ShareRecord& share) {
    std::vector<AccountView> views;
    for (const Member& member : list_members()) {
        if (member.share.name != share.name) continue;
        const fs::path folder = member.share.path / member.account.account / member.host.id;
        views.push_back(
            {.host_name = member.host.draft.name,
             .record = member.account,
             .used_bytes = measure_logical_use(environment_.file_system, folder).size_bytes});
    }
    std::sort(views.begin(), views.end(),
              [](const AccountView& a, const AccountView& b) { return a.host_name < b.host_name; });
    return views;
}

// Runs in the service's thread, now and then: a host learns of its own files, of nothing else.
void ManagedShares::refresh_space() {
    try {
        for (const Member& member : list_members())
            write_space(member);
    } catch (const std::exception& error) {
        environment_.log.warning("the hosts' free space could not be written",
                                 {{"error", error.what()}});
    }
}

void ManagedShares::write_space(const Member& member) {
    FileSystem& files = environment_.file_system;
    const fs::path folder = member.share.path / member.account.account;
    const auto system = environment_.system_accounts.find(member.account.account);
    if (!system || !files.exists(folder)) return;
    const std::uint64_t quota = member.account.quota_bytes;
    const std::uint64_t total = quota == 0 ? limits::kUnlimitedBytes : quota;
    const std::uint64_t used = measure_logical_use(files, folder / member.host.id).size_bytes;
    const std::string text = make_space_text(total, total - std::min(total, used));
    const fs::path file = folder / kSpaceFile;
    if (!files.exists(file)) {
        files.create(file)->write(0, as_bytes(text));
        files.set_access(file, {.mode = kSpaceFileMode, .group_id = system->group_id});
    } else if (as_text(files.read_file(file, text.size())) != text) {
        files.open_write(file)->write(0, as_bytes(text));
    }
}

}  // namespace entrepot::share
