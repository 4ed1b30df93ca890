// Which part of a list a request wants.
#pragma once

#include "appliance/api/request.h"

#include "base/clock.h"
#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>

namespace entrepot::api {

inline constexpr std::size_t kPageLimitDefault = 100;
inline constexpr std::size_t kPageLimitMax = 1000;

struct Page {
    std::size_t limit = kPageLimitDefault;
    /// For lists ordered by a falling number: only what is below it.
    std::optional<std::uint64_t> before;
};

/// A number of the query from 1 to `max`; `fallback` if it is absent. Error{invalid} for another.
std::uint64_t read_query_number(const Request& request, const std::string& name,
                                std::uint64_t fallback, std::uint64_t max);
/// A time of the query as ISO 8601; nullopt if it is absent. Error{invalid} for another text.
std::optional<WallTime> read_query_time(const Request& request, const std::string& name);
/// "limit" alone. Error{invalid} unless it is a number from 1 to kPageLimitMax.
std::size_t read_page_limit(const Request& request, std::size_t fallback = kPageLimitDefault);
/// "limit" and "cursor". Error{invalid} for a cursor that we did not make.
Page read_page(const Request& request);

/// What orders a list that is read whole, and tells its entries apart.
using EntryKey = std::string (*)(const Json& entry);
/// For entries that go by their "name".
std::string name_key(const Json& entry);
/// One page of such a list, as encode_list(), in the order of the keys; the cursor is the key of
/// the last entry before. What is removed meanwhile moves nothing.
Json encode_page(const std::string& noun, Json entries, EntryKey key, const Request& request,
                 std::size_t limit_default = kPageLimitDefault);

}  // namespace entrepot::api
