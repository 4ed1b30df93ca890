// Bytes that must not be printed and do not stay in memory.
#pragma once

#include "base/bytes.h"

#include <string_view>

namespace entrepot {

/// Wiped when it goes. Has no stream operator and no conversion to text on purpose.
class Secret {
public:
    Secret() = default;
    explicit Secret(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
    explicit Secret(std::string_view text) : Secret(as_bytes(text)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret() { wipe(); }

    ByteView reveal() const { return bytes_; }
    std::string_view reveal_text() const { return as_text(bytes_); }
    bool empty() const { return bytes_.empty(); }

private:
    void wipe() noexcept;
    Bytes bytes_;
};

}  // namespace entrepot
