// Builds VHDX files for tests from the specification, sharing no code with the writer under test.
// What is not set is as Windows would write it; every structure can be damaged afterwards, since
// the result is bytes.
#pragma once

#include "tests/support/memory_file.h"

#include "base/crc32c.h"
#include "base/guid.h"
#include "base/little_endian.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::test {

inline Guid guid_of(const char* text) {
    return Guid::parse(text).value();
}

struct VhdxEntry {
    std::uint64_t state = 0;
    std::uint64_t file_offset = 0;
};

struct VhdxItem {
    Guid id;
    std::uint32_t flags = 4;
    Bytes content;
    std::optional<std::uint32_t> offset;  ///< In the region; packed behind each other if unset.
};

struct VhdxRegion {
    Guid id;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t required = 1;
};

/// Layout: log at 1 MiB, metadata at 2, table at 3, then whatever the test puts from 4 MiB on.
struct VhdxImageBuilder {
    std::uint64_t size_bytes = 64 * kMiB;
    std::uint32_t block_size_bytes = 2 * kMiB;
    std::uint32_t logical_sector_size = 512;
    std::uint32_t physical_sector_size = 4096;
    std::uint32_t file_flags = 0;
    std::uint32_t log_length = kMiB;
    std::uint64_t log_offset = kMiB;
    Guid log_guid;
    std::uint16_t version = 1;
    std::uint16_t log_version = 0;
    std::uint64_t first_sequence = 7;
    std::uint64_t second_sequence = 8;
    Guid data_write_guid = guid_of("11111111-2222-4333-8444-555555555555");
    Guid virtual_disk_id = guid_of("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee");
    std::uint64_t file_size_bytes = 16 * kMiB;
    std::uint64_t bat_offset = 3 * kMiB;
    std::uint32_t bat_length = kMiB;
    std::vector<VhdxItem> more_items;
    std::vector<VhdxRegion> more_regions;
    std::map<std::uint64_t, std::uint64_t> bat;  ///< Raw values by index.
    std::map<std::uint64_t, Bytes> contents;     ///< By file offset.
    std::vector<std::pair<std::string, std::string>> locator;

    static inline const Guid kBat = guid_of("2DC27766-F623-4200-9D64-115E9BFD4A08");
    static inline const Guid kMetadata = guid_of("8B7CA206-4790-4B9A-B8FE-575F050F886E");
    static inline const Guid kParameters = guid_of("CAA16737-FA36-4D43-B3B6-33F0AA44E76B");
    static inline const Guid kSize = guid_of("2FA54224-CD1B-4876-B211-5DBED83BF4B8");
    static inline const Guid kDiskId = guid_of("BECA12AB-B2E6-4523-93EF-C309E000C746");
    static inline const Guid kLogical = guid_of("8141BF1D-A96F-4709-BA47-F233A8FAAB5F");
    static inline const Guid kPhysical = guid_of("CDA348C7-445D-4471-9CC9-E9885251C556");
    static inline const Guid kLocator = guid_of("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C");
    static inline const Guid kLocatorType = guid_of("B04AEFB7-D19E-4A81-B789-25B8E9445913");
    static inline const Guid kIncomplete = guid_of("71CC85F0-1B69-4E28-9558-C3BF83AE75D3");

    std::uint64_t chunk_ratio() const {
        return (std::uint64_t{1} << 23) * logical_sector_size / block_size_bytes;
    }
    VhdxImageBuilder& block(std::uint64_t number, std::uint64_t state, std::uint64_t offset = 0) {
        bat[number + number / chunk_ratio()] = offset | state;
        return *this;
    }
    VhdxImageBuilder& bitmap(std::uint64_t chunk, std::uint64_t offset, std::uint64_t state = 6) {
        bat[chunk * (chunk_ratio() + 1) + chunk_ratio()] = offset | state;
        return *this;
    }
    VhdxImageBuilder& content(std::uint64_t offset, Bytes bytes) {
        contents[offset] = std::move(bytes);
        return *this;
    }
    VhdxImageBuilder& child_of(const Guid& linkage, const std::string& path) {
        file_flags |= 2;
        locator = {{"parent_linkage", "{" + linkage.to_string() + "}"}, {"relative_path", path}};
        return *this;
    }

    static Bytes utf16(const std::string& ascii) {
        Bytes out;
        for (const char letter : ascii) {
            out.push_back(static_cast<std::byte>(letter));
            out.push_back(std::byte{0});
        }
        return out;
    }
    Bytes locator_item() const {
        LittleEndianWriter head;
        LittleEndianWriter texts;
        head.guid(kLocatorType).u16(0).u16(static_cast<std::uint16_t>(locator.size()));
        const std::size_t base = 20 + 12 * locator.size();
        for (const auto& [key, value] : locator) {
            const auto at = static_cast<std::uint32_t>(base + texts.size());
            const auto key_length = static_cast<std::uint16_t>(2 * key.size());
            head.u32(at).u32(at + key_length).u16(key_length);
            head.u16(static_cast<std::uint16_t>(2 * value.size()));
            texts.bytes(utf16(key)).bytes(utf16(value));
        }
        return head.bytes(texts.data()).take();
    }
    std::vector<VhdxItem> items() const {
        const auto u32 = [](std::uint32_t value) { return LittleEndianWriter{}.u32(value).take(); };
        std::vector<VhdxItem> all{
            {kParameters, 4, LittleEndianWriter{}.u32(block_size_bytes).u32(file_flags).take(), {}},
            {kSize, 6, LittleEndianWriter{}.u64(size_bytes).take(), {}},
            {kLogical, 6, u32(logical_sector_size), {}},
            {kPhysical, 6, u32(physical_sector_size), {}},
            {kDiskId, 6, LittleEndianWriter{}.guid(virtual_disk_id).take(), {}},
        };
        if (!locator.empty()) all.push_back({kLocator, 4, locator_item(), {}});
        all.insert(all.end(), more_items.begin(), more_items.end());
        return all;
    }
    /// As far as there is something in it.
    Bytes metadata_region() const {
        LittleEndianWriter table;
        Bytes region(64 * kKiB);
        const auto all = items();
        table.bytes(as_bytes("metadata")).u16(0).u16(static_cast<std::uint16_t>(all.size()));
        table.zeros(20);
        std::uint32_t next = 64 * kKiB;
        for (const VhdxItem& item : all) {
            const std::uint32_t offset = item.offset.value_or(item.content.empty() ? 0 : next);
            const auto length = static_cast<std::uint32_t>(item.content.size());
            table.guid(item.id).u32(offset).u32(length).u32(item.flags).u32(0);
            if (!item.offset) next += length;
            if (offset + item.content.size() <= kMiB) {
                region.resize(std::max(region.size(), offset + item.content.size()));
                std::copy(item.content.begin(), item.content.end(), region.begin() + offset);
            }
        }
        std::copy(table.data().begin(), table.data().end(), region.begin());
        return region;
    }
    Bytes header(std::uint64_t sequence) const {
        LittleEndianWriter out;
        out.u32(0x64616568).u32(0).u64(sequence);
        out.guid(guid_of("99999999-2222-4333-8444-555555555555")).guid(data_write_guid);
        out.guid(log_guid).u16(log_version).u16(version).u32(log_length).u64(log_offset);
        out.zeros(4096 - out.size());
        return with_checksum(out.take());
    }
    Bytes region_table() const {
        std::vector<VhdxRegion> regions{
            {kMetadata, 2 * kMiB, kMiB, 1},
            {kBat, bat_offset, bat_length, 1},
        };
        regions.insert(regions.end(), more_regions.begin(), more_regions.end());
        LittleEndianWriter out;
        out.u32(0x69676572).u32(0).u32(static_cast<std::uint32_t>(regions.size())).u32(0);
        for (const VhdxRegion& region : regions) {
            out.guid(region.id).u64(region.offset).u32(region.length).u32(region.required);
        }
        out.zeros(64 * kKiB - out.size());
        return with_checksum(out.take());
    }
    static Bytes with_checksum(Bytes bytes) {
        store_u32(bytes, 4, 0);
        store_u32(bytes, 4, crc32c(bytes));
        return bytes;
    }

    std::unique_ptr<MemoryFile> build(const std::string& name = "disk.vhdx") const {
        auto file = std::make_unique<MemoryFile>(name);
        file->truncate(file_size_bytes);
        file->write(0, as_bytes("vhdxfile"));
        file->write(8, utf16("test builder"));
        file->write(64 * kKiB, header(first_sequence));
        file->write(128 * kKiB, header(second_sequence));
        file->write(192 * kKiB, region_table());
        file->write(256 * kKiB, region_table());
        file->write(2 * kMiB, metadata_region());
        for (const auto& [index, raw] : bat) {
            file->write(bat_offset + 8 * index, LittleEndianWriter{}.u64(raw).data());
        }
        for (const auto& [offset, bytes] : contents)
            file->write(offset, bytes);
        return file;
    }
};

/// One entry of a log, as bytes.
struct VhdxLogEntry {
    struct Target {
        bool is_zero = false;
        std::uint64_t offset = 0;
        std::uint64_t length = 4096;
        Bytes page;
    };
    std::uint64_t sequence = 1;
    std::uint32_t tail = 0;
    Guid log_guid;
    std::uint64_t flushed_file_offset = 0;
    std::uint64_t last_file_offset = 0;
    std::vector<Target> targets;

    Bytes build() const {
        LittleEndianWriter head;
        LittleEndianWriter data;
        for (const Target& target : targets) {
            if (target.is_zero) {
                head.u32(0x6f72657a).u32(0).u64(target.length);
            } else {
                head.u32(0x63736564).u32(load_u32(target.page, 4092)).u64(load_u64(target.page, 0));
                data.u32(0x61746164).u32(static_cast<std::uint32_t>(sequence >> 32));
                data.bytes(ByteView{target.page}.subspan(8, 4084));
                data.u32(static_cast<std::uint32_t>(sequence));
            }
            head.u64(target.offset).u64(sequence);
        }
        const std::size_t head_bytes = (64 + head.size() + 4095) / 4096 * 4096;
        LittleEndianWriter out;
        out.u32(0x65676f6c).u32(0).u32(static_cast<std::uint32_t>(head_bytes + data.size()));
        out.u32(tail).u64(sequence).u32(static_cast<std::uint32_t>(targets.size())).u32(0);
        out.guid(log_guid).u64(flushed_file_offset).u64(last_file_offset);
        out.bytes(head.data()).zeros(head_bytes - 64 - head.size()).bytes(data.data());
        return VhdxImageBuilder::with_checksum(out.take());
    }
};

}  // namespace entrepot::test
