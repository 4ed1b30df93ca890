// An age as people write it: "30d", "12h", "4w".
#pragma once

#include <chrono>
#include <string>

namespace entrepot::ctl {

/// A whole number and one of s, m, h, d, w. Throws Error{usage}.
std::chrono::seconds parse_age(const std::string& text);
/// In the largest unit that tells it whole: "30 days"; "none" for nothing.
std::string age_text(std::chrono::seconds age);

}  // namespace entrepot::ctl
