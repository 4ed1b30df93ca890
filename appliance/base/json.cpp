// Bounded parsing: depth and repeated keys are checked while reading, before anything recurses.
#include "base/json.h"

#include "base/error.h"
#include "base/hidden_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

namespace entrepot {
namespace {

/// Reads without making anything of it. (A parser that asks a callback goes through all members of
/// an array at the end of each, which is too slow for a hostile one.)
class Guard final : public nlohmann::json_sax<Json> {
public:
    explicit Guard(const std::string& what) : what_(what) {}

    bool start_object(std::size_t) override { return begin(); }
    bool start_array(std::size_t) override { return begin(); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }
    bool key(string_t& name) override {
        if (keys_.back().insert(name).second) return true;
        throw Error{ErrorCode::invalid, fmt::format("{} has the key \"{}\" twice", what_, name)};
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    /// Told in the parser's words afterwards.
    bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
        return false;
    }

private:
    bool begin() {
        if (keys_.size() >= limits::kJsonDepthMax) {
            throw Error{ErrorCode::invalid, fmt::format("{} is nested too deeply", what_)};
        }
        keys_.emplace_back();
        return true;
    }
    bool end() {
        keys_.pop_back();
        return true;
    }

    const std::string& what_;
    std::vector<std::set<std::string>> keys_;
};

// Of a character of up to three bytes.
std::uint32_t code_point(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    std::uint32_t code = character.size() == 1 ? first : first & (0x7FU >> character.size());
    for (const char c : character.substr(1))
        code = code << 6U | (static_cast<unsigned char>(c) & 0x3FU);
    return code;
}

// The parser repeats what it read last, which may be a password.
std::string_view without_quotation(std::string_view message) {
    return message.substr(0, message.find("; last read: "));
}

// Of what the library leaves as it is: it escapes the other control characters itself, and what it
// puts between the values are blanks and line feeds.
std::string with_hidden_escaped(std::string text) {
    const auto is_plain = [](char c) { return static_cast<unsigned char>(c) < 0x7F; };
    if (std::all_of(text.begin(), text.end(), is_plain)) return text;
    std::string escaped;
    escaped.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = is_plain(text[at]) ? 0 : hidden_length(text, at);
        if (length == 0) {
            escaped += text[at++];
            continue;
        }
        escaped += fmt::format("\\u{:04x}", code_point(std::string_view{text}.substr(at, length)));
        at += length;
    }
    return escaped;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& what, std::size_t size_bytes_max) {
    if (text.size() > size_bytes_max) {
        throw Error{ErrorCode::limit,
                    fmt::format("{} has more than {} bytes", what, size_bytes_max)};
    }
    Guard guard{what};
    Json::sax_parse(text, &guard);
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& error) {
        throw Error{ErrorCode::invalid,
                    fmt::format("{} is not JSON: {}", what, without_quotation(error.what()))};
    } catch (const Json::exception&) {
        throw Error{ErrorCode::invalid, fmt::format("{} has a number beyond all bounds", what)};
    }
}

std::string dump_json(const Json& value, int indent) {
    return with_hidden_escaped(value.dump(indent, ' ', false, Json::error_handler_t::replace));
}

}  // namespace entrepot
