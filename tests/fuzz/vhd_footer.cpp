// Both footers of a VHD. Input: options, size of the file in sectors (u16), how much of the input
// is the footer at the end (u16), that footer, then the copy at the start.
#include "storage/disk/vhd_footer.h"

#include "storage/disk/vhd_geometry.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhd_forge.h"

namespace entrepot {
namespace {

enum Options : unsigned { keeps_end_checksum = 1, keeps_start_checksum = 2, is_old = 4 };

Bytes footer_of(ByteView bytes, std::size_t length, bool keeps_checksum) {
    Bytes footer(length);
    std::copy_n(bytes.begin(), std::min(bytes.size(), length), footer.begin());
    if (keeps_checksum) return footer;
    return test::with_vhd_checksum(std::move(footer), test::kVhdFooterChecksum);
}

void check_footer(const disk::vhd::FoundFooter& found, std::uint64_t file_size) {
    const std::uint64_t size = found.footer.current_size;
    fuzz::require(size > 0 && size % 512 == 0 && size <= 2040 * kGiB, "the size is that of a disk");
    fuzz::require(found.data_end <= file_size, "data ends in the file");
    fuzz::require(found.footer.type >= 2 && found.footer.type <= 4, "the type is a known one");
    std::string problem;
    const auto again = disk::vhd::decode_footer(disk::vhd::encode_footer(found.footer), problem);
    fuzz::require(again == found.footer, "a footer survives a round trip");
    const auto geometry = disk::vhd::geometry_of(size);
    const std::uint64_t sectors =
        std::uint64_t{geometry.cylinders} * geometry.heads * geometry.sectors_per_track;
    fuzz::require(sectors * 512 <= size, "a geometry is not larger than its disk");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const unsigned options = input.u8();
    const std::uint64_t file_size = input.u16() * std::uint64_t{512};
    const ByteView end = input.bytes(input.u16());
    const ByteView start = input.rest();
    test::MemoryFile file{"image.vhd"};
    if (!start.empty()) file.write(0, footer_of(start, 512, (options & keeps_start_checksum) != 0));
    file.truncate(file_size);
    const std::size_t length = (options & is_old) != 0 ? 511 : 512;
    file.write(file_size, footer_of(end, length, (options & keeps_end_checksum) != 0));
    fuzz::allow_refusal([&] {
        std::vector<std::string> warnings;
        check_footer(disk::vhd::read_footer(file, warnings), file.size());
        for (const std::string& warning : warnings)
            Json(warning).dump();
    });
    return 0;
}
