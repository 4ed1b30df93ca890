// A writer that dies at any change of any file: what has the target's name is the whole disk, and
// durable (storage/disk/disk_writer.h).
#include "storage/disk/disk_writer.h"

#include "storage/disk/image_report.h"

#include "tests/support/fault_file_system.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>

namespace entrepot::disk {
namespace {

constexpr std::uint64_t kSizeBytes = 6 * kMiB;
/// A dynamic VHDX has blocks of 32 MiB.
constexpr std::size_t kTargetBytesMax = 64 * kMiB;

/// How the process that writes ended.
enum class End { written = 0, crashed = 1, failed = 2, not_durable = 3 };

std::unique_ptr<DiskImage> make_disk(std::uint64_t seed) {
    auto file = std::make_unique<test::MemoryFile>("disk.raw");
    file->truncate(kSizeBytes);
    SeededRandom random{seed};
    for (const std::uint64_t offset : {std::uint64_t{4096}, 2 * kMiB - 8192, 5 * kMiB}) {
        Bytes content(16 * kKiB);
        random.fill(content);
        file->write(offset, content);
    }
    return open_raw(std::move(file));
}

struct CrashLab {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    NullProgress progress;
    std::unique_ptr<DiskImage> base = make_disk(1);
    std::unique_ptr<DiskImage> disk = make_disk(2);
    ImageInfo base_info;

    CrashLab() {
        SeededRandom random{3};
        base_info.format = ImageFormat::vhdx;
        base_info.data_write_guid = Guid::make_random(random);
    }

    std::filesystem::path target() const { return directory.path() / "target"; }

    void write(FileSystem& file_system, TargetFormat format) {
        SeededRandom random{4};
        WriteOptions options;
        options.format = format;
        options.base = base.get();
        options.base_info = &base_info;
        options.base_file_name = "base.vhdx";
        write_disk(file_system, random, *disk, target(), options, Work{progress});
    }

    /// In a process of its own, which ends at the n-th change without a word to anybody.
    End write_until(std::uint64_t change, TargetFormat format) {
        const pid_t pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid == 0) ::_exit(static_cast<int>(run_until(change, format)));
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        REQUIRE(WIFEXITED(status));
        return static_cast<End>(WEXITSTATUS(status));
    }

private:
    End run_until(std::uint64_t change, TargetFormat format) {
        test::FaultFileSystem faults{files};
        // A name that came before its content was synced would be there after a power cut, too.
        const auto is_early = [&] { return faults.undurable().contains(target().string()); };
        faults.on_crash(
            [&] { ::_exit(static_cast<int>(is_early() ? End::not_durable : End::crashed)); });
        faults.crash_at(change);
        try {
            write(faults, format);
        } catch (const std::exception&) {
            return End::failed;
        }
        // What is removed last, a qcow2's raw disk, may come back.
        const bool is_durable = format == TargetFormat::qcow2 || faults.undurable().empty();
        return is_durable && !is_early() ? End::written : End::not_durable;
    }
};

}  // namespace

TEST_CASE_METHOD(CrashLab, "writer: whatever it dies of, the target is whole or absent",
                 "[disk][writer]") {
    const auto format = GENERATE(TargetFormat::raw, TargetFormat::vhdx, TargetFormat::vhdx_fixed,
                                 TargetFormat::vhdx_diff, TargetFormat::vhd,
                                 TargetFormat::vhd_fixed, TargetFormat::qcow2);
    INFO("format " << static_cast<int>(format));
    // One that was written without a crash is what the others are held against.
    REQUIRE(write_until(UINT64_MAX, format) == End::written);
    const Bytes whole = files.read_file(target(), kTargetBytesMax);
    files.remove(target());

    std::uint64_t crash_count = 0;
    for (std::uint64_t change = 0;; ++change) {
        INFO("change " << change);
        const End end = write_until(change, format);
        if (files.exists(target())) {
            const Bytes found = files.read_file(target(), kTargetBytesMax);
            const bool is_whole = found == whole;
            REQUIRE(is_whole);
        } else {
            REQUIRE(end == End::crashed);
        }
        for (const auto& entry : files.list(directory.path()))
            files.remove(directory.path() / entry.name);
        if (end == End::written) break;
        REQUIRE(end == End::crashed);
        ++crash_count;
    }
    CHECK(crash_count >= 5);  // Created, sized, written, synced, renamed, and its folder synced.
}

}  // namespace entrepot::disk
