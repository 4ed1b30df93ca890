// The catalog's file: what a power cut right after a commit may undo, and a full disk.
#include "storage/catalog/catalog.h"
#include "tests/support/temporary_directory.h"

#include "base/error.h"

#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::catalog {
namespace {

/// Sees how SQLite removes the journal, which is what commits.
std::atomic<int> removed_journals{0};
std::atomic<int> removed_for_good{0};
sqlite3_vfs* original = nullptr;

std::atomic<bool> is_full{false};
sqlite3_io_methods methods{};
int (*original_write)(sqlite3_file*, const void*, int, sqlite3_int64) = nullptr;

int watch_write(sqlite3_file* file, const void* data, int length, sqlite3_int64 offset) {
    return is_full ? SQLITE_FULL : original_write(file, data, length, offset);
}

int watch_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    const int status = original->xOpen(original, name, file, flags, out_flags);
    if (status != SQLITE_OK || file->pMethods == nullptr) return status;
    if (original_write == nullptr) original_write = file->pMethods->xWrite;
    methods = *file->pMethods;
    methods.xWrite = watch_write;
    file->pMethods = &methods;
    return status;
}

int watch_delete(sqlite3_vfs*, const char* name, int sync_directory) {
    if (std::string_view{name}.ends_with("-journal")) {
        ++removed_journals;
        if (sync_directory != 0) ++removed_for_good;
    }
    return original->xDelete(original, name, sync_directory);
}

class WatchedFiles {
public:
    WatchedFiles() {
        original = sqlite3_vfs_find(nullptr);
        watching_ = *original;
        watching_.zName = "watching";
        watching_.xDelete = watch_delete;
        watching_.xOpen = watch_open;
        sqlite3_vfs_register(&watching_, 1);
    }
    ~WatchedFiles() {
        sqlite3_vfs_unregister(&watching_);
        sqlite3_vfs_register(original, 1);
    }
    WatchedFiles(const WatchedFiles&) = delete;
    WatchedFiles& operator=(const WatchedFiles&) = delete;

private:
    sqlite3_vfs watching_{};
};

}  // namespace

TEST_CASE("catalog: a journal is removed durably, or a power cut brings it back", "[catalog]") {
    const test::TemporaryDirectory directory;
    const WatchedFiles watched;
    const auto catalog = Catalog::open(directory.path() / "catalog.sqlite");
    removed_journals = 0;
    removed_for_good = 0;
    catalog->add_session({"a", "ingest"});
    CHECK(removed_journals > 0);
    CHECK(removed_for_good == removed_journals);
}

TEST_CASE("catalog: a full disk is told as such, and the catalog goes on", "[catalog]") {
    const test::TemporaryDirectory directory;
    const WatchedFiles watched;
    const auto catalog = Catalog::open(directory.path() / "catalog.sqlite");
    is_full = true;
    try {
        catalog->add_session({"a", "ingest"});
        FAIL("nothing could be written");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::no_space);
    }
    is_full = false;
    CHECK(catalog->list_sessions().empty());
    catalog->add_session({"b", "ingest"});
    CHECK(catalog->list_sessions().size() == 1);
}

TEST_CASE("catalog: a commit brings back what is condemned, and fails beyond that", "[catalog]") {
    const test::TemporaryDirectory directory;
    const auto catalog = Catalog::open(directory.path() / "catalog.sqlite");
    const auto put = [&](const char* id, PackState state) {
        catalog->put_pack({.id = id, .generation = 2, .state = state, .dead_bytes = 5});
    };
    put("live", PackState::live);
    put("condemned", PackState::condemned);
    put("compacting", PackState::compacting);
    catalog->add_session({"point", "ingest"});
    const PointRow point{.id = "point",
                         .sequence = 1,
                         .vm_id = "vm",
                         .vm_name = "vm",
                         .body = "{}",
                         .manifest_digest = "cc"};
    const std::vector<PackReference> good = {{"live", 2}, {"condemned", 2}, {"compacting", 2}};
    const auto [id, state, generation] =
        GENERATE(table<const char*, PackState, std::uint32_t>({{"open", PackState::open, 2},
                                                               {"gone", PackState::deleting, 2},
                                                               {"old", PackState::live, 1}}));
    put(id, state);
    auto bad = good;
    bad.push_back({id, generation});
    try {
        catalog->commit_point(point, "point", bad);
        FAIL("it refers to what is not there");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::conflict);
    }
    // All of it or nothing.
    CHECK(catalog->find_pack("condemned")->state == PackState::condemned);
    CHECK(catalog->list_points().empty());
    CHECK(catalog->list_sessions().size() == 1);

    const auto revived = catalog->commit_point(point, "point", good);
    CHECK(revived == std::vector<std::string>{"condemned", "compacting"});
    for (const char* pack : {"live", "condemned", "compacting"}) {
        CHECK(catalog->find_pack(pack)->state == PackState::live);
        CHECK(catalog->find_pack(pack)->dead_bytes == 5);
    }
    CHECK(catalog->list_points().size() == 1);
    CHECK(catalog->list_sessions().empty());
}

TEST_CASE("catalog: packs change only where they are what they were", "[catalog]") {
    const test::TemporaryDirectory directory;
    const auto catalog = Catalog::open(directory.path() / "catalog.sqlite");
    const PackRow live{.id = "a", .generation = 1, .state = PackState::live};
    PackRow condemned = live;
    condemned.state = PackState::condemned;
    PackRow deleting = live;
    deleting.state = PackState::deleting;
    CHECK(catalog->change_packs({{live, condemned}}).empty());  // There is none.
    catalog->put_pack(live);
    CHECK(catalog->change_packs({{condemned, deleting}}).empty());
    PackRow other = live;
    other.generation = 2;
    CHECK(catalog->change_packs({{other, condemned}}).empty());
    CHECK(catalog->find_pack("a")->state == PackState::live);
    CHECK(catalog->change_packs({{live, condemned}}) == std::vector<std::string>{"a"});
    CHECK(catalog->change_packs({{condemned, deleting}}) == std::vector<std::string>{"a"});
    CHECK(catalog->change_packs({{condemned, live}}).empty());
    CHECK(catalog->find_pack("a")->state == PackState::deleting);
}

TEST_CASE("catalog: an earlier schema is taken over, a later one is refused", "[catalog]") {
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "catalog.sqlite";
    Catalog::open(path)->put_pack({.id = "a", .generation = 1, .state = PackState::live});
    const auto run = [&](const std::string& statement) {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
        CHECK(sqlite3_exec(database, statement.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(database);
    };
    const auto set_schema = [&](int version) {
        run("UPDATE properties SET value = " + std::to_string(version) + " WHERE name = 'schema'");
    };
    set_schema(4);
    CHECK(Catalog::open(path)->find_pack("a")->state == PackState::live);
    set_schema(6);
    try {
        Catalog::open(path);
        FAIL("it may hold what we do not know");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::unsupported);
        CHECK(error.message().find("schema 6, this program knows 5") != std::string::npos);
    }
}

TEST_CASE("catalog: a bit that rotted is found when it is opened, or was none of ours",
          "[catalog]") {
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "catalog.sqlite";
    {
        const auto catalog = Catalog::open(path);
        catalog->put_pack({.id = "aa", .generation = 3, .state = PackState::live, .size_bytes = 7});
        catalog->add_point({.id = "bb",
                            .sequence = 5,
                            .vm_id = "vm",
                            .vm_name = "web01",
                            .body = "{}",
                            .manifest_digest = "cc"});
        catalog->set_protection("bb", 99, "kept");
    }
    std::ifstream stream{path, std::ios::binary};
    const std::string sound{std::istreambuf_iterator<char>{stream}, {}};
    std::size_t found = 0;
    for (std::size_t at = 0; at < sound.size(); ++at) {
        if (sound[at] == 0) continue;
        std::string rotten = sound;
        rotten[at] = static_cast<char>(rotten[at] ^ (1 << (at % 7)));
        std::ofstream{path, std::ios::binary} << rotten;
        try {
            const auto catalog = Catalog::open(path);
            INFO("byte " << at);
            const auto pack = catalog->find_pack("aa");
            REQUIRE(pack.has_value());
            CHECK(pack->generation == 3);
            const auto points = catalog->list_points();
            REQUIRE(points.size() == 1);
            CHECK(points[0].sequence == 5);
            CHECK(points[0].vm_name == "web01");
            CHECK(points[0].hold_reason == "kept");
            CHECK(points[0].protected_until_ms == 99);
            CHECK_FALSE(points[0].is_deleting);
        } catch (const Error& error) {
            INFO("byte " << at << ": " << error.what());
            const bool is_named = error.code() == ErrorCode::corrupt ||
                                  error.code() == ErrorCode::unsupported;  // The schema's number.
            CHECK(is_named);
            ++found;
        }
        std::filesystem::remove(path.string() + "-journal");
    }
    CHECK(found > 100);
}

}  // namespace entrepot::catalog
