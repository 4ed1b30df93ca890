// Byte by byte, since source and target may overlap.
#include "storage/guest/lz_copy.h"

#include "base/error.h"

namespace entrepot::guest {

std::size_t copy_earlier(MutableByteView target, std::size_t done, std::size_t distance,
                         std::size_t length) {
    if (distance == 0 || distance > done || length > target.size() - done) {
        throw Error{ErrorCode::corrupt,
                    "its compressed content is damaged: it repeats what is not there"};
    }
    for (std::size_t i = 0; i < length; ++i, ++done)
        target[done] = target[done - distance];
    return done;
}

}  // namespace entrepot::guest
