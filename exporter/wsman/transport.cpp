// Looking up headers of an answer.
#include "exporter/wsman/transport.h"

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

}  // namespace entrepot::wsman
