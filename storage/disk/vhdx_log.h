// The log of a VHDX, replayed beside the file (MS-VHDX 2.3): memory holds where each page lies in
// it.
#pragma once

#include "storage/disk/image_view.h"
#include "storage/disk/vhdx_format.h"

#include "base/file_system.h"
#include "base/guid.h"

#include <cstdint>

namespace entrepot::disk::vhdx {

struct Replay {
    Overlay overlay;
    std::uint64_t file_size_bytes = 0;  ///< As it is to be afterwards.
    std::size_t entry_count = 0;
};

/// Finds the active sequence of entries and applies it. Throws Error{corrupt} if there is none
/// ("cannot be replayed") or if the file is shorter than the log says it was.
Replay replay_log(const File& file, const FileRange& log, const Guid& log_guid);

/// How many entries of this log there are, active or not.
struct LogSurvey {
    std::size_t valid_count = 0;
    std::size_t torn_count = 0;  ///< They begin as entries, and some field or checksum is wrong.
};
/// Throws Error{limit} for more entries than limits.h allows.
LogSurvey survey_log(const File& file, const FileRange& log, const Guid& log_guid);

}  // namespace entrepot::disk::vhdx
