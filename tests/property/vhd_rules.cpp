// Footer, its copy, the dynamic header, the table and the blocks.
#include "tests/property/vhd_rules.h"

#include "base/error.h"
#include "tests/property/rule_list.h"
#include "tests/property/vhd_layout.h"

#include <algorithm>

namespace entrepot::property {
namespace {

constexpr std::size_t kFooterUsedBytes = 85;

void check_footer(const VhdLayout& image, std::uint64_t disk_size, RuleList& rules) {
    const ByteView footer{image.footer()};
    rules.require(as_text(footer.first(8)) == "conectix", "footer: cookie");
    rules.require(load_big(footer, 8, 4) == 2, "footer: features {}", load_big(footer, 8, 4));
    rules.require(load_big(footer, 12, 4) == 0x00010000, "footer: version");
    rules.require(image.disk_size() == disk_size, "footer: current size {}, not {}",
                  image.disk_size(), disk_size);
    rules.require(load_big(footer, 40, 8) == disk_size, "footer: original size");
    const std::uint32_t expected = vhd_checksum(footer, VhdLayout::kFooterChecksum);
    rules.require(load_big(footer, VhdLayout::kFooterChecksum, 4) == expected, "footer: checksum");
    rules.require(!is_zero(footer.subspan(VhdLayout::kUniqueId, 16)), "footer: no unique id");
    rules.require(footer[84] == std::byte{0}, "footer: a saved state");
    rules.require(is_zero(footer.subspan(kFooterUsedBytes)), "footer: reserved bytes");
    const auto [cylinders, heads, sectors] = vhd_geometry(disk_size);
    rules.require(load_big(footer, 56, 2) == cylinders && load_big(footer, 58, 1) == heads &&
                      load_big(footer, 59, 1) == sectors,
                  "footer: geometry {}/{}/{}, not {}/{}/{}", load_big(footer, 56, 2),
                  load_big(footer, 58, 1), load_big(footer, 59, 1), cylinders, heads, sectors);
    rules.require(image.type() == kVhdFixed || image.type() == kVhdDynamic, "footer: type {}",
                  image.type());
    rules.require((image.type() == kVhdFixed) == (image.data_offset() == kVhdNoOffset),
                  "footer: data offset {} of type {}", image.data_offset(), image.type());
    rules.require(image.file().size() % kVhdSectorBytes == 0, "file: {} bytes",
                  image.file().size());
}

void check_header(const VhdLayout& image, RuleList& rules) {
    const ByteView header{image.header()};
    rules.require(as_text(header.first(8)) == "cxsparse", "dynamic header: cookie");
    rules.require(load_big(header, 8, 8) == kVhdNoOffset, "dynamic header: data offset");
    rules.require(load_big(header, 24, 4) == 0x00010000, "dynamic header: version");
    rules.require(image.table_offset() % kVhdSectorBytes == 0, "dynamic header: table at {}",
                  image.table_offset());
    const std::uint64_t block = image.block_size();
    rules.require(block >= kVhdSectorBytes && (block & (block - 1)) == 0,
                  "dynamic header: blocks of {} bytes", block);
    const std::uint32_t expected = vhd_checksum(header, VhdLayout::kHeaderChecksum);
    rules.require(load_big(header, VhdLayout::kHeaderChecksum, 4) == expected,
                  "dynamic header: checksum");
    rules.require(is_zero(header.subspan(VhdLayout::kParentId)),
                  "dynamic header: a parent, or reserved bytes");
}

struct Owner {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::string name;
};

void check_bitmap(const VhdLayout& image, std::uint64_t block, RuleList& rules) {
    const std::uint64_t first = block * image.block_size();
    const std::uint64_t length = std::min(image.block_size(), image.disk_size() - first);
    const std::uint64_t sector_count = length / kVhdSectorBytes;
    const Bytes bits = image.file().read_exactly(image.entry(block) * kVhdSectorBytes,
                                                 static_cast<std::size_t>(image.bitmap_bytes()));
    for (std::uint64_t i = 0; i < sector_count; ++i) {
        if ((bits[i / 8] >> (7 - i % 8) & std::byte{1}) != std::byte{0}) continue;
        rules.add(fmt::format("block {}: the bit of sector {} is clear", block, i));
        return;
    }
}

void check_blocks(const VhdLayout& image, RuleList& rules) {
    const std::uint64_t footer = image.file().size() - kVhdFooterBytes;
    const std::uint64_t needed = (image.disk_size() + image.block_size() - 1) / image.block_size();
    rules.require(image.entry_count() == needed, "dynamic header: {} entries for {} blocks",
                  image.entry_count(), needed);
    const std::uint64_t table_bytes =
        (needed * 4 + kVhdSectorBytes - 1) / kVhdSectorBytes * kVhdSectorBytes;
    std::vector<Owner> owners{
        {0, kVhdFooterBytes, "the footer's copy"},
        {image.data_offset(), image.data_offset() + kVhdHeaderBytes, "the dynamic header"},
        {image.table_offset(), image.table_offset() + table_bytes, "the table"},
        {footer, image.file().size(), "the footer"}};
    for (std::uint64_t block = 0; block < table_bytes / 4; ++block) {
        const std::uint64_t entry = image.entry(block);
        if (entry == kVhdAbsent) continue;
        rules.require(block < needed, "table: entry {} belongs to no block", block);
        if (block >= needed) continue;
        const std::uint64_t begin = entry * kVhdSectorBytes;
        const std::uint64_t length = image.bitmap_bytes() + image.block_size();
        owners.push_back({begin, begin + length, fmt::format("block {}", block)});
        if (begin < footer) check_bitmap(image, block, rules);
    }
    std::sort(owners.begin(), owners.end(),
              [](const Owner& a, const Owner& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < owners.size(); ++i) {
        rules.require(owners[i - 1].end <= owners[i].begin, "{} overlaps {}", owners[i - 1].name,
                      owners[i].name);
    }
    rules.require(owners.back().end == image.file().size(), "{} is not in the file",
                  owners.back().name);
}

}  // namespace

std::vector<std::string> find_broken_vhd_rules(const std::filesystem::path& path,
                                               std::uint64_t disk_size_bytes) {
    RuleList rules;
    try {
        const VhdLayout image{path};
        check_footer(image, disk_size_bytes, rules);
        if (image.header().empty()) {
            rules.require(image.file().size() == disk_size_bytes + kVhdFooterBytes,
                          "file: {} bytes", image.file().size());
        } else {
            rules.require(image.file().read_exactly(0, kVhdFooterBytes) == image.footer(),
                          "the footer's copy differs");
            check_header(image, rules);
            check_blocks(image, rules);
        }
    } catch (const Error& error) {
        rules.add(error.what());
    }
    return rules.take();
}

}  // namespace entrepot::property
