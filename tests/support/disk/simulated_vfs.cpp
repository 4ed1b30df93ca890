// A VFS in front of SQLite's own (https://sqlite.org/vfs.html): paths below a root go to ours, all
// others to the system's.
#include "tests/support/disk/simulated_vfs.h"

#include "base/error.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace entrepot::test {
namespace {

namespace fs = std::filesystem;

// As os_unix.c has it without a better answer.
constexpr int kSectorBytes = 4096;

struct Roots {
    std::mutex mutex;
    std::map<std::string, FileSystem*> by_path;
    sqlite3_vfs* system = nullptr;
    sqlite3_vfs ours{};
};

// SQLite calls functions without a context of ours, so what they need stands here.
Roots& roots() {
    static Roots value;
    return value;
}

FileSystem* find_file_system(const char* path) {
    if (path == nullptr) return nullptr;
    const std::scoped_lock lock{roots().mutex};
    const std::string_view text{path};
    for (const auto& [root, file_system] : roots().by_path) {
        if (text.starts_with(root) && text.substr(root.size()).starts_with('/')) {
            return file_system;
        }
    }
    return nullptr;
}

/// SQLite makes room for it and knows only its beginning.
struct OpenDatabaseFile {
    sqlite3_file base;
    File* file;
    FileSystem* file_system;
    bool is_directory_unsynced;
};

OpenDatabaseFile& ours(sqlite3_file* file) {
    return *reinterpret_cast<OpenDatabaseFile*>(file);
}

// Nothing may be thrown through SQLite.
template <typename Body>
int guarded(int failure, Body&& body) {
    try {
        return body();
    } catch (const Error& error) {
        return error.code() == ErrorCode::no_space ? SQLITE_FULL : failure;
    } catch (...) {
        return failure;
    }
}

int close_file(sqlite3_file* file) {
    delete std::exchange(ours(file).file, nullptr);
    return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* target, int length, sqlite3_int64 offset) {
    return guarded(SQLITE_IOERR_READ, [&] {
        const MutableByteView bytes{static_cast<std::byte*>(target),
                                    static_cast<std::size_t>(length)};
        const std::size_t count =
            ours(file).file->read_some(static_cast<std::uint64_t>(offset), bytes);
        if (count == bytes.size()) return SQLITE_OK;
        std::ranges::fill(bytes.subspan(count), std::byte{0});
        return SQLITE_IOERR_SHORT_READ;
    });
}

int write_file(sqlite3_file* file, const void* source, int length, sqlite3_int64 offset) {
    return guarded(SQLITE_IOERR_WRITE, [&] {
        ours(file).file->write(
            static_cast<std::uint64_t>(offset),
            {static_cast<const std::byte*>(source), static_cast<std::size_t>(length)});
        return SQLITE_OK;
    });
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size_bytes) {
    return guarded(SQLITE_IOERR_TRUNCATE, [&] {
        ours(file).file->truncate(static_cast<std::uint64_t>(size_bytes));
        return SQLITE_OK;
    });
}

int sync_file(sqlite3_file* file, int) {
    return guarded(SQLITE_IOERR_FSYNC, [&] {
        OpenDatabaseFile& open = ours(file);
        open.file->sync();
        if (std::exchange(open.is_directory_unsynced, false)) {
            open.file_system->sync_directory(open.file->path().parent_path());
        }
        return SQLITE_OK;
    });
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size_bytes) {
    return guarded(SQLITE_IOERR_FSTAT, [&] {
        *size_bytes = static_cast<sqlite3_int64>(ours(file).file->size());
        return SQLITE_OK;
    });
}

int lock_file(sqlite3_file*, int) {
    return SQLITE_OK;
}

int is_reserved(sqlite3_file*, int* answer) {
    *answer = 0;
    return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) {
    return kSectorBytes;
}

int characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

constexpr sqlite3_io_methods kMethods = {.iVersion = 1,
                                         .xClose = close_file,
                                         .xRead = read_file,
                                         .xWrite = write_file,
                                         .xTruncate = truncate_file,
                                         .xSync = sync_file,
                                         .xFileSize = size_of_file,
                                         .xLock = lock_file,
                                         .xUnlock = lock_file,
                                         .xCheckReservedLock = is_reserved,
                                         .xFileControl = control_file,
                                         .xSectorSize = sector_size,
                                         .xDeviceCharacteristics = characteristics,
                                         .xShmMap = nullptr,
                                         .xShmLock = nullptr,
                                         .xShmBarrier = nullptr,
                                         .xShmUnmap = nullptr,
                                         .xFetch = nullptr,
                                         .xUnfetch = nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
    FileSystem* file_system = find_file_system(path);
    if (file_system == nullptr) {
        sqlite3_vfs* system = roots().system;
        return system->xOpen(system, path, file, flags, flags_out);
    }
    file->pMethods = nullptr;  // Until it is open there is nothing to close.
    return guarded(SQLITE_CANTOPEN, [&] {
        constexpr int kJournals =
            SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
        OpenDatabaseFile& open = ours(file);
        open.file_system = file_system;
        const bool is_there = file_system->exists(path);
        if (!is_there && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
        open.file =
            (is_there ? file_system->open_write(path) : file_system->create(path)).release();
        open.is_directory_unsynced = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
        open.base.pMethods = &kMethods;
        if (flags_out != nullptr) *flags_out = flags;
        return SQLITE_OK;
    });
}

int delete_file(sqlite3_vfs*, const char* path, int is_durable) {
    FileSystem* file_system = find_file_system(path);
    if (file_system == nullptr) {
        sqlite3_vfs* system = roots().system;
        return system->xDelete(system, path, is_durable);
    }
    return guarded(SQLITE_IOERR_DELETE, [&] {
        if (!file_system->exists(path)) return SQLITE_IOERR_DELETE_NOENT;
        file_system->remove(path);
        if (is_durable != 0) file_system->sync_directory(fs::path{path}.parent_path());
        return SQLITE_OK;
    });
}

int look_at_file(sqlite3_vfs*, const char* path, int flags, int* answer) {
    FileSystem* file_system = find_file_system(path);
    if (file_system == nullptr) {
        sqlite3_vfs* system = roots().system;
        return system->xAccess(system, path, flags, answer);
    }
    return guarded(SQLITE_IOERR_ACCESS, [&] {
        const auto status = file_system->find_status(path);
        // An empty journal is none (os_unix.c, unixAccess).
        const bool is_there =
            status && (flags != SQLITE_ACCESS_EXISTS || status->type != FileType::regular ||
                       status->size_bytes > 0);
        *answer = is_there ? 1 : 0;
        return SQLITE_OK;
    });
}

int full_path(sqlite3_vfs*, const char* path, int length, char* target) {
    if (find_file_system(path) == nullptr) {
        sqlite3_vfs* system = roots().system;
        return system->xFullPathname(system, path, length, target);
    }
    if (std::strlen(path) >= static_cast<std::size_t>(length)) return SQLITE_CANTOPEN;
    std::strcpy(target, path);
    return SQLITE_OK;
}

int fill_with_chance(sqlite3_vfs*, int length, char* target) {
    std::memset(target, 0, static_cast<std::size_t>(length));
    return length;
}

// Never taken back: SQLite may be asked by others until the process ends.
void register_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        Roots& all = roots();
        all.system = sqlite3_vfs_find(nullptr);
        all.ours = *all.system;
        all.ours.szOsFile =
            std::max(all.system->szOsFile, static_cast<int>(sizeof(OpenDatabaseFile)));
        all.ours.pNext = nullptr;
        all.ours.zName = "entrepot-simulated";
        all.ours.xOpen = open_file;
        all.ours.xDelete = delete_file;
        all.ours.xAccess = look_at_file;
        all.ours.xFullPathname = full_path;
        all.ours.xRandomness = fill_with_chance;
        sqlite3_vfs_register(&all.ours, 1);
    });
}

}  // namespace

SimulatedVfs::SimulatedVfs(fs::path root, FileSystem& file_system) : root_(std::move(root)) {
    register_once();
    const std::scoped_lock lock{roots().mutex};
    roots().by_path[root_.string()] = &file_system;
}

SimulatedVfs::~SimulatedVfs() {
    const std::scoped_lock lock{roots().mutex};
    roots().by_path.erase(root_.string());
}

void SimulatedVfs::reset_random() {
    register_once();
    sqlite3_randomness(0, nullptr);
}

}  // namespace entrepot::test
