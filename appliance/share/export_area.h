// The folder behind a share: PATH/<host id>/<run id> receives an export, PATH/.taken/<run id> holds
// it out of the host's reach. Follows section 3.2 of the fault catalogue: all names are data.
//
// Where the file server is ours, each host logs in with an account of its own, whose share begins
// at PATH/<account>: no name leads from there to another host's folder. The folders above a run
// belong to us, so that a host writes nowhere but into the runs that we made for it.
#pragma once

#include "appliance/share/file_server.h"
#include "appliance/share/open_handles.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/progress.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// A file of an export. The path is for opening; the names are data.
struct ExportFile {
    std::filesystem::path path;
    std::vector<std::string> folders;  ///< Below the run's directory.
    std::string name;
    std::string extension;  ///< Lower case, with the dot: ".vhdx", ".avhdx", ".vmcx"; or empty.
    std::uint64_t size_bytes = 0;
    std::uint64_t allocated_bytes = 0;
    WallTime modified{};
};

struct ExportLimits {
    std::size_t entry_count_max = 10'000;
    std::size_t depth_max = 8;
    std::uint64_t size_bytes_max = 512 * kTiB;  ///< All files together.
    /// For people, if that is a bound that somebody has set: whose it is, and how to change it.
    std::string size_bound_name{};
    std::string size_bound_hint{};
};

struct SettleOptions {
    ExportLimits limits{};
    /// Size and time of every file must stay the same this long.
    std::chrono::milliseconds quiet{2'000};
    /// After that, a client may hold files open this long before its sessions are closed: Windows
    /// closes a file some seconds after the program did.
    std::chrono::milliseconds handle_patience{15'000};
    std::chrono::milliseconds poll_interval{500};
    std::chrono::milliseconds timeout{300'000};
    /// Told before a client's sessions are closed; may be empty.
    std::function<void(const Holder&)> on_close{};
};

/// The account that a host has on a share that we serve ourselves.
struct AreaAccount {
    std::string name;            ///< Of the folder below the share's.
    std::uint32_t group_id = 0;  ///< Of the system's account; admitted to its host's runs.
};

/// One share's folder. Ids must satisfy is_path_id(). Safe to share between threads.
class ExportArea {
public:
    /// With an account it is the area of that account's host alone.
    ExportArea(FileSystem& file_system, Clock& clock, std::filesystem::path root,
               std::optional<AreaAccount> account = std::nullopt)
        : file_system_(file_system),
          clock_(clock),
          root_(std::move(root)),
          account_(std::move(account)) {}

    /// Error{not_found} if the share's folder itself is not there: it is never created.
    void check_root();
    std::uint64_t free_bytes();

    /// Makes the folders above the host's runs, if they are not there.
    void prepare_host(std::string_view host_id);
    /// An empty directory with the access rights of the share's folder, or open to the account
    /// alone. Error{already_exists} if it is there and not empty.
    std::filesystem::path create_run(std::string_view host_id, std::string_view run_id);
    std::filesystem::path host_path(std::string_view host_id) const;
    std::filesystem::path run_path(std::string_view host_id, std::string_view run_id) const;
    std::filesystem::path taken_path(std::string_view run_id) const;

    /// Waits until nobody writes any more: the same files with the same sizes and times over
    /// `options.quiet`; and with a file server until no client has anything of the run open, which
    /// is helped after `options.handle_patience` by closing its sessions. Without one (nullptr)
    /// only sizes and times are looked at. Error{timeout} naming who holds what, Error{cancelled},
    /// and those of list_files and FileServer.
    std::vector<ExportFile> settle(std::string_view host_id, std::string_view run_id,
                                   const SettleOptions& options, FileServer* server,
                                   std::stop_token stop);
    /// Moves the run out of the host's reach, makes whoever opened something in the last moment let
    /// go at once, looks at each entry again, and makes all of it durable. May be called again
    /// after a crash: what was taken already is not moved. Error{not_found} if it is in neither
    /// place, Error{untrusted} if the folders for that are a link or somebody else's, and those of
    /// settle.
    std::vector<ExportFile> take(std::string_view host_id, std::string_view run_id,
                                 const SettleOptions& options, FileServer* server,
                                 std::stop_token stop);

    /// All files of a run in either place, sorted. Error{untrusted} for a link, a file with a
    /// second name, a device, a socket or a pipe; Error{limit} beyond the limits.
    std::vector<ExportFile> list_files(const std::filesystem::path& run_directory,
                                       const ExportLimits& limits);
    /// Of a taken run: throws Error{conflict} naming the first file that is not as it was.
    void check_unchanged(const std::vector<ExportFile>& before, std::string_view run_id,
                         const ExportLimits& limits);

    /// Removes a run in both places; nothing happens if there is none.
    void remove_run(std::string_view host_id, std::string_view run_id);
    /// As remove_run(), of a run that the host may still write: it is moved out of the host's reach
    /// first, and whoever holds something of it is made to let go, as far as the file server can.
    void discard_run(std::string_view host_id, std::string_view run_id,
                     const SettleOptions& options, FileServer* server);

    // The opposite way, for a restore: what we write is seen by a host when it is whole.

    /// `folders` below the share's folder, as a person named them: a folder that is not there yet,
    /// or an empty one, in one that is. Error{invalid} for a name that is none, Error{not_found},
    /// Error{already_exists}, Error{untrusted} for a link on the way.
    std::filesystem::path check_named_folder(const std::vector<std::string>& folders);
    /// Where the VM of a restore lies, and may run: for what looks for runs, it is none.
    std::filesystem::path restore_path(std::string_view host_id, std::string_view run_id) const;
    /// A directory of the run in .taken, which may be there from an earlier life.
    std::filesystem::path create_private(std::string_view run_id);
    /// Gives what lies in there the owner and the rights of the folder that will hold it, and moves
    /// it to `target`, a run_path(), restore_path() or named folder; where the host has an account
    /// of its own, that account is admitted, and nobody else. Nothing happens if it was moved
    /// already.
    void publish(std::string_view run_id, const std::filesystem::path& target);
    /// Removes what publish() moved; nothing happens if there is none.
    void remove_published(const std::filesystem::path& target);

private:
    /// The folder that will hold a published one, admitted as ours are.
    void prepare_folder(const std::filesystem::path& folder);
    void ensure_folder(const std::filesystem::path& folder, std::uint32_t mode);
    void pause(const SettleOptions& options, std::stop_token stop);
    std::filesystem::path prepare_taken(std::string_view run_id);
    void make_durable(const std::filesystem::path& taken, const std::vector<ExportFile>& files);
    void close_holders(OpenHandles& handles, const SettleOptions& options, std::stop_token stop);
    std::filesystem::path probe_path(std::string_view run_id) const;
    /// Where a host's share begins.
    std::filesystem::path host_root() const;
    std::uint32_t find_own_id(std::string_view run_id);
    void require_own_folder(const std::filesystem::path& folder, std::uint32_t own_id);
    void ensure_taken_folder(std::uint32_t own_id);
    void move_to_taken(const std::filesystem::path& run, const std::filesystem::path& taken);

    FileSystem& file_system_;
    Clock& clock_;
    std::filesystem::path root_;
    std::optional<AreaAccount> account_;
};

}  // namespace entrepot::share
