// Texts that open something: made from chance, shown once, kept as digests only.
#pragma once

#include "base/random.h"

#include <string>
#include <string_view>

namespace entrepot::access {

/// 256 bits of chance in hex.
std::string make_secret_text(Random& random);
/// 128 bits of chance in hex, for what is named and not secret.
std::string make_id(Random& random);

/// SHA-256 in hex. A plain digest is enough for 256 bits of chance. A look-up by it leaks nothing
/// useful through its time, since nobody chooses the digest.
std::string digest_of(std::string_view text);

bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace entrepot::access
