// The file server in front of a share: who holds files of a run open, and how they are made to let
// go. Follows "settle" in section 3 of the architecture.
//
// How a host's sessions are known. Three ways were open:
//   - by the host's address: a host writes from another card than it is managed by, comes through
//     address translation together with others, or is a cluster node that the name does not say;
//   - by its account on the share: where the file server is not ours hosts may share one, and which
//     identity a host writes with is the least certain part of the field;
//   - by what they hold: whoever has something open below the run's folder. That needs no
//     configuration, cannot hit another host, and is all that matters: an SMB handle belongs to an
//     open file, so a session that holds nothing there can only come in by a name, and after the
//     move there is no name any more.
// The last one is what we do; on a share of ours only that host's account reaches the run at all. A
// client that holds files of another run as well (a host that exports
// two VMs at once does it over one session) is waited for, not cut: its other export would fail.
#pragma once

#include "base/file_system.h"
#include "base/process.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// A client of the file server that has something open below a run's folder.
struct Holder {
    std::string client;     ///< The file server's own name for it.
    std::string machine;    ///< Its address, for people.
    std::string account{};  ///< Under which it logged in; empty where that is not known.
    std::string file;       ///< One of the files it holds; data, not fit for a message as it is.
    bool is_busy_elsewhere = false;  ///< It has files of other runs open as well.
};

/// Errors of all calls: Error{not_found} for a missing tool or configuration, Error{unreachable},
/// Error{timeout}, Error{permission_denied}, Error{io}, Error{protocol}, Error{cancelled}.
class FileServer {
public:
    virtual ~FileServer() = default;
    /// Throws Error{unreachable} if it does not answer: then what is open can't be known.
    virtual void check_running(std::stop_token stop) = 0;
    /// The run's id is the name of its folder: 128 random bits, which occur nowhere else.
    virtual std::vector<Holder> find_holders(std::string_view run_id, std::stop_token stop) = 0;
    /// Ends this client's connections to shares, and with them every handle it has. Returns when
    /// the file server was told; find_holders() shows when it is done.
    virtual void close_sessions(const Holder& holder, std::stop_token stop) = 0;
    /// Ends every client that is logged in under one of these accounts, logins and all. Nothing
    /// happens if there is none.
    virtual void end_clients(const std::vector<std::string>& accounts, std::stop_token stop) = 0;
};

/// Which Samba is meant, and what people can do about it.
struct SambaServerOptions {
    std::filesystem::path smb_conf;
    std::string missing_hint = "correct share.smb_conf in entrepot.toml";
    std::string silent_hint =
        "start it (systemctl start smbd), or correct share.smb_conf in entrepot.toml";
};

/// The Samba that runs here with this configuration, by its own tools `smbstatus` and `smbcontrol`
/// (4.17 or later; they want root). What is passed must outlive it. Safe to share between threads.
std::unique_ptr<FileServer> make_samba_server(SambaServerOptions options, FileSystem& file_system,
                                              ProcessRunner& processes);

}  // namespace entrepot::share
