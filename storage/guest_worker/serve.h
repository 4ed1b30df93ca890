// Answers the parent's questions until it is gone.
#pragma once

#include "storage/guest_worker/parent_channel.h"

namespace entrepot::guest {

/// Throws Error{protocol} for a parent that breaks the protocol; anything that a disk can cause is
/// an answer.
void serve(ParentChannel& channel);

}  // namespace entrepot::guest
