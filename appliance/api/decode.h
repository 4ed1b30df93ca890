// Reads a JSON object field by field; what nobody asked for is refused, so that a misspelt option
// never passes as its default.
#pragma once

#include "base/clock.h"
#include "base/json.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace entrepot::api {

inline constexpr std::size_t kTextBytesMax = 4096;
inline constexpr std::size_t kListEntriesMax = 10'000;

/// Every reader throws Error{invalid} naming the field for a value of another type or beyond its
/// bounds. null counts as absent.
class ObjectReader {
public:
    /// `what` names the object in messages: "the request's body". Throws if it is no object.
    ObjectReader(const Json& object, std::string what);

    std::string text(const std::string& name);
    std::string text_or(const std::string& name, std::string fallback);
    std::optional<std::string> find_text(const std::string& name);
    std::optional<std::string> find_long_text(const std::string& name, std::size_t size_bytes_max);
    bool flag_or(const std::string& name, bool fallback);
    std::uint64_t count_or(const std::string& name, std::uint64_t fallback, std::uint64_t max);
    std::vector<std::string> texts(const std::string& name);
    std::optional<WallTime> find_time(const std::string& name);
    /// The member as it is; an empty object if absent.
    Json object_or_empty(const std::string& name);

    /// Throws Error{invalid} naming the first field that no reader asked for.
    void finish() const;

private:
    const Json* find(const std::string& name);
    [[noreturn]] void refuse(const std::string& name, const std::string& why) const;

    const Json& object_;
    std::string what_;
    std::set<std::string> asked_;
};

}  // namespace entrepot::api
