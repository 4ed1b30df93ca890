// The parts of the checker of VHDX files.
#pragma once

#include "tests/property/rule_list.h"
#include "tests/property/vhdx_layout.h"

#include <filesystem>

namespace entrepot::property {

/// The block allocation table, and that no two things share a MiB of the file (2.5).
void check_space(const VhdxLayout& image, RuleList& rules);
/// The sector bitmap blocks of a differencing image (2.4).
void check_bitmaps(const VhdxLayout& image, RuleList& rules);
/// The parent locator, and that it names this parent (2.6.2.6).
void check_locator(const VhdxLayout& image, const std::filesystem::path& parent, RuleList& rules);

}  // namespace entrepot::property
