// The folder that holds exports out of their host's reach: what somebody else put there is refused.
#include "appliance/share/export_area.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;
namespace fs = std::filesystem;

namespace {

const std::string kHost = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const std::string kRun = "0123456789abcdef0123456789abcdef";
constexpr std::uint32_t kStranger = 54'321;

// The system's files, some of them shown as another user's: changing owners takes root.
class OwnedFiles final : public FileSystem {
public:
    std::map<fs::path, std::uint32_t> owners;
    std::set<fs::path> synced;

    std::optional<FileStatus> find_status(const fs::path& path) override {
        auto status = files_.find_status(path);
        if (const auto owner = owners.find(path); status && owner != owners.end()) {
            status->owner_id = owner->second;
        }
        return status;
    }
    std::unique_ptr<File> open_read(const fs::path& path, FollowLinks follow) override {
        return std::make_unique<SyncedFile>(*this, files_.open_read(path, follow));
    }
    std::unique_ptr<File> create(const fs::path& path) override { return files_.create(path); }
    std::unique_ptr<File> open_write(const fs::path& path) override {
        return files_.open_write(path);
    }
    std::vector<DirectoryEntry> list(const fs::path& path) override { return files_.list(path); }
    std::uint64_t free_bytes(const fs::path& path) override { return files_.free_bytes(path); }
    void make_directories(const fs::path& path) override { files_.make_directories(path); }
    void set_access(const fs::path& path, const Access& access) override {
        files_.set_access(path, access);
    }
    void rename(const fs::path& from, const fs::path& to) override { files_.rename(from, to); }
    void remove(const fs::path& path) override { files_.remove(path); }
    void remove_tree(const fs::path& path) override { files_.remove_tree(path); }
    void sync_directory(const fs::path& path) override {
        synced.insert(path);
        files_.sync_directory(path);
    }
    std::unique_ptr<FileLock> try_lock(const fs::path& path) override {
        return files_.try_lock(path);
    }

private:
    class SyncedFile final : public File {
    public:
        SyncedFile(OwnedFiles& owner, std::unique_ptr<File> file)
            : owner_(owner), file_(std::move(file)) {}
        std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
            return file_->read_some(offset, target);
        }
        std::uint64_t size() const override { return file_->size(); }
        FileIdentity identity() const override { return file_->identity(); }
        std::optional<FileExtent> find_data(std::uint64_t offset) const override {
            return file_->find_data(offset);
        }
        void write(std::uint64_t offset, ByteView data) override { file_->write(offset, data); }
        void truncate(std::uint64_t size_bytes) override { file_->truncate(size_bytes); }
        void sync() override {
            owner_.synced.insert(path());
            file_->sync();
        }
        const fs::path& path() const override { return file_->path(); }

    private:
        OwnedFiles& owner_;
        std::unique_ptr<File> file_;
    };

    PosixFileSystem files_;
};

struct TakenFixture {
    test::TemporaryDirectory directory;
    OwnedFiles files;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    ExportArea area{files, clock, directory.path()};
    fs::path folder = directory.path() / ".taken";
    fs::path run = area.create_run(kHost, kRun);

    TakenFixture() { files.create(run / "a.vmcx"); }
    std::optional<ErrorCode> take_code() {
        return code_of([&] { area.take(kHost, kRun, {}, nullptr, {}); });
    }
};

}  // namespace

TEST_CASE("export area: a taken folder that is a link leads nowhere", "[share]") {
    TakenFixture fixture;
    const test::TemporaryDirectory elsewhere;
    fs::create_directory_symlink(elsewhere.path(), fixture.folder);
    CHECK(fixture.take_code() == ErrorCode::untrusted);
    CHECK(fs::is_empty(elsewhere.path()));
    CHECK(fs::exists(fixture.run / "a.vmcx"));
}

TEST_CASE("export area: a taken folder that a stranger made is refused", "[share]") {
    TakenFixture fixture;
    fs::create_directory(fixture.folder);
    fixture.files.owners[fixture.folder] = kStranger;
    CHECK(fixture.take_code() == ErrorCode::untrusted);
    CHECK(fs::exists(fixture.run / "a.vmcx"));

    fixture.files.owners.clear();
    CHECK(!fixture.take_code());
    CHECK(fs::exists(fixture.folder / kRun / "a.vmcx"));
}

TEST_CASE("export area: an export that a stranger put in place of ours is refused", "[share]") {
    TakenFixture fixture;
    fs::create_directories(fixture.folder / kRun);
    SECTION("somebody else's folder") {
        fixture.files.owners[fixture.folder / kRun] = kStranger;
    }
    SECTION("a link") {
        fs::remove(fixture.folder / kRun);
        fs::create_directory_symlink("/etc", fixture.folder / kRun);
    }
    CHECK(fixture.take_code() == ErrorCode::untrusted);
}

TEST_CASE("export area: an own taken folder that others may enter is closed to them", "[share]") {
    TakenFixture fixture;
    fs::create_directory(fixture.folder);
    fs::permissions(fixture.folder, fs::perms::all);
    CHECK(!fixture.take_code());
    CHECK(fs::status(fixture.folder).permissions() == fs::perms::owner_all);
}

TEST_CASE("export area: a file system that shows us as another user is no stranger's", "[share]") {
    TakenFixture fixture;
    // A network file system that maps root away: all of ours belongs to somebody else.
    for (const fs::path& path : {fixture.folder, fixture.folder / kRun, fixture.run,
                                 fixture.directory.path() / (".taken-" + kRun)}) {
        fixture.files.owners[path] = kStranger;
    }
    CHECK(!fixture.take_code());
    const auto left = fixture.files.list(fixture.directory.path());
    CHECK(std::none_of(left.begin(), left.end(), [](const DirectoryEntry& entry) {
        return entry.name.starts_with(".taken-");
    }));
}

TEST_CASE("export area: what was taken is durable, files and folders", "[share]") {
    TakenFixture fixture;
    fixture.files.make_directories(fixture.run / "web01" / "Virtual Hard Disks");
    fixture.files.create(fixture.run / "web01" / "Virtual Hard Disks" / "disk.vhdx");
    fixture.area.take(kHost, kRun, {}, nullptr, {});
    const fs::path taken = fixture.area.taken_path(kRun);
    for (const fs::path& path :
         {taken / "a.vmcx", taken / "web01/Virtual Hard Disks/disk.vhdx", taken, taken / "web01",
          taken / "web01/Virtual Hard Disks", fixture.folder}) {
        CAPTURE(path);
        CHECK(fixture.files.synced.contains(path));
    }
}
