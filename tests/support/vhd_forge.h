// Builds VHD files for tests from the specification ("Virtual Hard Disk Image Format
// Specification", 2006), sharing no code with reader or writer. What is not set is as Windows would
// write it; lies are patched in afterwards, under checksums that are right.
#pragma once

#include "tests/support/memory_file.h"

#include "base/guid.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::test {

/// Appends big-endian fields.
class BigEndian {
public:
    BigEndian& u8(std::uint64_t value) { return number(value, 1); }
    BigEndian& u16(std::uint64_t value) { return number(value, 2); }
    BigEndian& u32(std::uint64_t value) { return number(value, 4); }
    BigEndian& u64(std::uint64_t value) { return number(value, 8); }
    BigEndian& bytes(ByteView value) {
        data_.insert(data_.end(), value.begin(), value.end());
        return *this;
    }
    BigEndian& text(const std::string& value) { return bytes(as_bytes(value)); }
    BigEndian& pad_to(std::size_t length) {
        data_.resize(length);
        return *this;
    }
    std::size_t size() const { return data_.size(); }
    Bytes take() { return std::move(data_); }

private:
    BigEndian& number(std::uint64_t value, unsigned length) {
        for (unsigned i = length; i > 0; --i)
            data_.push_back(static_cast<std::byte>(value >> (8 * (i - 1))));
        return *this;
    }
    Bytes data_;
};

/// Makes the checksum of a footer (field at 64) or of a dynamic header (field at 36) right.
inline Bytes with_vhd_checksum(Bytes bytes, std::size_t field) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i < field || i >= field + 4) sum += std::to_integer<std::uint32_t>(bytes[i]);
    }
    const Bytes checksum = BigEndian{}.u32(~sum).take();
    std::copy(checksum.begin(), checksum.end(), bytes.begin() + static_cast<std::ptrdiff_t>(field));
    return bytes;
}

struct VhdParentLocator {
    std::string code = "W2ru";
    std::uint32_t space = 512;
    std::uint64_t offset = 0;
    Bytes content;
};

/// Layout: copy of the footer, dynamic header at 512, table at 1536, locators and blocks where the
/// test puts them, footer at `data_end`. A fixed image is its disk and a footer.
struct VhdForge {
    static constexpr std::uint32_t kFixed = 2;
    static constexpr std::uint32_t kDynamic = 3;
    static constexpr std::uint32_t kDifferencing = 4;
    static constexpr std::size_t kFooterChecksum = 64;
    static constexpr std::size_t kHeaderChecksum = 36;

    std::uint32_t type = kDynamic;
    std::uint64_t size_bytes = 4 * kMiB;
    std::uint64_t original_size_bytes = 4 * kMiB;
    std::uint32_t block_size_bytes = kMiB;
    std::uint32_t features = 2;
    std::uint32_t time_stamp = 1000;
    std::string creator = "win ";
    std::uint16_t cylinders = 120;
    std::uint8_t heads = 4;
    std::uint8_t sectors = 17;
    std::uint8_t saved_state = 0;
    Guid id = Guid::parse("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee").value();
    std::uint64_t header_offset = 512;
    std::uint64_t table_offset = 1536;
    std::uint32_t table_entry_count = 4;
    Guid parent_id;
    std::string parent_name;
    std::vector<VhdParentLocator> locators;
    std::uint64_t data_end = 8 * kMiB;
    std::size_t footer_bytes = 512;
    std::map<std::uint64_t, std::uint32_t> table;  ///< Sectors by block; others are absent.
    std::map<std::uint64_t, Bytes> contents;       ///< By file offset.

    VhdForge& fixed() {
        type = kFixed;
        data_end = size_bytes;
        return *this;
    }
    VhdForge& child_of(const Guid& parent, const std::string& name) {
        type = kDifferencing;
        parent_id = parent;
        parent_name = name;
        return *this;
    }
    /// A block whose bitmap lies at an offset of whole sectors.
    VhdForge& block(std::uint64_t number, std::uint64_t offset) {
        table[number] = static_cast<std::uint32_t>(offset / 512);
        return *this;
    }
    VhdForge& content(std::uint64_t offset, Bytes bytes) {
        contents[offset] = std::move(bytes);
        return *this;
    }
    /// Of a bitmap, which fills whole sectors.
    std::uint64_t bitmap_bytes() const { return (block_size_bytes / 512 / 8 + 511) / 512 * 512; }

    Bytes footer() const {
        const std::uint64_t none = ~std::uint64_t{0};
        BigEndian out;
        out.text("conectix").u32(features).u32(0x00010000);
        out.u64(type == kFixed ? none : header_offset).u32(time_stamp).text(creator);
        out.u32(0x000A0000).text("Wi2k").u64(original_size_bytes).u64(size_bytes);
        out.u16(cylinders).u8(heads).u8(sectors).u32(type).u32(0).bytes(id.bytes).u8(saved_state);
        out.pad_to(footer_bytes);
        return with_vhd_checksum(out.take(), kFooterChecksum);
    }
    Bytes header() const {
        BigEndian out;
        out.text("cxsparse").u64(~std::uint64_t{0}).u64(table_offset).u32(0x00010000);
        out.u32(table_entry_count).u32(block_size_bytes).u32(0).bytes(parent_id.bytes);
        out.u32(0).u32(0);
        for (const char letter : parent_name)
            out.u16(static_cast<unsigned char>(letter));
        out.pad_to(576);
        for (const VhdParentLocator& locator : locators) {
            out.text(locator.code).u32(locator.space).u32(locator.content.size()).u32(0);
            out.u64(locator.offset);
        }
        out.pad_to(1024);
        return with_vhd_checksum(out.take(), kHeaderChecksum);
    }

    std::unique_ptr<MemoryFile> build(const std::string& name = "disk.vhd") const {
        auto file = std::make_unique<MemoryFile>(name);
        if (type != kFixed) {
            Bytes start = footer();
            start.resize(512);
            file->write(0, with_vhd_checksum(start, kFooterChecksum));
            file->write(header_offset, header());
            for (std::uint64_t entry = 0; entry < std::min<std::uint64_t>(table_entry_count, 4096);
                 ++entry) {
                const auto place = table.find(entry);
                const std::uint32_t sector = place == table.end() ? 0xFFFFFFFF : place->second;
                file->write(table_offset + 4 * entry, BigEndian{}.u32(sector).take());
            }
            for (const VhdParentLocator& locator : locators)
                file->write(locator.offset, locator.content);
        }
        for (const auto& [offset, bytes] : contents)
            file->write(offset, bytes);
        file->truncate(data_end);
        file->write(data_end, footer());
        return file;
    }
};

/// Makes the checksums right of the footers at `footer` and 0 and of the dynamic header at
/// `header`, where they are; 0 means none.
inline void fix_vhd_checksums(MemoryFile& file, std::uint64_t footer, std::uint64_t header) {
    const auto fix = [&file](std::uint64_t offset, std::size_t length, std::size_t field) {
        Bytes bytes(length);
        if (file.read_some(offset, bytes) == length)
            file.write(offset, with_vhd_checksum(std::move(bytes), field));
    };
    fix(footer, 512, VhdForge::kFooterChecksum);
    if (header == 0) return;
    fix(0, 512, VhdForge::kFooterChecksum);
    fix(header, 1024, VhdForge::kHeaderChecksum);
}

}  // namespace entrepot::test
