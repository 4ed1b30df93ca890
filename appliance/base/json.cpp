// Bounded parsing: depth and repeated keys are checked while reading, before anything recurses.
#include "base/json.h"

#include "base/error.h"

#include <fmt/format.h>

#include <set>
#include <vector>

namespace entrepot {

Json parse_json(std::string_view text, const std::string& what, std::size_t size_bytes_max) {
    if (text.size() > size_bytes_max) {
        throw Error{ErrorCode::limit,
                    fmt::format("{} has more than {} bytes", what, size_bytes_max)};
    }
    std::vector<std::set<std::string>> keys;
    const auto guard = [&](int, Json::parse_event_t event, Json& parsed) {
        using Event = Json::parse_event_t;
        if (event == Event::object_start || event == Event::array_start) {
            if (keys.size() >= limits::kJsonDepthMax) {
                throw Error{ErrorCode::invalid, fmt::format("{} is nested too deeply", what)};
            }
            keys.emplace_back();
        } else if (event == Event::object_end || event == Event::array_end) {
            keys.pop_back();
        } else if (event == Event::key) {
            if (!keys.back().insert(parsed.get<std::string>()).second) {
                throw Error{ErrorCode::invalid, fmt::format("{} has the key \"{}\" twice", what,
                                                            parsed.get<std::string>())};
            }
        }
        return true;
    };
    try {
        return Json::parse(text, guard);
    } catch (const Json::exception& error) {
        throw Error{ErrorCode::invalid, fmt::format("{} is not JSON: {}", what, error.what())};
    }
}

std::string dump_json(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace entrepot
