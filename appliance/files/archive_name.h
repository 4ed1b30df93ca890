// Names of a guest's files as entries of an archive: who unpacks it must get no file elsewhere, on
// whatever system.
#pragma once

#include <string>
#include <string_view>

namespace entrepot::files {

enum class ArchiveFormat { tar, zip };

/// "tar", "zip"
std::string_view to_string(ArchiveFormat format);
/// Error{invalid} for another word.
ArchiveFormat archive_format_from(std::string_view word);

/// A shown name (guest_model/name.h) as one part of an entry's path. No two names give the same.
/// The backslash of an escape, which would be a separator to Windows, is a percent sign:
/// "back%x5cslash". In a zip, what Windows takes for something else is escaped the same way:
/// characters, devices, dots and spaces at the end.
std::string archive_name(std::string_view shown, ArchiveFormat format);

}  // namespace entrepot::files
