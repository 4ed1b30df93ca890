// Bounded parsing: depth and repeated keys are checked while reading, before anything recurses.
#include "base/json.h"

#include "base/error.h"

#include <fmt/format.h>

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
    } catch (const Json::exception& error) {
        throw Error{ErrorCode::invalid, fmt::format("{} is not JSON: {}", what, error.what())};
    }
}

std::string dump_json(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace entrepot
