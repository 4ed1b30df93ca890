// What of a file can be given without telling a lie: NTFS keeps content in places that a plain
// reader takes for zeros.
#pragma once

#include "storage/guest/guest_file_system.h"
#include "storage/guest/tsk_handles.h"
#include "storage/guest/wof_content.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::guest {

/// A reparse point: what NTFS puts in the place of a file.
struct ReparsePoint {
    std::uint32_t tag = 0;
    std::string link_target;  ///< Of symbolic links and junctions.
    /// Of what CompactOS keeps compressed, where we know the method.
    std::optional<WofMethod> wof_method = std::nullopt;
    bool is_link() const;
};

/// nullopt if the file has none. `file` is of NTFS.
std::optional<ReparsePoint> read_reparse_point(TSK_FS_FILE& file);
/// Why the content behind a reparse point that is no link cannot be given.
std::string refusal_of(const ReparsePoint& point);
/// Why a file in which no reparse point was found had one all the same: the library passes over
/// parts of a file's record that are damaged. Empty if it had none. `file` is of NTFS.
std::string refusal_of_lost_reparse_point(TSK_FS_FILE& file);

/// The attribute that holds the content, or a stream of that (shown) name; nullptr if there is
/// none.
const TSK_FS_ATTR* find_content(TSK_FS_FILE& file, const std::string& stream);
std::vector<FileStream> list_streams(TSK_FS_FILE& file);

/// Empty if reading the attribute gives what the guest would see. Looks at its runs if `thorough`.
enum class Look { flags, runs };
std::string refusal_of(const TSK_FS_ATTR& content, Look look);

}  // namespace entrepot::guest
