// What a VM has besides its disks, as far as a restore must know it (hyperv-wmi 2.3, 2.12, 6.1).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace entrepot::hyperv {

/// A virtual switch of the host.
struct VirtualSwitch {
    std::string id;  ///< GUID, as the host writes it.
    std::string name;
};

struct NetworkAdapter {
    std::string class_name;   ///< Of its settings: synthetic or emulated.
    std::string instance_id;  ///< Of its settings.
    std::string name;         ///< Localized, and not unique.
    std::string mac_address;  ///< Twelve hexadecimal digits; empty: none was given yet.
    bool is_mac_static = false;
    std::string connection_id;  ///< InstanceID of the connection's settings; empty: it has none.
    std::string switch_id;      ///< GUID of the switch that the connection names; may be empty.
    std::string switch_name;    ///< On this host, else the last known one; empty: not known.
    bool is_connected = false;  ///< Switched on, and names a switch.
};

/// An image in a DVD or floppy drive.
struct InsertedMedium {
    std::string instance_id;
    std::string path;
};

struct VmHardware {
    std::vector<NetworkAdapter> adapters;
    std::vector<InsertedMedium> media;
    std::optional<bool> has_tpm;  ///< nullopt: the host does not tell.
};

}  // namespace entrepot::hyperv
