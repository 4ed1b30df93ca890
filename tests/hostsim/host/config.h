// The simulator's configuration file (interfaces.md "Host simulator").
#pragma once

#include "base/json.h"
#include "tests/hostsim/wire/authenticator.h"
#include "tests/hostsim/wire/language.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

struct SmbAccess {
    std::string server;
    std::uint16_t port = 445;
    std::string user;
    std::string password;
};

/// A UNC path, and where the host's vmms really writes for it.
struct ShareMapping {
    std::string unc;
    std::filesystem::path path;
    std::optional<SmbAccess> smb;
};

/// A folder of the host's own disks, and where it really is.
struct VolumeMapping {
    std::string path;  ///< "D:\\VMs"
    std::filesystem::path directory;
    std::optional<std::uint64_t> total_bytes;  ///< What the host says; else what really is.
    std::optional<std::uint64_t> free_bytes;
};

struct SwitchConfig {
    std::string name;
    std::string id;  ///< GUID, upper case.
};

/// winrm/config/service, as far as a client meets it.
struct Quotas {
    std::size_t operations_per_user_max = 1500;  ///< Open contexts and requests in work.
    std::size_t envelope_bytes_max = 512'000;
};

/// VMs without content, with checkpoints; see crowd.h.
struct CrowdConfig {
    int virtual_machines = 0;
    int checkpoints = 0;  ///< Of each.
    int disks = 1;        ///< Of each.
};

struct Speed {
    std::uint64_t export_bytes_per_second = 0;  ///< 0: no limit.
    std::chrono::milliseconds job_step{10};
    std::chrono::milliseconds merge{50};
    std::chrono::seconds job_removal{300};  ///< TimeBeforeRemoval.
    std::chrono::seconds enumeration_timeout{240};
};

struct Config {
    std::string listen_host = "127.0.0.1";
    std::uint16_t listen_port = 5986;
    std::string http_host;  ///< Empty: no listener without TLS.
    std::uint16_t http_port = 5985;
    std::filesystem::path certificate;  ///< Empty: a self-signed one in the state directory.
    std::filesystem::path key;
    std::string host_name = "HV01";
    std::uint32_t os_build = 20348;
    std::string schema = "windows-server-2019";
    std::string cluster;        ///< Name of the failover cluster; empty: the host is in none.
    std::string cluster_owner;  ///< The node that owns every VM; empty: this host.
    Language language = Language::english;
    bool has_hyper_v = true;  ///< Without the role its namespace is not there.
    LoginOptions login;
    std::vector<ShareMapping> shares;
    std::vector<VolumeMapping> volumes;
    std::vector<SwitchConfig> switches;
    bool missing_switch_is_warning = false;  ///< Else ValidatePlannedSystem fails for it.
    std::string default_disk_path;           ///< DefaultVirtualHardDiskPath.
    std::string default_data_root;           ///< DefaultExternalDataRoot.
    std::filesystem::path state;
    Json virtual_machines = Json::array();
    std::uint64_t seed = 0;
    std::uint32_t tracking_granularity_bytes = 65536;
    bool hashes_exports = true;
    CrowdConfig crowd;
    Speed speed;
    Quotas quotas;
    Json faults = Json::array();
};

/// Throws Error{invalid} naming the key that is wrong, unknown or missing. Relative paths are
/// taken from the file's own directory.
Config read_config(const std::filesystem::path& file);

}  // namespace entrepot::hostsim
