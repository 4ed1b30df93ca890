// The Sleuth Kit's objects with owners, and its errors as ours. What only these files know: how the
// library is called.
#pragma once

#include "storage/disk/disk_source.h"

#include <tsk/libtsk.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace entrepot::guest {

/// A disk as the library's image. Errors of reading are kept and thrown by check().
class TskImage {
public:
    /// The disk outlives it.
    explicit TskImage(const disk::DiskSource& disk);
    TskImage(const TskImage&) = delete;
    TskImage& operator=(const TskImage&) = delete;
    ~TskImage();

    TSK_IMG_INFO* get() const;
    const disk::DiskSource& disk() const { return disk_; }
    /// Throws what reading the disk threw since the last call, if anything.
    void check();
    /// To be called where the library failed: throws what reading the disk threw, else
    /// Error{corrupt} with the library's words; what it says is printable after this.
    [[noreturn]] void fail(const std::string& what);

private:
    struct External;
    static ssize_t read(TSK_IMG_INFO* image, TSK_OFF_T offset, char* target, std::size_t length);

    const disk::DiskSource& disk_;
    External* external_ = nullptr;  // Begins with the library's struct, so C allocates it.
    std::exception_ptr read_error_;
};

struct TskCloser {
    void operator()(TSK_FS_INFO* file_system) const { tsk_fs_close(file_system); }
    void operator()(TSK_FS_FILE* file) const { tsk_fs_file_close(file); }
    void operator()(TSK_FS_DIR* folder) const { tsk_fs_dir_close(folder); }
};

using TskFileSystemHandle = std::unique_ptr<TSK_FS_INFO, TskCloser>;
using TskFileHandle = std::unique_ptr<TSK_FS_FILE, TskCloser>;
using TskFolderHandle = std::unique_ptr<TSK_FS_DIR, TskCloser>;

}  // namespace entrepot::guest
