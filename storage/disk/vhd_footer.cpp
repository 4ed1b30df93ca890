// The footer at the end is the one that counts; dynamic and differencing files have a copy at their
// start, for when writing the other was cut off.
#include "storage/disk/vhd_footer.h"

#include "storage/disk/big_endian.h"
#include "storage/disk/content_probe.h"
#include "storage/disk/limits.h"
#include "storage/disk/vhd_geometry.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::disk::vhd {
namespace {

[[noreturn]] void refuse(ErrorCode code, std::uint64_t at, std::string text) {
    throw Error{code, fmt::format("VHD footer (offset {}): {}", at, text)};
}

/// A candidate and where it lies.
struct Copy {
    std::optional<Footer> footer;
    std::uint64_t offset = 0;
    std::size_t length = kFooterBytes;
    bool has_cookie = false;
    std::string problem;
};

Copy read_copy(const File& file, std::uint64_t offset, std::size_t length) {
    Copy copy;
    copy.offset = offset;
    copy.length = length;
    const Bytes bytes = file.read_exactly(offset, length);
    copy.has_cookie = as_text(ByteView{bytes}.first(kFooterCookie.size())) == kFooterCookie;
    copy.footer = decode_footer(bytes, copy.problem);
    return copy;
}

Copy read_end(const File& file, std::uint64_t file_size) {
    Copy modern = read_copy(file, file_size - kFooterBytes, kFooterBytes);
    if (modern.footer) return modern;
    Copy old = read_copy(file, file_size - kOldFooterBytes, kOldFooterBytes);
    return old.has_cookie ? old : modern;
}

bool is_sparse_type(const Footer& footer) {
    return footer.type == kTypeDynamic || footer.type == kTypeDifferencing;
}

void check_fields(const Footer& footer, std::uint64_t at, std::vector<std::string>& warnings) {
    if (footer.version >> 16 != kVersion >> 16) {
        refuse(ErrorCode::unsupported, at,
               fmt::format("File Format Version {:#010x} is not 1.0", footer.version));
    }
    if (footer.type != kTypeFixed && !is_sparse_type(footer)) {
        refuse(ErrorCode::unsupported, at,
               fmt::format("Disk Type {} is neither fixed (2), dynamic (3) nor differencing (4)",
                           footer.type));
    }
    const std::uint64_t size = footer.current_size;
    if (size == 0 || size % kSectorBytes != 0) {
        refuse(ErrorCode::corrupt, at,
               fmt::format("Current Size {} is no size in whole sectors of 512 bytes", size));
    }
    if (size > limits::kVhdSizeBytesMax) {
        refuse(ErrorCode::corrupt, at, fmt::format("Current Size {} is more than 2040 GiB", size));
    }
    if ((footer.features & kFeatureReserved) == 0) {
        warnings.push_back(fmt::format(
            "Features {:#x} of the footer lack the bit that is always set", footer.features));
    }
    if (footer.saved_state != 0) {
        warnings.push_back("the footer says that the disk belongs to a machine in saved state");
    }
    if (const auto other = find_geometry_size(footer)) {
        warnings.push_back(fmt::format(
            "Virtual PC and QEMU would show {} bytes by the geometry {}/{}/{}; the disk has the "
            "footer's current size, as in Hyper-V",
            *other, footer.cylinders, footer.heads, footer.sectors_per_track));
    }
}

/// Both are intact. What decides where bytes lie must be the same: one reader trusts the first,
/// another the second, and both would be right.
void check_copies_agree(const Copy& end, const Copy& start, std::vector<std::string>& warnings) {
    const Footer& a = *end.footer;
    const Footer& b = *start.footer;
    const auto compare = [&](std::string_view field, std::uint64_t first, std::uint64_t second) {
        if (first == second) return;
        refuse(ErrorCode::corrupt, end.offset,
               fmt::format("{} is {}, and {} in the copy at offset 0", field, first, second));
    };
    compare("Disk Type", a.type, b.type);
    compare("Data Offset", a.data_offset, b.data_offset);
    compare("Current Size", a.current_size, b.current_size);
    if (a != b) {
        warnings.push_back(
            "the footer and its copy at the start differ in fields that do not "
            "move data; the one at the end is used");
    }
}

FoundFooter use_copy(const Copy& end, const Copy& start, std::uint64_t file_size,
                     std::vector<std::string>& warnings) {
    if (!start.footer || !is_sparse_type(*start.footer)) {
        const std::string copy_problem =
            start.footer ? fmt::format("is of type {}, which has no copy", start.footer->type)
                         : start.problem;
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHD footer: the one at offset {} {}; the copy at offset 0 {}",
                                end.offset, end.problem, copy_problem)};
    }
    warnings.push_back(
        fmt::format("the footer at offset {} is damaged ({}); the copy at the start is used",
                    end.offset, end.problem));
    check_fields(*start.footer, start.offset, warnings);
    return {*start.footer, file_size, kFooterBytes, true};
}

[[noreturn]] void refuse_other_content(const File& file, std::uint64_t file_size) {
    const Content content = probe_content(file);
    if (content == Content::vhd_set) {
        throw Error{ErrorCode::unsupported,
                    "VHD Sets (.vhds, disks shared by guest clusters) are not supported"};
    }
    throw Error{
        ErrorCode::corrupt,
        fmt::format("VHD footer: none (\"conectix\") at the end or the start of the file of "
                    "{} bytes, which looks like {}",
                    file_size, describe(content)),
        content == Content::vhdx ? "give it the extension .vhdx" : ""};
}

}  // namespace

std::uint32_t checksum_of(ByteView structure, std::size_t field_offset) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < structure.size(); ++i) {
        if (i - field_offset < sizeof(std::uint32_t)) continue;  // Wraps to large below the field.
        sum += std::to_integer<std::uint32_t>(structure[i]);
    }
    return ~sum;
}

std::string printable_code(ByteView bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        const auto letter = std::to_integer<unsigned char>(byte);
        text.push_back(letter >= 0x20 && letter < 0x7F ? static_cast<char>(letter) : '.');
    }
    return text;
}

std::optional<Footer> decode_footer(ByteView bytes, std::string& problem) {
    ENTREPOT_CHECK(bytes.size() == kFooterBytes || bytes.size() == kOldFooterBytes);
    BigEndianReader in{bytes};
    if (as_text(in.bytes(kFooterCookie.size())) != kFooterCookie) {
        problem = "lacks the cookie \"conectix\"";
        return std::nullopt;
    }
    const auto code = [&in] {
        std::array<char, 4> letters{};
        for (char& letter : letters)
            letter = static_cast<char>(in.u8());
        return letters;
    };
    Footer footer;
    footer.features = in.u32();
    footer.version = in.u32();
    footer.data_offset = in.u64();
    footer.time_stamp = in.u32();
    footer.creator_application = code();
    footer.creator_version = in.u32();
    footer.creator_system = code();
    footer.original_size = in.u64();
    footer.current_size = in.u64();
    footer.cylinders = in.u16();
    footer.heads = in.u8();
    footer.sectors_per_track = in.u8();
    footer.type = in.u32();
    const std::uint32_t checksum = in.u32();
    footer.unique_id = Guid::from_bytes(in.bytes(Guid::kSizeBytes));
    footer.saved_state = in.u8();
    const std::uint32_t computed = checksum_of(bytes, kFooterChecksumOffset);
    if (checksum != computed) {
        problem =
            fmt::format("has Checksum {:#010x} where its bytes give {:#010x}", checksum, computed);
        return std::nullopt;
    }
    return footer;
}

Bytes encode_footer(const Footer& footer) {
    const auto encode = [&footer](std::uint32_t checksum) {
        BigEndianWriter out;
        out.bytes(as_bytes(kFooterCookie)).u32(footer.features).u32(footer.version);
        out.u64(footer.data_offset).u32(footer.time_stamp);
        out.bytes(std::as_bytes(std::span{footer.creator_application}));
        out.u32(footer.creator_version);
        out.bytes(std::as_bytes(std::span{footer.creator_system}));
        out.u64(footer.original_size).u64(footer.current_size);
        out.u16(footer.cylinders).u8(footer.heads).u8(footer.sectors_per_track);
        out.u32(footer.type).u32(checksum).bytes(footer.unique_id.bytes).u8(footer.saved_state);
        out.zeros(kFooterBytes - out.size());
        return out.take();
    };
    return encode(checksum_of(encode(0), kFooterChecksumOffset));
}

FoundFooter read_footer(const File& file, std::vector<std::string>& warnings) {
    const std::uint64_t file_size = file.size();
    if (file_size < kFooterBytes) refuse_other_content(file, file_size);
    if (file_size > limits::kFileSizeBytesMax) {
        throw Error{ErrorCode::limit, fmt::format("VHD image of {} bytes is larger than {} bytes",
                                                  file_size, limits::kFileSizeBytesMax)};
    }
    const Copy end = read_end(file, file_size);
    const Copy start = read_copy(file, 0, kFooterBytes);
    if (!end.has_cookie && !start.has_cookie) refuse_other_content(file, file_size);
    if (!end.footer) return use_copy(end, start, file_size, warnings);

    check_fields(*end.footer, end.offset, warnings);
    if (end.length == kOldFooterBytes) {
        warnings.push_back("the footer has 511 bytes, as old Virtual PC wrote it");
    }
    // The first sector of a fixed image is the guest's, whatever it looks like.
    if (is_sparse_type(*end.footer)) {
        if (start.footer) {
            check_copies_agree(end, start, warnings);
        } else {
            warnings.push_back(fmt::format("the copy of the footer at the start is damaged: it {}",
                                           start.problem));
        }
    }
    return {*end.footer, end.offset, static_cast<std::uint32_t>(end.length), false};
}

}  // namespace entrepot::disk::vhd
