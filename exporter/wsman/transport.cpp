// Looking up headers of an answer.
#include "exporter/wsman/transport.h"

#include <algorithm>
#include <cctype>

namespace entrepot::wsman {

std::vector<std::string> HttpAnswer::header_values(std::string_view name) const {
    std::vector<std::string> values;
    for (const HttpHeader& one : headers) {
        if (one.name == name) values.push_back(one.value);
    }
    return values;
}

std::optional<std::string> HttpAnswer::header(std::string_view name) const {
    for (const HttpHeader& one : headers) {
        if (one.name == name) return one.value;
    }
    return std::nullopt;
}

std::vector<std::string> offered_schemes(const HttpAnswer& answer) {
    std::vector<std::string> schemes;
    for (std::string scheme : answer.header_values("www-authenticate")) {
        scheme = scheme.substr(0, scheme.find(' '));
        std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        schemes.push_back(std::move(scheme));
    }
    return schemes;
}

}  // namespace entrepot::wsman
