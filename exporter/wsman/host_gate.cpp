// Additive increase, multiplicative decrease; and patience with an account that was refused.
#include "exporter/wsman/host_gate.h"

#include "exporter/wsman/limits.h"
#include "exporter/wsman/login_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::wsman {

static_assert(limits::kRequestsPerHostMax == 4, "places_ starts with it");

HostGate::HostGate(Clock& clock, const LoginRefusals& before, Remember remember)
    : clock_(clock), remember_(std::move(remember)) {
    if (before.count <= 0) return;
    const WallTime now = clock_.wall_now();
    if (before.last <= now - limits::kLoginPause) return;
    // A clock that went back since makes it a refusal of this moment: an hour at most.
    const auto age = now - std::min(before.last, now);
    refusals_ = std::min(before.count, limits::kLoginRefusalsMax);
    refused_ = clock_.steady_now() - age;
    reason_ = before.reason;
}

HostGate::Place HostGate::enter(std::stop_token stop) {
    std::unique_lock lock{mutex_};
    const bool is_free = has_place_.wait(
        lock, stop, [this] { return used_ < std::max<std::size_t>(1, std::size_t(places_)); });
    if (!is_free) throw Error{ErrorCode::cancelled, "cancelled"};
    ++used_;
    return Place{*this};
}

void HostGate::leave() {
    const std::lock_guard lock{mutex_};
    --used_;
    has_place_.notify_one();
}

void HostGate::note_success() {
    const std::lock_guard lock{mutex_};
    const std::size_t before = std::size_t(places_);
    places_ = std::min(double{limits::kRequestsPerHostMax}, places_ + 1 / places_);
    if (std::size_t(places_) > before) has_place_.notify_one();
}

void HostGate::note_overload() {
    const std::lock_guard lock{mutex_};
    const SteadyTime now = clock_.steady_now();
    // Requests that were under way together are turned away together: that is one overload.
    if (halved_ && now - *halved_ < limits::kOverloadWindow) return;
    halved_ = now;
    places_ = std::max(1.0, places_ / 2);
}

std::size_t HostGate::places() const {
    const std::lock_guard lock{mutex_};
    return std::size_t(places_);
}

std::optional<WallTime> HostGate::held_back_until() const {
    const std::lock_guard lock{mutex_};
    if (!refused_ || refusals_ < limits::kLoginRefusalsMax) return std::nullopt;
    const auto left = limits::kLoginPause - (clock_.steady_now() - *refused_);
    if (left <= left.zero()) return std::nullopt;
    return clock_.wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(left);
}

std::string HostGate::last_refusal() const {
    const std::lock_guard lock{mutex_};
    return reason_;
}

void HostGate::check_login() const {
    const auto until = held_back_until();
    if (!until) return;
    throw LoginError{
        LoginFailure::held_back, ErrorCode::unauthenticated,
        fmt::format(
            "the host has refused our account {} times, and is not asked again before {}: {}",
            limits::kLoginRefusalsMax, format_time(*until), last_refusal()),
        "So that the account is not locked out. 'entrepot host doctor' looks for the cause; where "
        "the account is in order again, 'entrepot host doctor HOST --retry-login' tries it; add "
        "the "
        "host again where its password has changed."};
}

void HostGate::note_refusal(const std::string& reason) {
    LoginRefusals refusals{.count = 0, .last = clock_.wall_now(), .reason = reason};
    {
        const std::lock_guard lock{mutex_};
        const SteadyTime now = clock_.steady_now();
        // After the pause counting starts again; what was refused long ago locks nothing any more.
        if (refused_ && now - *refused_ >= limits::kLoginPause) refusals_ = 0;
        refusals.count = ++refusals_;
        refused_ = now;
        reason_ = reason;
    }
    remember(refusals);
}

void HostGate::note_login() {
    {
        const std::lock_guard lock{mutex_};
        if (refusals_ == 0) return;
        refusals_ = 0;
        refused_.reset();
        reason_.clear();
    }
    remember({});
}

void HostGate::remember(const LoginRefusals& refusals) const {
    if (remember_) remember_(refusals);
}

}  // namespace entrepot::wsman
