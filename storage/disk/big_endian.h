// Big-endian fields one after another, as VHD stores them.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/guid.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace entrepot::disk {

/// A cursor over bytes. Reading past the end throws Error{corrupt}.
class BigEndianReader {
public:
    explicit BigEndianReader(ByteView bytes) : rest_(bytes) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    ByteView bytes(std::size_t count) {
        if (count > rest_.size()) {
            throw Error{ErrorCode::corrupt, "structure is shorter than its fields"};
        }
        const ByteView view = rest_.first(count);
        rest_ = rest_.subspan(count);
        return view;
    }

private:
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const std::byte byte : bytes(size))
            value = value << 8 | std::to_integer<std::uint64_t>(byte);
        return value;
    }
    ByteView rest_;
};

/// Appends fields to a growing buffer.
class BigEndianWriter {
public:
    BigEndianWriter& u8(std::uint8_t value) { return number(value, 1); }
    BigEndianWriter& u16(std::uint16_t value) { return number(value, 2); }
    BigEndianWriter& u32(std::uint32_t value) { return number(value, 4); }
    BigEndianWriter& u64(std::uint64_t value) { return number(value, 8); }
    BigEndianWriter& bytes(ByteView value) {
        data_.insert(data_.end(), value.begin(), value.end());
        return *this;
    }
    BigEndianWriter& zeros(std::size_t count) {
        data_.resize(data_.size() + count);
        return *this;
    }
    std::size_t size() const { return data_.size(); }
    Bytes take() { return std::move(data_); }

private:
    BigEndianWriter& number(std::uint64_t value, std::size_t size) {
        for (std::size_t i = size; i-- > 0;)
            data_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xFF));
        return *this;
    }
    Bytes data_;
};

}  // namespace entrepot::disk
