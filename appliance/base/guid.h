// A GUID as Windows writes it.
#pragma once

#include "base/bytes.h"

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot {

class Random;

/// Held in the Microsoft mixed-endian byte order (first three fields little-endian), as in files.
struct Guid {
    static constexpr std::size_t kSizeBytes = 16;
    std::array<std::byte, kSizeBytes> bytes{};

    auto operator<=>(const Guid&) const = default;
    bool is_null() const { return *this == Guid{}; }

    /// Lower case, no braces: "2dc27766-f623-4200-9d64-115e9bfd4a08".
    std::string to_string() const;
    /// Upper case, no braces, as Hyper-V names VMs.
    std::string to_upper_string() const;

    /// Either case, with or without braces; nullopt for anything else.
    static std::optional<Guid> parse(std::string_view text);
    /// Requires view.size() == kSizeBytes.
    static Guid from_bytes(ByteView view);
    /// Version 4.
    static Guid make_random(Random& random);
};

}  // namespace entrepot
