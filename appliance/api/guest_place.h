// Which disk, partition and file of a guest a request is about.
#pragma once

#include "appliance/api/request.h"
#include "appliance/api/services.h"
#include "appliance/files/guest_files.h"

namespace entrepot::api {

/// By the parameters "id" and "disk". Error{not_found}.
files::DiskPlace guest_disk_of(const Request& request, Services& services);

/// And by "volume" and the query's "path" and "stream". Error{invalid}, Error{limit}.
files::FilePlace guest_file_of(const Request& request, Services& services);

}  // namespace entrepot::api
