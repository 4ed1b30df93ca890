// Which part of a list a request wants.
#pragma once

#include "appliance/api/request.h"

#include <cstdint>
#include <optional>

namespace entrepot::api {

inline constexpr std::size_t kPageLimitDefault = 100;
inline constexpr std::size_t kPageLimitMax = 1000;

struct Page {
    std::size_t limit = kPageLimitDefault;
    /// For lists ordered by a falling number: only what is below it.
    std::optional<std::uint64_t> before;
};

/// "limit" alone. Error{invalid} unless it is a number from 1 to kPageLimitMax.
std::size_t read_page_limit(const Request& request);
/// "limit" and "cursor". Error{invalid} for a cursor that we did not make.
Page read_page(const Request& request);

}  // namespace entrepot::api
