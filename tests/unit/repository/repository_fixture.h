// A repository in a directory of its own, and points with known content.
#pragma once

#include "storage/repository/repository.h"
#include "tests/support/jumping_clock.h"
#include "tests/support/temporary_directory.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::repository::test {

inline constexpr std::uint64_t kChunk = 64 * kKiB;

/// Cheap enough for a test.
inline constexpr KeyCost kCheapKey{1, 8 * kKiB};

/// A disk in memory.
using DiskContent = Bytes;

/// Random bytes, half of them compressible; the same for the same seed.
Bytes make_content(std::uint64_t seed, std::size_t size_bytes);
/// A disk whose chunks are random, zero or repeated, by seed.
DiskContent make_disk(std::uint64_t seed, std::size_t size_bytes);
/// Overwrites chunks by seed; returns those that were touched.
std::vector<std::uint64_t> change_disk(DiskContent& disk, std::uint64_t seed, std::size_t count);

/// What others do while a gc is at one of its moments.
class GcScript final : public GcObserver {
public:
    std::function<void(GcMoment)> on_moment;  ///< Empty: nothing.
    void at(GcMoment moment) override {
        if (on_moment) on_moment(moment);
    }
};

class Fixture {
public:
    explicit Fixture(std::optional<std::string> passphrase = "correct horse",
                     CreateOptions options = {});

    /// A copy of another's closed repository, not yet open.
    Fixture(const std::filesystem::path& original, const std::optional<Secret>& key);

    /// Closes and opens again.
    Repository& reopen();
    void close() { repository_.reset(); }
    void open_with(std::optional<Secret> key);
    Repository& repository() { return *repository_; }

    std::string add_full(const std::string& vm, const DiskContent& disk);
    std::string add_incremental(const std::string& vm, const std::string& base,
                                const DiskContent& disk, const std::vector<std::uint64_t>& chunks);
    DiskContent read_disk(const std::string& point, View view = View::restore);

    std::filesystem::path directory() const { return temporary_.path() / "repository"; }
    /// The objects of one collection.
    std::vector<std::filesystem::path> objects(const std::string& collection) const;

    entrepot::test::TemporaryDirectory temporary_;
    PosixFileSystem posix_;
    FileSystem* file_system_ = &posix_;
    entrepot::test::JumpingClock clock_{WallTime{std::chrono::milliseconds{1'770'000'000'000}}};
    SystemRandom random_;
    NullLog log_;
    NullProgress progress_;
    GcScript gc_;
    std::uint64_t reserve_bytes_ = 0;
    int compression_level_ = 1;
    std::optional<Secret> key_;
    Created created_;

    Environment environment() { return {*file_system_, clock_, random_, log_, {}, &gc_}; }
    Work work() { return Work{progress_}; }

private:
    std::unique_ptr<Repository> repository_;
};

DiskDraft draft_of(const DiskContent& disk, std::uint32_t index = 0);
PointDraft point_draft(const std::string& vm);
/// Writes the whole disk, zero chunks as zeros.
void write_all(DiskSink& sink, const DiskContent& disk);
void write_chunks(DiskSink& sink, const DiskContent& disk,
                  const std::vector<std::uint64_t>& chunks);
DiskContent read_all(PointReader& point, std::uint32_t index, View view);
/// Inverts one byte of a file.
void flip_byte(const std::filesystem::path& path, std::uint64_t offset);

}  // namespace entrepot::repository::test
