// The system calls have no wrapper in the C library: see io_setup(2), io_submit(2),
// io_getevents(2).
#include "base/bulk_writer_posix.h"

#include "base/error.h"
#include "base/file_system.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
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

struct MappedDelete {
    std::size_t size_bytes = 0;
    void operator()(std::byte* bytes) const { ::munmap(bytes, size_bytes); }
};
using MappedBytes = std::unique_ptr<std::byte[], MappedDelete>;

/// In one large page where there is one: the system pins it for each write, page by page.
MappedBytes map_bytes(std::size_t size_bytes) {
    void* bytes =
        ::mmap(nullptr, 2 * size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) throw std::bad_alloc{};
    auto* begin = static_cast<std::byte*>(bytes);
    const std::size_t before =
        (size_bytes - reinterpret_cast<std::uintptr_t>(begin) % size_bytes) % size_bytes;
    if (before > 0) ::munmap(begin, before);
    ::munmap(begin + before + size_bytes, size_bytes - before);
    begin += before;
    ::madvise(begin, size_bytes, MADV_HUGEPAGE);
    return MappedBytes{begin, {size_bytes}};
}

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
    MappedBytes bytes = map_bytes(kSlotBytes);
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
    try {
        begin_filled();
    } catch (...) {
        // Nobody called finish(), so nobody asks.
    }
    ::syscall(SYS_io_destroy, context_);  // Comes back when nothing is under way.
    ::close(direct_);
}

std::size_t BulkWriter::begin(std::uint64_t offset, ByteView data) {
    const std::lock_guard lock{mutex_};
    std::size_t length =
        std::min(data.size(), kSlotBytes) / kBulkAlignmentBytes * kBulkAlignmentBytes;
    if (length == 0 || offset % kBulkAlignmentBytes != 0) return 0;
    // Two at once to the same place would end in any order.
    if (overlaps(offset, length)) finish_locked();
    if (!is_filled_to(offset)) {
        begin_filled();
        if (!is_usable_) return 0;
        Slot& slot = free_slot();
        if (!is_usable_) return 0;
        slot.offset = offset;
        slot.length = 0;
        filling_ = &slot;
    }
    Slot& slot = *filling_;
    length = std::min(length, kSlotBytes - slot.length);
    std::memcpy(slot.bytes.get() + slot.length, data.data(), length);
    slot.length += length;
    if (slot.length == kSlotBytes) begin_filled();
    return length;
}

bool BulkWriter::is_filled_to(std::uint64_t offset) const {
    return filling_ != nullptr && filling_->offset + filling_->length == offset;
}

/// What was gathered is on its way then, or written.
void BulkWriter::begin_filled() {
    if (filling_ == nullptr) return;
    Slot& slot = *std::exchange(filling_, nullptr);
    if (is_usable_ && slot.length >= kPieceBytesMin) return submit(slot);
    // Not beside the others: a page of the cache may hold more than what is written now.
    await_all();
    cached_write_(slot.offset, slot.content());
}

void BulkWriter::finish() {
    const std::lock_guard lock{mutex_};
    finish_locked();
}

bool BulkWriter::overlaps(std::uint64_t offset, std::uint64_t length) const {
    return std::any_of(slots_.begin(), slots_.end(), [&](const auto& slot) {
        return slot && (slot->is_busy || slot.get() == filling_) &&
               slot->offset < offset + length && offset < slot->offset + slot->length;
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
            if (slot->has_failed) await_all();
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
    await_all();
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
    begin_filled();
    await_all();
}

/// And writes in the other way what has failed.
void BulkWriter::await_all() {
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
