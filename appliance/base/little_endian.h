// Reading and writing little-endian fields one after another.
#pragma once

#include "base/bytes.h"
#include "base/guid.h"

#include <cstdint>

namespace entrepot {

/// A cursor over bytes. Reading past the end throws Error{corrupt}: sizes in a file are claims.
class LittleEndianReader {
public:
    explicit LittleEndianReader(ByteView bytes) : rest_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    Guid guid() { return Guid::from_bytes(bytes(Guid::kSizeBytes)); }
    ByteView bytes(std::size_t count);
    void skip(std::size_t count) { bytes(count); }
    std::size_t remaining() const { return rest_.size(); }

private:
    std::uint64_t number(std::size_t size);
    ByteView rest_;
};

/// Appends fields to a growing buffer.
class LittleEndianWriter {
public:
    LittleEndianWriter& u8(std::uint8_t value) { return number(value, 1); }
    LittleEndianWriter& u16(std::uint16_t value) { return number(value, 2); }
    LittleEndianWriter& u32(std::uint32_t value) { return number(value, 4); }
    LittleEndianWriter& u64(std::uint64_t value) { return number(value, 8); }
    LittleEndianWriter& guid(const Guid& value) { return bytes(value.bytes); }
    LittleEndianWriter& bytes(ByteView value);
    LittleEndianWriter& zeros(std::size_t count);

    const Bytes& data() const { return data_; }
    Bytes take() { return std::move(data_); }
    std::size_t size() const { return data_.size(); }

private:
    LittleEndianWriter& number(std::uint64_t value, std::size_t size);
    Bytes data_;
};

/// Fields at a fixed place of a buffer. Require that the field lies inside.
std::uint32_t load_u32(ByteView bytes, std::size_t offset);
std::uint64_t load_u64(ByteView bytes, std::size_t offset);
void store_u32(MutableByteView bytes, std::size_t offset, std::uint32_t value);
void store_u64(MutableByteView bytes, std::size_t offset, std::uint64_t value);

}  // namespace entrepot
