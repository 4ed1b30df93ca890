// Metadata table and items. Input: u16 length of the table, the table, the items as they lie from
// 64 KiB on.
#include "storage/disk/vhdx_metadata.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"

#include <bit>

namespace entrepot {
namespace {

void check_metadata(const disk::vhdx::Metadata& metadata) {
    const std::uint32_t block = metadata.block_size_bytes;
    fuzz::require(std::has_single_bit(block) && block >= kMiB && block <= 256 * kMiB,
                  "the block size is one of the format's");
    const std::uint32_t sector = metadata.logical_sector_size;
    fuzz::require(sector == 512 || sector == 4096, "the sector size is one of the format's");
    fuzz::require(metadata.size_bytes > 0 && metadata.size_bytes <= 64 * kTiB &&
                      metadata.size_bytes % sector == 0,
                  "the disk's size is one of the format's");
    fuzz::require(metadata.has_parent == metadata.parent.has_value(),
                  "a child, and only a child, names its parent");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const ByteView table = input.bytes(input.u16());
    test::MemoryFile file;
    file.write(kMiB, table);
    file.write(kMiB + 64 * kKiB, input.bytes(512 * kKiB));
    file.truncate(2 * kMiB);
    const disk::vhdx::ImageView view{file, {}, file.size()};
    fuzz::allow_refusal([&] {
        std::vector<std::string> warnings;
        check_metadata(disk::vhdx::read_metadata(view, {kMiB, kMiB}, warnings));
    });
    return 0;
}
