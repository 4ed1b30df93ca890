// Old clients read the plain form, in which nothing but harmless ASCII stands.
#include "appliance/api/content_disposition.h"

#include "appliance/api/request.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

bool is_plain(char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == ' ';
}

}  // namespace

std::string attachment_named(std::string_view name) {
    std::string plain;
    for (const char c : name)
        plain += is_plain(c) ? c : '_';
    // A name of dots would be a folder to somebody.
    if (plain.find_first_not_of(". ") == std::string::npos) plain = "file";
    return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain,
                       encode_percent(name));
}

}  // namespace entrepot::api
