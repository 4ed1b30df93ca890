// A range of a disk.
#pragma once

#include <cstdint>

namespace entrepot::backup {

struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool operator==(const ByteRange&) const = default;
};

}  // namespace entrepot::backup
