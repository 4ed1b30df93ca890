// Values of JSON documents in words for people.
#pragma once

#include "base/json.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace entrepot::ctl {

/// A member as text; empty if it is absent, null or no text.
std::string text_of(const Json& object, const std::string& name);
/// A member as a number; 0 if absent.
std::uint64_t number_of(const Json& object, const std::string& name);
/// A member that is a list; empty if absent.
const Json& list_of(const Json& object, const std::string& name);
/// "1.5 GiB" of a member.
std::string size_of(const Json& object, const std::string& name);
/// "2026-01-31 09:15" in the machine's time zone; "-" for null.
std::string local_time_of(const Json& object, const std::string& name);
/// The first 12 digits: enough for people, and a prefix that commands take.
std::string short_id(const std::string& id);
/// "1:04:10", "4:10", "0:07"
std::string format_duration(std::chrono::seconds duration);
/// "a" or "no", and so on: "1 point", "2 points".
std::string plural(std::uint64_t count, const std::string& noun);

}  // namespace entrepot::ctl
