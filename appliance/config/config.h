// entrepot.toml: what the administrator decides outside the console. Everything has a default that
// works on one machine.
#pragma once

#include "base/file_system.h"
#include "base/log.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::config {

struct ListenAddress {
    std::string address = "127.0.0.1";  ///< An IP address; an IPv6 one without its brackets.
    std::uint16_t port = 8443;
    bool operator==(const ListenAddress&) const = default;
};

/// "127.0.0.1:8443", "[::1]:8443". Throws Error{invalid}.
ListenAddress parse_listen_address(std::string_view text);

inline constexpr std::string_view kDefaultConfigFile = "/etc/entrepot/entrepot.toml";
inline constexpr std::int64_t kMibPerSecondMax = 100'000;

/// Who said a setting's value.
enum class Source { standard, file, command_line, environment };

struct Config {
    std::filesystem::path data_directory = "/var/lib/entrepot";  ///< data
    std::filesystem::path repository_path;  ///< repository.path; empty: DATA/repository.
    std::filesystem::path passphrase_file;  ///< repository.passphrase_file; empty: none.
    std::int32_t zstd_level = 1;            ///< repository.zstd_level, 1 to 19.
    /// repository.ingest_mib_per_second, repository.verify_mib_per_second, 0 to 100,000; 0: no
    /// bound.
    std::uint32_t ingest_mib_per_second = 0;
    std::uint32_t verify_mib_per_second = 0;
    ListenAddress listen;  ///< server.listen
    /// server.names: lower case; under which the console may be asked for besides its own.
    std::vector<std::string> server_names;
    std::string time_zone = "UTC";      ///< time_zone, an IANA name.
    bool allow_loopback_hosts = false;  ///< hosts.allow_loopback
    /// ingest.directory: from where, besides the shares, images are taken in over the network.
    std::filesystem::path ingest_directory{};
    /// hosts.record; empty: what hosts say is not recorded.
    std::filesystem::path record_directory;
    std::uint32_t worker_count = 4;         ///< jobs.workers, 1 to 64.
    std::uint32_t jobs_per_host_max = 2;    ///< jobs.per_host, 1 to 16.
    std::uint32_t job_keep_days = 90;       ///< jobs.keep_days, 1 to 3,650: of ended jobs.
    std::uint32_t job_keep_count = 20'000;  ///< jobs.keep_count, 100 to 1,000,000: of ended jobs.
    std::filesystem::path smb_conf;         ///< share.smb_conf; empty: no Samba of the system's.
    std::filesystem::path samba_include;    ///< share.samba_include; empty: nothing of yours.
    /// share.samba_directory, of the Samba that we run ourselves; empty: see samba_place().
    std::filesystem::path samba_directory;
    /// share.wait_for_space_minutes, 0 to 10,080: how long a backup waits for room on its share.
    std::uint32_t space_wait_minutes = 240;
    /// share.accept_holes: blocks of an export that were never written are zeros, and no damage.
    bool accept_holes = false;
    /// restore.directory: where those who came over the network may have disks written to.
    std::filesystem::path restore_directory = "/srv/entrepot/restored";
    /// files.index: whether the newest points get an index of their files' names by themselves.
    bool indexes_files = true;
    LogLevel log_level = LogLevel::info;  ///< log.level

    /// Where the settings stand, or would stand if there were such a file.
    std::filesystem::path file = kDefaultConfigFile;
    bool has_file = false;
    /// By key, of what is not the default's.
    std::map<std::string, Source, std::less<>> sources;

    std::filesystem::path repository_directory() const {
        return repository_path.empty() ? data_directory / "repository" : repository_path;
    }
    /// DATA/samba by custom; the daemon takes what the system gives it for the time it runs, which
    /// lies in memory only.
    std::filesystem::path samba_place() const {
        return samba_directory.empty() ? data_directory / "samba" : samba_directory;
    }
    std::filesystem::path file_index_directory() const { return data_directory / "file-index"; }
    std::filesystem::path state_file() const { return data_directory / "state.db"; }
};

/// Reads text as if it stood in `file`. setting_table.h has the keys. Throws Error{invalid} naming
/// file, line and key for bad syntax, an unknown key, a wrong type or a value out of its range.
Config parse_config(std::string_view text, const std::filesystem::path& file);

/// `file` as --config gave it, which must exist; nullopt: the default file if there is one, else
/// the defaults.
Config load_config(FileSystem& file_system, const std::optional<std::filesystem::path>& file);

}  // namespace entrepot::config
