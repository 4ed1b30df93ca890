// Folders of a guest as a tar or a zip beside each other in a folder here.
#pragma once

#include "appliance/ctl/context.h"
#include "appliance/ctl/files_place.h"
#include "appliance/ctl/files_target.h"

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot::ctl {

struct ArchiveRequest {
    FoundVolume volume;
    std::vector<std::string> paths;  ///< An archive for each.
    std::string format;              ///< "tar" or "zip".
    std::filesystem::path output;
    Existing existing = Existing::keep;
};

/// Each archive appears under its name when it is whole; `partly` where something of a guest is
/// not in one. Errors as Context::download() and TargetFile.
ExitStatus get_archives(Context& context, const ArchiveRequest& request);

}  // namespace entrepot::ctl
