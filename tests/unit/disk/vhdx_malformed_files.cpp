// Malformed VHDX, first part: what the file is, its headers, its region tables (vhdx.md section 6,
// rows 1 to 5 and 9).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/malformed_rows.h"

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

const Guid kOther = guid_of("77777777-2222-4333-8444-555555555555");
// Where the header that counts lies in an image of the builder.
constexpr std::uint64_t kHeader = 128 * kKiB;
constexpr std::uint64_t kTable = 192 * kKiB;
// The builder's entries in a region table: metadata first, then the BAT.
constexpr std::uint64_t kFirstEntry = 16;
constexpr std::uint64_t kThirdEntry = kFirstEntry + 64;

Row text_row(std::string name, const std::string& content, std::vector<std::string> parts,
             ErrorCode code = ErrorCode::corrupt, const std::string& file_name = "x.vhdx") {
    return {std::move(name), Refused::at_open, code, std::move(parts), [content, file_name] {
                return one(std::make_unique<MemoryFile>(as_bytes(content), file_name));
            }};
}

/// The same bytes in both header copies, under right checksums.
Row header_row(std::string name, ErrorCode code, std::vector<std::string> parts,
               std::uint64_t offset, Bytes bytes) {
    return {std::move(name), Refused::at_open, code, std::move(parts),
            [=] { return one(forge_headers({}, offset, bytes)); }};
}

Row table_row(std::string name, std::vector<std::string> parts, std::uint64_t offset, Bytes bytes) {
    return {std::move(name), Refused::at_open, ErrorCode::corrupt, std::move(parts),
            [=] { return one(forge_region_tables({}, offset, bytes)); }};
}

/// A third region, which no image needs.
Row region_row(std::string name, std::vector<std::string> parts, const VhdxRegion& region,
               ErrorCode code = ErrorCode::corrupt) {
    return {std::move(name), Refused::at_open, code, std::move(parts), [=] {
                VhdxImageBuilder builder;
                builder.more_regions.push_back(region);
                return one(builder.build());
            }};
}

/// Bytes overwritten and no checksum made right.
Row damage_row(std::string name, std::vector<std::string> parts, std::vector<Patch> patches) {
    return {std::move(name), Refused::at_open, ErrorCode::corrupt, std::move(parts), [=] {
                auto file = VhdxImageBuilder{}.build();
                for (const Patch& patch : patches)
                    file->write(patch.offset, patch.bytes);
                return one(std::move(file));
            }};
}

}  // namespace

std::vector<Row> vhdx_file_rows() {
    const std::string identifier = "VHDX file identifier: signature 0x";
    return {
        text_row("empty", "", {identifier, "at offset 0", "an empty file"}),
        text_row("a web page", "<!DOCTYPE html><p>", {identifier + "3c21444f43545950", "HTML"}),
        text_row("zeros", std::string(4096, '\0'),
                 {identifier + "0000000000000000", "a file of zeros"}),
        text_row("qcow2", "QFI\xfb....", {identifier + "514649fb", "a qcow2 image"}),
        text_row("vmdk", "KDMV....", {identifier + "4b444d56", "a VMDK image"}),
        text_row("gzip", "\x1f\x8b......", {identifier + "1f8b", "a compressed file"}),
        text_row("nothing known", "PARTITION", {identifier + "504152544954494f", "no disk image"}),
        text_row("a VHD Set", "anything", {"VHD Set"}, ErrorCode::unsupported, "shared.vhds"),
        text_row("a VHD", "conectix" + std::string(504, 'x'), {"VHD image"},
                 ErrorCode::unsupported),
        text_row("shorter than its header section", "vhdxfile" + std::string(4096, '\0'),
                 {"truncated", "ends at offset 4104", "takes 1048576 bytes"}),
        {"larger than any image",
         Refused::at_open,
         ErrorCode::limit,
         {"VHDX image of 140737488355329 bytes", "140737488355328"},
         [] {
             auto file = VhdxImageBuilder{}.build();
             file->truncate(128 * kTiB + 1);
             return one(std::move(file));
         }},
    };
}

std::vector<Row> vhdx_header_rows() {
    const Bytes letter = Bytes(as_bytes("x").begin(), as_bytes("x").end());
    const auto corrupt = ErrorCode::corrupt;
    const auto unsupported = ErrorCode::unsupported;
    return {
        damage_row("both header signatures",
                   {"VHDX header: both copies", "signature 0x64616578 at offset 65536",
                    "signature 0x64616578 at offset 131072"},
                   {{64 * kKiB, letter}, {128 * kKiB, letter}}),
        damage_row("both header checksums",
                   {"VHDX header: both copies", "at offset 65540 should be 0x",
                    "at offset 131076 should be 0x"},
                   {{64 * kKiB + 100, letter}, {128 * kKiB + 100, letter}}),
        damage_row("a header signature and a header checksum",
                   {"VHDX header: both copies", "signature 0x64616578 at offset 65536",
                    "at offset 131076 should be 0x"},
                   {{64 * kKiB, letter}, {128 * kKiB + 100, letter}}),
        {"two current headers",
         Refused::at_open,
         corrupt,
         {"VHDX header: SequenceNumber 7 at offset 131080", "copy at offset 65536", "differ"},
         [=] {
             // Equal numbers, and file write GUIDs that are not.
             return one(forge({}, {{kHeader + 8, bytes_u64(7)}, {kHeader + 16, letter}}));
         }},
        header_row("a later version", unsupported,
                   {"VHDX header: Version 2 at offset 131138", "only 1"}, 66, bytes_u16(2)),
        {"a later log version",
         Refused::at_open,
         unsupported,
         {"VHDX header: LogVersion 1 at offset 131136", "only 0"},
         [=] {
             VhdxImageBuilder builder;
             builder.log_guid = kOther;
             return one(forge_headers(builder, 64, bytes_u16(1)));
         }},
        {"a log without length",
         Refused::at_open,
         corrupt,
         {"VHDX header: LogLength 0 at offset 131140", "LogGuid"},
         [=] {
             VhdxImageBuilder builder;
             builder.log_guid = kOther;
             return one(forge_headers(builder, 68, bytes_u32(0)));
         }},
        header_row("a log length that is not aligned", corrupt,
                   {"VHDX header: LogLength 4096 at offset 131140", "no multiple of 1 MiB"}, 68,
                   bytes_u32(4096)),
        header_row("a log of 2 GiB", corrupt,
                   {"VHDX header: LogLength 2147483648 at offset 131140", "more than 1 GiB"}, 68,
                   bytes_u32(2048 * kMiB)),
        header_row("a log offset that is not aligned", corrupt,
                   {"VHDX header: LogOffset 1052672 at offset 131144", "no multiple of 1 MiB"}, 72,
                   bytes_u64(kMiB + 4096)),
        header_row("a log over the headers", corrupt,
                   {"VHDX header: LogOffset 0 at offset 131144", "header section"}, 72,
                   bytes_u64(0)),
        header_row("a log behind the end, by a sum that wraps", corrupt,
                   {"VHDX header: LogOffset 18446744073708503040 at offset 131144",
                    "a log of 1048576 bytes beyond the end of the file of 16777216 bytes"},
                   72, bytes_u64(~std::uint64_t{0} - kMiB + 1)),
    };
}

std::vector<Row> vhdx_region_rows() {
    const Bytes letter = Bytes(as_bytes("x").begin(), as_bytes("x").end());
    const std::string other = "of region " + kOther.to_string() + " ";
    const std::string structure = "VHDX region table: ";
    const auto guid_bytes = [](const Guid& id) { return LittleEndianWriter{}.guid(id).take(); };
    return {
        damage_row("both region table signatures",
                   {structure + "both copies", "signature 0x69676578 at offset 196608",
                    "signature 0x69676578 at offset 262144"},
                   {{192 * kKiB, letter}, {256 * kKiB, letter}}),
        damage_row("both region table checksums",
                   {structure + "both copies", "at offset 196612 should be 0x",
                    "at offset 262148 should be 0x"},
                   {{192 * kKiB + 100, letter}, {256 * kKiB + 100, letter}}),
        table_row("too many regions",
                  {structure + "EntryCount 2048 at offset 196616", "more than 2047"}, 8,
                  bytes_u32(2048)),
        table_row("no BAT region", {structure + "the BAT region", "EntryCount 1 at offset 196616"},
                  8, bytes_u32(1)),
        // The entry of the metadata region becomes one of a region that nobody knows or needs.
        {"no metadata region",
         Refused::at_open,
         ErrorCode::corrupt,
         {structure + "the metadata region", "EntryCount 2 at offset 196616"},
         [=] {
             return one(forge({}, {{kTable + kFirstEntry, guid_bytes(kOther)},
                                   {kTable + kFirstEntry + 28, bytes_u32(0)}}));
         }},
        region_row("a region twice",
                   {structure + "Guid of entry 2 2dc27766-f623-4200-9d64-115e9bfd4a08",
                    "at offset 196688", "second time"},
                   {VhdxImageBuilder::kBat, 8 * kMiB, kMiB, 0}),
        region_row("an unknown region that is required",
                   {structure + "Required " + other + "0x00000001 at offset 196716", "not known"},
                   {kOther, 8 * kMiB, kMiB, 1}, ErrorCode::unsupported),
        region_row("a region offset that is not aligned",
                   {structure + "FileOffset " + other + "8392704 at offset 196704",
                    "no multiple of 1 MiB"},
                   {kOther, 8 * kMiB + 4096, kMiB, 0}),
        region_row(
            "a region length that is not aligned",
            {structure + "Length " + other + "4096 at offset 196712", "no multiple of 1 MiB"},
            {kOther, 8 * kMiB, 4096, 0}),
        region_row("an empty region",
                   {structure + "Length " + other + "0 at offset 196712", "empty region"},
                   {kOther, 8 * kMiB, 0, 0}),
        region_row("a region over the headers",
                   {structure + "FileOffset " + other + "0 at offset 196704", "header section"},
                   {kOther, 0, kMiB, 0}),
        region_row("a region behind the end, by a sum that wraps",
                   {structure + "FileOffset " + other + "18446744073708503040 at offset 196704",
                    "1048576 bytes beyond the end of the file of 16777216 bytes"},
                   {kOther, ~std::uint64_t{0} - kMiB + 1, kMiB, 0}),
        region_row("a region over the log",
                   {structure + "FileOffset " + other + "1048576 at offset 196704",
                    "overlaps the log or region at 1048576 with length 1048576"},
                   {kOther, kMiB, kMiB, 0}),
    };
}

static_assert(kTable + kThirdEntry == 196688);

}  // namespace entrepot::disk::malformed
