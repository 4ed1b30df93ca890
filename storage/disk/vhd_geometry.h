// Cylinders, heads and sectors of a VHD, which its footer must have although nothing needs them.
#pragma once

#include <cstdint>
#include <optional>

namespace entrepot::disk::vhd {

struct Footer;

struct Geometry {
    std::uint16_t cylinders = 0;
    std::uint8_t heads = 0;
    std::uint8_t sectors_per_track = 0;
    bool operator==(const Geometry&) const = default;
};

/// The format's rule. Its product is the size rounded down, or less for what geometry cannot say.
Geometry geometry_of(std::uint64_t size_bytes);

/// The size that readers who go by geometry take for a disk of this creator, where it is not the
/// current size.
std::optional<std::uint64_t> find_geometry_size(const Footer& footer);

}  // namespace entrepot::disk::vhd
