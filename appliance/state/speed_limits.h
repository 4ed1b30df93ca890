// How fast backups and verifications may read: as the configuration says, unless an administrator
// has said otherwise since. What was said stays over a restart.
#pragma once

#include "appliance/state/settings.h"

#include "base/clock.h"
#include "base/rate_limit.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace entrepot::state {

enum class SpeedKind { ingest, verify };

/// The names of the settings: "repository.ingest_mib_per_second",
/// "repository.verify_mib_per_second".
std::string_view setting_name(SpeedKind kind);

/// Safe to share between threads.
class SpeedLimits {
public:
    /// In MiB a second; 0: no bound.
    struct Configured {
        std::uint32_t ingest = 0;
        std::uint32_t verify = 0;
        std::uint32_t most = 0;  ///< What may be said at all.
    };

    /// What is passed outlives it.
    SpeedLimits(Clock& clock, SettingStore& settings, const Configured& configured);

    RateLimit& limit_of(SpeedKind kind) { return kind == SpeedKind::ingest ? ingest_ : verify_; }

    std::uint32_t configured(SpeedKind kind) const {
        return kind == SpeedKind::ingest ? configured_.ingest : configured_.verify;
    }
    /// nullopt: as configured.
    std::optional<std::uint32_t> find_said(SpeedKind kind);

    /// Holds at once, also for work that runs. nullopt: as configured again. Error{invalid} beyond
    /// the most that may be said.
    void say(SpeedKind kind, std::optional<std::uint32_t> mib_per_second);

private:
    void apply(SpeedKind kind, std::optional<std::uint32_t> said);

    SettingStore& settings_;
    Configured configured_;
    std::mutex mutex_;  ///< So that what is written down last is what holds.
    RateLimit ingest_;
    RateLimit verify_;
};

}  // namespace entrepot::state
