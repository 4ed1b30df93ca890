// A range of a disk.
#pragma once

#include <cstdint>

namespace entrepot::hostsim {

struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool operator==(const ByteRange&) const = default;
    std::uint64_t end() const { return offset + length; }
};

}  // namespace entrepot::hostsim
