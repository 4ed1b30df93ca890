// Seals credentials for the database: XChaCha20-Poly1305 under the repository's credential key,
// bound to the object they belong to. Follows P13 of the threat model.
#pragma once

#include "base/random.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace entrepot::state {

/// `owner` is authenticated, not stored: a sealed text moved to another object does not open.
/// The key may have any length of at least 16 bytes; a key of this box's own is derived from it.
std::string seal_credential(const Secret& key, std::string_view owner, const Secret& plain,
                            Random& random);

/// Throws Error{unauthenticated} if the key is not the one it was sealed with, or owner or bytes
/// are others.
Secret open_credential(const Secret& key, std::string_view owner, std::string_view sealed);

}  // namespace entrepot::state
