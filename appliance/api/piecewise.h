// A long body in pieces: the next ones are read while the last one is on its way.
#pragma once

#include "appliance/api/request.h"

#include "base/bytes.h"

#include <cstddef>
#include <functional>
#include <stop_token>

namespace entrepot::api {

/// Pieces that are read and not written yet, at most.
inline constexpr std::size_t kPiecesAheadMax = 3;

/// The next piece; empty at the end. Called by one thread at a time, not always by the same.
using NextPiece = std::function<Bytes()>;

/// Writes `first` and all that follow, until the end, a stop, or the other side is gone. When it
/// returns or throws, `next` runs no more. Throws what `next` throws, when the pieces before are
/// written.
void write_pieces(Bytes first, const NextPiece& next, const StreamWriter& write,
                  const std::stop_token& stop);

}  // namespace entrepot::api
