// Builds VHD files for tests from the specification, sharing no code with the reader and the writer
// under test. What is not set is as Windows would write it; checksums are right whatever is set.
#pragma once

#include "tests/support/memory_file.h"

#include "base/bytes.h"
#include "base/guid.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::test {

struct VhdLocatorEntry {
    std::string code = "W2ru";
    std::uint32_t space = 512;
    std::uint32_t length = 0;
    std::uint64_t offset = 0;
};

/// Layout: copy of the footer, header at 512, table at 1536, then whatever the test puts, and the
/// footer at the end.
struct VhdImageBuilder {
    std::uint64_t size_bytes = 8 * kMiB;
    std::uint64_t original_size_bytes = 8 * kMiB;
    std::uint32_t type = 3;
    std::uint32_t features = 2;
    std::uint32_t version = 0x00010000;
    std::string creator = "win ";
    std::uint16_t cylinders = 240;
    std::uint8_t heads = 4;
    std::uint8_t sectors = 17;
    std::uint8_t saved_state = 0;
    Guid unique_id = Guid::parse("11111111-2222-4333-8444-555555555555").value();
    std::optional<std::uint64_t> data_offset;  ///< As the footer says it.
    std::size_t footer_bytes = 512;
    bool has_end_footer = true;
    bool has_start_footer = true;

    std::uint64_t header_offset = 512;
    std::string header_cookie = "cxsparse";
    std::uint32_t header_version = 0x00010000;
    std::uint64_t table_offset = 1536;
    std::optional<std::uint32_t> table_entries;
    std::uint32_t block_size_bytes = 2 * kMiB;
    Guid parent_id;
    std::string parent_name;
    std::vector<VhdLocatorEntry> locators;

    std::uint64_t file_size_bytes = 16 * kMiB;     ///< Without the footer; of the disk if fixed.
    std::map<std::uint64_t, std::uint32_t> table;  ///< First sector by block.
    std::map<std::uint64_t, Bytes> contents;       ///< By file offset.

    VhdImageBuilder& block(std::uint64_t number, std::uint32_t sector) {
        table[number] = sector;
        return *this;
    }
    /// A block whose bitmap lies at an offset of whole sectors.
    VhdImageBuilder& block_at(std::uint64_t number, std::uint64_t offset) {
        return block(number, static_cast<std::uint32_t>(offset / 512));
    }
    VhdImageBuilder& content(std::uint64_t offset, Bytes bytes) {
        contents[offset] = std::move(bytes);
        return *this;
    }
    VhdImageBuilder& child_of(const Guid& parent, const std::string& path) {
        type = 4;
        parent_id = parent;
        parent_name = path;
        return *this;
    }
    VhdImageBuilder& fixed() {
        type = 2;
        file_size_bytes = size_bytes;
        has_start_footer = false;
        return *this;
    }
    VhdImageBuilder& locator(const std::string& code, std::uint32_t space, std::uint64_t offset,
                             Bytes text) {
        locators.push_back({code, space, static_cast<std::uint32_t>(text.size()), offset});
        return content(offset, std::move(text));
    }
    /// A path in UTF-16LE at a place of its own.
    VhdImageBuilder& locator(const std::string& code, std::uint64_t offset,
                             const std::string& path) {
        Bytes text;
        for (const char letter : path) {
            text.push_back(static_cast<std::byte>(letter));
            text.push_back(std::byte{0});
        }
        return locator(code, 512, offset, std::move(text));
    }

    static void put(Bytes& bytes, std::size_t offset, std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
            bytes[offset + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)) & 0xFF);
    }
    static void put(Bytes& bytes, std::size_t offset, const std::string& text) {
        std::copy_n(as_bytes(text).begin(), text.size(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    static void put(Bytes& bytes, std::size_t offset, const Guid& guid) {
        std::copy(guid.bytes.begin(), guid.bytes.end(),
                  bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    static void seal(Bytes& bytes, std::size_t offset) {
        put(bytes, offset, 0, 4);
        std::uint32_t sum = 0;
        for (const std::byte byte : bytes)
            sum += std::to_integer<std::uint32_t>(byte);
        put(bytes, offset, ~sum, 4);
    }

    Bytes footer() const {
        Bytes bytes(512);
        put(bytes, 0, "conectix");
        put(bytes, 8, features, 4);
        put(bytes, 12, version, 4);
        put(bytes, 16, data_offset.value_or(type == 2 ? ~std::uint64_t{0} : header_offset), 8);
        put(bytes, 24, 655731475, 4);
        put(bytes, 28, creator);
        put(bytes, 32, 0x000A0000, 4);
        put(bytes, 36, "Wi2k");
        put(bytes, 40, original_size_bytes, 8);
        put(bytes, 48, size_bytes, 8);
        put(bytes, 56, cylinders, 2);
        put(bytes, 58, heads, 1);
        put(bytes, 59, sectors, 1);
        put(bytes, 60, type, 4);
        put(bytes, 68, unique_id);
        put(bytes, 84, saved_state, 1);
        seal(bytes, 64);
        bytes.resize(footer_bytes);
        return bytes;
    }
    std::uint32_t entry_count() const {
        const std::uint64_t block = block_size_bytes == 0 ? 1 : block_size_bytes;
        return table_entries.value_or(static_cast<std::uint32_t>((size_bytes + block - 1) / block));
    }
    Bytes header() const {
        Bytes bytes(1024);
        put(bytes, 0, header_cookie);
        put(bytes, 8, ~std::uint64_t{0}, 8);
        put(bytes, 16, table_offset, 8);
        put(bytes, 24, header_version, 4);
        put(bytes, 28, entry_count(), 4);
        put(bytes, 32, block_size_bytes, 4);
        put(bytes, 40, parent_id);
        for (std::size_t i = 0; i < parent_name.size(); ++i)
            put(bytes, 64 + 2 * i, static_cast<unsigned char>(parent_name[i]), 2);
        for (std::size_t i = 0; i < locators.size(); ++i) {
            const VhdLocatorEntry& entry = locators[i];
            put(bytes, 576 + 24 * i, entry.code);
            put(bytes, 580 + 24 * i, entry.space, 4);
            put(bytes, 584 + 24 * i, entry.length, 4);
            put(bytes, 592 + 24 * i, entry.offset, 8);
        }
        seal(bytes, 36);
        return bytes;
    }

    std::unique_ptr<MemoryFile> build(const std::string& name = "disk.vhd") const {
        auto file = std::make_unique<MemoryFile>(name);
        file->truncate(file_size_bytes);
        if (has_start_footer) {
            Bytes copy = footer();
            copy.resize(512);
            file->write(0, copy);
        }
        if (type != 2) {
            // Absent entries are ones; a page of them at the most is enough for every test.
            const std::size_t bytes = std::min<std::size_t>(entry_count() * std::size_t{4}, kMiB);
            file->write(table_offset, Bytes(bytes, std::byte{0xFF}));
            file->write(header_offset, header());
        }
        for (const auto& [number, sector] : table) {
            Bytes entry(4);
            put(entry, 0, sector, 4);
            file->write(table_offset + 4 * number, entry);
        }
        for (const auto& [offset, bytes] : contents)
            file->write(offset, bytes);
        if (has_end_footer) file->write(file_size_bytes, footer());
        return file;
    }
};

}  // namespace entrepot::test
