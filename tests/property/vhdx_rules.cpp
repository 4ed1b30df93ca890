// MS-VHDX 2.2 (headers, regions), 2.3 (an empty log), 2.6 (metadata), and the values in them.
#include "tests/property/vhdx_rules.h"

#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"
#include "tests/property/vhdx_layout.h"
#include "tests/property/vhdx_rules_parts.h"

#include <algorithm>
#include <set>

namespace entrepot::property {
namespace {

constexpr std::uint32_t kRequired = 4;
constexpr std::uint32_t kRequiredOfDisk = 6;

struct KnownItem {
    const char* id;
    std::uint32_t flags;
};
constexpr KnownItem kItems[] = {
    {"caa16737-fa36-4d43-b3b6-33f0aa44e76b", kRequired},
    {"2fa54224-cd1b-4876-b211-5dbed83bf4b8", kRequiredOfDisk},
    {"8141bf1d-a96f-4709-ba47-f233a8faab5f", kRequiredOfDisk},
    {"cda348c7-445d-4471-9cc9-e9885251c556", kRequiredOfDisk},
    {"beca12ab-b2e6-4523-93ef-c309e000c746", kRequiredOfDisk},
    {"a8d35f2d-b30b-454d-abf7-d3d84834ab0c", kRequired},
};

bool is_power_of_two(std::uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

void check_identifier(const VhdxLayout& image, RuleList& rules) {
    const Bytes start = image.file().read_exactly(0, std::size_t{64 * 1024});
    rules.require(as_text(ByteView{start}.first(8)) == "vhdxfile", "file identifier: signature");
    rules.require(is_zero(ByteView{start}.subspan(520)),
                  "file identifier: bytes after the creator");
    rules.require(image.file().size() % kMiB == 0, "file: {} bytes are no whole MiB",
                  image.file().size());
}

void check_headers(const VhdxLayout& image, RuleList& rules) {
    const auto& headers = image.headers();
    for (std::size_t i = 0; i < headers.size(); ++i) {
        const VhdxHeader& header = headers[i];
        rules.require(header.is_valid, "header {}: signature or checksum", i);
        if (!header.is_valid) continue;
        rules.require(header.is_rest_zero, "header {}: reserved bytes", i);
        rules.require(header.version == 1, "header {}: version {}", i, header.version);
        rules.require(header.log_version == 0, "header {}: log version {}", i, header.log_version);
        rules.require(!header.file_write_guid.is_null(), "header {}: no FileWriteGuid", i);
        rules.require(!header.data_write_guid.is_null(), "header {}: no DataWriteGuid", i);
        rules.require(header.log_guid.is_null(), "header {}: the log is not empty", i);
        rules.require(header.log_length >= kMiB && header.log_length % kMiB == 0,
                      "header {}: log of {} bytes", i, header.log_length);
        rules.require(header.log_offset >= kMiB && header.log_offset % kMiB == 0,
                      "header {}: log at {}", i, header.log_offset);
    }
    rules.require(headers[0].sequence_number != headers[1].sequence_number,
                  "headers: both have sequence number {}", headers[0].sequence_number);
    rules.require(headers[0].data_write_guid == headers[1].data_write_guid,
                  "headers: two DataWriteGuids");
}

void check_region_tables(const VhdxLayout& image, RuleList& rules) {
    const Bytes first = image.file().read_exactly(VhdxLayout::kFirstRegionTableOffset,
                                                  VhdxLayout::kRegionTableBytes);
    const Bytes second = image.file().read_exactly(
        VhdxLayout::kFirstRegionTableOffset + VhdxLayout::kRegionTableBytes,
        VhdxLayout::kRegionTableBytes);
    rules.require(first == second, "region tables: they differ");
    rules.require(as_text(ByteView{first}.first(4)) == "regi", "region table: signature");
    rules.require(load_u32(first, 4) == crc32c_with_zeroed_field(first, 4),
                  "region table: checksum");
    rules.require(load_u32(first, 12) == 0, "region table: reserved field");
    const std::size_t used = 16 + 32 * image.regions().size();
    rules.require(is_zero(ByteView{first}.subspan(used)), "region table: bytes after the entries");
    std::set<Guid> ids;
    for (const VhdxRegion& region : image.regions()) {
        const std::string id = region.id.to_string();
        rules.require(ids.insert(region.id).second, "region {}: twice", id);
        rules.require(region.flags == 1, "region {}: flags {}", id, region.flags);
        rules.require(region.offset >= kMiB && region.offset % kMiB == 0, "region {}: offset {}",
                      id, region.offset);
        rules.require(region.length > 0 && region.length % kMiB == 0, "region {}: length {}", id,
                      region.length);
    }
    rules.require(image.regions().size() == 2, "region table: {} entries", image.regions().size());
}

void check_item(const VhdxItem& item, std::uint32_t region_length, RuleList& rules) {
    const std::string id = item.id.to_string();
    const auto known = std::find_if(std::begin(kItems), std::end(kItems), [&](const KnownItem& k) {
        return *Guid::parse(k.id) == item.id;
    });
    rules.require(known != std::end(kItems), "metadata item {}: not one of the format", id);
    if (known == std::end(kItems)) return;
    rules.require(item.flags == known->flags, "metadata item {}: flags {}", id, item.flags);
    rules.require(item.reserved == 0, "metadata item {}: reserved field", id);
    rules.require(item.length > 0, "metadata item {}: empty", id);
    rules.require(item.offset >= VhdxLayout::kMetadataTableBytes && item.offset < region_length &&
                      item.length <= region_length - item.offset,
                  "metadata item {}: at {}+{}", id, item.offset, item.length);
}

void check_metadata(const VhdxLayout& image, RuleList& rules) {
    const Bytes table =
        image.file().read_exactly(image.metadata().offset, VhdxLayout::kMetadataTableBytes);
    rules.require(as_text(ByteView{table}.first(8)) == "metadata", "metadata: signature");
    rules.require(
        is_zero(ByteView{table}.subspan(8, 2)) && is_zero(ByteView{table}.subspan(12, 20)),
        "metadata: reserved fields");
    rules.require(is_zero(ByteView{table}.subspan(32 + 32 * image.items().size())),
                  "metadata: bytes after the entries");
    std::vector<const VhdxItem*> items;
    for (const VhdxItem& item : image.items()) {
        check_item(item, image.metadata().length, rules);
        items.push_back(&item);
    }
    std::sort(items.begin(), items.end(),
              [](const auto* a, const auto* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < items.size(); ++i) {
        rules.require(items[i - 1]->offset + items[i - 1]->length <= items[i]->offset,
                      "metadata item {}: overlaps another", items[i]->id.to_string());
        rules.require(items[i - 1]->id != items[i]->id, "metadata item {}: twice",
                      items[i]->id.to_string());
    }
}

void check_values(const VhdxLayout& image, const ExpectedVhdx& expected, RuleList& rules) {
    rules.require(is_power_of_two(image.block_size()) && image.block_size() >= kMiB,
                  "file parameters: blocks of {} bytes", image.block_size());
    rules.require((image.file_flags() & ~3U) == 0, "file parameters: flags {}", image.file_flags());
    rules.require(image.sector_size() == 512 || image.sector_size() == 4096,
                  "logical sectors of {} bytes", image.sector_size());
    const std::uint32_t physical =
        load_u32(image.find_item("cda348c7-445d-4471-9cc9-e9885251c556")->content, 0);
    rules.require((physical == 512 || physical == 4096) && physical >= image.sector_size(),
                  "physical sectors of {} bytes", physical);
    rules.require(image.disk_size() % image.sector_size() == 0,
                  "a disk of {} bytes in sectors of {}", image.disk_size(), image.sector_size());
    rules.require(image.disk_size() <= 64 * kTiB, "a disk of {} bytes", image.disk_size());
    rules.require(!is_zero(image.find_item("beca12ab-b2e6-4523-93ef-c309e000c746")->content),
                  "the disk has no id");
    rules.require(image.disk_size() == expected.disk_size_bytes, "a disk of {} bytes, not of {}",
                  image.disk_size(), expected.disk_size_bytes);
    rules.require(image.sector_size() == expected.sector_size, "sectors of {} bytes, not of {}",
                  image.sector_size(), expected.sector_size);
    rules.require(image.has_parent() == expected.parent.has_value(), "file parameters: HasParent");
    rules.require(image.has_parent() == (image.parent_locator() != nullptr),
                  "metadata: a parent locator, or none");
}

}  // namespace

std::vector<std::string> find_broken_rules(const std::filesystem::path& path,
                                           const ExpectedVhdx& expected) {
    RuleList rules;
    try {
        const VhdxLayout image{path};
        check_identifier(image, rules);
        check_headers(image, rules);
        check_region_tables(image, rules);
        check_metadata(image, rules);
        check_values(image, expected, rules);
        check_space(image, rules);
        check_bitmaps(image, rules);
        if (expected.parent) check_locator(image, *expected.parent, rules);
    } catch (const Error& error) {
        rules.add(error.what());
    }
    return rules.take();
}

}  // namespace entrepot::property
