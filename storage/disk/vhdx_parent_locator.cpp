// The parent locator (MS-VHDX 2.6.2.6). Its paths come from a host, or through it from a guest:
// they are decoded for people and never opened.
#include "storage/disk/limits.h"
#include "storage/disk/utf16.h"
#include "storage/disk/vhdx_metadata.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::size_t kHeaderBytes = 20;
constexpr std::size_t kEntryBytes = 12;

[[noreturn]] void refuse(ErrorCode code, std::string text) {
    throw Error{code, "VHDX parent locator: " + std::move(text)};
}

std::string decode_text(ByteView item, std::uint32_t offset, std::uint16_t length,
                        std::size_t index, std::string_view what) {
    const std::string name =
        fmt::format("{} of entry {} (offset {}, length {})", what, index, offset, length);
    if (length == 0) refuse(ErrorCode::corrupt, name + " is empty");
    if (offset % 2 != 0 || length % 2 != 0) {
        refuse(ErrorCode::corrupt, name + " is no whole UTF-16 text");
    }
    if (offset < kHeaderBytes || offset > item.size() || length > item.size() - offset) {
        refuse(ErrorCode::corrupt,
               fmt::format("{} lies outside of the item of {} bytes", name, item.size()));
    }
    auto text = utf16le_to_utf8(item.subspan(offset, length));
    if (!text) refuse(ErrorCode::corrupt, name + " is no valid UTF-16 or has a NUL in it");
    return *std::move(text);
}

std::map<std::string, std::string> decode_entries(ByteView item, std::size_t count) {
    std::map<std::string, std::string> values;
    LittleEndianReader in{item.subspan(kHeaderBytes)};
    for (std::size_t index = 0; index < count; ++index) {
        const std::uint32_t key_offset = in.u32();
        const std::uint32_t value_offset = in.u32();
        const std::uint16_t key_length = in.u16();
        const std::uint16_t value_length = in.u16();
        std::string key = decode_text(item, key_offset, key_length, index, "the key");
        std::string value = decode_text(item, value_offset, value_length, index, "the value");
        if (!values.emplace(key, std::move(value)).second) {
            refuse(ErrorCode::corrupt, fmt::format("key \"{}\" stands twice", key));
        }
    }
    return values;
}

Guid parse_linkage(const std::string& key, const std::string& text) {
    const auto guid = Guid::parse(text);
    if (!guid) refuse(ErrorCode::corrupt, fmt::format("{} \"{}\" is no GUID", key, text));
    return *guid;
}

}  // namespace

ParentLocator decode_parent_locator(ByteView item) {
    if (item.size() < kHeaderBytes) {
        refuse(ErrorCode::corrupt, fmt::format("{} bytes are too few", item.size()));
    }
    LittleEndianReader in{item};
    const Guid type = in.guid();
    if (type != kParentLocatorType) {
        refuse(ErrorCode::unsupported, "LocatorType " + type.to_string() + " is not known");
    }
    in.skip(2);
    const std::size_t count = in.u16();
    if (count == 0 || count > limits::kLocatorEntriesMax ||
        count > (item.size() - kHeaderBytes) / kEntryBytes) {
        refuse(ErrorCode::corrupt,
               fmt::format("KeyValueCount {} in an item of {} bytes", count, item.size()));
    }
    const auto values = decode_entries(item, count);
    const auto value_of = [&](const char* key) {
        const auto value = values.find(key);
        return value == values.end() ? std::string{} : value->second;
    };
    ParentLocator locator;
    if (!values.contains("parent_linkage")) refuse(ErrorCode::corrupt, "no parent_linkage");
    locator.linkage = parse_linkage("parent_linkage", value_of("parent_linkage"));
    if (values.contains("parent_linkage2")) {
        locator.linkage2 = parse_linkage("parent_linkage2", value_of("parent_linkage2"));
    }
    locator.relative_path = value_of("relative_path");
    locator.absolute_path = value_of("absolute_win32_path");
    locator.volume_path = value_of("volume_path");
    if (locator.leaf_name().empty()) refuse(ErrorCode::corrupt, "no path to the parent");
    return locator;
}

Bytes encode_parent_locator(const ParentLocator& locator) {
    const auto braced = [](const Guid& guid) { return "{" + guid.to_string() + "}"; };
    const std::pair<std::string_view, std::string> candidates[] = {
        {"parent_linkage", braced(locator.linkage)},
        {"absolute_win32_path", locator.absolute_path},
        {"relative_path", locator.relative_path},
        {"volume_path", locator.volume_path},
        {"parent_linkage2", locator.linkage2 ? braced(*locator.linkage2) : std::string{}},
    };
    std::vector<std::pair<Bytes, Bytes>> entries;
    for (const auto& [key, value] : candidates) {
        if (!value.empty()) entries.emplace_back(utf8_to_utf16le(key), utf8_to_utf16le(value));
    }
    LittleEndianWriter head;
    LittleEndianWriter texts;
    head.guid(kParentLocatorType).u16(0).u16(static_cast<std::uint16_t>(entries.size()));
    const std::size_t texts_offset = kHeaderBytes + entries.size() * kEntryBytes;
    for (const auto& [key, value] : entries) {
        if (value.size() > limits::kLocatorValueBytesMax) {
            refuse(ErrorCode::invalid, "a path is too long");
        }
        const std::size_t key_offset = texts_offset + texts.size();
        head.u32(static_cast<std::uint32_t>(key_offset));
        head.u32(static_cast<std::uint32_t>(key_offset + key.size()));
        head.u16(static_cast<std::uint16_t>(key.size()));
        head.u16(static_cast<std::uint16_t>(value.size()));
        texts.bytes(key).bytes(value);
    }
    return head.bytes(texts.data()).take();
}

}  // namespace entrepot::disk::vhdx
