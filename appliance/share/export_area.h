// The folder behind a share: PATH/<host id>/<run id> receives an export, PATH/.taken/<run id> holds
// it out of the host's reach. Follows section 3.2 of the fault catalogue: all names are data.
#pragma once

#include "appliance/share/file_server.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/progress.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
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

/// One share's folder. Ids must satisfy is_path_id(). Safe to share between threads.
class ExportArea {
public:
    ExportArea(FileSystem& file_system, Clock& clock, std::filesystem::path root)
        : file_system_(file_system), clock_(clock), root_(std::move(root)) {}

    /// Error{not_found} if the share's folder itself is not there: it is never created.
    void check_root();
    std::uint64_t free_bytes();

    /// An empty directory with the access rights of the share's folder. Error{already_exists} if it
    /// is there and not empty.
    std::filesystem::path create_run(std::string_view host_id, std::string_view run_id);
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
    /// go at once, and looks at each entry again. May be called again after a crash: what was taken
    /// already is not moved. Error{not_found} if it is in neither place, Error{untrusted} if the
    /// folders for that are a link or somebody else's, and those of settle.
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

    struct Leftover {
        std::string host_id;  ///< Empty: in .taken.
        std::string run_id;
        std::filesystem::path path;
    };
    /// Directories whose name is one of `known_run_ids`; others are not ours to judge.
    std::vector<Leftover> find_leftovers(const std::vector<std::string>& known_run_ids);
    void remove_leftover(const Leftover& leftover);

private:
    void pause(const SettleOptions& options, std::stop_token stop);
    std::filesystem::path probe_path(std::string_view run_id) const;
    std::uint32_t find_own_id(std::string_view run_id);
    void require_own_folder(const std::filesystem::path& folder, std::uint32_t own_id);
    void move_to_taken(const std::filesystem::path& run, const std::filesystem::path& taken);

    FileSystem& file_system_;
    Clock& clock_;
    std::filesystem::path root_;
};

}  // namespace entrepot::share
