// Maps Windows paths to directories of this machine and to real shares.
#include "tests/hostsim/host/host_files.h"

#include "tests/hostsim/cim/value.h"

#include <algorithm>
#include <cctype>

namespace entrepot::hostsim {
namespace {

constexpr std::uint32_t kPathNotFound = 0x80070003;
constexpr std::uint32_t kBadNetworkPath = 0x80070035;
constexpr std::uint32_t kInvalidName = 0x8007007B;

bool is_below(const std::string& path, const std::string& root) {
    return path.size() > root.size() && same_name(path.substr(0, root.size()), root) &&
           path[root.size()] == '\\';
}

std::string with_slashes(std::string path) {
    std::replace(path.begin(), path.end(), '\\', '/');
    for (const auto& part : std::filesystem::path{path}) {
        if (part == ".." || part == ".")
            throw TargetFailure{kInvalidName, "The path is not valid."};
    }
    return path;
}

SmbTargetOptions smb_options(const ShareMapping& share) {
    return {share.smb->server, share.smb->port, share.unc.substr(share.unc.rfind('\\') + 1),
            share.smb->user, share.smb->password};
}

}  // namespace

/// A share or a volume, and the path below it.
struct HostFiles::Place {
    const ShareMapping* share = nullptr;
    const VolumeMapping* volume = nullptr;
    std::string path;

    const std::filesystem::path& directory() const {
        return share != nullptr ? share->path : volume->directory;
    }
    std::unique_ptr<ShareSource> source() const {
        if (share != nullptr && share->smb) return make_smb_source(smb_options(*share));
        return make_directory_source(directory());
    }
    std::unique_ptr<ShareTarget> target() const {
        if (share != nullptr && share->smb) return make_smb_target(smb_options(*share));
        return make_directory_target(directory());
    }
};

std::optional<HostFiles::Place> HostFiles::find_place(const std::string& path) const {
    for (const ShareMapping& share : config_.shares) {
        if (!is_below(path, share.unc)) continue;
        return Place{.share = &share, .path = with_slashes(path.substr(share.unc.size() + 1))};
    }
    for (const VolumeMapping& volume : config_.volumes) {
        if (!is_below(path, volume.path)) continue;
        return Place{.volume = &volume, .path = with_slashes(path.substr(volume.path.size() + 1))};
    }
    return std::nullopt;
}

HostFiles::Place HostFiles::need_place(const std::string& path) const {
    auto place = find_place(path);
    if (place) return std::move(*place);
    if (path.starts_with("\\\\")) {
        throw TargetFailure{kBadNetworkPath, "The network path was not found."};
    }
    throw TargetFailure{kPathNotFound, "The system cannot find the path specified."};
}

std::unique_ptr<SourceFile> HostFiles::open(const std::string& path) const {
    const Place place = need_place(path);
    return place.source()->open(place.path);
}

std::optional<SourceFacts> HostFiles::find(const std::string& path) const {
    const auto place = find_place(path);
    if (!place) return std::nullopt;
    return place->source()->find(place->path);
}

void HostFiles::write(const std::string& path, ByteView content) const {
    const Place place = need_place(path);
    if (place.source()->find(place.path)) place.source()->remove(place.path);
    const auto target = place.target();
    const std::size_t slash = place.path.rfind('/');
    if (slash != std::string::npos) target->make_directories(place.path.substr(0, slash));
    const auto file = target->create(place.path);
    file->write(0, content);
    file->close();
}

void HostFiles::remove(const std::string& path) const {
    const auto place = find_place(path);
    if (place && place->source()->find(place->path)) place->source()->remove(place->path);
}

std::filesystem::path HostFiles::local_path(const std::string& path) const {
    const auto place = find_place(path);
    return place ? place->source()->local_path(place->path) : std::filesystem::path{};
}

std::optional<std::uint64_t> HostFiles::free_bytes(const std::string& path) const {
    const auto place = find_place(path);
    if (!place || place->volume == nullptr) return std::nullopt;
    if (place->volume->free_bytes) return place->volume->free_bytes;
    return std::filesystem::space(place->volume->directory).available;
}

HostFiles::Target HostFiles::find_target(const std::string& folder) const {
    const Place place = need_place(folder);
    return {place.target(), place.path};
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('\\');
    return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) {
    return path.substr(path.rfind('\\') + 1);
}

bool is_absolute_windows_path(const std::string& path) {
    if (path.starts_with("\\\\")) return path.size() > 2;
    return path.size() > 2 && std::isalpha(static_cast<unsigned char>(path[0])) != 0 &&
           path[1] == ':' && path[2] == '\\';
}

}  // namespace entrepot::hostsim
