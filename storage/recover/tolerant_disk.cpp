// A read that fails is tried again unit by unit.
#include "storage/recover/tolerant_disk.h"

#include "base/error.h"

#include <algorithm>

namespace entrepot::recover {
namespace {

bool is_loss(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::not_found || code == ErrorCode::io;
}

}  // namespace

void TolerantDisk::note(std::uint64_t offset, std::uint64_t length, const char* reason) const {
    if (!lost_.empty() && lost_.back().offset + lost_.back().length == offset) {
        lost_.back().length += length;
        return;
    }
    lost_.push_back({offset, length, reason});
}

void TolerantDisk::read(std::uint64_t offset, MutableByteView target) const {
    try {
        disk_.read(offset, target);
        return;
    } catch (const Error& error) {
        if (!is_loss(error.code())) throw;
    }
    while (!target.empty()) {
        const std::uint64_t to_unit_end = unit_bytes_ - offset % unit_bytes_;
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>(target.size(), to_unit_end));
        const MutableByteView part = target.first(count);
        try {
            disk_.read(offset, part);
        } catch (const Error& error) {
            if (!is_loss(error.code())) throw;
            std::ranges::fill(part, std::byte{0});
            note(offset, count, error.what());
        }
        target = target.subspan(count);
        offset += count;
    }
}

disk::DiskExtent TolerantDisk::extent_at(std::uint64_t offset, std::uint64_t length_max) const {
    try {
        return disk_.extent_at(offset, length_max);
    } catch (const Error& error) {
        if (!is_loss(error.code())) throw;
    }
    const std::uint64_t to_unit_end = unit_bytes_ - offset % unit_bytes_;
    const std::uint64_t length = std::min({length_max, size_bytes() - offset, to_unit_end});
    return {offset, length, disk::ExtentKind::data};
}

}  // namespace entrepot::recover
