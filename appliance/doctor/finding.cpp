// The table is put together from its parts, layer by layer.
#include "appliance/doctor/finding.h"

#include "appliance/doctor/finding_parts.h"

#include "base/check.h"

#include <algorithm>
#include <array>
#include <vector>

namespace entrepot::doctor {

std::span<const Finding> all_findings() {
    static const std::vector<Finding> kAll = [] {
        std::vector<Finding> all;
        for (const auto part :
             {network_findings(), login_findings(), host_findings(), share_findings()}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }();
    return kAll;
}

const Finding& find_finding(std::string_view id) {
    const auto all = all_findings();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Finding& one) { return one.id == id; });
    ENTREPOT_CHECK(found != all.end());
    return *found;
}

std::span<const std::string_view> all_layers() {
    static constexpr std::array<std::string_view, 15> kLayers{
        "name", "port",   "tls",    "http", "clock",  "auth",  "quota",  "os",
        "role", "rights", "schema", "vms",  "guests", "share", "residue"};
    return kLayers;
}

}  // namespace entrepot::doctor
