// See names.h.
#include "appliance/share/names.h"

namespace entrepot::share {
namespace {

constexpr std::size_t kNameBytesMax = 200;

}  // namespace

std::string printable(std::string_view name) {
    std::string text;
    for (const char c : name.substr(0, kNameBytesMax)) {
        text += (c >= 0x20 && c < 0x7f) ? c : '?';
    }
    return text;
}

}  // namespace entrepot::share
