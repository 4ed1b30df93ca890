// Which classes and properties a host has (hyperv-wmi 7.3): what may be sent, and what cannot work.
#pragma once

#include "exporter/hyperv/hyperv_host.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::cim {
class WmiNamespace;
}

namespace entrepot::hyperv {

enum class ClassState {
    there,
    empty,    ///< The host knows the class and shows no instance.
    missing,  ///< It does not know the class.
    no_name_space,
    denied,
    failed,
};

/// WS-Management shows instances, not classes: of a class without instances nothing is known but
/// that it is there.
struct ClassReport {
    std::string name{};
    ClassState state = ClassState::there;
    std::vector<std::string> missing_properties{};
    std::string detail{};  ///< The host's refusal.
    std::uint32_t code = 0;
};

struct HostCapabilities {
    std::vector<ClassReport> classes{};
    bool takes_queries = true;
    bool can_exclude_disks = false;

    /// nullptr for a class that was not asked for.
    const ClassReport* find(std::string_view name) const;
    Json to_json() const;
};

/// Two requests a class. Throws only if the host does not answer, or Error{cancelled}.
HostCapabilities probe_capabilities(cim::WmiNamespace& wmi);

}  // namespace entrepot::hyperv
