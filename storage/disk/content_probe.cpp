// Magic numbers of VHDX (MS-VHDX 2.2.1), VHD (footer "conectix") and of what people mistake for
// them.
#include "storage/disk/content_probe.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace entrepot::disk {
namespace {

constexpr std::size_t kHeadBytes = 512;
constexpr std::size_t kVhdFooterBytes = 512;
constexpr std::size_t kOldVhdFooterBytes = 511;

bool starts_with(ByteView bytes, std::string_view magic) {
    return bytes.size() >= magic.size() && as_text(bytes.first(magic.size())) == magic;
}

std::string lower_case(std::string text) {
    for (char& letter : text) {
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    return text;
}

bool has_vhd_footer(const File& file, std::uint64_t size) {
    for (const std::size_t footer : {kVhdFooterBytes, kOldVhdFooterBytes}) {
        std::array<std::byte, 8> magic{};
        if (size < footer) continue;
        if (file.read_some(size - footer, magic) != magic.size()) continue;
        if (starts_with(magic, "conectix")) return true;
    }
    return false;
}

bool is_html(ByteView head) {
    const std::string text = lower_case(std::string{as_text(head)});
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return false;
    return text.compare(begin, 9, "<!doctype") == 0 || text.compare(begin, 5, "<html") == 0 ||
           text.compare(begin, 5, "<?xml") == 0;
}

}  // namespace

Content probe_content(const File& file) {
    std::array<std::byte, kHeadBytes> buffer{};
    const ByteView head = ByteView{buffer}.first(file.read_some(0, buffer));
    if (lower_case(file.path().extension().string()) == ".vhds") return Content::vhd_set;
    if (starts_with(head, "vhdxfile")) return Content::vhdx;
    if (head.empty()) return Content::empty;
    if (starts_with(head, "conectix") || has_vhd_footer(file, file.size())) return Content::vhd;
    if (starts_with(head, "QFI\xfb")) return Content::qcow2;
    if (starts_with(head, "KDMV") || starts_with(head, "COWD")) return Content::vmdk;
    if (starts_with(head, "\x1f\x8b") || starts_with(head, "PK\x03\x04") ||
        starts_with(head, "BZh") || starts_with(head, "\x28\xb5\x2f\xfd")) {
        return Content::compressed;
    }
    if (is_html(head)) return Content::html;
    return is_zero(head) ? Content::zeros : Content::unknown;
}

std::string_view describe(Content content) {
    switch (content) {
        case Content::vhdx:
            return "a VHDX image";
        case Content::vhd:
            return "a VHD image";
        case Content::vhd_set:
            return "a VHD Set";
        case Content::qcow2:
            return "a qcow2 image";
        case Content::vmdk:
            return "a VMDK image";
        case Content::empty:
            return "an empty file";
        case Content::zeros:
            return "a file of zeros";
        case Content::html:
            return "an HTML or XML page";
        case Content::compressed:
            return "a compressed file";
        case Content::unknown:
            return "no disk image that we know";
    }
    return "no disk image that we know";
}

}  // namespace entrepot::disk
