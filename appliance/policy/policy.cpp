// Policies and their JSON; see policy.h.
#include "appliance/policy/policy.h"

#include "appliance/policy/calendar.h"
#include "appliance/state/names.h"

#include "base/error.h"
#include "base/guid.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace entrepot::policy {
namespace {

constexpr std::size_t kPatternsMax = 100;
constexpr std::size_t kPatternBytesMax = 256;
constexpr std::uint32_t kKeepMax = 100'000;

[[noreturn]] void refuse(std::string_view field, std::string_view why) {
    throw Error{ErrorCode::invalid, fmt::format("policy field {}: {}", field, why)};
}

std::uint32_t read_count(const Json& json, std::string_view field, std::uint32_t most) {
    if (!json.is_number_integer() || json < 0 || json > most) {
        refuse(field, fmt::format("must be a whole number from 0 to {}", most));
    }
    return json.get<std::uint32_t>();
}

std::string read_text(const Json& json, std::string_view field) {
    if (!json.is_string()) refuse(field, "must be a text");
    return json.get<std::string>();
}

std::vector<VmPattern> read_patterns(const Json& json) {
    if (!json.is_array() || json.empty() || json.size() > kPatternsMax) {
        refuse("vms", fmt::format("must be a list of 1 to {} patterns", kPatternsMax));
    }
    std::vector<VmPattern> patterns;
    for (const Json& entry : json) {
        patterns.push_back(parse_pattern(read_text(entry, "vms")));
    }
    const bool takes_in = std::any_of(patterns.begin(), patterns.end(),
                                      [](const VmPattern& p) { return !p.is_exclusion; });
    if (!takes_in) refuse("vms", "only takes VMs out: add \"*\" to take all others in");
    return patterns;
}

constexpr std::array<std::pair<std::string_view, std::uint32_t KeepRule::*>, 6> kKeepFields{{
    {"keep_last", &KeepRule::last},
    {"keep_hourly", &KeepRule::hourly},
    {"keep_daily", &KeepRule::daily},
    {"keep_weekly", &KeepRule::weekly},
    {"keep_monthly", &KeepRule::monthly},
    {"keep_yearly", &KeepRule::yearly},
}};

bool is_same_character(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
}

bool is_matched_by(const VmPattern& pattern, std::string_view host_name, const std::string& vm_id,
                   std::string_view vm_name) {
    if (!pattern.host.empty() && !matches_glob(pattern.host, host_name)) return false;
    if (const auto id = Guid::parse(pattern.vm)) return Guid::parse(vm_id) == id;
    return matches_glob(pattern.vm, vm_name);
}

// The first slash that is not made plain by a backslash.
std::size_t find_slash(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '/') {
            return i;
        }
    }
    return std::string_view::npos;
}

}  // namespace

std::string_view to_string(Consistency consistency) {
    switch (consistency) {
        case Consistency::application:
            return "application";
        case Consistency::crash:
            return "crash";
        case Consistency::prefer_application:
            return "prefer-application";
    }
    throw Error{ErrorCode::internal, "a consistency without a name"};
}

Consistency consistency_from(std::string_view name) {
    for (const Consistency consistency :
         {Consistency::application, Consistency::crash, Consistency::prefer_application}) {
        if (to_string(consistency) == name) return consistency;
    }
    throw Error{ErrorCode::invalid, fmt::format("\"{:.80}\" is no consistency", name),
                "one of application, crash, prefer-application"};
}

bool matches_glob(std::string_view glob, std::string_view text) {
    // After a mismatch only the last '*' can take one character more, so this is not exponential.
    std::size_t at = 0;
    std::size_t in_glob = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (at < text.size()) {
        if (in_glob < glob.size() && glob[in_glob] == '*') {
            star = in_glob++;
            star_text = at;
            continue;
        }
        const bool is_escaped = in_glob + 1 < glob.size() && glob[in_glob] == '\\';
        const std::size_t literal = in_glob + (is_escaped ? 1 : 0);
        if (literal < glob.size() &&
            ((!is_escaped && glob[literal] == '?') || is_same_character(glob[literal], text[at]))) {
            in_glob = literal + 1;
            ++at;
            continue;
        }
        if (star == std::string_view::npos) return false;
        in_glob = star + 1;
        at = ++star_text;
    }
    while (in_glob < glob.size() && glob[in_glob] == '*')
        ++in_glob;
    return in_glob == glob.size();
}

VmPattern parse_pattern(std::string_view text) {
    if (text.size() > kPatternBytesMax) refuse("vms", "a pattern is too long");
    VmPattern pattern;
    if (text.starts_with('!')) {
        pattern.is_exclusion = true;
        text.remove_prefix(1);
    }
    if (const std::size_t slash = find_slash(text); slash != std::string_view::npos) {
        pattern.host = text.substr(0, slash);
        text.remove_prefix(slash + 1);
        if (pattern.host.empty()) refuse("vms", "a pattern has no host before its slash");
    }
    pattern.vm = text;
    if (pattern.vm.empty()) refuse("vms", "a pattern is empty");
    return pattern;
}

std::string to_string(const VmPattern& pattern) {
    return fmt::format("{}{}{}{}", pattern.is_exclusion ? "!" : "", pattern.host,
                       pattern.host.empty() ? "" : "/", pattern.vm);
}

Json KeepRule::to_json() const {
    Json json = Json::object();
    for (const auto& [name, member] : kKeepFields) {
        json[std::string{name}] = this->*member;
    }
    return json;
}

KeepRule KeepRule::from_json(const Json& json) {
    if (!json.is_object()) refuse("keep", "must be an object");
    KeepRule rule;
    for (const auto& [key, value] : json.items()) {
        const auto field =
            std::find_if(kKeepFields.begin(), kKeepFields.end(),
                         [&name = key](const auto& candidate) { return candidate.first == name; });
        if (field == kKeepFields.end()) refuse("keep", fmt::format("there is no {:.80}", key));
        rule.*(field->second) = read_count(value, field->first, kKeepMax);
    }
    return rule;
}

Json Policy::to_json() const {
    Json patterns = Json::array();
    for (const VmPattern& pattern : vms) {
        patterns.push_back(to_string(pattern));
    }
    return {{"name", name},           {"vms", patterns},
            {"calendar", calendar},   {"consistency", std::string{to_string(consistency)}},
            {"keep", keep.to_json()}, {"full_every", full_every},
            {"enabled", is_enabled}};
}

Policy Policy::from_json(const Json& json, TimeZones& zones) {
    if (!json.is_object()) throw Error{ErrorCode::invalid, "a policy must be an object"};
    Policy policy;
    bool has_calendar = false;
    for (const auto& [key, value] : json.items()) {
        if (key == "name") {
            policy.name = read_text(value, key);
        } else if (key == "vms") {
            policy.vms = read_patterns(value);
        } else if (key == "calendar") {
            policy.calendar = read_text(value, key);
            CalendarExpression::parse(policy.calendar, zones);
            has_calendar = true;
        } else if (key == "consistency") {
            policy.consistency = consistency_from(read_text(value, key));
        } else if (key == "keep") {
            policy.keep = KeepRule::from_json(value);
        } else if (key == "full_every") {
            policy.full_every = read_count(value, key, kFullEveryMax);
        } else if (key == "enabled") {
            if (!value.is_boolean()) refuse(key, "must be true or false");
            policy.is_enabled = value.get<bool>();
        } else {
            refuse(fmt::format("{:.80}", key), "there is no such field");
        }
    }
    state::check_name("policy", policy.name);
    if (policy.vms.empty()) refuse("vms", "is missing");
    if (!has_calendar) refuse("calendar", "is missing");
    if (policy.keep.is_empty()) {
        throw Error{ErrorCode::usage, fmt::format("policy {} keeps nothing", policy.name),
                    "give it at least one of keep_last, keep_hourly, ... keep_yearly"};
    }
    return policy;
}

bool Policy::matches(std::string_view host_name, const std::string& vm_id,
                     std::string_view vm_name) const {
    bool is_in = false;
    for (const VmPattern& pattern : vms) {
        if (!is_matched_by(pattern, host_name, vm_id, vm_name)) continue;
        if (pattern.is_exclusion) return false;
        is_in = true;
    }
    return is_in;
}

}  // namespace entrepot::policy
