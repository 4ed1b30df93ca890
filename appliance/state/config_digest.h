// Whether what people configured has changed: what a copy of the state must not lag behind.
#pragma once

#include "appliance/state/database.h"

#include <string>

namespace entrepot::state {

/// Of hosts, shares, exclusions, policies, users and tokens. Equal text: nothing has changed. It
/// finds changes and proves nothing.
std::string config_digest(Database& database);

/// The setting in which it is remembered which state was copied last.
inline constexpr const char* kStateCopySetting = "state_copy";

}  // namespace entrepot::state
