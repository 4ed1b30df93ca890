// UEFI specification 2.10, 5.3: header in the second sector, its copy in the last.
#include "storage/guest/gpt.h"

#include "storage/disk/utf16.h"
#include "storage/guest/volume_source.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/bytes.h"
#include "base/guid.h"
#include "base/little_endian.h"

namespace entrepot::guest {
namespace {

constexpr std::string_view kSignature = "EFI PART";
constexpr std::uint32_t kHeaderBytesMin = 92;
constexpr std::size_t kChecksumOffset = 16;
constexpr std::uint32_t kEntryBytesMin = 128;
constexpr std::size_t kNameBytes = 72;

struct Header {
    std::uint64_t table_sector = 0;
    std::uint32_t entry_count = 0;
    std::uint32_t entry_bytes = 0;
    std::uint32_t table_checksum = 0;
};

// CRC-32 of ISO 3309, as the specification wants it.
std::uint32_t crc32(ByteView bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const std::byte byte : bytes) {
        crc ^= static_cast<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1U) ^ (0xEDB88320U & (0U - (crc & 1U)));
    }
    return ~crc;
}

std::optional<Header> read_header(const disk::DiskSource& disk, std::uint64_t sector) {
    const std::uint32_t sector_size = disk.logical_sector_size();
    Bytes bytes = read_up_to(disk, sector * sector_size, sector_size);
    if (bytes.size() < kHeaderBytesMin || as_text(ByteView{bytes}.first(8)) != kSignature) {
        return std::nullopt;
    }
    LittleEndianReader in{bytes};
    in.skip(kSignature.size() + 4);  // And the revision: fields are only ever added.
    const std::uint32_t header_bytes = in.u32();
    const std::uint32_t checksum = in.u32();
    if (header_bytes < kHeaderBytesMin || header_bytes > bytes.size()) return std::nullopt;
    in.skip(4);
    const std::uint64_t own_sector = in.u64();
    in.skip(8 + 8 + 8 + Guid::kSizeBytes);
    Header header;
    header.table_sector = in.u64();
    header.entry_count = in.u32();
    header.entry_bytes = in.u32();
    header.table_checksum = in.u32();
    store_u32(bytes, kChecksumOffset, 0);
    if (crc32(ByteView{bytes}.first(header_bytes)) != checksum) return std::nullopt;
    if (own_sector != sector) return std::nullopt;
    return header;
}

// nullopt for a table that is not what the header says, or beyond our bounds.
std::optional<Bytes> read_table(const disk::DiskSource& disk, const Header& header) {
    const bool is_sized = header.entry_bytes >= kEntryBytesMin && header.entry_bytes % 8 == 0 &&
                          header.entry_bytes <= limits::kGptEntryBytesMax &&
                          header.entry_count <= limits::kGptEntriesMax;
    if (!is_sized) return std::nullopt;
    const std::size_t length = std::size_t{header.entry_bytes} * header.entry_count;
    const std::uint64_t sectors = disk.size_bytes() / disk.logical_sector_size();
    if (length > limits::kGptTableBytesMax || header.table_sector >= sectors) return std::nullopt;
    Bytes table = read_up_to(disk, header.table_sector * disk.logical_sector_size(), length);
    if (table.size() != length || crc32(table) != header.table_checksum) return std::nullopt;
    return table;
}

std::vector<Partition> decode_table(ByteView table, const Header& header) {
    std::vector<Partition> partitions;
    for (std::uint32_t i = 0; i < header.entry_count; ++i) {
        const ByteView entry = table.subspan(std::size_t{i} * header.entry_bytes, kEntryBytesMin);
        if (is_zero(entry.first(Guid::kSizeBytes))) continue;
        LittleEndianReader in{entry};
        Partition partition;
        partition.number = i + 1;
        partition.type = in.guid().to_upper_string();
        in.skip(Guid::kSizeBytes);
        partition.first_sector = in.u64();
        const std::uint64_t last = in.u64();
        // An empty one, or one that ends before it begins, has no sectors.
        if (last >= partition.first_sector && last - partition.first_sector < UINT64_MAX) {
            partition.sector_count = last - partition.first_sector + 1;
        }
        in.skip(8);
        partition.name = escape_name(disk::utf16le_to_utf8_lossy(in.bytes(kNameBytes)));
        partitions.push_back(std::move(partition));
    }
    return partitions;
}

std::optional<PartitionTable> read_copy(const disk::DiskSource& disk, std::uint64_t sector) {
    const auto header = read_header(disk, sector);
    if (!header) return std::nullopt;
    const auto bytes = read_table(disk, *header);
    if (!bytes) return std::nullopt;
    return PartitionTable{"gpt", decode_table(*bytes, *header), {}};
}

}  // namespace

std::optional<PartitionTable> read_gpt(const disk::DiskSource& disk) {
    const std::uint64_t sectors = disk.size_bytes() / disk.logical_sector_size();
    if (sectors < 3) return std::nullopt;
    if (auto table = read_copy(disk, 1)) return table;
    auto table = read_copy(disk, sectors - 1);
    if (table) table->notices.push_back("the first copy of the GPT is damaged; the second is used");
    return table;
}

}  // namespace entrepot::guest
