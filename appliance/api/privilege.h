// Who may do what over the API; see access/privilege.h.
#pragma once

#include "appliance/access/privilege.h"

namespace entrepot::api {

using access::Privilege;
using access::to_string;
using access::User;

}  // namespace entrepot::api
