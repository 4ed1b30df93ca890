// See host_version.h.
#include "appliance/restore/host_version.h"

#include <array>
#include <charconv>

namespace entrepot::restore {
namespace {

struct Release {
    std::uint32_t build;
    ConfigurationVersion newest;
};

constexpr std::array<Release, 4> kReleases{{
    {14393, {8, 0}},   // Windows Server 2016
    {17763, {9, 0}},   // 2019
    {20348, {10, 0}},  // 2022
    {26100, {12, 0}},  // 2025
}};

}  // namespace

std::optional<ConfigurationVersion> parse_configuration_version(const std::string& text) {
    ConfigurationVersion version;
    const char* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    if (minor.ec != std::errc{} || minor.ptr != end) return std::nullopt;
    return version;
}

std::optional<ConfigurationVersion> newest_version_of(std::uint32_t os_build) {
    std::optional<ConfigurationVersion> newest;
    for (const Release& release : kReleases) {
        if (release.build <= os_build) newest = release.newest;
    }
    return newest;
}

}  // namespace entrepot::restore
