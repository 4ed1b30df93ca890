// LVM's description of its volumes, with the checksums made right around it, so that they keep
// nothing out. Input: size of the physical volume in MiB (u8), then the text.
#include "storage/guest/lvm.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/little_endian.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"

namespace entrepot {
namespace {

constexpr std::size_t kLabel = 512;
constexpr std::size_t kArea = 4096;
constexpr std::size_t kAreaBytes = kMiB - kArea;
constexpr std::size_t kHeadBytes = 512;
constexpr std::string_view kId = "0123456789abcdefghijklmnopqrstuv";

std::uint32_t checksum_of(ByteView bytes) {
    std::uint32_t sum = 0xf597a6cf;
    for (const std::byte byte : bytes) {
        sum ^= static_cast<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum & 1U) != 0 ? sum >> 1U ^ 0xedb88320 : sum >> 1U;
    }
    return sum;
}

void put(Bytes& disk, std::size_t offset, ByteView bytes) {
    std::ranges::copy(bytes, disk.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// Bytes, and zeros behind them up to its size.
class HeadDisk final : public disk::DiskSource {
public:
    HeadDisk(Bytes head, std::uint64_t size) : head_(std::move(head)), size_(size) {}
    std::uint64_t size_bytes() const override { return size_; }
    std::uint32_t logical_sector_size() const override { return 512; }
    void read(std::uint64_t offset, MutableByteView target) const override {
        fuzz::require(offset <= size_ && target.size() <= size_ - offset, "a read is in the disk");
        std::ranges::fill(target, std::byte{0});
        if (offset >= head_.size()) return;
        const auto begin = static_cast<std::size_t>(offset);
        const std::size_t count = std::min(target.size(), head_.size() - begin);
        std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(begin), count, target.begin());
    }
    disk::DiskExtent extent_at(std::uint64_t offset, std::uint64_t length_max) const override {
        return {offset, std::min(length_max, size_ - offset), disk::ExtentKind::data};
    }

private:
    Bytes head_;
    std::uint64_t size_;
};

Bytes make_head(std::uint64_t size, ByteView text) {
    Bytes disk(kArea + kHeadBytes + text.size());
    LittleEndianWriter label;
    label.bytes(as_bytes("LABELONE")).u64(1).u32(0).u32(32).bytes(as_bytes("LVM2 001"));
    label.bytes(as_bytes(kId)).u64(size).u64(kMiB).u64(0).u64(0).u64(0);
    label.u64(kArea).u64(kAreaBytes).u64(0).u64(0);
    put(disk, kLabel, label.data());
    store_u32(disk, kLabel + 16, checksum_of(ByteView{disk}.subspan(kLabel + 20, kHeadBytes - 20)));
    LittleEndianWriter area;
    area.u32(0).bytes(as_bytes(" LVM2 x[5A%r0N*>")).u32(1).u64(kArea).u64(kAreaBytes);
    area.u64(kHeadBytes).u64(text.size()).u32(checksum_of(text)).u32(0);
    put(disk, kArea, area.data());
    store_u32(disk, kArea, checksum_of(ByteView{disk}.subspan(kArea + 4, kHeadBytes - 4)));
    put(disk, kArea + kHeadBytes, text);
    return disk;
}

void check(const std::vector<guest::LogicalVolume>& volumes, std::uint64_t size) {
    fuzz::require(volumes.size() <= guest::limits::kLogicalVolumesMax, "volumes are bounded");
    for (const guest::LogicalVolume& volume : volumes) {
        fuzz::require(guest::is_shown_text(volume.name) && guest::is_shown_text(volume.refusal),
                      "what is shown is harmless");
        std::uint64_t length = 0;
        for (const guest::VolumePiece& piece : volume.pieces) {
            fuzz::require(piece.offset <= size && piece.length <= size - piece.offset,
                          "a piece lies in the physical volume");
            length += piece.length;
        }
        fuzz::require(length <= size, "a volume is no larger than what it lies on");
    }
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const std::uint64_t bytes = (1 + input.u8() % 64) * kMiB;
    const HeadDisk disk{make_head(bytes, input.bytes(kAreaBytes - kHeadBytes)), bytes};
    try {
        check(guest::read_logical_volumes(disk), disk.size_bytes());
    } catch (const Error& error) {
        fuzz::require(std::string_view{error.what()}.size() <= fuzz::kMessageBytesMax,
                      "a message is short");
    }
    return 0;
}
