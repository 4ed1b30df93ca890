// The names in an NTFS folder, read by ourselves: The Sleuth Kit 4.11 steps over index records
// where clusters are larger, gives names in freed records as living, and passes over damaged
// records.
#pragma once

#include "storage/guest/tsk_handles.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace entrepot::guest {

/// A name in UTF-8 as far as it can be, the record that it means, and the use of that record.
using NtfsNameSink =
    std::function<void(std::string_view name, TSK_INUM_T address, std::uint32_t sequence)>;

/// All names of a folder in no order, those for DOS left out. Error{corrupt} if any may be missing.
void read_ntfs_names(TskImage& image, TSK_FS_FILE& folder, const NtfsNameSink& sink);

}  // namespace entrepot::guest
