// Chance as content: a file system that compresses or deduplicates must not make room of it.
#include "storage/repository/reserve.h"

#include "base/error.h"

#include <algorithm>

namespace entrepot::repository {
namespace {

constexpr std::size_t kPieceBytes = 256 * kKiB;

}  // namespace

Reserve::Reserve(FileSystem& file_system, Random& random, Log& log, std::filesystem::path file,
                 std::uint64_t size_bytes)
    : file_system_(file_system),
      random_(random),
      log_(log),
      file_(std::move(file)),
      size_bytes_(size_bytes) {}

std::uint64_t Reserve::size_bytes() const {
    const auto status = file_system_.find_status(file_);
    return status ? status->size_bytes : 0;
}

void Reserve::give_up_if_needed() {
    if (size_bytes_ == 0 || size_bytes() == 0) return;
    if (file_system_.free_bytes(file_.parent_path()) >= size_bytes_) return;
    log_.warning("the disk is full: what is kept for deleting is given up",
                 {{"file", file_.string()}});
    file_system_.remove(file_);
}

void Reserve::take_back(std::uint64_t leave_bytes) {
    std::uint64_t end = size_bytes();
    if (end >= size_bytes_) return;
    const std::uint64_t free_bytes = file_system_.free_bytes(file_.parent_path());
    const std::uint64_t room_bytes = free_bytes - std::min(free_bytes, leave_bytes);
    const std::uint64_t size_bytes = std::min(size_bytes_, end + room_bytes);
    if (end >= size_bytes) return;
    try {
        const auto file = end == 0 && !file_system_.exists(file_) ? file_system_.create(file_)
                                                                  : file_system_.open_write(file_);
        Bytes piece(kPieceBytes);
        random_.fill(piece);
        while (end < size_bytes) {
            const auto length = std::min<std::uint64_t>(piece.size(), size_bytes - end);
            file->write(end, ByteView{piece}.first(static_cast<std::size_t>(length)));
            end += length;
        }
        file->sync();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::no_space) throw;
        log_.warning("the disk is full: not enough is kept for deleting",
                     {{"file", file_.string()}, {"error", error.what()}});
    }
}

ReserveLoan::~ReserveLoan() {
    try {
        reserve_.take_back(kLeftForOthersBytes);
    } catch (...) {
        // The next deletion or start tries again.
    }
}

}  // namespace entrepot::repository
