// See journaled_content.h.
#include "storage/guest/journaled_content.h"

#include <algorithm>

namespace entrepot::guest {

std::vector<ContentPlace> JournaledContent::locate(std::uint64_t offset,
                                                   std::size_t count_max) const {
    std::vector<ContentPlace> places = content_->locate(offset, count_max);
    for (std::size_t i = 0; i < places.size(); ++i) {
        ContentPlace& place = places[i];
        if (!place.offset) continue;
        const std::uint64_t length =
            std::min(replayed_.volume.unchanged_length(*place.offset, place.length),
                     replayed_.transactions.unchanged_length(*place.offset, place.length));
        if (length == place.length) continue;
        place.length = length;
        places.resize(length == 0 ? i : i + 1);
        break;
    }
    return places;
}

}  // namespace entrepot::guest
