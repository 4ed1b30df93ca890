// What chunks, packs and their slots are called.
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

namespace entrepot::repository {

/// An id of N bytes that chance or a keyed hash made, so any part of it is a hash of it.
template <std::size_t N, typename Tag>
struct Id {
    static constexpr std::size_t kSizeBytes = N;
    std::array<std::byte, N> bytes{};

    auto operator<=>(const Id&) const = default;
    std::string hex() const { return to_hex(bytes); }

    /// Requires view.size() == N.
    static Id from(ByteView view) {
        Id id;
        std::copy_n(view.begin(), N, id.bytes.begin());
        return id;
    }
    /// Throws Error{corrupt} for anything but 2 * N hexadecimal digits.
    static Id from_hex_text(const std::string& text) {
        if (text.size() != 2 * N) throw Error{ErrorCode::corrupt, "'" + text + "' is no id"};
        return from(from_hex(text));
    }
};

struct IdHash {
    template <std::size_t N, typename Tag>
    std::size_t operator()(const Id<N, Tag>& id) const {
        std::size_t value = 0;
        std::memcpy(&value, id.bytes.data(), sizeof value);
        return value;
    }
};

using RepositoryId = Id<16, struct RepositoryTag>;
using PackId = Id<16, struct PackTag>;
using PointId = Id<16, struct PointTag>;
using Digest = Id<32, struct DigestTag>;
using ChunkId = Id<32, struct ChunkTag>;

/// The first half of a chunk id: what index and map hold. All zero stands for a chunk of zeros.
using ShortId = Id<16, struct ShortTag>;

inline ShortId short_id(const ChunkId& id) {
    return ShortId::from(ByteView{id.bytes}.first(ShortId::kSizeBytes));
}

struct SlotAddress {
    PackId pack;
    std::uint32_t slot = 0;
    bool operator==(const SlotAddress&) const = default;
};

}  // namespace entrepot::repository
