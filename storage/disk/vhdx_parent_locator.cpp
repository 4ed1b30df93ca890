// The parent locator (MS-VHDX 2.6.2.6). Its paths come from a host, or through it from a guest:
// they are decoded for people and never opened.
#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"
#include "storage/disk/utf16.h"
#include "storage/disk/vhdx_metadata.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::size_t kHeaderBytes = 20;
constexpr std::size_t kEntryBytes = 12;
/// Of a text that is no text: enough to find it.
constexpr std::size_t kShownBytesMax = 16;

constexpr std::uint64_t kCountOffset = 18;
// In an entry.
constexpr std::uint64_t kKeyOffsetOffset = 0;
constexpr std::uint64_t kValueOffsetOffset = 4;
constexpr std::uint64_t kKeyLengthOffset = 8;
constexpr std::uint64_t kValueLengthOffset = 10;

/// The item and where it lies in the file.
struct LocatorItem {
    ByteView bytes;
    std::uint64_t offset = 0;
};

[[noreturn]] void refuse(ErrorCode code, std::string name, std::string value, std::uint64_t offset,
                         std::string_view why) {
    refuse_field(code, {"VHDX parent locator", std::move(name), std::move(value), offset}, why);
}

/// A key or a value of an entry.
struct TextPlace {
    std::string name;  ///< "Key" or "Value", and of which entry.
    std::uint32_t offset = 0;
    std::uint16_t length = 0;
    std::uint64_t offset_field = 0;  ///< Where these two stand in the file.
    std::uint64_t length_field = 0;
};

std::string decode_text(const LocatorItem& item, const TextPlace& place) {
    const auto refuse_length = [&](std::string_view why) {
        refuse(ErrorCode::corrupt, "length of " + place.name, fmt::format("{}", place.length),
               place.length_field, why);
    };
    const auto refuse_offset = [&](std::string_view why) {
        refuse(ErrorCode::corrupt, "offset of " + place.name, fmt::format("{}", place.offset),
               place.offset_field, why);
    };
    const std::size_t size = item.bytes.size();
    if (place.length == 0) refuse_length("makes it empty");
    if (place.length % 2 != 0) refuse_length("is odd, so that it is no UTF-16 text");
    if (place.offset % 2 != 0) refuse_offset("is odd, so that it is no UTF-16 text");
    if (place.offset < kHeaderBytes) refuse_offset("lies in the locator's header");
    if (place.offset > size || place.length > size - place.offset) {
        refuse_offset(
            fmt::format("puts {} bytes outside of the item of {} bytes", place.length, size));
    }
    const ByteView bytes = item.bytes.subspan(place.offset, place.length);
    auto text = utf16le_to_utf8(bytes);
    if (!text) {
        const ByteView shown = bytes.first(std::min(bytes.size(), kShownBytesMax));
        refuse(ErrorCode::corrupt, place.name, "0x" + to_hex(shown), item.offset + place.offset,
               "is no valid UTF-16 or has a NUL in it");
    }
    return *std::move(text);
}

/// A value, and where it lies in the file.
struct LocatedText {
    std::string text;
    std::uint64_t offset = 0;
};
using Values = std::map<std::string, LocatedText>;

Values decode_entries(const LocatorItem& item, std::size_t count) {
    Values values;
    std::size_t text_bytes = 0;
    LittleEndianReader in{item.bytes.subspan(kHeaderBytes)};
    for (std::size_t index = 0; index < count; ++index) {
        const std::uint64_t entry = item.offset + kHeaderBytes + index * kEntryBytes;
        TextPlace key{fmt::format("Key of entry {}", index), in.u32(), 0, entry + kKeyOffsetOffset,
                      entry + kKeyLengthOffset};
        TextPlace value{fmt::format("Value of entry {}", index), in.u32(), 0,
                        entry + kValueOffsetOffset, entry + kValueLengthOffset};
        key.length = in.u16();
        value.length = in.u16();
        text_bytes += std::size_t{key.length} + value.length;
        if (text_bytes > limits::kLocatorTextBytesMax) {
            refuse(ErrorCode::limit, fmt::format("length of the texts up to entry {}", index),
                   fmt::format("{}", text_bytes), entry + kKeyLengthOffset,
                   fmt::format("is more than {} bytes", limits::kLocatorTextBytesMax));
        }
        std::string name = decode_text(item, key);
        LocatedText text{decode_text(item, value), item.offset + value.offset};
        if (!values.emplace(name, std::move(text)).second) {
            refuse(ErrorCode::corrupt, key.name, quote_text(name), item.offset + key.offset,
                   "stands in the locator a second time");
        }
    }
    return values;
}

Guid parse_linkage(const std::string& key, const LocatedText& value) {
    const auto guid = Guid::parse(value.text);
    if (!guid) {
        refuse(ErrorCode::corrupt, key, quote_text(value.text), value.offset, "is no GUID");
    }
    return *guid;
}

std::size_t checked_count(const LocatorItem& item) {
    const std::size_t size = item.bytes.size();
    if (size < kHeaderBytes) {
        refuse(ErrorCode::corrupt, "item of length", fmt::format("{}", size), item.offset,
               fmt::format("is shorter than its header of {} bytes", kHeaderBytes));
    }
    LittleEndianReader in{item.bytes};
    const Guid type = in.guid();
    if (type != kParentLocatorType) {
        refuse(ErrorCode::unsupported, "LocatorType", type.to_string(), item.offset,
               "is not known here");
    }
    in.skip(2);
    const std::size_t count = in.u16();
    const auto refuse_count = [&](std::string_view why) {
        refuse(ErrorCode::corrupt, "KeyValueCount", fmt::format("{}", count),
               item.offset + kCountOffset, why);
    };
    if (count == 0) refuse_count("leaves no entries");
    if (count > (size - kHeaderBytes) / kEntryBytes) {
        refuse_count(fmt::format("does not fit into the item of {} bytes", size));
    }
    if (count > limits::kLocatorEntriesMax) {
        refuse_count(fmt::format("is more than {}", limits::kLocatorEntriesMax));
    }
    return count;
}

}  // namespace

std::map<std::string, std::string> decode_locator_values(ByteView bytes, std::uint64_t offset) {
    const LocatorItem item{bytes, offset};
    std::map<std::string, std::string> texts;
    for (auto& [key, value] : decode_entries(item, checked_count(item)))
        texts.emplace(key, std::move(value.text));
    return texts;
}

ParentLocator decode_parent_locator(ByteView bytes, std::uint64_t offset) {
    const LocatorItem item{bytes, offset};
    const std::size_t count = checked_count(item);
    const Values values = decode_entries(item, count);
    const auto value_of = [&](const char* key) {
        const auto value = values.find(key);
        return value == values.end() ? std::string{} : value->second.text;
    };
    const auto refuse_missing = [&](std::string_view what) {
        refuse(ErrorCode::corrupt, fmt::format("{} is missing: KeyValueCount", what),
               fmt::format("{}", count), offset + kCountOffset, "counts no entry for it");
    };
    const auto linkage = values.find("parent_linkage");
    if (linkage == values.end()) refuse_missing("parent_linkage");
    ParentLocator locator;
    locator.linkage = parse_linkage("parent_linkage", linkage->second);
    const auto linkage2 = values.find("parent_linkage2");
    if (linkage2 != values.end()) {
        locator.linkage2 = parse_linkage("parent_linkage2", linkage2->second);
    }
    locator.relative_path = value_of("relative_path");
    locator.absolute_path = value_of("absolute_win32_path");
    locator.volume_path = value_of("volume_path");
    if (locator.leaf_name().empty()) refuse_missing("a path to the parent");
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
            throw Error{
                ErrorCode::invalid,
                fmt::format("a path of {} bytes is too long for a parent locator", value.size())};
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
