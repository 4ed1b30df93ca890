// MS-VHDX 2.6.2.6, and the five keys that Windows writes (vhdx.md section 4).
#include "tests/property/vhdx_rules_parts.h"

#include "base/little_endian.h"

#include <map>

namespace entrepot::property {
namespace {

constexpr std::size_t kHeadBytes = 20;
constexpr std::size_t kEntryBytes = 12;

/// Keys and paths here are ASCII; what is not breaks a rule.
std::string text_of(const Bytes& item, std::uint32_t offset, std::uint16_t length,
                    RuleList& rules) {
    const bool is_inside = offset <= item.size() && length <= item.size() - offset;
    rules.require(is_inside && length > 0 && length % 2 == 0 && offset % 2 == 0,
                  "parent locator: text at {}+{}", offset, length);
    if (!is_inside) return {};
    std::string text;
    for (std::size_t i = 0; i + 1 < length; i += 2) {
        const auto low = std::to_integer<unsigned>(item[offset + i]);
        const auto high = std::to_integer<unsigned>(item[offset + i + 1]);
        rules.require(high == 0 && low >= 0x20 && low < 0x7F,
                      "parent locator: character {:#x} in a text", high << 8 | low);
        text.push_back(static_cast<char>(low));
    }
    return text;
}

std::map<std::string, std::string> read_keys(const Bytes& item, RuleList& rules) {
    std::map<std::string, std::string> keys;
    LittleEndianReader in{item};
    rules.require(in.guid() == *Guid::parse("b04aefb7-d19e-4a81-b789-25b8e9445913"),
                  "parent locator: type");
    rules.require(in.u16() == 0, "parent locator: reserved field");
    const std::uint16_t count = in.u16();
    rules.require(count > 0 && kHeadBytes + count * kEntryBytes <= item.size(),
                  "parent locator: {} entries", count);
    for (std::uint16_t i = 0; i < count && in.remaining() >= kEntryBytes; ++i) {
        const std::uint32_t key_offset = in.u32();
        const std::uint32_t value_offset = in.u32();
        const std::uint16_t key_length = in.u16();
        const std::uint16_t value_length = in.u16();
        const std::string key = text_of(item, key_offset, key_length, rules);
        const bool is_new =
            keys.emplace(key, text_of(item, value_offset, value_length, rules)).second;
        rules.require(is_new, "parent locator: key {} twice", key);
    }
    return keys;
}

}  // namespace

void check_locator(const VhdxLayout& image, const std::filesystem::path& parent, RuleList& rules) {
    const VhdxItem* item = image.parent_locator();
    if (item == nullptr || item->content.size() < kHeadBytes) {
        rules.add("parent locator: too short");
        return;
    }
    const std::map<std::string, std::string> keys = read_keys(item->content, rules);
    const VhdxLayout below{parent};
    const std::string linkage = "{" + below.header().data_write_guid.to_string() + "}";
    const auto value = [&](const char* key) {
        const auto found = keys.find(key);
        return found == keys.end() ? std::string{} : found->second;
    };
    rules.require(value("parent_linkage") == linkage,
                  "parent locator: linkage {}, the parent has {}", value("parent_linkage"),
                  linkage);
    rules.require(value("parent_linkage2") == "{00000000-0000-0000-0000-000000000000}",
                  "parent locator: linkage2 {}", value("parent_linkage2"));
    const std::string path = ".\\" + parent.filename().string();
    rules.require(value("relative_path") == path, "parent locator: relative path {}, not {}",
                  value("relative_path"), path);
    rules.require(image.header().data_write_guid != below.header().data_write_guid,
                  "headers: the parent's DataWriteGuid");
    rules.require(image.sector_size() == below.sector_size(), "sectors other than the parent's");
    rules.require(image.find_item("beca12ab-b2e6-4523-93ef-c309e000c746")->content ==
                      below.find_item("beca12ab-b2e6-4523-93ef-c309e000c746")->content,
                  "the disk's id is not the parent's");
}

}  // namespace entrepot::property
