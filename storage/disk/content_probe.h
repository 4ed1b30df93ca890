// What a file looks like by its first and last bytes.
#pragma once

#include "base/file_system.h"

#include <string_view>

namespace entrepot::disk {

enum class Content { vhdx, vhd, vhd_set, qcow2, vmdk, empty, zeros, html, compressed, unknown };

/// A VHD Set is recognised by its name only: its format is not public.
Content probe_content(const File& file);

/// With an article, for a sentence: "a VHD image".
std::string_view describe(Content content);

}  // namespace entrepot::disk
