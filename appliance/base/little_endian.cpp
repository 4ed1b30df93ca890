// Little-endian fields. The machine is little-endian too, so a copy is enough.
#include "base/little_endian.h"

#include "base/check.h"
#include "base/error.h"

#include <bit>
#include <cstring>

namespace entrepot {

static_assert(std::endian::native == std::endian::little);

ByteView LittleEndianReader::bytes(std::size_t count) {
    if (count > rest_.size())
        throw Error{ErrorCode::corrupt, "structure is shorter than its fields"};
    const ByteView view = rest_.first(count);
    rest_ = rest_.subspan(count);
    return view;
}

std::uint64_t LittleEndianReader::number(std::size_t size) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes(size).data(), size);
    return value;
}

LittleEndianWriter& LittleEndianWriter::bytes(ByteView value) {
    data_.insert(data_.end(), value.begin(), value.end());
    return *this;
}

LittleEndianWriter& LittleEndianWriter::zeros(std::size_t count) {
    data_.resize(data_.size() + count);
    return *this;
}

LittleEndianWriter& LittleEndianWriter::number(std::uint64_t value, std::size_t size) {
    return bytes({reinterpret_cast<const std::byte*>(&value), size});
}

std::uint32_t load_u32(ByteView bytes, std::size_t offset) {
    std::uint32_t value = 0;
    ENTREPOT_CHECK(bytes.size() >= sizeof value && offset <= bytes.size() - sizeof value);
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

std::uint64_t load_u64(ByteView bytes, std::size_t offset) {
    std::uint64_t value = 0;
    ENTREPOT_CHECK(bytes.size() >= sizeof value && offset <= bytes.size() - sizeof value);
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

void store_u32(MutableByteView bytes, std::size_t offset, std::uint32_t value) {
    ENTREPOT_CHECK(bytes.size() >= sizeof value && offset <= bytes.size() - sizeof value);
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

void store_u64(MutableByteView bytes, std::size_t offset, std::uint64_t value) {
    ENTREPOT_CHECK(bytes.size() >= sizeof value && offset <= bytes.size() - sizeof value);
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

}  // namespace entrepot
