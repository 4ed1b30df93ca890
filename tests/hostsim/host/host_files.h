// Files by the names that the host has for them: D:\VMs\web01.vhdx, \\server\share\web01.vhdx.
#pragma once

#include "tests/hostsim/disk/share_source.h"
#include "tests/hostsim/disk/share_target.h"
#include "tests/hostsim/host/config.h"

#include <memory>
#include <optional>
#include <string>

namespace entrepot::hostsim {

/// Looks a path up in the configuration's volumes and shares. Calls throw TargetFailure.
class HostFiles {
public:
    explicit HostFiles(const Config& config) : config_(config) {}

    std::unique_ptr<SourceFile> open(const std::string& path) const;
    /// Nullopt if there is no such file, or nothing that the path could lead to.
    std::optional<SourceFacts> find(const std::string& path) const;
    /// Replaces a small file; makes its folder.
    void write(const std::string& path, ByteView content) const;
    /// A file that is not there is as good as removed.
    void remove(const std::string& path) const;
    /// Where the file lies on this machine; empty if it lies on a server or nowhere.
    std::filesystem::path local_path(const std::string& path) const;
    /// What the host takes for free there; nullopt where it cannot tell.
    std::optional<std::uint64_t> free_bytes(const std::string& path) const;

    /// Where a folder leads that is to be written: the target, and the path below it.
    struct Target {
        std::unique_ptr<ShareTarget> target;
        std::string path;
    };
    Target find_target(const std::string& folder) const;

private:
    struct Place;
    Place need_place(const std::string& path) const;
    std::optional<Place> find_place(const std::string& path) const;

    const Config& config_;
};

/// "D:\VMs" of "D:\VMs\web01.vhdx", and "web01.vhdx".
std::string folder_of(const std::string& path);
std::string file_name_of(const std::string& path);
/// True for a path with a drive letter or a server.
bool is_absolute_windows_path(const std::string& path);

}  // namespace entrepot::hostsim
