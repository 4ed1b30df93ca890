// Where the host writes exports: a directory, or a real SMB share (hyperv-wmi.md section 8).
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace entrepot::hostsim {

/// A failure as Windows numbers it.
struct TargetFailure {
    std::uint32_t hresult;
    std::string text;
};

/// A file that is being written. Calls throw TargetFailure.
class TargetFile {
public:
    virtual ~TargetFile() = default;
    virtual void write(std::uint64_t offset, ByteView data) = 0;
    virtual void truncate(std::uint64_t size_bytes) = 0;
    virtual void close() = 0;
};

/// Paths have '/' and are relative to the share.
class ShareTarget {
public:
    virtual ~ShareTarget() = default;
    virtual void make_directories(const std::string& path) = 0;
    /// Fails with 0x80070050 if the file is there.
    virtual std::unique_ptr<TargetFile> create(const std::string& path) = 0;
};

std::unique_ptr<ShareTarget> make_directory_target(const std::filesystem::path& root);

struct SmbTargetOptions {
    std::string server;
    std::uint16_t port = 445;
    std::string share;
    std::string user;
    std::string password;
};
std::unique_ptr<ShareTarget> make_smb_target(const SmbTargetOptions& options);

}  // namespace entrepot::hostsim
