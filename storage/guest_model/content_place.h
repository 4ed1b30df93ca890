// Where a piece of a file's content lies.
#pragma once

#include <cstdint>
#include <optional>

namespace entrepot::guest {

/// Of a volume or a disk, as who gives it says.
struct ContentPlace {
    std::uint64_t length = 0;
    std::optional<std::uint64_t> offset{};  ///< nullopt: nowhere, it is zeros.
    bool operator==(const ContentPlace&) const = default;
};

}  // namespace entrepot::guest
