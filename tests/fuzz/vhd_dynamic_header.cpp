// The dynamic header of a VHD with its locators. Input: options, size of the disk in units of 97
// sectors (u16), then pieces {place u16 in 4 bytes, length u8, bytes} of a file of 256 KiB, whose
// header lies at 512.
#include "storage/disk/vhd_dynamic_header.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhd_forge.h"

namespace entrepot {
namespace {

enum Options : unsigned { keeps_checksum = 1, is_child = 2 };
constexpr std::uint64_t kDataEnd = 256 * kKiB;
constexpr std::uint64_t kHeader = 512;

void check_header(const disk::vhd::DynamicHeader& header, std::uint64_t disk_size) {
    fuzz::require(header.block_count(disk_size) <= header.table_entry_count,
                  "each block has an entry");
    for (std::size_t i = 0; i < header.occupied.size(); ++i) {
        const auto& a = header.occupied[i];
        fuzz::require(a.offset <= kDataEnd && a.length <= kDataEnd - a.offset,
                      "structures lie in the file");
        for (std::size_t j = 0; j < i; ++j)
            fuzz::require(!header.occupied[j].overlaps(a.offset, a.length), "none overlap");
    }
    const disk::ParentLocator parent = header.parent();
    for (const std::string* text :
         {&parent.relative_path, &parent.absolute_path, &parent.parent_name}) {
        Json(*text).dump();
    }
    for (const disk::VhdLocator& locator : header.locators)
        Json(locator.platform_code + locator.text).dump();
    fuzz::require(parent.leaf_name().find_first_of("\\/") == std::string::npos,
                  "the name of a parent is no path");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const unsigned options = input.u8();
    disk::vhd::FoundFooter found;
    found.footer.type = (options & is_child) != 0 ? 4 : 3;
    found.footer.data_offset = kHeader;
    found.footer.current_size = (1 + input.u16() * std::uint64_t{97}) * 512;
    found.data_end = kDataEnd;
    Bytes content(kDataEnd);
    fuzz::fill_with_pieces(input, 4, content);
    test::MemoryFile file{content, "image.vhd"};
    if ((options & keeps_checksum) == 0) {
        const auto begin = content.begin() + static_cast<std::ptrdiff_t>(kHeader);
        file.write(kHeader,
                   test::with_vhd_checksum(Bytes(begin, begin + 1024), test::kVhdHeaderChecksum));
    }
    fuzz::allow_refusal([&] {
        std::vector<std::string> warnings;
        check_header(disk::vhd::read_dynamic_header(file, found, warnings),
                     found.footer.current_size);
    });
    return 0;
}
