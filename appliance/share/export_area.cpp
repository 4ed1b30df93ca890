// The folder behind a share; see export_area.h.
#include "appliance/share/export_area.h"

#include "appliance/share/names.h"
#include "appliance/share/unc.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <tuple>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTakenFolder = ".taken";
// Of an account's folders: the host reads its own, and writes below its runs only. Not even their
// owner writes above: Samba removes as root what its own rules let a client remove, and has lost
// the power to pass over modes, which we have.
constexpr std::uint32_t kAboveRunMode = 0550;
constexpr std::uint32_t kRunMode = 0770;
constexpr std::uint32_t kTakenMode = 0700;
constexpr std::chrono::milliseconds kDiscardPatience{10'000};
constexpr std::size_t kExtensionBytesMax = 16;
constexpr std::array<std::string_view, 9> kExtensions{".vhdx", ".avhdx", ".vhd", ".avhd", ".vmcx",
                                                      ".vmrs", ".vmgs",  ".xml", ".vsv"};

std::string extension_of(std::string_view name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || name.size() - dot > kExtensionBytesMax) return {};
    std::string extension{name.substr(dot)};
    for (char& c : extension) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    const bool is_known =
        std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
    return is_known ? extension : std::string{};
}

// Collects the files of a tree, judging each entry.
class Walk {
public:
    Walk(FileSystem& file_system, const ExportLimits& limits)
        : file_system_(file_system), limits_(limits) {}

    void visit(const fs::path& directory, const std::vector<std::string>& folders) {
        if (folders.size() > limits_.depth_max) {
            throw Error{ErrorCode::limit,
                        fmt::format("the export is more than {} folders deep", limits_.depth_max)};
        }
        for (const DirectoryEntry& entry : file_system_.list(directory)) {
            if (++entry_count_ > limits_.entry_count_max) {
                throw Error{ErrorCode::limit, fmt::format("the export has more than {} entries",
                                                          limits_.entry_count_max)};
            }
            visit_entry(directory, folders, entry.name);
        }
    }

    std::vector<ExportFile> take() {
        std::sort(files_.begin(), files_.end(), [](const ExportFile& a, const ExportFile& b) {
            return std::tie(a.folders, a.name) < std::tie(b.folders, b.name);
        });
        return std::move(files_);
    }

private:
    void visit_entry(const fs::path& directory, std::vector<std::string> folders,
                     const std::string& name) {
        const fs::path path = directory / name;
        const auto status = file_system_.find_status(path);
        if (!status) return;  // Gone since it was listed; settle() looks twice.
        if (status->type == FileType::directory) {
            folders.push_back(name);
            visit(path, folders);
            return;
        }
        if (status->type != FileType::regular || status->link_count != 1) {
            throw Error{
                ErrorCode::untrusted,
                fmt::format("the export holds \"{}\", which is no plain file of one name",
                            printable(name)),
                "no Hyper-V host writes such a thing: find out who has access to the share"};
        }
        add_file(path, std::move(folders), name, *status);
    }

    void add_file(const fs::path& path, std::vector<std::string> folders, const std::string& name,
                  const FileStatus& status) {
        if (status.size_bytes > limits_.size_bytes_max - total_bytes_) {
            const std::string& bound = limits_.size_bound_name;
            throw Error{
                ErrorCode::limit,
                fmt::format("the export is larger than {}{}{}", bound, bound.empty() ? "" : " of ",
                            format_size(limits_.size_bytes_max)),
                limits_.size_bound_hint};
        }
        total_bytes_ += status.size_bytes;
        files_.push_back({.path = path,
                          .folders = std::move(folders),
                          .name = name,
                          .extension = extension_of(name),
                          .size_bytes = status.size_bytes,
                          .allocated_bytes = status.allocated_bytes,
                          .modified = status.modified});
    }

    FileSystem& file_system_;
    const ExportLimits& limits_;
    std::size_t entry_count_ = 0;
    std::uint64_t total_bytes_ = 0;
    std::vector<ExportFile> files_;
};

bool is_same(const ExportFile& a, const ExportFile& b) {
    return a.folders == b.folders && a.name == b.name && a.size_bytes == b.size_bytes &&
           a.modified == b.modified;
}

bool are_same(const std::vector<ExportFile>& a, const std::vector<ExportFile>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), is_same);
}

void require_path_id(std::string_view id) {
    if (is_path_id(id)) return;
    throw Error{ErrorCode::internal, fmt::format("\"{}\" is no id for a path", printable(id))};
}

}  // namespace

void ExportArea::check_root() {
    const auto status = file_system_.find_status(root_);
    if (status && status->type == FileType::directory) return;
    throw Error{ErrorCode::not_found,
                fmt::format("the share's folder {} is not there", root_.string()),
                "is its file system mounted?"};
}

std::uint64_t ExportArea::free_bytes() {
    check_root();
    return file_system_.free_bytes(root_);
}

fs::path ExportArea::host_path(std::string_view host_id) const {
    require_path_id(host_id);
    return host_root() / host_id;
}

fs::path ExportArea::host_root() const {
    return account_ ? root_ / account_->name : root_;
}

fs::path ExportArea::run_path(std::string_view host_id, std::string_view run_id) const {
    require_path_id(run_id);
    return host_path(host_id) / run_id;
}

fs::path ExportArea::taken_path(std::string_view run_id) const {
    require_path_id(run_id);
    return root_ / kTakenFolder / run_id;
}

fs::path ExportArea::probe_path(std::string_view run_id) const {
    return root_ / fmt::format("{}-{}", kTakenFolder, run_id);
}

// A host writes through the file server under an account that the share's folder admits, so the
// folders below admit the same; where the account is the host's own, nobody else. The umask of this
// process says nothing about that.
void ExportArea::ensure_folder(const fs::path& folder, std::uint32_t mode) {
    const auto status = file_system_.find_status(folder);
    if (status && status->type != FileType::directory) {
        throw Error{ErrorCode::untrusted, fmt::format("{} is no directory", folder.string())};
    }
    if (status && !account_) return;
    if (!status) file_system_.make_directories(folder);
    if (account_) {
        file_system_.set_access(folder, {.mode = mode, .group_id = account_->group_id});
    } else if (const auto root = file_system_.find_status(root_)) {
        file_system_.set_access(folder, {.mode = root->mode});
    }
    if (!status) file_system_.sync_directory(folder.parent_path());
}

void ExportArea::prepare_host(std::string_view host_id) {
    const fs::path host = host_path(host_id);
    check_root();
    if (account_) ensure_folder(host.parent_path(), kAboveRunMode);
    ensure_folder(host, kAboveRunMode);
}

fs::path ExportArea::create_run(std::string_view host_id, std::string_view run_id) {
    const fs::path run = run_path(host_id, run_id);
    prepare_host(host_id);
    if (const auto status = file_system_.find_status(run)) {
        if (status->type != FileType::directory || !file_system_.list(run).empty()) {
            throw Error{ErrorCode::already_exists,
                        fmt::format("{} is there already and not empty", run.string())};
        }
    }
    ensure_folder(run, kRunMode);
    return run;
}

std::vector<ExportFile> ExportArea::list_files(const fs::path& run_directory,
                                               const ExportLimits& limits) {
    const auto status = file_system_.find_status(run_directory);
    if (!status) {
        throw Error{ErrorCode::not_found,
                    fmt::format("the export folder {} is not there", run_directory.string())};
    }
    if (status->type != FileType::directory) {
        throw Error{ErrorCode::untrusted,
                    fmt::format("the export folder {} is no directory", run_directory.string())};
    }
    Walk walk{file_system_, limits};
    walk.visit(run_directory, {});
    return walk.take();
}

std::vector<ExportFile> ExportArea::settle(std::string_view host_id, std::string_view run_id,
                                           const SettleOptions& options, FileServer* server,
                                           std::stop_token stop) {
    const fs::path run = run_path(host_id, run_id);
    OpenHandles handles{server, run_id, options.on_close};
    handles.check_server(stop);
    const SteadyTime start = clock_.steady_now();
    SteadyTime quiet_since = start;
    std::vector<ExportFile> files = list_files(run, options.limits);
    for (;;) {
        pause(options, stop);
        std::vector<ExportFile> now_files = list_files(run, options.limits);
        const SteadyTime now = clock_.steady_now();
        if (!are_same(files, now_files)) quiet_since = now;
        files = std::move(now_files);
        const SteadyTime quiet_at = quiet_since + options.quiet;
        const Insist insist = now >= quiet_at + options.handle_patience ? Insist::yes : Insist::no;
        if (now >= quiet_at && handles.are_closed(insist, stop)) return files;
        if (now - start <= options.timeout) continue;
        if (now >= quiet_at) throw handles.failure();
        throw Error{ErrorCode::timeout, "the files of the export do not stop changing",
                    "find out which program on the host still writes to the share"};
    }
}

void ExportArea::pause(const SettleOptions& options, std::stop_token stop) {
    clock_.sleep_for(options.poll_interval, stop);
    if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
}

// What a file system shows as the owner of what we make. Not our user id: a network file system
// may show another one.
std::uint32_t ExportArea::find_own_id(std::string_view run_id) {
    const fs::path probe = probe_path(run_id);
    file_system_.remove(probe);
    file_system_.create(probe);
    const auto status = file_system_.find_status(probe);
    file_system_.remove(probe);
    if (!status) {
        throw Error{ErrorCode::io,
                    fmt::format("the file {}, just made, is not there", probe.string()),
                    "look at the share's file system, and at who else changes its files"};
    }
    return status->owner_id;
}

// Whoever owns a folder opens it again whatever its mode is, and may have put an "export" of his
// own into it; a link would lead the export, and its removal, anywhere.
void ExportArea::require_own_folder(const fs::path& folder, std::uint32_t own_id) {
    const auto status = file_system_.find_status(folder);
    if (!status || status->type != FileType::directory) {
        throw Error{ErrorCode::untrusted, fmt::format("{} is no directory", folder.string()),
                    "we did not make it: find out who did, then remove it"};
    }
    if (status->owner_id != own_id) {
        throw Error{ErrorCode::untrusted,
                    fmt::format("{} belongs to user {}, not to the appliance", folder.string(),
                                status->owner_id),
                    "we did not make it: find out who did, then remove it"};
    }
}

void ExportArea::ensure_taken_folder(std::uint32_t own_id) {
    const fs::path folder = root_ / kTakenFolder;
    if (!file_system_.exists(folder)) file_system_.make_directories(folder);
    require_own_folder(folder, own_id);
    file_system_.set_access(folder, {.mode = kTakenMode});
}

void ExportArea::move_to_taken(const fs::path& run, const fs::path& taken) {
    const auto status = file_system_.find_status(run);
    if (!status) {
        throw Error{ErrorCode::not_found,
                    fmt::format("the export folder {} is not there", run.string())};
    }
    if (status->type != FileType::directory) {
        throw Error{ErrorCode::untrusted,
                    fmt::format("the export folder {} is no directory", run.string())};
    }
    file_system_.rename(run, taken);
    file_system_.sync_directory(taken.parent_path());
    file_system_.sync_directory(run.parent_path());
}

std::vector<ExportFile> ExportArea::take(std::string_view host_id, std::string_view run_id,
                                         const SettleOptions& options, FileServer* server,
                                         std::stop_token stop) {
    const fs::path run = run_path(host_id, run_id);
    check_root();
    OpenHandles handles{server, run_id, options.on_close};
    handles.check_server(stop);
    const std::uint32_t own_id = find_own_id(run_id);
    const fs::path taken = taken_path(run_id);
    ensure_taken_folder(own_id);
    if (!file_system_.exists(taken)) move_to_taken(run, taken);
    require_own_folder(taken, own_id);
    close_holders(handles, options, stop);
    std::vector<ExportFile> files = list_files(taken, options.limits);
    make_durable(taken, files);
    return files;
}

// Whoever goes on after a power cut takes them for what they were: the file server may have left
// them to the system's cache.
void ExportArea::make_durable(const fs::path& taken, const std::vector<ExportFile>& files) {
    std::set<fs::path> folders;
    for (const ExportFile& file : files) {
        file_system_.open_read(file.path, FollowLinks::no)->sync();
        for (fs::path folder = file.path.parent_path(); folder != taken.parent_path();
             folder = folder.parent_path()) {
            folders.insert(folder);
        }
    }
    for (const fs::path& folder : folders)
        file_system_.sync_directory(folder);
}

fs::path ExportArea::prepare_taken(std::string_view run_id) {
    fs::path taken = taken_path(run_id);
    const fs::path folder = taken.parent_path();
    if (!file_system_.exists(folder)) file_system_.make_directories(folder);
    return taken;
}

// The file server keeps the names by which files were opened, so the old place is asked for.
void ExportArea::close_holders(OpenHandles& handles, const SettleOptions& options,
                               std::stop_token stop) {
    const SteadyTime start = clock_.steady_now();
    while (!handles.are_closed(Insist::yes, stop)) {
        if (clock_.steady_now() - start > options.timeout) throw handles.failure();
        pause(options, stop);
    }
}

void ExportArea::check_unchanged(const std::vector<ExportFile>& before, std::string_view run_id,
                                 const ExportLimits& limits) {
    const std::vector<ExportFile> now = list_files(taken_path(run_id), limits);
    for (std::size_t i = 0; i < std::max(before.size(), now.size()); ++i) {
        if (i < before.size() && i < now.size() && is_same(before[i], now[i])) continue;
        const ExportFile& file = i < before.size() ? before[i] : now[i];
        throw Error{ErrorCode::conflict,
                    fmt::format("file \"{}\" of the export changed while it was read",
                                printable(file.name)),
                    "somebody still has access to it: look at the open files of the file server"};
    }
}

void ExportArea::remove_run(std::string_view host_id, std::string_view run_id) {
    // A crash may have left the probe.
    for (const fs::path& path :
         {run_path(host_id, run_id), taken_path(run_id), probe_path(run_id)}) {
        const auto status = file_system_.find_status(path);
        if (!status) continue;
        if (status->type == FileType::directory) {
            file_system_.remove_tree(path);
        } else {
            file_system_.remove(path);
        }
        file_system_.sync_directory(path.parent_path());
    }
}

void ExportArea::discard_run(std::string_view host_id, std::string_view run_id,
                             const SettleOptions& options, FileServer* server) {
    const fs::path run = run_path(host_id, run_id);
    if (server != nullptr && file_system_.exists(run)) {
        try {
            const std::uint32_t own_id = find_own_id(run_id);
            const fs::path taken = prepare_taken(run_id);
            require_own_folder(taken.parent_path(), own_id);
            if (!file_system_.exists(taken)) move_to_taken(run, taken);
            OpenHandles handles{server, run_id, options.on_close};
            SettleOptions brief = options;
            brief.timeout = std::min(brief.timeout, kDiscardPatience);
            close_holders(handles, brief, {});
        } catch (const Error&) {
            // A file server that is down holds nothing. What else holds something keeps its space
            // until it lets go, which is no reason to keep the guest's data under a name.
        }
    }
    remove_run(host_id, run_id);
}

}  // namespace entrepot::share
