// From where images may be taken in.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/services.h"

#include <string>
#include <vector>

namespace entrepot::api {

/// Whoever is on the appliance may take in any file. Over the network it is what lies in the folder
/// of a share, or in ingest.directory of the configuration, wherever links lead: an operator must
/// not read the disks of other programs by way of a recovery point. Error{access_denied}.
void require_ingest_place(const Request& request, const std::vector<std::string>& paths,
                          Services& services);

}  // namespace entrepot::api
