// The accounts under which hosts write to the shares that we serve ourselves, with their sealed
// passwords.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::state {

struct ShareAccountRecord {
    std::string host_id{};
    std::string account{};          ///< A system account; no two hosts have the same.
    std::string computer{};         ///< DOMAIN\HOST$ that may log in in its place; may be empty.
    std::uint64_t quota_bytes = 0;  ///< 0: none.
    bool has_password = false;      ///< Without, the account is closed.
    WallTime changed{};             ///< When the newest password was made; later for each.
};

class ShareAccountStore {
public:
    ShareAccountStore(Database& database, Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    /// Error{already_exists} if the host has an account, or the account a host.
    void add(const std::string& host_id, const std::string& account);
    void set_password(const std::string& host_id, const Secret& password,
                      const Secret& credential_key);
    void clear_password(const std::string& host_id);
    void set_computer(const std::string& host_id, const std::string& computer);
    void set_quota(const std::string& host_id, std::uint64_t quota_bytes);
    /// Nothing happens if the host has none.
    void remove(const std::string& host_id);

    /// By account.
    std::vector<ShareAccountRecord> list();
    std::optional<ShareAccountRecord> find(const std::string& host_id);
    /// Error{not_found} where there is none, Error{unauthenticated} for another key.
    Secret read_password(const std::string& host_id, const Secret& credential_key);

private:
    Database& database_;
    Clock& clock_;
    Random& random_;
};

}  // namespace entrepot::state
