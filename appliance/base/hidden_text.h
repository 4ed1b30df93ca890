// Characters that a terminal, or a viewer of logs, obeys instead of showing them.
#pragma once

#include <cstddef>
#include <string_view>

namespace entrepot {

/// The bytes of the character at `at`, if it is one of them: a control character (C0, DEL, C1), an
/// end of a line or paragraph, a change of direction, a byte order mark. 0 for every other, and for
/// what is not UTF-8. Requires at < text.size().
std::size_t hidden_length(std::string_view text, std::size_t at);

}  // namespace entrepot
