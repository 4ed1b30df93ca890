// "limit" and "cursor" of the query.
#include "appliance/api/paging.h"

#include "base/error.h"

#include <fmt/format.h>

#include <charconv>

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

std::size_t read_page_limit(const Request& request) {
    const std::string text = request.query_value("limit");
    if (text.empty()) return kPageLimitDefault;
    const auto limit = parse_number(text);
    if (!limit || *limit == 0 || *limit > kPageLimitMax) {
        throw Error{ErrorCode::invalid,
                    fmt::format("limit is \"{}\", not a number from 1 to {}", text, kPageLimitMax)};
    }
    return *limit;
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

}  // namespace entrepot::api
