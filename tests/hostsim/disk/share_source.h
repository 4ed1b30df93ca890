// Files that the host reads: a directory of this machine, or a real SMB share (hyperv-wmi.md 6.1).
#pragma once

#include "tests/hostsim/disk/share_target.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace entrepot::hostsim {

/// A file that is open for reading. Calls throw TargetFailure.
class SourceFile {
public:
    virtual ~SourceFile() = default;
    virtual std::uint64_t size() const = 0;
    /// All of the range must be inside of the file.
    virtual void read(std::uint64_t offset, MutableByteView target) const = 0;
};

struct SourceFacts {
    std::uint64_t size_bytes = 0;
    std::int64_t changed = 0;  ///< Any number that changes with the file.
    bool is_directory = false;
    bool is_sparse = false;  ///< As the server reports it; Hyper-V refuses such images.
};

/// Paths have '/' and are relative to the root. Names match without regard to case, as on
/// Windows. Calls throw TargetFailure.
class ShareSource {
public:
    virtual ~ShareSource() = default;
    /// Fails with 0x80070002 for a missing file, 0x80070003 for a missing folder.
    virtual std::unique_ptr<SourceFile> open(const std::string& path) const = 0;
    virtual std::optional<SourceFacts> find(const std::string& path) const = 0;
    virtual void remove(const std::string& path) const = 0;
    /// Where the file lies on this machine; empty if it lies on a server.
    virtual std::filesystem::path local_path(const std::string& path) const = 0;
};

std::unique_ptr<ShareSource> make_directory_source(const std::filesystem::path& root);
std::unique_ptr<ShareSource> make_smb_source(const SmbTargetOptions& options);

/// All of a small file. Fails with 0x8007000D for a larger one.
Bytes read_source(const SourceFile& file, std::uint64_t size_bytes_max);

}  // namespace entrepot::hostsim
