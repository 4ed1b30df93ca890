// Writes that go past the system's cache, beside all that may be asked of the file meanwhile. Where
// the file system of TMPDIR has no such writes, the same must hold of those through the cache.
#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/random.h"

#include "tests/support/temporary_directory.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>

using namespace entrepot;

namespace {

constexpr std::size_t kFileBytes = 24 * kMiB;
constexpr std::size_t kLongestWriteBytes = 5 * kMiB;

/// The file, and what it has to hold.
class BulkFile {
public:
    explicit BulkFile(std::uint64_t seed) : random_(seed) {
        file_->expect_bulk_writes();
        file_->truncate(kFileBytes);
    }

    std::uint64_t below(std::uint64_t bound) { return random_.u64() % bound; }
    /// Most are large and aligned; the others are small, or lie across pages.
    void write_somewhere() {
        const bool is_aligned = below(4) != 0;
        const std::uint64_t unit = is_aligned ? kBulkAlignmentBytes : 1;
        const std::uint64_t longest = below(4) == 0 ? 200 * kKiB : kLongestWriteBytes;
        const std::uint64_t offset = below(kFileBytes) / unit * unit;
        const std::uint64_t length =
            std::min((1 + below(longest) / unit) * unit, kFileBytes - offset);
        // The caller's memory is its own again when write() returns.
        Bytes content(length);
        random_.fill(content);
        file_->write(offset, content);
        std::copy(content.begin(), content.end(),
                  model_.begin() + static_cast<std::ptrdiff_t>(offset));
        std::fill(content.begin(), content.end(), std::byte{0xEE});
    }
    bool reads_right(const File& file, std::uint64_t offset, std::uint64_t length) const {
        Bytes found(length);
        file.read_exactly(offset, found);
        return std::equal(found.begin(), found.end(),
                          model_.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    void cut_and_grow() {
        const std::uint64_t size = below(kFileBytes);
        file_->truncate(size);
        CHECK(file_->size() == size);
        std::fill(model_.begin() + static_cast<std::ptrdiff_t>(size), model_.end(), std::byte{0});
        file_->truncate(kFileBytes);
    }

    File& file() { return *file_; }
    bool is_right() {
        return reads_right(*files_.open_read(path(), FollowLinks::yes), 0, kFileBytes);
    }

private:
    std::filesystem::path path() const { return directory_.path() / "bulk"; }

    test::TemporaryDirectory directory_;
    PosixFileSystem files_;
    SeededRandom random_;
    std::unique_ptr<File> file_ = files_.create(path());
    Bytes model_ = Bytes(kFileBytes);
};

/// No file of this process grows beyond it while it lasts.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::uint64_t size_bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit now = before_;
        now.rlim_cur = size_bytes;
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    void (*handler_)(int);
    rlimit before_{};
};

}  // namespace

TEST_CASE("bulk writes: the file is what was written last, whatever was asked meanwhile",
          "[base]") {
    const std::uint64_t seed = GENERATE(range(1, 5));
    INFO("seed " << seed);
    BulkFile bulk{seed};
    for (int step = 0; step < 60; ++step) {
        bulk.write_somewhere();
        switch (bulk.below(8)) {
            case 0: {
                const std::uint64_t offset = bulk.below(kFileBytes - kMiB);
                CHECK(bulk.reads_right(bulk.file(), offset, kMiB));
                break;
            }
            case 1:
                CHECK(bulk.file().size() == kFileBytes);
                break;
            case 2:
                CHECK(bulk.file().find_data(0).has_value());
                break;
            case 3:
                bulk.cut_and_grow();
                break;
            default:
                break;
        }
    }
    bulk.file().sync();
    CHECK(bulk.is_right());
}

TEST_CASE("bulk writes: what fails is told by sync at the latest", "[base]") {
    const test::TemporaryDirectory directory;
    PosixFileSystem files;
    const auto file = files.create(directory.path() / "bulk");
    file->expect_bulk_writes();
    const Bytes content(2 * kMiB, std::byte{7});
    std::optional<ErrorCode> code;
    {
        const FileSizeLimit limit{3 * kMiB};
        try {
            file->write(0, content);
            file->write(content.size(), content);
            file->sync();
        } catch (const Error& error) {
            code = error.code();
        }
    }
    CHECK(code == ErrorCode::no_space);
    // What came before it is there.
    CHECK((file->read_exactly(0, content.size()) == content));
}

TEST_CASE("bulk writes: a file that goes while they are under way takes nothing with it",
          "[base]") {
    const test::TemporaryDirectory directory;
    PosixFileSystem files;
    for (int round = 0; round < 20; ++round) {
        auto file = files.create(directory.path() / "bulk");
        file->expect_bulk_writes();
        for (std::uint64_t piece = 0; piece < 3; ++piece)
            file->write(piece * kMiB, Bytes(kMiB, std::byte{7}));
        file.reset();
        CHECK(files.find_status(directory.path() / "bulk")->size_bytes == 3 * kMiB);
        files.remove(directory.path() / "bulk");
    }
}
