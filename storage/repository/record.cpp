// See record.h.
#include "storage/repository/record.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::repository {
namespace {

constexpr std::size_t kChecksumBytes = 4;

}  // namespace

Bytes seal_record(LittleEndianWriter& out, std::size_t size_bytes) {
    ENTREPOT_CHECK(out.size() <= size_bytes - kChecksumBytes);
    out.zeros(size_bytes - kChecksumBytes - out.size());
    const std::uint32_t checksum = crc32c(out.data());
    out.u32(checksum);
    return out.take();
}

bool is_record_whole(ByteView bytes) {
    const std::size_t end = bytes.size() - kChecksumBytes;
    return load_u32(bytes, end) == crc32c(bytes.first(end));
}

LittleEndianReader open_record(ByteView bytes, std::string_view magic, std::string_view object,
                               std::string_view part) {
    LittleEndianReader in{bytes};
    if (as_text(in.bytes(magic.size())) != magic) {
        throw Error{ErrorCode::corrupt, fmt::format("{}: no {}", object, part)};
    }
    if (!is_record_whole(bytes)) {
        throw Error{ErrorCode::corrupt, fmt::format("{}: {} checksum differs", object, part)};
    }
    return in;
}

}  // namespace entrepot::repository
