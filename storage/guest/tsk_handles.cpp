// Exceptions must not pass through C: a read that throws fails there, and is thrown again here.
#include "storage/guest/tsk_handles.h"

#include "storage/guest_model/name.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace entrepot::guest {

struct TskImage::External {
    TSK_IMG_INFO image;  ///< Must be first.
    TskImage* owner;
};

TskImage::TskImage(const disk::DiskSource& disk) : disk_(disk) {
    external_ = static_cast<External*>(std::calloc(1, sizeof(External)));
    if (external_ == nullptr) throw std::bad_alloc{};
    external_->owner = this;
    const auto size = static_cast<TSK_OFF_T>(disk.size_bytes());
    TSK_IMG_INFO* image = tsk_img_open_external(
        external_, size, disk.logical_sector_size(), &TskImage::read, [](TSK_IMG_INFO*) {},
        [](TSK_IMG_INFO*, FILE*) {});
    if (image != nullptr) return;
    std::free(external_);
    throw Error{ErrorCode::internal, "The Sleuth Kit does not take a volume of ours"};
}

TskImage::~TskImage() {
    tsk_img_close(&external_->image);
    std::free(external_);
}

TSK_IMG_INFO* TskImage::get() const {
    return &external_->image;
}

ssize_t TskImage::read(TSK_IMG_INFO* image, TSK_OFF_T offset, char* target, std::size_t length) {
    TskImage& self = *reinterpret_cast<External*>(image)->owner;
    const auto size = static_cast<TSK_OFF_T>(self.disk_.size_bytes());
    if (offset < 0 || offset >= size) return -1;
    const auto count = std::min(length, static_cast<std::size_t>(size - offset));
    try {
        self.disk_.read(static_cast<std::uint64_t>(offset),
                        {reinterpret_cast<std::byte*>(target), count});
        return static_cast<ssize_t>(count);
    } catch (const std::exception&) {
        if (!self.read_error_) self.read_error_ = std::current_exception();
        return -1;
    }
}

void TskImage::check() {
    if (read_error_) std::rethrow_exception(std::exchange(read_error_, nullptr));
}

void TskImage::fail(const std::string& what) {
    check();
    const char* words = tsk_error_get();
    std::string reason = words == nullptr ? "no reason is known" : escape_name(words);
    tsk_error_reset();
    throw Error{ErrorCode::corrupt, fmt::format("{}: {}", what, reason)};
}

}  // namespace entrepot::guest
