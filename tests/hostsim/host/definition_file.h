// The .vmcx of an export: a VM's configuration, readable by this simulator alone
// (hyperv-wmi.md 6.1).
#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "tests/hostsim/host/model.h"

#include <string>

namespace entrepot::hostsim {

inline constexpr std::size_t kDefinitionBytesMax = 4 * 1024 * 1024;

/// What of a VM goes into its .vmcx.
Json make_definition(const Vm& vm);

/// The bytes of a file: of the size that Hyper-V's have, filled up with noise.
Bytes format_definition_file(const Json& definition, Random& random);

/// Throws JobFailure{0x8007000D} for what no host of this kind wrote.
Json parse_definition_file(ByteView bytes);

/// The VM that a definition describes, with another id if one is given. `folder` is that of the
/// import: images that were exported lie below it. Throws JobFailure{0x8007000D}.
Vm vm_from_definition(const Json& definition, const std::string& folder);

/// The highest configuration version that a host of this build can read.
std::string newest_version(std::uint32_t os_build);
/// True if version a, "major.minor", is above b.
bool is_newer_version(const std::string& a, const std::string& b);

}  // namespace entrepot::hostsim
