// How long somebody must wait before the next try to sign in (F-WB-01): after a few failures the
// wait doubles, for an account and for the address that tries. Nobody is locked out for good, and
// an address from which the account's owner signed in before does not wait for what others did.
#pragma once

#include "base/clock.h"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace entrepot::access {

/// Safe to share between threads. In memory: a restart forgets.
class SignInThrottle {
public:
    explicit SignInThrottle(Clock& clock) : clock_(clock) {}

    /// Zero: try now, and the try counts as failed until forgive() is called, so that many at once
    /// are not each the first. Otherwise the seconds to wait.
    std::chrono::seconds begin_try(const std::string& account, const std::string& address);
    /// The try succeeded.
    void forgive(const std::string& account, const std::string& address);

    /// An address, or an account, that was refused so often in a row that somebody should know.
    struct Suspect {
        enum class Kind { address, account };
        Kind kind = Kind::address;
        std::string name;
        int failure_count = 0;
    };
    /// The worst first, at most limits::kSuspectsMax.
    std::vector<Suspect> list_suspects();

private:
    struct Entry {
        int failure_count = 0;
        SteadyTime last{};
    };
    using Entries = std::map<std::string, Entry>;

    static std::chrono::seconds wait_of(const Entries& entries, const std::string& name,
                                        std::chrono::seconds delay_max, SteadyTime now);
    static void count_failure(Entries& entries, const std::string& name, SteadyTime now);

    Clock& clock_;
    std::mutex mutex_;
    Entries accounts_;
    Entries addresses_;
    Entries known_;  ///< Account and address that succeeded together.
};

}  // namespace entrepot::access
