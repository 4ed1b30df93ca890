// Partition tables and what is recognised in the volumes. Input: options (the sector size), size of
// the disk in sectors (u16), then pieces: sector (u16), offset in it (u16), length (u8), bytes. A
// piece of length 0 puts a boot signature at the end of its sector. Checksums of a GPT are not made
// right: the seeds have right ones.
#include "storage/guest/volumes.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"
#include "storage/guest_model/protocol.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/unit/backup/memory_source.h"

namespace entrepot {
namespace {

constexpr std::uint64_t kSectorsMax = 2048;

Bytes make_disk(fuzz::Input& input, std::uint32_t sector_size) {
    const std::uint64_t sectors = 1 + input.u16() % kSectorsMax;
    Bytes disk(sectors * sector_size);
    while (!input.empty()) {
        const std::size_t sector = input.u16() % sectors * sector_size;
        const std::size_t offset = input.u16() % sector_size;
        const ByteView piece = input.bytes(input.u8());
        if (piece.empty() && sector + 512 <= disk.size()) {
            disk[sector + 510] = std::byte{0x55};
            disk[sector + 511] = std::byte{0xAA};
        }
        const std::size_t count = std::min(piece.size(), disk.size() - sector - offset);
        std::copy_n(piece.begin(), count,
                    disk.begin() + static_cast<std::ptrdiff_t>(sector + offset));
    }
    return disk;
}

void check_volumes(const guest::VolumeTable& table, std::uint64_t size) {
    fuzz::require(table.volumes.size() <= guest::limits::kVolumesMax, "volumes are bounded");
    fuzz::require(table.notices.size() <= guest::limits::kNoticesMax, "notices are bounded");
    for (const guest::Volume& volume : table.volumes) {
        fuzz::require(volume.offset <= size && volume.length <= size, "a volume lies in the disk");
        fuzz::require(!volume.pieces.empty() || volume.length <= size - volume.offset,
                      "a partition ends in the disk");
        for (const guest::VolumePiece& piece : volume.pieces) {
            fuzz::require(piece.offset <= size && piece.length <= size - piece.offset,
                          "a piece lies in the disk");
        }
        fuzz::require(guest::is_shown_text(volume.name) && guest::is_shown_text(volume.label),
                      "what is shown is harmless");
    }
    // What the worker says must be what its parent takes.
    const guest::VolumeTable again = guest::decode_volumes(guest::encode(table));
    fuzz::require(again.volumes.size() == table.volumes.size(), "a table survives the protocol");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const std::uint32_t sector_size = (input.u8() & 1U) != 0 ? 4096 : 512;
    const test::MemorySource disk{make_disk(input, sector_size), sector_size};
    check_volumes(guest::read_volumes(disk), disk.size_bytes());
    return 0;
}
