// What all connections to one host share: how many requests may be under way (threats F-WM-12), and
// how often it has refused our account (F-WM-08).
#pragma once

#include "base/clock.h"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace entrepot::wsman {

/// How often in a row, when last, and with which words a host refused our account.
struct LoginRefusals {
    int count = 0;
    WallTime last{};
    std::string reason{};
};

/// Safe to share between threads; outlives what uses it.
class HostGate {
public:
    /// Called at every change of the refusals, by the thread that brings it. Throws nothing.
    using Remember = std::function<void(const LoginRefusals&)>;

    explicit HostGate(Clock& clock) : clock_(clock) {}
    /// `before` is what an earlier process was told last by its `remember`: an account is locked
    /// out by processes that all begin anew, too.
    HostGate(Clock& clock, const LoginRefusals& before, Remember remember);
    HostGate(const HostGate&) = delete;
    HostGate& operator=(const HostGate&) = delete;

    /// A place for one request, given back when it goes. A thread holds one at a time.
    class Place {
    public:
        explicit Place(HostGate& gate) : gate_(gate) {}
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { gate_.leave(); }

    private:
        HostGate& gate_;
    };

    /// Waits for a place. Throws Error{cancelled}.
    Place enter(std::stop_token stop);
    /// A request went well: after as many as there are places there is one place more.
    void note_success();
    /// The host turned a request away because of a quota: half of the places go.
    void note_overload();
    /// How many requests may be under way now.
    std::size_t places() const;

    /// Throws LoginError{held_back} after some refusals, until a while has passed.
    void check_login() const;
    void note_refusal(const std::string& reason);
    void note_login();
    /// When logins are tried again; nullopt if nothing holds them back.
    std::optional<WallTime> held_back_until() const;
    std::string last_refusal() const;

private:
    void leave();
    void remember(const LoginRefusals& refusals) const;

    Clock& clock_;
    Remember remember_{};
    mutable std::mutex mutex_;
    std::condition_variable_any has_place_;
    double places_ = 4;  ///< limits::kRequestsPerHostMax.
    std::size_t used_ = 0;
    std::optional<SteadyTime> halved_;
    int refusals_ = 0;
    std::optional<SteadyTime> refused_;
    std::string reason_;
};

}  // namespace entrepot::wsman
