// What `smbstatus --json` says about open files and sessions. Follows the output of Samba 4.17.
#pragma once

#include "appliance/share/file_server.h"

#include "base/json.h"

#include <string_view>
#include <vector>

namespace entrepot::share {

/// The clients with something open below the folder of that name, each once, by its smbd's process
/// id. Throws Error{protocol} for a document of another shape.
std::vector<Holder> find_holders_in(const Json& status, std::string_view run_id);

/// The clients that are logged in under one of these accounts, each once, by process id. Throws as
/// above.
std::vector<std::string> find_clients_in(const Json& status,
                                         const std::vector<std::string>& accounts);

}  // namespace entrepot::share
