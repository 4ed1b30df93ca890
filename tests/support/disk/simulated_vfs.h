// SQLite's files on a file system of ours: the real SQLite on a simulated disk.
#pragma once

#include "base/file_system.h"

#include <filesystem>

namespace entrepot::test {

/// While it lives, every database whose path begins with `root` lies on `file_system`; one for each
/// root. Follows what SQLite's own files do on Linux (os_unix.c): a new journal's directory is
/// synced with its first sync, and after its removal where SQLite asks for it. Locks are not held:
/// a repository has a lock of its own, and one connection.
class SimulatedVfs {
public:
    SimulatedVfs(std::filesystem::path root, FileSystem& file_system);
    SimulatedVfs(const SimulatedVfs&) = delete;
    SimulatedVfs& operator=(const SimulatedVfs&) = delete;
    ~SimulatedVfs();

    /// From now on SQLite's chance repeats itself.
    static void reset_random();

private:
    std::filesystem::path root_;
};

}  // namespace entrepot::test
