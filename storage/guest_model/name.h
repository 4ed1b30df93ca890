// Names of a guest's files as we show and take them: text that is safe to print, to send and to
// make a file of, and that tells the bytes of the guest again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::guest {

/// The name with "\xHH" for each byte of what is no UTF-8, control characters, marks that change
/// the direction of writing, slashes and backslashes.
std::string escape_name(std::string_view raw);

/// True for what escape_name() can give for a file: not empty, not "." or "..", within bounds. Who
/// gets a name from a stranger asks this.
bool is_shown_name(std::string_view name);

/// True for text that escape_name() would leave as it is but for slashes and backslashes.
bool is_shown_text(std::string_view text);

/// The parts of "/folder/file"; none for "/" and "". Error{invalid} for parts that are no shown
/// names, Error{limit} for too many or too long.
std::vector<std::string> split_path(std::string_view path);

/// "/folder/file"
std::string join_path(const std::vector<std::string>& parts);

}  // namespace entrepot::guest
