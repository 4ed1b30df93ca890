// Rows of share_accounts; see share_accounts.h.
#include "appliance/state/share_accounts.h"

#include "appliance/state/credential_box.h"
#include "appliance/state/statement.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::state {
namespace {

constexpr const char* kSelectAccount =
    "SELECT host, account, computer, quota_bytes, sealed_password, changed FROM share_accounts";

std::string account_owner(const std::string& host_id) {
    return "share account of host " + host_id;
}

ShareAccountRecord read_account(const Rows& rows, std::size_t row) {
    return {.host_id = rows.text(row, 0),
            .account = rows.text(row, 1),
            .computer = rows.text(row, 2),
            .quota_bytes = rows.unsigned_number(row, 3),
            .has_password = !rows.text(row, 4).empty(),
            .changed = rows.time(row, 5)};
}

void require_account(std::size_t count, const std::string& host_id) {
    if (count > 0) return;
    throw Error{ErrorCode::not_found, fmt::format("host {} has no account on a share", host_id),
                "entrepot share credentials HOST makes one"};
}

}  // namespace

void ShareAccountStore::add(const std::string& host_id, const std::string& account) {
    database_.transact([&](Poco::Data::Session& session) {
        if (!query(session, "SELECT host FROM share_accounts WHERE host = ? OR account = ?",
                   {host_id, account})
                 .empty()) {
            throw Error{ErrorCode::already_exists,
                        fmt::format("host {} has an account on the share, or {} has a host",
                                    host_id, account)};
        }
        execute(session,
                "INSERT INTO share_accounts (host, account, sealed_password, computer, "
                "quota_bytes, changed) VALUES (?, ?, '', '', 0, ?)",
                {host_id, account, to_sql(clock_.wall_now())});
    });
}

void ShareAccountStore::set_password(const std::string& host_id, const Secret& password,
                                     const Secret& credential_key) {
    const std::string sealed =
        seal_credential(credential_key, account_owner(host_id), password, random_);
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT changed FROM share_accounts WHERE host = ?", {host_id});
        require_account(rows.size(), host_id);
        // No two passwords of an account have the same time, whatever the clock does.
        const WallTime changed =
            std::max(clock_.wall_now(), rows.time(0, 0) + std::chrono::milliseconds{1});
        execute(session,
                "UPDATE share_accounts SET sealed_password = ?, changed = ? WHERE host = ?",
                {sealed, to_sql(changed), host_id});
    });
}

void ShareAccountStore::clear_password(const std::string& host_id) {
    database_.transact([&](Poco::Data::Session& session) {
        require_account(
            execute(session, "UPDATE share_accounts SET sealed_password = '' WHERE host = ?",
                    {host_id}),
            host_id);
    });
}

void ShareAccountStore::set_computer(const std::string& host_id, const std::string& computer) {
    database_.transact([&](Poco::Data::Session& session) {
        require_account(execute(session, "UPDATE share_accounts SET computer = ? WHERE host = ?",
                                {computer, host_id}),
                        host_id);
    });
}

void ShareAccountStore::set_quota(const std::string& host_id, std::uint64_t quota_bytes) {
    database_.transact([&](Poco::Data::Session& session) {
        require_account(execute(session, "UPDATE share_accounts SET quota_bytes = ? WHERE host = ?",
                                {static_cast<std::int64_t>(quota_bytes), host_id}),
                        host_id);
    });
}

void ShareAccountStore::remove(const std::string& host_id) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "DELETE FROM share_accounts WHERE host = ?", {host_id});
    });
}

std::vector<ShareAccountRecord> ShareAccountStore::list() {
    std::vector<ShareAccountRecord> accounts;
    database_.transact([&](Poco::Data::Session& session) {
        const std::string sql = std::string{kSelectAccount} + " ORDER BY account";
        const Rows rows = query(session, sql.c_str());
        for (std::size_t row = 0; row < rows.size(); ++row)
            accounts.push_back(read_account(rows, row));
    });
    return accounts;
}

std::optional<ShareAccountRecord> ShareAccountStore::find(const std::string& host_id) {
    std::optional<ShareAccountRecord> found;
    database_.transact([&](Poco::Data::Session& session) {
        const std::string sql = std::string{kSelectAccount} + " WHERE host = ?";
        const Rows rows = query(session, sql.c_str(), {host_id});
        if (!rows.empty()) found = read_account(rows, 0);
    });
    return found;
}

Secret ShareAccountStore::read_password(const std::string& host_id, const Secret& credential_key) {
    std::string sealed;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT sealed_password FROM share_accounts WHERE host = ?", {host_id});
        if (!rows.empty()) sealed = rows.text(0, 0);
    });
    if (sealed.empty()) require_account(0, host_id);
    return open_credential(credential_key, account_owner(host_id), sealed);
}

}  // namespace entrepot::state
