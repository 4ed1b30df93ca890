// Which header copy counts (MS-VHDX 2.2.2; vhdx.md 1.1 for what real writers do).
#include "storage/disk/vhdx_header.h"

#include "storage/disk/content_probe.h"
#include "storage/disk/limits.h"
#include "storage/disk/utf16.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

namespace entrepot::disk::vhdx {
namespace {

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
    return copies;
}

Header choose(const HeaderCopies& copies, std::vector<std::string>& warnings) {
    const auto& [first_bytes, second_bytes, first, second] = copies;
    if (!first && !second) {
        throw Error{ErrorCode::corrupt,
                    "VHDX header: both copies (offsets 65536 and 131072) have a wrong signature or "
                    "checksum"};
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
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX header: both copies have sequence number {} and differ",
                                first->sequence_number)};
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
                    "VHD Sets (.vhds, disks shared by guest clusters) are "
                    "not supported"};
    }
    if (content != Content::vhdx) {
        throw Error{
            ErrorCode::corrupt,
            fmt::format("no VHDX image: the file signature at offset 0 is not \"vhdxfile\", "
                        "it is {}",
                        describe(content))};
    }
    const std::uint64_t size = file.size();
    if (size < kHeaderSectionBytes) {
        throw Error{ErrorCode::corrupt,
                    fmt::format("VHDX image is truncated: {} bytes, and its header section alone "
                                "takes {}",
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
        throw Error{ErrorCode::unsupported,
                    fmt::format("VHDX header: version {} is not supported, only {}", header.version,
                                kVersion)};
    }
    if (header.log_version != 0 && !header.log_guid.is_null()) {
        throw Error{ErrorCode::unsupported,
                    fmt::format("VHDX header: log version {} is not supported, only 0",
                                header.log_version)};
    }
    return header;
}

FileRange checked_log_range(const Header& header, std::uint64_t file_size_bytes) {
    const std::uint64_t offset = header.log_offset;
    const std::uint64_t length = header.log_length;
    if (length == 0) {
        if (header.log_guid.is_null()) return {};
        throw Error{ErrorCode::corrupt, "VHDX header: a log is to be replayed, but LogLength is 0"};
    }
    const auto refuse = [&](std::string_view why) {
        throw Error{
            ErrorCode::corrupt,
            fmt::format("VHDX header: LogOffset {} with LogLength {} {}", offset, length, why)};
    };
    if (offset % kAlignment != 0 || length % kAlignment != 0) refuse("is not aligned to 1 MiB");
    if (offset < kHeaderSectionBytes) refuse("lies in the header section");
    if (length > limits::kLogBytesMax) refuse("is longer than 1 GiB");
    if (offset > file_size_bytes || length > file_size_bytes - offset) {
        refuse(fmt::format("ends beyond the file of {} bytes", file_size_bytes));
    }
    return {offset, length};
}

}  // namespace entrepot::disk::vhdx
