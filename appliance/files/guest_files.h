// The files inside the disks of recovery points. Keeps a few readers open, since whoever looks into
// a folder looks into the next one soon.
#pragma once

#include "appliance/files/disk_files.h"
#include "storage/guest_client/guest_reader.h"
#include "storage/repository/repository.h"

#include "base/clock.h"
#include "base/log.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace entrepot::files {

/// One disk of one point.
struct DiskPlace {
    std::string point;
    std::uint32_t disk = 0;
    bool operator==(const DiskPlace&) const = default;
};

struct FilePlace {
    DiskPlace disk;
    std::uint32_t volume = 0;
    std::string path;
    std::string stream{};
};

struct GuestFilesOptions {
    /// Finds the worker's program when one is needed.
    std::function<std::filesystem::path()> find_worker = guest::find_worker_program;
    std::size_t reader_count_max = 8;
    std::size_t idle_count_max = 4;
    std::chrono::milliseconds idle_time_max{60'000};
    std::chrono::milliseconds reader_age_max{600'000};
    std::chrono::milliseconds answer_timeout{60'000};
    /// Of one disk that is read at length.
    std::size_t deaths_max = 16;
};

/// Safe to share between threads.
class GuestFiles {
public:
    using FindRepository = std::function<repository::Repository&()>;

    /// The clock and the log outlive it, and the repository its last call.
    GuestFiles(Clock& clock, Log& log, FindRepository repository, GuestFilesOptions options = {});
    GuestFiles(const GuestFiles&) = delete;
    GuestFiles& operator=(const GuestFiles&) = delete;
    ~GuestFiles();  ///< As close(). No download is left by then.

    /// Errors as GuestReader and Repository::open_point; Error{busy} where too many look into
    /// disks at once.
    guest::VolumeTable volumes(const DiskPlace& place);
    guest::FolderPage list(const FilePlace& folder, const guest::PageRequest& page);
    guest::FileStatus status(const FilePlace& file);

    /// The content of a file from its beginning. Has a reader for itself while it lives.
    class Download {
    public:
        virtual ~Download() = default;
        virtual std::uint64_t size_bytes() const = 0;
        /// The next piece; empty at the end.
        virtual Bytes next() = 0;
    };
    /// Errors as status(), and those of what cannot be given.
    std::unique_ptr<Download> download(const FilePlace& file);

    /// Whether a reader may have served others before and after. A process inherits the priority of
    /// the thread that starts it: what is not that of others must not be lent to them.
    enum class Sharing { with_others, none };
    /// For many questions about one disk. Has a reader for itself while it lives, and takes a fresh
    /// one where that died or is old: Error{limit} when too many have died.
    std::unique_ptr<DiskFiles> open_disk(const DiskPlace& place,
                                         Sharing sharing = Sharing::with_others);

    /// Ends the idle readers.
    void close();

private:
    struct Reader;
    class Loan;
    class LongLoan;
    class RunningDownload;
    std::unique_ptr<Reader> take(const DiskPlace& place, Sharing sharing);
    std::unique_ptr<Reader> open(const DiskPlace& place);
    void give_back(std::unique_ptr<Reader> reader) noexcept;
    void forget_one() noexcept;  ///< A reader that was lent and is no more.
    void end_idle(std::stop_token stop);

    Clock& clock_;
    Log& log_;
    FindRepository repository_;
    GuestFilesOptions options_;
    std::mutex mutex_;
    std::list<std::unique_ptr<Reader>> idle_;  ///< The last used one last.
    std::size_t count_ = 0;                    ///< With those that are lent.
    std::jthread thread_;                      ///< Runs once there was a reader.
};

}  // namespace entrepot::files
