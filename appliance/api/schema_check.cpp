// The schemas of OpenAPI 3.0 that our document uses, applied to one request.
#include "appliance/api/schema_check.h"

#include "base/clock.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <regex>

namespace entrepot::api {
namespace {

constexpr int kReferenceDepthMax = 16;

[[noreturn]] void refuse(const std::string& place, const std::string& why) {
    throw Error{ErrorCode::invalid, fmt::format("{} {}", place, why)};
}

std::string member_of(const std::string& name, const std::string& place) {
    return fmt::format("field \"{}\" of {}", name, place);
}

// Code points, as JSON Schema counts them; our JSON is valid UTF-8.
std::size_t length_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

// The lengths are checked before: the library's matcher goes as deep as the text is long.
bool fits_pattern(const std::string& text, const std::string& pattern) {
    return std::regex_search(text, std::regex{pattern, std::regex::ECMAScript});
}

class Checker {
public:
    explicit Checker(const Json& document) : document_(document) {}

    void check(const Json& value, const Json& schema, const std::string& place, int depth = 0) {
        if (depth > kReferenceDepthMax) refuse(place, "is nested too deep");
        if (schema.contains("$ref")) return check(value, resolve(schema), place, depth + 1);
        // null counts as absent: the readers of our handlers say so, too.
        if (value.is_null()) return;
        if (schema.contains("allOf")) {
            for (const Json& part : schema.at("allOf"))
                check(value, part, place, depth + 1);
            return;
        }
        check_enumeration(value, schema, place);
        const std::string type = schema.value("type", "");
        if (type == "object") return check_object(value, schema, place, depth);
        if (type == "array") return check_array(value, schema, place, depth);
        if (type == "string") return check_text(value, schema, place);
        if (type == "integer") return check_integer(value, schema, place);
        if (type == "boolean" && !value.is_boolean()) refuse(place, "is not true or false");
    }

    const Json& resolve(const Json& node) const {
        // "#/components/schemas/NAME" is a JSON pointer behind the mark.
        return document_.at(Json::json_pointer{node.at("$ref").get<std::string>().substr(1)});
    }

private:
    void check_object(const Json& value, const Json& schema, const std::string& place, int depth) {
        if (!value.is_object()) refuse(place, "is not an object");
        const Json none = Json::object();
        const Json& properties = schema.contains("properties") ? schema.at("properties") : none;
        for (const auto& name : schema.value("required", std::vector<std::string>{})) {
            if (!value.contains(name) || value.at(name).is_null()) {
                refuse(member_of(name, place), "is missing");
            }
        }
        const auto additional = schema.find("additionalProperties");
        const bool is_closed =
            additional != schema.end() && additional->is_boolean() && !additional->get<bool>();
        for (const auto& [name, member] : value.items()) {
            if (properties.contains(name)) {
                check(member, properties.at(name), member_of(name, place), depth + 1);
            } else if (is_closed) {
                refuse(member_of(name, place), "is not known");
            }
        }
    }

    void check_array(const Json& value, const Json& schema, const std::string& place, int depth) {
        if (!value.is_array()) refuse(place, "is not a list");
        const auto count_max = schema.value("maxItems", std::size_t{10'000});
        if (value.size() > count_max) {
            refuse(place, fmt::format("has more than {} entries", count_max));
        }
        if (value.size() < schema.value("minItems", std::size_t{0})) {
            refuse(place, "has too few entries");
        }
        for (const Json& entry : value)
            check(entry, schema.at("items"), place, depth + 1);
    }

    static void check_text(const Json& value, const Json& schema, const std::string& place) {
        if (!value.is_string()) refuse(place, "is not a text");
        const auto& text = value.get_ref<const std::string&>();
        const std::size_t length = length_of(text);
        const auto length_max = schema.value("maxLength", std::size_t{4096});
        if (length > length_max) {
            refuse(place, fmt::format("has more than {} characters", length_max));
        }
        const auto length_min = schema.value("minLength", std::size_t{0});
        if (length < length_min) {
            refuse(place, length == 0 ? "is empty"
                                      : fmt::format("has fewer than {} characters", length_min));
        }
        const auto pattern = schema.find("pattern");
        if (pattern != schema.end() && !fits_pattern(text, pattern->get<std::string>())) {
            // Without the text: an address may carry a password.
            refuse(place, fmt::format("does not fit {}", pattern->get<std::string>()));
        }
        if (schema.value("format", "") == "date-time" && !parse_time(text)) {
            refuse(place, fmt::format("is \"{}\", not a time such as 2026-01-31T08:15:00Z", text));
        }
    }

    static void check_integer(const Json& value, const Json& schema, const std::string& place) {
        if (!value.is_number_integer()) refuse(place, "is not a whole number");
        const bool is_beyond_signed =
            value.is_number_unsigned() &&
            value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
        const std::int64_t number = is_beyond_signed ? INT64_MAX : value.get<std::int64_t>();
        const auto least = schema.value("minimum", std::int64_t{INT64_MIN});
        const auto most = schema.value("maximum", std::int64_t{INT64_MAX});
        if (is_beyond_signed || number < least || number > most) {
            refuse(place,
                   fmt::format("is {}, not a number from {} to {}", dump_json(value), least, most));
        }
    }

    static void check_enumeration(const Json& value, const Json& schema, const std::string& place) {
        const auto known = schema.find("enum");
        if (known == schema.end()) return;
        if (std::find(known->begin(), known->end(), value) != known->end()) return;
        refuse(place, fmt::format("is {}, not one of {}", dump_json(value), dump_json(*known)));
    }

    const Json& document_;
};

// The text of a path or a query as the value that its schema wants.
Json value_of(const std::string& text, const Json& schema, const std::string& place) {
    const std::string type = schema.value("type", "string");
    if (type == "boolean") {
        if (text == "true") return true;
        if (text == "false" || text.empty()) return false;
        refuse(place, fmt::format("is \"{}\", not true or false", text));
    }
    if (type != "integer") return text;
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || stop != end) {
        refuse(place, fmt::format("is \"{}\", not a whole number", text));
    }
    return number;
}

const Json* find_source(const Json& document, const Operation& operation) {
    for (const auto& [path, item] : document.at("paths").items()) {
        for (const auto& [name, source] : item.items()) {
            if (source.is_object() && source.value("operationId", "") == operation.id) {
                return &source;
            }
        }
    }
    return nullptr;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

const std::map<std::string, std::string>& values_in(const Request& request,
                                                    const std::string& where) {
    if (where == "path") return request.parameters;
    if (where == "query") return request.query;
    if (where == "header") return request.headers;
    throw Error{ErrorCode::internal, fmt::format("the document has a parameter in {}", where)};
}

void check_parameters(Checker& checker, const Json& source, const Request& request) {
    std::vector<std::string> known;
    for (const Json& entry : source.value("parameters", Json::array())) {
        const Json& parameter = entry.contains("$ref") ? checker.resolve(entry) : entry;
        const auto name = parameter.at("name").get<std::string>();
        const auto where = parameter.at("in").get<std::string>();
        if (where == "query") known.push_back(name);
        const std::string place = fmt::format("{} parameter \"{}\"", where, name);
        const auto& values = values_in(request, where);
        const auto found = values.find(where == "header" ? lower(name) : name);
        if (found == values.end()) {
            if (parameter.value("required", false)) refuse(place, "is missing");
            continue;
        }
        const Json& schema = parameter.at("schema");
        checker.check(value_of(found->second, schema, place), schema, place);
    }
    for (const auto& [name, value] : request.query) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        refuse(fmt::format("query parameter \"{}\"", name), "is unknown here");
    }
}

}  // namespace

void check_request(const Contract& contract, const Operation& operation, const Request& request) {
    const Json* source = find_source(contract.document(), operation);
    if (source == nullptr) return;
    Checker checker{contract.document()};
    check_parameters(checker, *source, request);
    const auto body = source->find("requestBody");
    if (body == source->end()) {
        if (!request.body.empty() && request.json() != Json::object()) {
            refuse("the request's body", "is not expected here");
        }
        return;
    }
    checker.check(request.json(), body->at("content").at("application/json").at("schema"),
                  "the request's body");
}

}  // namespace entrepot::api
