// Sizes, times and counts for people.
#include "appliance/ctl/format.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <fmt/format.h>

#include <ctime>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kShortIdLength = 12;

}  // namespace

std::string text_of(const Json& object, const std::string& name) {
    if (!object.is_object()) return {};
    const auto found = object.find(name);
    return found == object.end() || !found->is_string() ? std::string{} : found->get<std::string>();
}

std::uint64_t number_of(const Json& object, const std::string& name) {
    if (!object.is_object()) return 0;
    const auto found = object.find(name);
    return found == object.end() || !found->is_number_integer() ? 0 : found->get<std::uint64_t>();
}

const Json& list_of(const Json& object, const std::string& name) {
    static const Json kEmpty = Json::array();
    if (!object.is_object()) return kEmpty;
    const auto found = object.find(name);
    return found == object.end() || !found->is_array() ? kEmpty : *found;
}

std::string size_of(const Json& object, const std::string& name) {
    return format_size(number_of(object, name));
}

std::string local_time_of(const Json& object, const std::string& name) {
    const auto time = parse_time(text_of(object, name));
    if (!time) return "-";
    const std::time_t seconds = std::chrono::system_clock::to_time_t(*time);
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
                       local.tm_mday, local.tm_hour, local.tm_min);
}

std::string short_id(const std::string& id) {
    return id.substr(0, kShortIdLength);
}

std::string format_duration(std::chrono::seconds duration) {
    const auto total = duration.count();
    const auto hours = total / 3600;
    const auto minutes = total / 60 % 60;
    if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, total % 60);
    return fmt::format("{}:{:02}", minutes, total % 60);
}

std::string plural(std::uint64_t count, const std::string& noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace entrepot::ctl
