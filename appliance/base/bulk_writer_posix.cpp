// The system calls have no wrapper in the C library: see io_setup(2), io_submit(2),
// io_getevents(2).
#include "base/bulk_writer_posix.h"

#include "base/error.h"
#include "base/file_system.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace entrepot {
namespace {

/// Smaller pieces are better gathered by the system than waited for one by one.
constexpr std::size_t kPieceBytesMin = 128 * kKiB;

struct AlignedDelete {
    void operator()(std::byte* bytes) const {
        ::operator delete[](bytes, std::align_val_t{kBulkAlignmentBytes});
    }
};

/// What lies in memory is its own cache: newer systems offer direct writes there, too, which end
/// when they begin.
bool is_in_memory(int descriptor) {
    struct statfs status {};
    return ::fstatfs(descriptor, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

/// -1 unless it is the same file still.
int open_direct(const std::filesystem::path& path, int same) {
    const int direct = ::open(path.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
    if (direct < 0) return -1;
    struct stat mine {};
    struct stat theirs {};
    if (::fstat(direct, &mine) == 0 && ::fstat(same, &theirs) == 0 &&
        mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino) {
        return direct;
    }
    ::close(direct);
    return -1;
}

}  // namespace

struct BulkWriter::Slot {
    std::unique_ptr<std::byte[], AlignedDelete> bytes{new (std::align_val_t{kBulkAlignmentBytes})
                                                          std::byte[kSlotBytes]};
    std::uint64_t offset = 0;
    std::size_t length = 0;
    iocb request{};
    bool is_busy = false;
    bool has_failed = false;

    ByteView content() const { return {bytes.get(), length}; }
};

std::unique_ptr<BulkWriter> BulkWriter::try_open(const std::filesystem::path& path, int same,
                                                 CachedWrite cached_write) {
    if (is_in_memory(same)) return nullptr;
    aio_context_t context = 0;
    if (::syscall(SYS_io_setup, static_cast<unsigned>(kSlotCount), &context) < 0) return nullptr;
    const int direct = open_direct(path, same);
    if (direct < 0) {
        ::syscall(SYS_io_destroy, context);
        return nullptr;
    }
    return std::unique_ptr<BulkWriter>{new BulkWriter{direct, context, std::move(cached_write)}};
}

BulkWriter::BulkWriter(int direct, aio_context_t context, CachedWrite cached_write)
    : direct_(direct), context_(context), cached_write_(std::move(cached_write)) {}

BulkWriter::~BulkWriter() {
    ::syscall(SYS_io_destroy, context_);  // Comes back when nothing is under way.
    ::close(direct_);
}

std::size_t BulkWriter::begin(std::uint64_t offset, ByteView data) {
    const std::lock_guard lock{mutex_};
    if (!is_usable_ || data.size() < kPieceBytesMin || offset % kBulkAlignmentBytes != 0) return 0;
    const std::size_t length =
        std::min(data.size(), kSlotBytes) / kBulkAlignmentBytes * kBulkAlignmentBytes;
    // Two at once to the same place would end in any order.
    if (overlaps(offset, length)) finish_locked();
    Slot& slot = free_slot();
    if (!is_usable_) return 0;
    slot.offset = offset;
    slot.length = length;
    std::memcpy(slot.bytes.get(), data.data(), length);
    submit(slot);
    return length;
}

void BulkWriter::finish() {
    const std::lock_guard lock{mutex_};
    finish_locked();
}

bool BulkWriter::overlaps(std::uint64_t offset, std::uint64_t length) const {
    return std::any_of(slots_.begin(), slots_.end(), [&](const auto& slot) {
        return slot && slot->is_busy && slot->offset < offset + length &&
               offset < slot->offset + slot->length;
    });
}

bool BulkWriter::is_busy() const {
    return std::any_of(slots_.begin(), slots_.end(),
                       [](const auto& slot) { return slot && slot->is_busy; });
}

/// One that is free, or becomes free first.
BulkWriter::Slot& BulkWriter::free_slot() {
    for (;;) {
        for (auto& slot : slots_) {
            if (!slot) slot = std::make_unique<Slot>();
            if (slot->has_failed) finish_locked();
            if (!slot->is_busy) return *slot;
        }
        await_some();
    }
}

void BulkWriter::submit(Slot& slot) {
    slot.request = iocb{};
    slot.request.aio_data = reinterpret_cast<std::uintptr_t>(&slot);
    slot.request.aio_lio_opcode = IOCB_CMD_PWRITE;
    slot.request.aio_fildes = static_cast<std::uint32_t>(direct_);
    slot.request.aio_buf = reinterpret_cast<std::uintptr_t>(slot.bytes.get());
    slot.request.aio_nbytes = slot.length;
    slot.request.aio_offset = static_cast<std::int64_t>(slot.offset);
    iocb* requests[] = {&slot.request};
    slot.is_busy = ::syscall(SYS_io_submit, context_, 1L, requests) == 1;
    if (slot.is_busy) return;
    slot.has_failed = true;
    finish_locked();
}

/// Takes note of what has ended; waits for one at least.
void BulkWriter::await_some() {
    std::array<io_event, kSlotCount> events{};
    const long count = ::syscall(SYS_io_getevents, context_, 1L, static_cast<long>(events.size()),
                                 events.data(), nullptr);
    if (count < 0 && errno != EINTR)
        throw Error{ErrorCode::internal, "asynchronous writes cannot be waited for"};
    for (long i = 0; i < count; ++i) {
        const io_event& event = events[static_cast<std::size_t>(i)];
        Slot& slot = *reinterpret_cast<Slot*>(event.data);
        slot.is_busy = false;
        slot.has_failed = event.res != static_cast<std::int64_t>(slot.length);
    }
}

void BulkWriter::finish_locked() {
    while (is_busy())
        await_some();
    for (const auto& slot : slots_) {
        if (!slot || !slot->has_failed) continue;
        is_usable_ = false;
        slot->has_failed = false;
        cached_write_(slot->offset, slot->content());
    }
}

}  // namespace entrepot
