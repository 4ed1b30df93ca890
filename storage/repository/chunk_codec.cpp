// zstd, or the bytes as they are. The only place that calls zstd.
#include "storage/repository/chunk_codec.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>
#include <zstd.h>

#include <cstring>

namespace entrepot::repository {
namespace {

constexpr std::size_t kSavingPercentMin = 3;

}  // namespace

struct ChunkCodec::State {
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> compressor{ZSTD_createCCtx(),
                                                                       &ZSTD_freeCCtx};
    std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> decompressor{ZSTD_createDCtx(),
                                                                         &ZSTD_freeDCtx};
};

void require_compression_level(int level) {
    if (level >= 1 && level <= kCompressionLevelMax) return;
    throw Error{ErrorCode::usage, fmt::format("{} is no level of compression: they go from 1 to {}",
                                              level, kCompressionLevelMax)};
}

ChunkCodec::ChunkCodec(int level) : state_(std::make_unique<State>()), level_(level) {
    ENTREPOT_CHECK(level >= 1 && level <= kCompressionLevelMax);
    if (!state_->compressor || !state_->decompressor) {
        throw Error{ErrorCode::limit, "no memory for zstd"};
    }
}

ChunkCodec::~ChunkCodec() = default;

Codec ChunkCodec::encode(ByteView plain, Bytes& target) {
    const std::size_t start = target.size();
    target.resize(start + ZSTD_compressBound(plain.size()));
    const std::size_t length =
        ZSTD_compressCCtx(state_->compressor.get(), target.data() + start, target.size() - start,
                          plain.data(), plain.size(), level_);
    const std::size_t length_max = plain.size() - plain.size() * kSavingPercentMin / 100;
    if (ZSTD_isError(length) == 0 && length < length_max) {
        target.resize(start + length);
        return Codec::zstd;
    }
    target.resize(start);
    target.insert(target.end(), plain.begin(), plain.end());
    return Codec::raw;
}

bool ChunkCodec::decode(Codec codec, ByteView stored, MutableByteView plain) {
    switch (codec) {
        case Codec::raw:
            if (stored.size() != plain.size()) return false;
            if (!plain.empty()) std::memcpy(plain.data(), stored.data(), plain.size());
            return true;
        case Codec::zstd:
            // The output is bounded by what was recorded, whatever the frame claims.
            return ZSTD_decompressDCtx(state_->decompressor.get(), plain.data(), plain.size(),
                                       stored.data(), stored.size()) == plain.size();
    }
    return false;
}

}  // namespace entrepot::repository
