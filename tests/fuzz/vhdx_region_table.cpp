// Both region tables of a VHDX. Input: options, size of the file in MiB (u16), length of the first
// table's bytes (u16), the first table, the second (or none: they are the same).
#include "storage/disk/vhdx_region_table.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhdx_forge.h"

namespace entrepot {
namespace {

constexpr std::size_t kTableBytes = 64 * kKiB;
constexpr std::uint64_t kFirstTable = 192 * kKiB;
constexpr std::uint64_t kSecondTable = 256 * kKiB;
enum Options : unsigned { keeps_first_checksum = 1, keeps_second_checksum = 2, has_log = 4 };

void put_table(test::MemoryFile& file, std::uint64_t offset, ByteView bytes, bool keeps_checksum) {
    Bytes table(kTableBytes);
    std::copy_n(bytes.begin(), std::min(bytes.size(), table.size()), table.begin());
    file.write(offset, keeps_checksum ? table : test::VhdxImageBuilder::with_checksum(table));
}

void check_regions(const disk::vhdx::Regions& regions, std::uint64_t file_size) {
    const auto& occupied = regions.occupied;
    for (std::size_t i = 0; i < occupied.size(); ++i) {
        fuzz::require(occupied[i].offset >= kMiB && occupied[i].offset <= file_size &&
                          occupied[i].length <= file_size - occupied[i].offset,
                      "regions lie in the file, behind the headers");
        for (std::size_t j = 0; j < i; ++j) {
            fuzz::require(!occupied[i].overlaps(occupied[j].offset, occupied[j].length),
                          "regions do not overlap");
        }
    }
    const auto is_occupied = [&](const disk::vhdx::FileRange& range) {
        return std::find(occupied.begin(), occupied.end(), range) != occupied.end();
    };
    fuzz::require(is_occupied(regions.bat) && is_occupied(regions.metadata),
                  "no block may lie in the two regions");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const unsigned options = input.u8();
    const std::uint64_t file_size = std::max<std::uint64_t>(input.u16(), 1) * kMiB;
    const ByteView first = input.bytes(input.u16());
    const ByteView second = input.rest();
    test::MemoryFile file;
    file.truncate(file_size);
    put_table(file, kFirstTable, first, (options & keeps_first_checksum) != 0);
    put_table(file, kSecondTable, second.empty() ? first : second,
              (options & keeps_second_checksum) != 0);
    disk::vhdx::FileRange log;
    if ((options & has_log) != 0 && file_size > kMiB) log = {kMiB, kMiB};
    const disk::vhdx::ImageView view{file, {}, file.size()};
    fuzz::allow_refusal([&] {
        std::vector<std::string> warnings;
        check_regions(disk::vhdx::read_regions(view, log, warnings), file_size);
    });
    return 0;
}
