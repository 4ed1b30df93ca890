// The rules for names; see names.h.
#include "appliance/state/names.h"

#include "base/error.h"
#include "base/guid.h"
#include "base/hidden_text.h"
#include "base/json.h"

#include <fmt/format.h>

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

// A name that reads like another one, or turns the line around that it stands in, is no name.
bool has_hidden_character(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (hidden_length(text, at) != 0) return true;
    }
    return false;
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
    if (has_hidden_character(name)) {
        refuse(noun, "must not hold control characters, marks of direction or order");
    }
    if (name.front() == '-') refuse(noun, "must not begin with '-'");
    if (name.front() == ' ' || name.back() == ' ') refuse(noun, "must not begin or end with space");
    if (Guid::parse(name)) refuse(noun, "must not look like an id");
}

}  // namespace entrepot::state
