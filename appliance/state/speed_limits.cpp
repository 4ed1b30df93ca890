// See speed_limits.h.
#include "appliance/state/speed_limits.h"

#include "base/bytes.h"
#include "base/error.h"

#include <fmt/format.h>

#include <string>

namespace entrepot::state {
namespace {

std::string key_of(SpeedKind kind) {
    return "said." + std::string{setting_name(kind)};
}

}  // namespace

std::string_view setting_name(SpeedKind kind) {
    switch (kind) {
        case SpeedKind::ingest:
            return "repository.ingest_mib_per_second";
        case SpeedKind::verify:
            return "repository.verify_mib_per_second";
    }
    return "";
}

SpeedLimits::SpeedLimits(Clock& clock, SettingStore& settings, const Configured& configured)
    : settings_(settings), configured_(configured), ingest_(clock, 0), verify_(clock, 0) {
    for (const SpeedKind kind : {SpeedKind::ingest, SpeedKind::verify})
        apply(kind, find_said(kind));
}

std::optional<std::uint32_t> SpeedLimits::find_said(SpeedKind kind) {
    const auto said = settings_.find(key_of(kind));
    // A value of another version, or beyond what this one takes, is as if nobody had said it.
    if (!said || !said->is_number_unsigned()) return std::nullopt;
    const auto value = said->get<std::uint64_t>();
    if (value > configured_.most) return std::nullopt;
    return static_cast<std::uint32_t>(value);
}

void SpeedLimits::say(SpeedKind kind, std::optional<std::uint32_t> mib_per_second) {
    if (mib_per_second && *mib_per_second > configured_.most) {
        throw Error{ErrorCode::invalid,
                    fmt::format("{} must be from 0 to {}", setting_name(kind), configured_.most)};
    }
    const std::scoped_lock lock{mutex_};
    if (mib_per_second) {
        settings_.put(key_of(kind), Json(*mib_per_second));
    } else {
        settings_.remove(key_of(kind));
    }
    apply(kind, mib_per_second);
}

void SpeedLimits::apply(SpeedKind kind, std::optional<std::uint32_t> said) {
    limit_of(kind).set_bytes_per_second(said.value_or(configured(kind)) * kMiB);
}

}  // namespace entrepot::state
