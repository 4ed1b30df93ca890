// Large writes past the system's cache, several at a time (Linux's asynchronous I/O, io_submit(2)).
#pragma once

#include "base/bytes.h"

#include <linux/aio_abi.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>

namespace entrepot {

/// Keeps a disk busy while the next piece is prepared. For one file, which somebody else has open
/// and keeps open longer; who reads it, sizes it or writes it in another way calls finish() first.
/// Safe to use from several threads.
class BulkWriter {
public:
    /// Writes through the system's cache; throws what that fails with.
    using CachedWrite = std::function<void(std::uint64_t offset, ByteView data)>;

    /// Nullptr where the file, `same` by device and inode, cannot be written so. What goes wrong is
    /// tried again as a cached write, whose word counts: another alignment may be needed here.
    static std::unique_ptr<BulkWriter> try_open(const std::filesystem::path& path, int same,
                                                CachedWrite cached_write);
    BulkWriter(const BulkWriter&) = delete;
    BulkWriter& operator=(const BulkWriter&) = delete;
    ~BulkWriter();  ///< Waits; what fails then is nobody's any more.

    /// Takes the first bytes of `data` and says how many; 0 if they are too few or not aligned, or
    /// if it turned out that nothing can be written so. What follows on each other is gathered, and
    /// its write begins when there is enough of it. Throws for an earlier one.
    std::size_t begin(std::uint64_t offset, ByteView data);
    /// Waits until all is written.
    void finish();

private:
    struct Slot;
    // As deep as it takes to keep a disk busy.
    static constexpr std::size_t kSlotCount = 4;
    static constexpr std::size_t kSlotBytes = 2 * kMiB;

    BulkWriter(int direct, aio_context_t context, CachedWrite cached_write);
    bool overlaps(std::uint64_t offset, std::uint64_t length) const;
    Slot& free_slot();
    bool is_filled_to(std::uint64_t offset) const;
    void submit(Slot& slot);
    void begin_filled();
    void await_some();
    void await_all();
    void finish_locked();
    bool is_busy() const;

    std::mutex mutex_;
    int direct_;
    aio_context_t context_;
    CachedWrite cached_write_;
    std::array<std::unique_ptr<Slot>, kSlotCount> slots_;
    Slot* filling_ = nullptr;  ///< Being gathered, if any.
    bool is_usable_ = true;
};

}  // namespace entrepot
