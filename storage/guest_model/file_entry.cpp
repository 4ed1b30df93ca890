// Words for kinds of files.
#include "storage/guest_model/file_entry.h"

namespace entrepot::guest {

std::string_view to_string(FileKind kind) {
    switch (kind) {
        case FileKind::file:
            return "file";
        case FileKind::folder:
            return "folder";
        case FileKind::link:
            return "link";
        case FileKind::other:
            return "other";
    }
    return "other";
}

}  // namespace entrepot::guest
