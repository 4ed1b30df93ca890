// The rules for names; see names.h.
#include "appliance/state/names.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::state {
namespace {

// JSON text must be UTF-8, and its library knows how to tell.
bool is_utf8(std::string_view text) {
    try {
        Json(std::string{text}).dump();
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    });
}

[[noreturn]] void refuse(std::string_view noun, std::string_view why) {
    throw Error{ErrorCode::invalid, fmt::format("the name of a {} {}", noun, why)};
}

}  // namespace

void check_name(std::string_view noun, std::string_view name) {
    if (name.empty()) refuse(noun, "must not be empty");
    if (name.size() > kNameBytesMax) {
        refuse(noun, fmt::format("must not be longer than {} bytes", kNameBytesMax));
    }
    if (!is_utf8(name)) refuse(noun, "must be UTF-8");
    if (has_control_character(name)) refuse(noun, "must not hold control characters");
    if (name.front() == '-') refuse(noun, "must not begin with '-'");
    if (name.front() == ' ' || name.back() == ' ') refuse(noun, "must not begin or end with space");
    if (Guid::parse(name)) refuse(noun, "must not look like an id");
}

}  // namespace entrepot::state
