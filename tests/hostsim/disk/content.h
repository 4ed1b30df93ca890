// The content of a frozen disk: what the guest had, and what its auto-recovery wrote on top.
#pragma once

#include "tests/hostsim/disk/file_handle.h"

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::hostsim {

class DiskContent {
public:
    virtual ~DiskContent() = default;
    virtual std::uint64_t size() const = 0;
    virtual void read(std::uint64_t offset, MutableByteView target) const = 0;
    /// The next range at or after the offset that may be other than zeros.
    virtual std::optional<ByteRange> find_data(std::uint64_t offset) const = 0;
};

/// A raw file.
class RawContent final : public DiskContent {
public:
    RawContent(const std::filesystem::path& path, std::uint64_t size_bytes)
        : file_(path, FileHandle::Mode::read), size_(size_bytes) {}
    std::uint64_t size() const override { return size_; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        file_.read(offset, target);
    }
    std::optional<ByteRange> find_data(std::uint64_t offset) const override;

private:
    FileHandle file_;
    std::uint64_t size_;
};

/// A disk with the guest's auto-recovery writes over it. Every fourth range is zeros, so that the
/// leaf of an export takes data away, too.
class RecoveredContent final : public DiskContent {
public:
    RecoveredContent(const DiskContent& below, std::vector<ByteRange> writes, std::uint64_t seed)
        : below_(below), writes_(std::move(writes)), seed_(seed) {}
    std::uint64_t size() const override { return below_.size(); }
    void read(std::uint64_t offset, MutableByteView target) const override;
    std::optional<ByteRange> find_data(std::uint64_t offset) const override;

private:
    const DiskContent& below_;
    std::vector<ByteRange> writes_;
    std::uint64_t seed_;
};

/// Repeatable noise for an offset that is a multiple of 8.
std::uint64_t noise_at(std::uint64_t seed, std::uint64_t offset);
void fill_noise(std::uint64_t seed, std::uint64_t offset, MutableByteView target);

/// SHA-256 of the whole content, holes as zeros, in hex. Ends early with "" when asked to stop.
std::string digest_of(const DiskContent& content, const std::stop_token& stop);

/// Sorted, without overlap, joined where they touch.
std::vector<ByteRange> normalise(std::vector<ByteRange> ranges);

/// What of normalised ranges lies outside of one.
std::vector<ByteRange> subtract(const std::vector<ByteRange>& ranges, const ByteRange& hole);

}  // namespace entrepot::hostsim
