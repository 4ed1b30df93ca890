// The settings of an export for backup (hyperv-wmi 2.9, 5.2, 5.3).
#pragma once

#include "exporter/cim/embedded_instance.h"
#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hyperv_host.h"

#include <optional>
#include <string>

namespace entrepot::hyperv {

/// What the host's class of export settings can do; 2016 lacks some.
struct ExportAbilities {
    bool has_differential_base = true;
    bool has_excluded_disks = false;
};

/// Looks at the default settings of a VM: WS-Management shows instances, not classes.
ExportAbilities read_export_abilities(cim::WmiNamespace& wmi, const cim::ObjectPath& vm);

/// `server` goes in front of the object paths; empty for the relative form. Throws
/// Error{unsupported} for what the host cannot do.
cim::EmbeddedInstance make_export_settings(const ExportRequest& request,
                                           const ExportAbilities& abilities,
                                           const std::string& server);

}  // namespace entrepot::hyperv
