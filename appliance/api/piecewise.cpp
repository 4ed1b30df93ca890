// See piecewise.h.
#include "appliance/api/piecewise.h"

#include <future>
#include <utility>

namespace entrepot::api {

void write_pieces(Bytes first, const NextPiece& next, const StreamWriter& write,
                  const std::stop_token& stop) {
    // Where no thread can be had it is read when it is asked for.
    constexpr auto kIfPossible = std::launch::async | std::launch::deferred;
    Bytes piece = std::move(first);
    while (!piece.empty() && !stop.stop_requested()) {
        std::future<Bytes> ahead = std::async(kIfPossible, next);  // Its end waits for the thread.
        if (!write(as_text(piece))) return;
        piece = ahead.get();
    }
}

}  // namespace entrepot::api
