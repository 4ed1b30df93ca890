// Layout as Windows makes it: header, log at 1 MiB, metadata at 2 MiB, BAT at 3 MiB, blocks.
#include "tests/hostsim/disk/vhdx_writer.h"

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "tests/hostsim/disk/vhdx_format.h"

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::uint64_t kLogOffset = kMiB;
constexpr std::uint64_t kMetadataOffset = 2 * kMiB;
constexpr std::uint64_t kBatOffset = 3 * kMiB;
constexpr std::uint64_t kBitmapBytes = kMiB;
constexpr std::uint32_t kItemsOffset = 64 * 1024;
constexpr std::size_t kCopyBytes = 256 * 1024;
constexpr std::uint32_t kPhysicalSectorSize = 4096;

Guid guid(const char* text) {
    return *Guid::parse(text);
}

/// The texts here are host paths and GUIDs; what is beyond ASCII becomes UTF-16 by code point.
Bytes utf16(const std::string& text) {
    LittleEndianWriter out;
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        std::uint32_t code = length == 1 ? first : first & (0xFFU >> (length + 1));
        for (std::size_t k = 1; k < length && i + k < text.size(); ++k) {
            code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
        }
        i += length;
        if (code >= 0x10000) {
            out.u16(static_cast<std::uint16_t>(0xD800 + ((code - 0x10000) >> 10)));
            code = 0xDC00 + ((code - 0x10000) & 0x3FF);
        }
        out.u16(static_cast<std::uint16_t>(code));
    }
    return out.take();
}

Bytes locator_item(const ParentLocator& locator) {
    LittleEndianWriter head;
    LittleEndianWriter texts;
    const auto text_offset = static_cast<std::uint32_t>(20 + 12 * locator.size());
    head.guid(guid(kLocatorType)).u16(0).u16(static_cast<std::uint16_t>(locator.size()));
    for (const auto& [key, value] : locator) {
        const Bytes key_text = utf16(key);
        const Bytes value_text = utf16(value);
        const auto key_offset = static_cast<std::uint32_t>(text_offset + texts.size());
        texts.bytes(key_text);
        const auto value_offset = static_cast<std::uint32_t>(text_offset + texts.size());
        texts.bytes(value_text);
        head.u32(key_offset).u32(value_offset);
        head.u16(static_cast<std::uint16_t>(key_text.size()));
        head.u16(static_cast<std::uint16_t>(value_text.size()));
    }
    head.bytes(texts.data());
    return head.take();
}

}  // namespace

VhdxWriter::VhdxWriter(TargetFile& file, const ImageGeometry& geometry, const ImageVariety& variety,
                       Random& random, OnWritten on_written)
    : file_(file),
      geometry_(geometry),
      variety_(variety),
      random_(random),
      on_written_(std::move(on_written)) {
    const std::uint64_t bat_bytes = entry_count() * 8;
    end_ = kBatOffset + (bat_bytes + kMiB - 1) / kMiB * kMiB;
}

std::uint64_t VhdxWriter::chunk_ratio() const {
    return (std::uint64_t{1} << 23) * geometry_.logical_sector_size / geometry_.block_size;
}

std::uint64_t VhdxWriter::entry_count() const {
    const std::uint64_t blocks =
        (geometry_.size_bytes + geometry_.block_size - 1) / geometry_.block_size;
    const std::uint64_t ratio = chunk_ratio();
    if (!geometry_.parent) return blocks + (blocks - 1) / ratio;
    return (blocks + ratio - 1) / ratio * (ratio + 1);
}

std::uint64_t VhdxWriter::allocate(std::uint64_t length) {
    const std::uint64_t offset = end_;
    end_ += (length + kMiB - 1) / kMiB * kMiB;
    return offset;
}

void VhdxWriter::put(std::uint64_t offset, ByteView data) {
    file_.write(offset, data);
    on_written_(data.size());
}

bool VhdxWriter::chance(unsigned percent) {
    return random_.u64() % 100 < percent;
}

ByteRange VhdxWriter::range_of(std::uint64_t block) const {
    const std::uint64_t offset = block * geometry_.block_size;
    return {offset, std::min<std::uint64_t>(geometry_.block_size, geometry_.size_bytes - offset)};
}

void VhdxWriter::set_entry(std::uint64_t block, State state, std::uint64_t offset) {
    entries_[block + block / chunk_ratio()] = offset | static_cast<std::uint64_t>(state);
}

void VhdxWriter::copy(const DiskContent& content, const ByteRange& range,
                      std::uint64_t file_offset) {
    Bytes buffer(kCopyBytes);
    for (std::uint64_t done = 0; done < range.length;) {
        const auto length =
            static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, range.length - done));
        const MutableByteView part{buffer.data(), length};
        content.read(range.offset + done, part);
        // Zeros too: the file is copied as it is.
        put(file_offset + done, part);
        done += length;
    }
}

void VhdxWriter::write_whole_block(const DiskContent& content, std::uint64_t block) {
    const std::uint64_t offset = allocate(geometry_.block_size);
    copy(content, range_of(block), offset);
    last_block_ = {offset, geometry_.block_size};
    set_entry(block, State::fully_present, offset);
}

bool VhdxWriter::write_zero_block(const DiskContent& content, std::uint64_t block) {
    const ByteRange range = range_of(block);
    Bytes buffer(kCopyBytes);
    for (std::uint64_t done = 0; done < range.length; done += kCopyBytes) {
        const auto length =
            static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, range.length - done));
        const MutableByteView part{buffer.data(), length};
        content.read(range.offset + done, part);
        if (!is_zero(part)) return false;
    }
    const bool is_unmapped = variety_.marks_zero_blocks && chance(50);
    std::uint64_t anchor = 0;
    if (is_unmapped && variety_.leaves_garbage && chance(50)) {
        // A soft anchor: the block keeps space with former bytes in it, and reads as zeros.
        anchor = allocate(geometry_.block_size);
        Bytes garbage(kHeaderBytes);
        random_.fill(garbage);
        put(anchor, garbage);
    }
    set_entry(block, is_unmapped ? State::unmapped : State::zero, anchor);
    return true;
}

void VhdxWriter::write_all(const DiskContent& content) {
    std::uint64_t next = 0;
    while (const auto data = content.find_data(next * geometry_.block_size)) {
        const std::uint64_t first = std::max(next, data->offset / geometry_.block_size);
        if (variety_.marks_zero_blocks && first > next) {
            set_entry(next, chance(50) ? State::zero : State::unmapped, 0);
        }
        next = (data->end() + geometry_.block_size - 1) / geometry_.block_size;
        for (std::uint64_t block = first; block < next; ++block) {
            if (!write_zero_block(content, block)) write_whole_block(content, block);
        }
        if (next * geometry_.block_size >= geometry_.size_bytes) break;
    }
}

void VhdxWriter::write_ranges(const DiskContent& content, const std::vector<ByteRange>& ranges) {
    std::map<std::uint64_t, std::vector<ByteRange>> blocks;
    for (const ByteRange& range : ranges) {
        for (std::uint64_t offset = range.offset; offset < range.end();) {
            const std::uint64_t block = offset / geometry_.block_size;
            const std::uint64_t end = std::min(range.end(), (block + 1) * geometry_.block_size);
            blocks[block].push_back({offset, end - offset});
            offset = end;
        }
    }
    for (const auto& [block, parts] : blocks)
        write_part(content, block, parts);
}

void VhdxWriter::write_part(const DiskContent& content, std::uint64_t block,
                            const std::vector<ByteRange>& ranges) {
    const bool is_whole = ranges.size() == 1 && ranges.front() == range_of(block);
    // A block that is all zeros now may be marked as such even where only a part of it changed:
    // unchanged sectors may always be reported.
    if ((is_whole || variety_.marks_zero_blocks) && write_zero_block(content, block)) return;
    if (is_whole && !(variety_.uses_bitmaps_always && chance(50))) {
        write_whole_block(content, block);
        return;
    }
    for (const ByteRange& range : ranges)
        set_bits(block, range);
    const std::uint64_t offset = allocate(geometry_.block_size);
    for (const ByteRange& range : ranges) {
        copy(content, range, offset + range.offset % geometry_.block_size);
    }
    last_block_ = {offset, geometry_.block_size};
    if (variety_.leaves_garbage) write_garbage(block, ranges, offset);
    set_entry(block, State::partially_present, offset);
}

void VhdxWriter::set_bits(std::uint64_t block, const ByteRange& range) {
    const std::uint64_t ratio = chunk_ratio();
    const std::uint64_t chunk = block / ratio;
    Bitmap& bitmap = bitmaps_[chunk];
    if (bitmap.bits.empty()) {
        bitmap.bits.resize(kBitmapBytes);
        bitmap.file_offset = allocate(kBitmapBytes);
        entries_[chunk * (ratio + 1) + ratio] =
            bitmap.file_offset | static_cast<std::uint64_t>(State::fully_present);
    }
    const std::uint64_t chunk_offset = chunk * ratio * geometry_.block_size;
    const std::uint64_t first = (range.offset - chunk_offset) / geometry_.logical_sector_size;
    const std::uint64_t count = range.length / geometry_.logical_sector_size;
    for (std::uint64_t bit = first; bit < first + count; ++bit) {
        bitmap.bits[static_cast<std::size_t>(bit / 8)] |= std::byte{1} << (bit % 8);
    }
}

void VhdxWriter::write_garbage(std::uint64_t block, const std::vector<ByteRange>& ranges,
                               std::uint64_t file_offset) {
    const std::uint64_t start = range_of(block).offset;
    const std::uint64_t gap = ranges.front().offset - start;
    if (gap == 0) return;
    Bytes garbage(static_cast<std::size_t>(std::min<std::uint64_t>(gap, kHeaderBytes)));
    random_.fill(garbage);
    put(file_offset + gap - garbage.size(), garbage);
}

Bytes VhdxWriter::make_metadata() const {
    struct Item {
        const char* id;
        std::uint32_t flags;
        Bytes content;
    };
    constexpr std::uint32_t kRequired = 4;
    constexpr std::uint32_t kRequiredOfDisk = 6;
    const std::uint32_t has_parent = geometry_.parent ? 2 : 0;
    std::vector<Item> items{
        {kFileParameters, kRequired,
         LittleEndianWriter{}.u32(geometry_.block_size).u32(has_parent).data()},
        {kDiskSize, kRequiredOfDisk, LittleEndianWriter{}.u64(geometry_.size_bytes).data()},
        {kLogicalSector, kRequiredOfDisk,
         LittleEndianWriter{}.u32(geometry_.logical_sector_size).data()},
        {kPhysicalSector, kRequiredOfDisk, LittleEndianWriter{}.u32(kPhysicalSectorSize).data()},
        {kDiskId, kRequiredOfDisk, LittleEndianWriter{}.guid(geometry_.disk_id).data()},
    };
    if (geometry_.parent)
        items.push_back({kParentLocator, kRequired, locator_item(*geometry_.parent)});
    if (geometry_.is_incomplete) items.push_back({kIncompleteFile, kRequired, {}});
    LittleEndianWriter table;
    LittleEndianWriter contents;
    table.bytes(as_bytes("metadata"))
        .u16(0)
        .u16(static_cast<std::uint16_t>(items.size()))
        .zeros(20);
    for (const Item& item : items) {
        const auto length = static_cast<std::uint32_t>(item.content.size());
        const auto offset = static_cast<std::uint32_t>(kItemsOffset + contents.size());
        table.guid(guid(item.id)).u32(length == 0 ? 0 : offset).u32(length).u32(item.flags).u32(0);
        contents.bytes(item.content);
    }
    table.zeros(kItemsOffset - table.size()).bytes(contents.data());
    return table.take();
}

void VhdxWriter::write_headers() {
    LittleEndianWriter identifier;
    identifier.bytes(as_bytes("vhdxfile")).bytes(utf16("Microsoft Windows 10.0.20348.0"));
    put(0, identifier.data());
    const Guid file_write_guid = Guid::make_random(random_);
    for (std::uint64_t copy_number = 0; copy_number < 2; ++copy_number) {
        LittleEndianWriter header;
        header.u32(kHeadSignature).u32(0).u64(7 + copy_number).guid(file_write_guid);
        header.guid(geometry_.data_write_guid).guid(Guid{}).u16(0).u16(1);
        header.u32(static_cast<std::uint32_t>(kMiB)).u64(kLogOffset);
        header.zeros(kHeaderBytes - header.size());
        Bytes bytes = header.take();
        store_u32(bytes, 4, crc32c_with_zeroed_field(bytes, 4));
        put((1 + copy_number) * 64 * kKiB, bytes);
    }
}

void VhdxWriter::write_regions(std::uint64_t bat_length) {
    LittleEndianWriter table;
    table.u32(kRegionSignature).u32(0).u32(2).u32(0);
    table.guid(guid(kBatRegion)).u64(kBatOffset).u32(static_cast<std::uint32_t>(bat_length)).u32(1);
    table.guid(guid(kMetadataRegion))
        .u64(kMetadataOffset)
        .u32(static_cast<std::uint32_t>(kMiB))
        .u32(1);
    table.zeros(kRegionTableBytes - table.size());
    Bytes bytes = table.take();
    store_u32(bytes, 4, crc32c_with_zeroed_field(bytes, 4));
    put(192 * kKiB, bytes);
    put(256 * kKiB, bytes);
}

std::uint64_t VhdxWriter::finish() {
    const std::uint64_t bat_length = (entry_count() * 8 + kMiB - 1) / kMiB * kMiB;
    for (const auto& [chunk, bitmap] : bitmaps_)
        put(bitmap.file_offset, bitmap.bits);
    put(kMetadataOffset, make_metadata());
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        // Neighbouring entries go out together.
        LittleEndianWriter run;
        const std::uint64_t first = entry->first;
        for (; entry != entries_.end() && entry->first == first + run.size() / 8; ++entry) {
            run.u64(entry->second);
        }
        put(kBatOffset + first * 8, run.data());
    }
    write_regions(bat_length);
    write_headers();
    file_.truncate(end_);
    return end_;
}

}  // namespace entrepot::hostsim
