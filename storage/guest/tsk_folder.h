// The names in one folder of a file system that The Sleuth Kit opens.
#pragma once

#include "storage/guest/ext_fast_replay.h"
#include "storage/guest/folder_names.h"
#include "storage/guest/tsk_handles.h"

namespace entrepot::guest {

/// All of them. `fast`: what the journal of ext has of single files. Error{corrupt}, Error{limit}.
FolderNames read_tsk_folder(TskImage& image, TSK_FS_INFO& file_system, TSK_INUM_T address,
                            const ExtFastChanges* fast = nullptr);

}  // namespace entrepot::guest
