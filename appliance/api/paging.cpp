// "limit" and "cursor" of the query.
#include "appliance/api/paging.h"

#include "appliance/api/encode.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace entrepot::api {
namespace {

std::optional<std::uint64_t> parse_number(const std::string& text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
    return number;
}

}  // namespace

std::uint64_t read_query_number(const Request& request, const std::string& name,
                                std::uint64_t fallback, std::uint64_t max) {
    const std::string text = request.query_value(name);
    if (text.empty()) return fallback;
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > max) {
        throw Error{ErrorCode::invalid,
                    fmt::format("{} is \"{}\", not a number from 1 to {}", name, text, max)};
    }
    return *number;
}

std::optional<WallTime> read_query_time(const Request& request, const std::string& name) {
    const std::string text = request.query_value(name);
    if (text.empty()) return std::nullopt;
    const auto time = parse_time(text);
    if (!time) {
        throw Error{
            ErrorCode::invalid,
            fmt::format("{} is \"{}\", not a time such as 2026-01-31T08:15:00Z", name, text)};
    }
    return time;
}

std::size_t read_page_limit(const Request& request, std::size_t fallback) {
    return read_query_number(request, "limit", fallback, kPageLimitMax);
}

Page read_page(const Request& request) {
    Page page;
    page.limit = read_page_limit(request);
    const std::string cursor = request.query_value("cursor");
    if (cursor.empty()) return page;
    page.before = parse_number(cursor);
    if (!page.before) throw Error{ErrorCode::invalid, "the cursor is not one of ours"};
    return page;
}

std::string name_key(const Json& entry) {
    return entry.at("name");
}

Json encode_page(const std::string& noun, Json entries, EntryKey key, const Request& request,
                 std::size_t limit_default) {
    const std::size_t limit = read_page_limit(request, limit_default);
    const std::string cursor = request.query_value("cursor");
    std::vector<std::pair<std::string, Json>> ordered;
    for (Json& entry : entries) {
        std::string entry_key = key(entry);
        if (cursor.empty() || entry_key > cursor)
            ordered.emplace_back(std::move(entry_key), std::move(entry));
    }
    std::ranges::sort(ordered, {}, &std::pair<std::string, Json>::first);
    const std::size_t count = std::min(limit, ordered.size());
    Json page = Json::array();
    for (std::size_t i = 0; i < count; ++i)
        page.push_back(std::move(ordered[i].second));
    const bool has_more = count < ordered.size();
    return encode_list(noun, std::move(page), has_more ? ordered[count - 1].first : "");
}

}  // namespace entrepot::api
