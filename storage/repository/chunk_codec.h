// How a chunk is made smaller. Follows the architecture, "Stored form".
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <memory>

namespace entrepot::repository {

enum class Codec : std::uint8_t { raw = 0, zstd = 1 };

/// Contexts for one thread, reused from chunk to chunk.
class ChunkCodec {
public:
    ChunkCodec();
    ~ChunkCodec();
    ChunkCodec(const ChunkCodec&) = delete;
    ChunkCodec& operator=(const ChunkCodec&) = delete;

    /// Appends the stored form to `target`. Raw when compression would save under 3 %.
    Codec encode(ByteView plain, Bytes& target);

    /// False if `stored` is not the encoding of exactly plain.size() bytes.
    bool decode(Codec codec, ByteView stored, MutableByteView plain);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace entrepot::repository
