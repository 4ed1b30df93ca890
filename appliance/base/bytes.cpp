// Conversions between bytes and text.
#include "base/bytes.h"

#include "base/error.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>

namespace entrepot {
namespace {

int nibble(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte value : bytes) {
        text.push_back(kDigits[std::to_integer<unsigned>(value) >> 4]);
        text.push_back(kDigits[std::to_integer<unsigned>(value) & 15]);
    }
    return text;
}

Bytes from_hex(std::string_view text) {
    if (text.size() % 2 != 0) throw Error{ErrorCode::invalid, "hexadecimal of odd length"};
    Bytes bytes(text.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = nibble(text[2 * i]);
        const int low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) throw Error{ErrorCode::invalid, "not a hexadecimal digit"};
        bytes[i] = static_cast<std::byte>(high * 16 + low);
    }
    return bytes;
}

std::string to_base64(ByteView bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                       reinterpret_cast<const unsigned char*>(bytes.data()),
                                       static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

Bytes from_base64(std::string_view text) {
    if (text.size() % 4 != 0) throw Error{ErrorCode::invalid, "base64 of a wrong length"};
    if (text.empty()) return {};
    Bytes bytes(text.size() / 4 * 3);
    const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                       reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()));
    if (length < 0) throw Error{ErrorCode::invalid, "not base64"};
    std::size_t padding = 0;
    while (padding < 2 && text[text.size() - 1 - padding] == '=')
        ++padding;
    bytes.resize(static_cast<std::size_t>(length) - padding);
    return bytes;
}

bool is_zero(ByteView bytes) {
    // Comparing the range with itself shifted by one lets memcmp do the work at memory speed.
    if (bytes.empty()) return true;
    return bytes[0] == std::byte{0} &&
           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::string format_size(std::uint64_t size_bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(size_bytes);
    std::size_t unit = 0;
    while (value >= 1024.0 && unit + 1 < kUnits.size()) {
        value /= 1024.0;
        ++unit;
    }
    if (unit == 0) return fmt::format("{} B", size_bytes);
    return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace entrepot
