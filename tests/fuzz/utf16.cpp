// Names of hosts and guests. Input: an option, then the text: as UTF-16, or as UTF-8.
#include "storage/disk/utf16.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"

namespace entrepot {
namespace {

void check_utf16(ByteView text) {
    const std::string lossy = disk::utf16le_to_utf8_lossy(text);
    Json(lossy).dump();
    for (const char letter : lossy) {
        const auto code = static_cast<unsigned char>(letter);
        fuzz::require(code >= 0x20 && code != 0x7F, "a lossy text has no control characters");
    }
    const auto exact = disk::utf16le_to_utf8(text);
    if (!exact) return;
    Json(*exact).dump();
    const Bytes again = disk::utf8_to_utf16le(*exact);
    fuzz::require(std::equal(again.begin(), again.end(), text.begin(), text.end()),
                  "what is UTF-16 survives a round trip");
}

void check_utf8(ByteView bytes) {
    const std::string text{as_text(bytes)};
    const Bytes encoded = disk::utf8_to_utf16le(text);
    Json(text).dump();
    const auto again = disk::utf16le_to_utf8(encoded);
    if (text.find('\0') != std::string::npos) return;  // No name has one.
    fuzz::require(again == text, "what is UTF-8 survives a round trip");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const bool is_utf16 = input.u8() % 2 == 0;
    const ByteView text = input.rest();
    if (is_utf16) {
        check_utf16(text);
    } else {
        fuzz::allow_refusal([&] { check_utf8(text); });
    }
    return 0;
}
