// What proves onto which content of a base a differencing image belongs.
#include "appliance/backup/base_view.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <optional>

using namespace entrepot;
using backup::choose_base_view;
using backup::Voucher;
using repository::View;

namespace {

Guid guid(std::uint8_t number) {
    Guid guid;
    guid.bytes[0] = std::byte{number};
    return guid;
}

repository::DiskSummary base_disk(bool has_tracking_map) {
    repository::DiskSummary disk;
    disk.draft.size_bytes = 1 << 20;
    disk.draft.images = {{"disk_1.avhdx", guid(2), true}, {"disk.vhdx", guid(1), false}};
    disk.has_tracking_map = has_tracking_map;
    return disk;
}

disk::ImageInfo child_of(const Guid& linkage, const std::string& path) {
    disk::ImageInfo info;
    info.size_bytes = 1 << 20;
    info.parent.emplace();
    info.parent->linkage = linkage;
    info.parent->relative_path = path;
    return info;
}

bool is_ours(const Guid& candidate) {
    return candidate == guid(9);
}

std::optional<View> choose(const disk::ImageInfo& child, bool has_tracking_map, Voucher voucher) {
    try {
        return choose_base_view(child, base_disk(has_tracking_map), voucher, is_ours).view;
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::parent_mismatch);
        CHECK_FALSE(error.hint().empty());
        return std::nullopt;
    }
}

}  // namespace

TEST_CASE("base view: linkage proves, whatever the name says", "[backup]") {
    const Voucher voucher = GENERATE(Voucher::nobody, Voucher::reference_point);
    CHECK(choose(child_of(guid(1), ".\\disk_1.avhdx"), true, voucher) == View::tracking);
    CHECK(choose(child_of(guid(2), ".\\disk.vhdx"), true, voucher) == View::restore);
    disk::ImageInfo second = child_of(guid(7), "");
    second.parent->linkage2 = guid(2);
    CHECK(choose(second, true, voucher) == View::restore);
}

TEST_CASE("base view: an unknown linkage is believed only where a reference point vouches",
          "[backup]") {
    const auto child = child_of(guid(7), "C:\\VMs\\DISK_1.AVHDX");
    CHECK(choose(child, true, Voucher::reference_point) == View::restore);
    CHECK(choose(child_of(guid(7), "D:\\disk.vhdx"), true, Voucher::reference_point) ==
          View::tracking);
    CHECK(choose(child, true, Voucher::nobody) == std::nullopt);
}

TEST_CASE("base view: neither linkage nor name proves it: only without a leaf is it clear",
          "[backup]") {
    const auto child = child_of(guid(7), ".\\elsewhere.vhdx");
    CHECK(choose(child, true, Voucher::reference_point) == std::nullopt);
    CHECK(choose(child, false, Voucher::reference_point).has_value());
}

TEST_CASE("base view: another image of ours as parent is refused", "[backup]") {
    CHECK(choose(child_of(guid(9), ".\\disk.vhdx"), false, Voucher::reference_point) ==
          std::nullopt);
}

TEST_CASE("base view: another size or sector size is refused, linkage or not", "[backup]") {
    auto child = child_of(guid(1), ".\\disk.vhdx");
    child.size_bytes = 2 << 20;
    CHECK(choose(child, true, Voucher::reference_point) == std::nullopt);
    child = child_of(guid(1), ".\\disk.vhdx");
    child.logical_sector_size = 4096;
    CHECK(choose(child, true, Voucher::reference_point) == std::nullopt);
}
