// The catalog's file: what a power cut right after a commit may undo, and a full disk.
#include "storage/catalog/catalog.h"
#include "tests/support/temporary_directory.h"

#include <sqlite3.h>
#include "base/error.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <string_view>

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

}  // namespace entrepot::catalog
