// A policy: what to protect, when, how consistent, how long to keep.
#pragma once

#include "appliance/state/vms.h"

#include "base/json.h"
#include "base/time_zone.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::policy {

enum class Consistency { application, crash, prefer_application };

std::string_view to_string(Consistency consistency);
/// Throws Error{invalid}.
Consistency consistency_from(std::string_view name);

/// Which VMs: "web*", "hv01/web*" (host before the first slash), a VM's GUID, and "!" before any of
/// them to take out again. '*' any text, '?' any one character, '\' makes the next one plain; case
/// does not matter, as it does not for Hyper-V.
struct VmPattern {
    std::string host;  ///< Glob over the host's name; empty: any host.
    std::string vm;    ///< Glob over the VM's name, or a GUID.
    bool is_exclusion = false;
    bool operator==(const VmPattern&) const = default;
};

/// Throws Error{invalid}.
VmPattern parse_pattern(std::string_view text);
std::string to_string(const VmPattern& pattern);
bool matches_glob(std::string_view glob, std::string_view text);

/// The rule that prune takes; the same fields as the repository's.
struct KeepRule {
    std::uint32_t last = 0;
    std::uint32_t hourly = 0;
    std::uint32_t daily = 0;
    std::uint32_t weekly = 0;
    std::uint32_t monthly = 0;
    std::uint32_t yearly = 0;

    bool is_empty() const { return *this == KeepRule{}; }
    bool operator==(const KeepRule&) const = default;
    /// {"keep_last": 7, ...}, all six.
    Json to_json() const;
    /// Absent fields are 0. Throws Error{invalid} naming a bad or unknown field.
    static KeepRule from_json(const Json& json);
};

inline constexpr std::uint32_t kFullEveryMax = 10'000;

struct Policy {
    std::string name;
    std::vector<VmPattern> vms;
    std::string calendar;
    Consistency consistency = Consistency::prefer_application;
    KeepRule keep;
    std::uint32_t full_every = 0;  ///< 0: never forced.
    bool is_enabled = true;

    /// {"name", "vms": ["web*"], "calendar", "consistency", "keep": {...}, "full_every",
    /// "enabled"}.
    Json to_json() const;
    /// Validates everything, the calendar's zone too. Throws Error{invalid} naming the field;
    /// Error{usage} for an empty keep rule.
    static Policy from_json(const Json& json, TimeZones& zones);

    /// True if a pattern that takes in matches and none that takes out does.
    bool matches(std::string_view host_name, const std::string& vm_id,
                 std::string_view vm_name) const;
};

}  // namespace entrepot::policy
