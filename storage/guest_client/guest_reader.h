// The files of one disk of a guest, read by a worker in its cage.
#pragma once

#include "storage/disk/disk_source.h"
#include "storage/guest_model/file_entry.h"
#include "storage/guest_model/protocol.h"
#include "storage/guest_model/volume.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>

namespace entrepot::guest {

struct GuestReaderOptions {
    std::filesystem::path worker_program;
    /// For one answer, with all that is read of the disk for it.
    std::chrono::milliseconds answer_timeout{60'000};
};

/// Whatever the disk holds, the worst of it is an Error: {corrupt} where the worker died of it,
/// {limit} where it took too long or too much memory, {protocol} where it answers nonsense. After
/// those it is_alive() no more, and a new reader is needed. What reading the disk throws comes as
/// it is. For one thread at a time.
class GuestReader {
public:
    /// Starts the worker. The clock outlives it. Error{not_found} if the program is missing.
    GuestReader(Clock& clock, std::shared_ptr<const disk::DiskSource> disk,
                const GuestReaderOptions& options);
    GuestReader(const GuestReader&) = delete;
    GuestReader& operator=(const GuestReader&) = delete;
    ~GuestReader();  ///< Ends the worker.

    VolumeTable volumes();
    FolderPage list(std::uint32_t volume, const std::string& path, const PageRequest& page);
    FileStatus status(std::uint32_t volume, const std::string& path);
    /// At most limits::kReadBytesMax at a time. What is asked for in long pieces is read where the
    /// worker says that it lies, and does not pass through it.
    Bytes read(std::uint32_t volume, const std::string& path, const std::string& stream,
               const DiskRange& range);

    bool is_alive() const;
    int process_id() const;

private:
    class Worker;
    struct Located;
    template <typename Decode>
    auto ask(MessageKind question, ByteView body, MessageKind answer, const Decode& decode);
    /// Sets `failure` instead where that is the answer: the next question may follow then.
    Bytes exchange(MessageKind question, ByteView body, MessageKind answer,
                   std::exception_ptr& failure);
    void serve_disk(ByteView body, SteadyTime deadline);
    Bytes read_by_worker(const ReadQuestion& question);
    /// False where the worker has to read it.
    bool is_located(const ReadQuestion& question);

    Clock& clock_;
    std::shared_ptr<const disk::DiskSource> disk_;  // Shared with whoever keeps its point open.
    GuestReaderOptions options_;
    std::unique_ptr<Worker> worker_;
    std::unique_ptr<Located> located_;
};

/// The worker beside the running program, or where packages put it. Error{not_found}.
std::filesystem::path find_worker_program();

}  // namespace entrepot::guest
