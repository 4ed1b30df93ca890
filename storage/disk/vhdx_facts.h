// Everything that stands in the structures of a VHDX, as JSON, for `entrepot image info`.
#pragma once

#include "base/file_system.h"
#include "base/json.h"

namespace entrepot::disk::vhdx {

/// {"headers":[...],"region_tables":[...],"metadata":[...],"log":{...},"locator":{...}|null}; with
/// what a replay of the log changes. Throws what opening the file throws.
Json structure_facts(const File& file);

}  // namespace entrepot::disk::vhdx
