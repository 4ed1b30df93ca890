// Every setting of entrepot.toml once: its key, what it is for, the member that holds it, and its
// bounds. What reads the file and what shows the settings both go by it.
#pragma once

#include "appliance/config/config.h"

#include <cstdint>

namespace entrepot::config {

struct Bounds {
    std::int64_t least = 0;
    std::int64_t most = 0;
};

/// Calls visitor.visit(key, about, member) for each, with Bounds behind for a number. The config
/// may be const.
template <typename ConfigType, typename Visitor>
void visit_settings(ConfigType& config, Visitor& visitor) {
    const auto visit = [&](auto&&... parts) { visitor.visit(parts...); };
    visit("data", "Where the appliance keeps its databases, its certificate and the index of names",
          config.data_directory);
    visit("time_zone", "In which days, weeks and calendars are counted", config.time_zone);
    visit("repository.path", "Where the repository is", config.repository_path);
    visit("repository.passphrase_file",
          "A file with the passphrase that opens the repository when the appliance starts",
          config.passphrase_file);
    visit("repository.zstd_level", "How hard new chunks are compressed: more takes more processor",
          config.zstd_level, Bounds{1, 19});
    visit("repository.ingest_mib_per_second",
          "MiB a second that all backups together read of exports; 0: no bound",
          config.ingest_mib_per_second, Bounds{0, kMibPerSecondMax});
    visit("repository.verify_mib_per_second",
          "MiB a second that all verifications together read; 0: no bound",
          config.verify_mib_per_second, Bounds{0, kMibPerSecondMax});
    visit("server.listen", "Address and port of the console and the REST interface", config.listen);
    visit("server.names",
          "Names under which browsers may ask for the console, besides the machine's own and those "
          "of its certificate",
          config.server_names);
    visit("hosts.allow_loopback", "Whether a host may be this machine itself: for tests",
          config.allow_loopback_hosts);
    visit("hosts.record", "A folder in which what hosts say is recorded; empty: nothing is",
          config.record_directory);
    visit("ingest.directory",
          "The one folder, besides those of shares, from which images are taken in over the "
          "network; empty: none",
          config.ingest_directory);
    visit("jobs.workers", "Jobs that run at the same time", config.worker_count, Bounds{1, 64});
    visit("jobs.per_host", "Backups of one host at the same time", config.jobs_per_host_max,
          Bounds{1, 16});
    visit("jobs.keep_days", "Days that ended jobs are remembered", config.job_keep_days,
          Bounds{1, 3'650});
    visit("jobs.keep_count", "Ended jobs that are remembered at most", config.job_keep_count,
          Bounds{100, 1'000'000});
    visit("share.smb_conf",
          "The configuration of the system's Samba, where it serves shares; empty: it does not",
          config.smb_conf);
    visit("share.samba_include", "Your own lines for the Samba of the appliance; empty: none",
          config.samba_include);
    visit("share.samba_directory", "Where the Samba of the appliance keeps its files",
          config.samba_directory);
    visit("share.wait_for_space_minutes", "Minutes that a backup waits for room on its share",
          config.space_wait_minutes, Bounds{0, 10'080});
    visit("share.accept_holes",
          "Whether blocks of an export that were never written are zeros, and no damage",
          config.accept_holes);
    visit("restore.directory",
          "The one folder of the appliance into which disks are restored over the network",
          config.restore_directory);
    visit("files.index", "Whether the files of new points are made ready to be searched by name",
          config.indexes_files);
    visit("log.level", "How much is written to the log: debug, info, warning or error",
          config.log_level);
}

}  // namespace entrepot::config
