// What is written is read back equal: by us, and by qemu-img, which shares nothing with us.
#include "storage/disk/disk_writer.h"

#include "storage/disk/image_chain.h"
#include "storage/disk/image_report.h"

#include "base/error.h"
#include "tests/support/failing_file_system.h"
#include "tests/support/memory_file.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/vhdx_image_builder.h"

#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

extern char** environ;

namespace entrepot::disk {
namespace {

namespace fs = std::filesystem;

bool run_qemu_img(std::vector<std::string> words) {
    words.insert(words.begin(), "qemu-img");
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawnp(&pid, "qemu-img", nullptr, nullptr, arguments.data(), environ) != 0) {
        return false;
    }
    int status = 0;
    return ::waitpid(pid, &status, 0) == pid && status == 0;
}

/// A raw disk in memory, with random writes, zeroed ranges and holes.
class ScratchDisk {
public:
    ScratchDisk(std::uint64_t size, std::uint32_t sector, std::uint64_t seed)
        : sector_(sector), random_(seed) {
        auto file = std::make_unique<test::MemoryFile>("scratch.raw");
        file->truncate(size);
        file_ = file.get();
        image_ = open_raw(std::move(file), sector);
    }
    const DiskImage& image() const { return *image_; }

    void change(int operation_count) {
        for (int i = 0; i < operation_count; ++i) {
            const std::uint64_t sector_count = image_->size_bytes() / sector_;
            const std::uint64_t begin = random_.u64() % sector_count;
            const std::uint64_t longest = random_.u64() % 4 == 0 ? 8192 : 40;
            const std::uint64_t count = std::min(1 + random_.u64() % longest, sector_count - begin);
            Bytes content(count * sector_);
            if (random_.u64() % 3 != 0) random_.fill(content);
            file_->write(begin * sector_, content);
        }
    }
    /// An independent disk with the same content.
    std::unique_ptr<DiskImage> copy() const {
        auto file = std::make_unique<test::MemoryFile>(*file_);
        return open_raw(std::move(file), sector_);
    }

private:
    std::uint32_t sector_;
    SeededRandom random_;
    test::MemoryFile* file_ = nullptr;
    std::unique_ptr<DiskImage> image_;
};

struct Fixture {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    SeededRandom random{99};
    NullProgress progress;
    Work work{progress};

    fs::path path(const std::string& name) const { return directory.path() / name; }
    void write(const DiskSource& source, const std::string& name, const WriteOptions& options) {
        write_disk(files, random, source, path(name), options, work);
    }
    std::shared_ptr<const DiskImage> open(const std::string& name) {
        return open_any(files.open_read(path(name)));
    }
    void check_equal(const DiskSource& first, const DiskSource& second) {
        const DiskComparison result = compare_disks(first, second, work);
        CHECK(result.is_equal());
        // Reads in odd pieces go another way than the comparison's.
        Bytes a(77'777);
        Bytes b(77'777);
        for (int i = 0; i < 20; ++i) {
            const std::uint64_t offset = random.u64() % (first.size_bytes() - a.size());
            first.read(offset, a);
            second.read(offset, b);
            CHECK(std::memcmp(a.data(), b.data(), a.size()) == 0);
        }
    }
};

WriteOptions options_of(TargetFormat format) {
    WriteOptions options;
    options.format = format;
    return options;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "writer: every format reads back as the disk was", "[disk][writer]") {
    const std::uint64_t seed = GENERATE(range(1, 7));
    const std::uint32_t sector = seed % 3 == 0 ? 4096 : 512;
    // Sizes around the blocks: less than one, exactly some, a part of the last.
    const std::uint64_t sizes[] = {64 * kMiB,        5 * kMiB + 8192, 33 * kMiB,
                                   96 * kMiB + 4096, 2 * kMiB,        70 * kMiB};
    INFO("seed " << seed);
    ScratchDisk disk{sizes[seed - 1], sector, seed};
    disk.change(50);
    for (const auto format :
         {TargetFormat::raw, TargetFormat::vhdx, TargetFormat::vhdx_fixed, TargetFormat::qcow2}) {
        write(disk.image(), std::to_string(static_cast<int>(format)), options_of(format));
    }
    const std::string qcow2 = std::to_string(static_cast<int>(TargetFormat::qcow2));
    for (const auto format : {TargetFormat::raw, TargetFormat::vhdx, TargetFormat::vhdx_fixed}) {
        const std::string name = std::to_string(static_cast<int>(format));
        if (format == TargetFormat::raw) {
            check_equal(*open_raw(files.open_read(path(name)), sector), disk.image());
            // qemu's word on the other formats: it compares content.
            CHECK(run_qemu_img({"compare", "-q", "-f", "raw", "-F", "qcow2", path(name).string(),
                                path(qcow2).string()}));
            continue;
        }
        const auto image = open(name);
        check_equal(*image, disk.image());
        check_block_aliasing(*image);
        CHECK(image->info().warnings.empty());
        CHECK(image->info().logical_sector_size == sector);
        if (sector != 512) continue;  // qemu-img refuses VHDX with other sectors.
        CHECK(run_qemu_img({"compare", "-q", "-f", "vhdx", "-F", "qcow2", path(name).string(),
                            path(qcow2).string()}));
        CHECK(run_qemu_img({"check", "-q", "-f", "vhdx", path(name).string()}));
    }
    // Nothing but the four files: no temporary name stays.
    CHECK(files.list(directory.path()).size() == 4);
}

TEST_CASE_METHOD(Fixture, "writer: what qemu-img writes is read as qemu-img meant it",
                 "[disk][writer]") {
    ScratchDisk disk{48 * kMiB, 512, 4};
    disk.change(60);
    write(disk.image(), "disk.raw", options_of(TargetFormat::raw));
    for (const char* block_size : {"1M", "8M", "16M"}) {
        const std::string name = std::string{"qemu"} + block_size + ".vhdx";
        REQUIRE(run_qemu_img({"convert", "-q", "-f", "raw", "-O", "vhdx", "-o",
                              std::string{"block_size="} + block_size, path("disk.raw").string(),
                              path(name).string()}));
        check_equal(*open(name), disk.image());
    }
}

TEST_CASE_METHOD(Fixture, "writer: a chain of differences reads as the last state",
                 "[disk][writer]") {
    const std::uint32_t sector = GENERATE(512u, 4096u);
    ScratchDisk disk{41 * kMiB, sector, 11};
    disk.change(40);
    write(disk.image(), "0.vhdx", options_of(TargetFormat::vhdx));
    std::vector<std::shared_ptr<const DiskImage>> images{open("0.vhdx")};
    for (int generation = 1; generation <= 6; ++generation) {
        const auto before = disk.copy();
        disk.change(12);
        WriteOptions options = options_of(TargetFormat::vhdx_diff);
        options.base = before.get();
        options.base_info = &images.back()->info();
        options.base_file_name = std::to_string(generation - 1) + ".vhdx";
        const std::string name = std::to_string(generation) + ".vhdx";
        write(disk.image(), name, options);
        images.push_back(open(name));
        check_block_aliasing(*images.back());
        CHECK(images.back()->info().parent->leaf_name() == options.base_file_name);
        CHECK(images.back()->info().virtual_disk_id == images.front()->info().virtual_disk_id);

        const auto chains = build_chains(images);
        REQUIRE(chains.size() == 1);
        CHECK(chains[0].is_complete());
        check_equal(chains[0], disk.image());
    }
    // A difference of nothing holds nothing.
    const ImageChain whole = build_chain_of(images.back(), images);
    WriteOptions options = options_of(TargetFormat::vhdx_diff);
    options.base = &whole;
    options.base_info = &images.back()->info();
    options.base_file_name = "6.vhdx";
    write(disk.image(), "same.vhdx", options);
    CHECK(open("same.vhdx")->is_empty_layer());
}

TEST_CASE_METHOD(Fixture, "writer: holes stay holes, and identities are as asked",
                 "[disk][writer]") {
    auto file = std::make_unique<test::MemoryFile>("sparse.raw");
    file->truncate(kTiB);
    file->write(300 * kGiB, as_bytes("something"));
    const auto disk = open_raw(std::move(file));
    WriteOptions options = options_of(TargetFormat::vhdx);
    options.virtual_disk_id = Guid::make_random(random);
    options.physical_sector_size = 512;
    write(*disk, "sparse.vhdx", options);
    write(*disk, "sparse.raw", options_of(TargetFormat::raw));
    const auto image = open("sparse.vhdx");
    CHECK(image->info().virtual_disk_id == options.virtual_disk_id);
    CHECK(image->info().physical_sector_size == 512);
    CHECK(image->info().file_size_bytes < 64 * kMiB);
    CHECK(files.find_status(path("sparse.raw"))->allocated_bytes < kMiB);
    CHECK(files.find_status(path("sparse.vhdx"))->allocated_bytes < 2 * kMiB);
    check_equal(*image, *disk);

    write(*disk, "other.vhdx", options_of(TargetFormat::vhdx));
    CHECK(open("other.vhdx")->info().virtual_disk_id != options.virtual_disk_id);
    CHECK(open("other.vhdx")->info().data_write_guid != image->info().data_write_guid);
}

TEST_CASE_METHOD(Fixture, "writer: a target appears whole or not at all", "[disk][writer]") {
    ScratchDisk disk{40 * kMiB, 512, 5};
    disk.change(40);
    const auto format = GENERATE(TargetFormat::raw, TargetFormat::vhdx, TargetFormat::vhdx_fixed,
                                 TargetFormat::vhd, TargetFormat::vhd_fixed, TargetFormat::qcow2);
    std::stop_source stop;
    struct StopsHalfWay final : Progress {
        explicit StopsHalfWay(std::stop_source& source) : stop(source) {}
        void report(std::string_view, std::uint64_t done, std::uint64_t total) override {
            if (done * 2 > total) stop.request_stop();
        }
        std::stop_source& stop;
    } progress_that_stops{stop};
    CHECK_THROWS_AS(write_disk(files, random, disk.image(), path("target"), options_of(format),
                               Work{progress_that_stops, stop.get_token()}),
                    Error);
    CHECK(files.list(directory.path()).empty());

    write(disk.image(), "target", options_of(format));
    // A disk's content is for nobody else on this machine.
    CHECK(files.find_status(path("target"))->mode == 0600);
    try {
        write(disk.image(), "target", options_of(format));
        FAIL("an existing file must not be replaced");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::already_exists);
    }
}

TEST_CASE_METHOD(Fixture, "writer: what was read while it changed is not kept", "[disk][writer]") {
    test::VhdxImageBuilder builder;
    builder.size_bytes = 8 * kMiB;
    builder.block(0, 6, 4 * kMiB).content(4 * kMiB, Bytes(2 * kMiB, std::byte{7}));
    auto owned = builder.build();
    struct OpensForWriting final : Progress {
        void report(std::string_view, std::uint64_t, std::uint64_t) override {
            file->write(64 * kKiB, header);
        }
        test::MemoryFile* file = nullptr;
        Bytes header;
    } other_program;
    other_program.file = owned.get();
    other_program.header = builder.header(9);
    const auto image = open_vhdx(std::move(owned));
    ScratchDisk disk{8 * kMiB, 512, 5};
    disk.change(3);
    for (const auto format : {TargetFormat::raw, TargetFormat::vhdx, TargetFormat::vhd_fixed,
                              TargetFormat::qcow2, TargetFormat::vhdx_diff}) {
        WriteOptions options = options_of(format);
        options.base = image.get();
        options.base_info = &image->info();
        options.base_file_name = "base.vhdx";
        const bool is_diff = format == TargetFormat::vhdx_diff;
        const DiskSource& source = is_diff ? static_cast<const DiskSource&>(disk.image()) : *image;
        try {
            write_disk(files, random, source, path("target"), options, Work{other_program});
            FAIL("a disk that never was must not be written");
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::corrupt);
            CHECK(std::string{error.what()}.find("changed while it was read") != std::string::npos);
        }
        CHECK(files.list(directory.path()).empty());
    }
}

TEST_CASE_METHOD(Fixture, "writer: whichever operation fails, nothing half is left",
                 "[disk][writer]") {
    ScratchDisk disk{6 * kMiB, 512, 8};
    const auto base = disk.copy();
    disk.change(3);
    ImageInfo base_info;
    base_info.format = ImageFormat::vhdx;
    base_info.data_write_guid = Guid::make_random(random);
    for (const auto format :
         {TargetFormat::raw, TargetFormat::vhdx, TargetFormat::vhdx_fixed, TargetFormat::vhdx_diff,
          TargetFormat::vhd, TargetFormat::vhd_fixed, TargetFormat::qcow2}) {
        WriteOptions options = options_of(format);
        options.base = base.get();
        options.base_info = &base_info;
        options.base_file_name = "base.vhdx";
        for (int operation = 0;; ++operation) {
            test::FailingFileSystem failing{operation};
            INFO("format " << static_cast<int>(format) << ", operation " << operation);
            try {
                write_disk(failing, random, disk.image(), path("target"), options, work);
            } catch (const Error& error) {
                CHECK(error.code() == ErrorCode::no_space);
            }
            if (!failing.has_failed()) break;
            REQUIRE(files.list(directory.path()).empty());
        }
        REQUIRE(files.list(directory.path()).size() == 1);
        files.remove(path("target"));
    }
}

TEST_CASE_METHOD(Fixture, "writer: what makes no sense is refused before anything is written",
                 "[disk][writer]") {
    ScratchDisk disk{4 * kMiB, 512, 5};
    CHECK_THROWS_AS(write(disk.image(), "x", options_of(TargetFormat::vhdx_diff)), Error);
    WriteOptions raw_base = options_of(TargetFormat::vhdx_diff);
    raw_base.base = &disk.image();
    raw_base.base_info = &disk.image().info();
    raw_base.base_file_name = "base.raw";
    CHECK_THROWS_AS(write(disk.image(), "x", raw_base), Error);
    CHECK(files.list(directory.path()).empty());

    CHECK(parse_target_format("vhdx-diff") == TargetFormat::vhdx_diff);
    const auto code_of = [](const char* name) {
        try {
            parse_target_format(name);
        } catch (const Error& error) {
            return error.code();
        }
        return ErrorCode::internal;
    };
    CHECK(parse_target_format("vhd") == TargetFormat::vhd);
    CHECK(parse_target_format("vhd-fixed") == TargetFormat::vhd_fixed);
    CHECK(code_of("vhd-diff") == ErrorCode::usage);
    CHECK(code_of("VHDX") == ErrorCode::usage);
}

}  // namespace entrepot::disk
