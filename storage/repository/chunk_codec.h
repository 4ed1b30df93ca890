// How a chunk is made smaller. Follows the architecture, "Stored form".
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <memory>

namespace entrepot::repository {

enum class Codec : std::uint8_t { raw = 0, zstd = 1 };

/// Of zstd, 1 to 19. Whatever the level was, every reader reads it.
inline constexpr int kCompressionLevelDefault = 1;
inline constexpr int kCompressionLevelMax = 19;
/// Error{usage} for a level that there is not.
void require_compression_level(int level);

/// Contexts for one thread, reused from chunk to chunk.
class ChunkCodec {
public:
    /// Requires that there is such a level.
    explicit ChunkCodec(int level = kCompressionLevelDefault);
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
    int level_;
};

}  // namespace entrepot::repository
