// Which header copy counts (MS-VHDX 2.2.2; vhdx.md 1.1 for what real writers do).
#include "storage/disk/vhdx_header.h"

#include "storage/disk/content_probe.h"
#include "storage/disk/limits.h"
#include "storage/disk/refusal.h"
#include "storage/disk/utf16.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

namespace entrepot::disk::vhdx {
namespace {

// Where the fields of a copy lie.
constexpr std::uint64_t kSequenceNumberOffset = 8;
constexpr std::uint64_t kLogVersionOffset = 64;
constexpr std::uint64_t kVersionOffset = 66;
constexpr std::uint64_t kLogLengthOffset = 68;
constexpr std::uint64_t kLogOffsetOffset = 72;

Field header_field(const Header& header, std::string name, std::uint64_t value,
                   std::uint64_t offset) {
    return {"VHDX header", std::move(name), fmt::format("{}", value), header.offset + offset};
}

struct HeaderCopies {
    Bytes first_bytes;
    Bytes second_bytes;
    std::optional<Header> first;
    std::optional<Header> second;
};

HeaderCopies read_copies(const File& file) {
    HeaderCopies copies;
    copies.first_bytes = file.read_exactly(kFirstHeaderOffset, kHeaderBytes);
    copies.second_bytes = file.read_exactly(kSecondHeaderOffset, kHeaderBytes);
    copies.first = decode_header(copies.first_bytes);
    copies.second = decode_header(copies.second_bytes);
    if (copies.first) copies.first->offset = kFirstHeaderOffset;
    if (copies.second) copies.second->offset = kSecondHeaderOffset;
    return copies;
}

/// What is wrong with a copy that decode_header() did not take.
std::string describe_damage(ByteView copy, std::uint64_t offset) {
    const std::uint32_t signature = load_u32(copy, 0);
    if (signature != kHeaderSignature) {
        return fmt::format("signature {} at offset {} is not \"head\"", hex32(signature), offset);
    }
    return fmt::format("checksum {} at offset {} should be {}",
                       hex32(load_u32(copy, kChecksumFieldOffset)), offset + kChecksumFieldOffset,
                       hex32(crc32c_with_zeroed_field(copy, kChecksumFieldOffset)));
}

Header choose(const HeaderCopies& copies, std::vector<std::string>& warnings) {
    const auto& [first_bytes, second_bytes, first, second] = copies;
    if (!first && !second) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX header: both copies are damaged: {}, and {}",
                                describe_damage(first_bytes, kFirstHeaderOffset),
                                describe_damage(second_bytes, kSecondHeaderOffset))};
    }
    if (!first || !second) {
        warnings.push_back(fmt::format("header copy {} (offset {}) is damaged; the other is used",
                                       first ? 2 : 1,
                                       first ? kSecondHeaderOffset : kFirstHeaderOffset));
        return first ? *first : *second;
    }
    if (first->sequence_number != second->sequence_number) {
        return first->sequence_number > second->sequence_number ? *first : *second;
    }
    // Outside the specification, but Disk2vhd writes two identical copies.
    if (first_bytes != second_bytes) {
        refuse_field(
            ErrorCode::corrupt,
            header_field(*second, "SequenceNumber", second->sequence_number, kSequenceNumberOffset),
            "is also that of the copy at offset 65536, and the two copies differ");
    }
    warnings.push_back("both header copies have the same sequence number");
    return *first;
}

}  // namespace

std::optional<Header> decode_header(ByteView copy) {
    ENTREPOT_CHECK(copy.size() == kHeaderBytes);
    LittleEndianReader in{copy};
    if (in.u32() != kHeaderSignature) return std::nullopt;
    if (in.u32() != crc32c_with_zeroed_field(copy, kChecksumFieldOffset)) return std::nullopt;
    Header header;
    header.sequence_number = in.u64();
    header.file_write_guid = in.guid();
    header.data_write_guid = in.guid();
    header.log_guid = in.guid();
    header.log_version = in.u16();
    header.version = in.u16();
    header.log_length = in.u32();
    header.log_offset = in.u64();
    return header;
}

Bytes encode_header(const Header& header) {
    LittleEndianWriter out;
    out.u32(kHeaderSignature).u32(0).u64(header.sequence_number);
    out.guid(header.file_write_guid).guid(header.data_write_guid).guid(header.log_guid);
    out.u16(header.log_version).u16(header.version);
    out.u32(header.log_length).u64(header.log_offset);
    out.zeros(kHeaderBytes - out.size());
    Bytes bytes = out.take();
    store_u32(bytes, kChecksumFieldOffset, crc32c(bytes));
    return bytes;
}

std::string read_file_identifier(const File& file) {
    const Content content = probe_content(file);
    if (content == Content::vhd) {
        throw Error{ErrorCode::unsupported, "the file is a VHD image, but a VHDX was expected here",
                    "give it the extension .vhd"};
    }
    if (content == Content::vhd_set) {
        throw Error{ErrorCode::unsupported,
                    "VHD Sets (.vhds, disks shared by guest clusters) are not supported"};
    }
    if (content != Content::vhdx) {
        Bytes found(kFileSignatureBytes);
        found.resize(file.read_some(0, found));
        refuse_field(ErrorCode::corrupt,
                     {"VHDX file identifier", "signature", "0x" + to_hex(found), 0},
                     fmt::format("is not \"vhdxfile\": the file is {}", describe(content)));
    }
    const std::uint64_t size = file.size();
    if (size < kHeaderSectionBytes) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX image is truncated: it ends at offset {}, and its header "
                                "section alone takes {} bytes",
                                size, kHeaderSectionBytes)};
    }
    if (size > limits::kFileSizeBytesMax) {
        throw Error{ErrorCode::limit, fmt::format("VHDX image of {} bytes is larger than {} bytes",
                                                  size, limits::kFileSizeBytesMax)};
    }
    // The text only informs, so bad UTF-16 in it is no reason to refuse a disk.
    const Bytes creator = file.read_exactly(kFileSignatureBytes, kCreatorBytes);
    return utf16le_to_utf8_lossy(creator);
}

Header read_current_header(const File& file, std::vector<std::string>& warnings) {
    const Header header = choose(read_copies(file), warnings);
    if (header.version != kVersion) {
        refuse_field(ErrorCode::unsupported,
                     header_field(header, "Version", header.version, kVersionOffset),
                     "is not supported, only 1");
    }
    if (header.log_version != 0 && !header.log_guid.is_null()) {
        refuse_field(ErrorCode::unsupported,
                     header_field(header, "LogVersion", header.log_version, kLogVersionOffset),
                     "is not supported, only 0");
    }
    return header;
}

FileRange checked_log_range(const Header& header, std::uint64_t file_size_bytes) {
    const std::uint64_t offset = header.log_offset;
    const std::uint64_t length = header.log_length;
    const Field length_field = header_field(header, "LogLength", length, kLogLengthOffset);
    const Field offset_field = header_field(header, "LogOffset", offset, kLogOffsetOffset);
    if (length == 0) {
        if (header.log_guid.is_null()) return {};
        refuse_field(ErrorCode::corrupt, length_field, "leaves no log, but LogGuid names one");
    }
    if (length % kAlignment != 0) {
        refuse_field(ErrorCode::corrupt, length_field, "is no multiple of 1 MiB");
    }
    if (length > limits::kLogBytesMax) {
        refuse_field(ErrorCode::corrupt, length_field, "is more than 1 GiB");
    }
    if (offset % kAlignment != 0) {
        refuse_field(ErrorCode::corrupt, offset_field, "is no multiple of 1 MiB");
    }
    if (offset < kHeaderSectionBytes) {
        refuse_field(ErrorCode::corrupt, offset_field, "lies in the header section");
    }
    if (offset > file_size_bytes || length > file_size_bytes - offset) {
        refuse_field(ErrorCode::corrupt, offset_field,
                     fmt::format("puts a log of {} bytes beyond the end of the file of {} bytes",
                                 length, file_size_bytes));
    }
    return {offset, length};
}

}  // namespace entrepot::disk::vhdx
