// Which configuration versions a build of Windows runs (reference of the host, 2.2 and 6.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace entrepot::restore {

struct ConfigurationVersion {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    auto operator<=>(const ConfigurationVersion&) const = default;
};

/// nullopt for a text that is no version.
std::optional<ConfigurationVersion> parse_configuration_version(const std::string& text);

/// Of the newest release that we know to be no newer than the build; nullopt for builds before
/// Windows Server 2016.
std::optional<ConfigurationVersion> newest_version_of(std::uint32_t os_build);

}  // namespace entrepot::restore
