// Malformed VHDX, second part: logs that cannot be replayed (vhdx.md section 6, rows 6 to 8).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/malformed_rows.h"

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

const Guid kLog = guid_of("33333333-2222-4333-8444-555555555555");
constexpr std::uint64_t kPage = 4096;
// Where things lie in an entry.
constexpr std::size_t kLength = 8;
constexpr std::size_t kTail = 12;
constexpr std::size_t kSequence = 16;
constexpr std::size_t kCount = 24;
constexpr std::size_t kGuid = 32;
constexpr std::size_t kFlushed = 48;
constexpr std::size_t kLast = 56;
constexpr std::size_t kDescriptor = 64;
constexpr std::size_t kData = 4096;

/// One entry that rewrites the first page of the BAT as it is.
VhdxLogEntry sound_entry() {
    VhdxLogEntry entry;
    entry.sequence = 5;
    entry.log_guid = kLog;
    entry.flushed_file_offset = 16 * kMiB;
    entry.last_file_offset = 16 * kMiB;
    entry.targets = {{false, 3 * kMiB, kPage, Bytes(kPage)}};
    return entry;
}

VhdxImageBuilder dirty_image() {
    VhdxImageBuilder builder;
    builder.log_guid = kLog;
    return builder;
}

Row log_row(std::string name, std::vector<std::string> parts, const Bytes& log) {
    parts.push_back("VHDX log at offset 1048576 cannot be replayed");
    return {std::move(name), Refused::at_open, ErrorCode::corrupt, std::move(parts), [log] {
                VhdxImageBuilder builder = dirty_image();
                builder.content(kMiB, log);
                return one(builder.build());
            }};
}

Row entry_row(std::string name, std::vector<std::string> parts, std::size_t offset,
              const Bytes& patch) {
    return log_row(std::move(name), std::move(parts), forge_entry(sound_entry(), offset, patch));
}

Row target_row(std::string name, std::vector<std::string> parts, std::uint64_t offset,
               std::uint64_t length, bool is_zero) {
    VhdxLogEntry entry = sound_entry();
    entry.targets = {{is_zero, offset, length, Bytes(kPage)}};
    return log_row(std::move(name), std::move(parts), entry.build());
}

std::vector<Row> entry_rows() {
    const Bytes other = LittleEndianWriter{}.guid(VhdxImageBuilder::kBat).take();
    Bytes torn = sound_entry().build();
    torn[kData + 100] ^= std::byte{1};
    return {
        log_row("a log without entries", {kLog.to_string(), "there is no entry"}, Bytes(kPage)),
        entry_row("another log's entry",
                  {"LogGuid 2dc27766-f623-4200-9d64-115e9bfd4a08 at offset 1048608"}, kGuid, other),
        entry_row("sequence number 0", {"SequenceNumber 0 at offset 1048592"}, kSequence,
                  bytes_u64(0)),
        entry_row("an entry without length",
                  {"EntryLength 0 at offset 1048584", "no positive multiple"}, kLength,
                  bytes_u32(0)),
        entry_row("an entry longer than the log",
                  {"EntryLength 1052672 at offset 1048584", "more than the log's 1048576"}, kLength,
                  bytes_u32(kMiB + kPage)),
        entry_row("a tail that is not aligned", {"Tail 512 at offset 1048588", "no multiple"},
                  kTail, bytes_u32(512)),
        entry_row("a tail outside of the log",
                  {"Tail 1048576 at offset 1048588", "outside of the log of 1048576 bytes"}, kTail,
                  bytes_u32(kMiB)),
        entry_row("a tail outside of the sequence",
                  {"Tail 16384 at offset 1048588", "no entry of the sequence"}, kTail,
                  bytes_u32(16384)),
        entry_row("more descriptors than the entry has room for",
                  {"DescriptorCount 4294967295 at offset 1048600",
                   "does not fit into an entry of 8192 bytes"},
                  kCount, bytes_u32(0xFFFFFFFF)),
        entry_row("fewer descriptors than the entry has data",
                  {"DescriptorCount 0 at offset 1048600", "needs 1 sectors", "8192 has 2"}, kCount,
                  bytes_u32(0)),
        entry_row("a flushed size that is not aligned",
                  {"FlushedFileOffset 4096 at offset 1048624", "no multiple of 1 MiB"}, kFlushed,
                  bytes_u64(kPage)),
        entry_row("a last offset that is not aligned",
                  {"LastFileOffset 4096 at offset 1048632", "no multiple of 1 MiB"}, kLast,
                  bytes_u64(kPage)),
        entry_row("a last offset beyond all bounds",
                  {"LastFileOffset 18446744073708503040 at offset 1048632",
                   "more than 140737488355328 bytes"},
                  kLast, bytes_u64(~std::uint64_t{0} - kMiB + 1)),
        log_row("a torn entry", {"checksum 0x", "at offset 1048580 should be 0x"}, torn),
    };
}

std::vector<Row> descriptor_rows() {
    const std::uint64_t wrapping = ~std::uint64_t{0} - kPage + 1;
    return {
        entry_row("a descriptor of no kind",
                  {"descriptor signature 0x00000001 at offset 1048640", "neither"}, kDescriptor,
                  bytes_u32(1)),
        entry_row("another entry's descriptor",
                  {"SequenceNumber of a descriptor 4 at offset 1048664", "not its entry's 5"},
                  kDescriptor + 24, bytes_u64(4)),
        target_row("zeros of half a page",
                   {"ZeroLength 512 at offset 1048648", "no multiple of 4096"}, 8 * kMiB, 512,
                   true),
        target_row("a page that is not aligned",
                   {"FileOffset 3146240 at offset 1048656", "no multiple of 4096"}, 3 * kMiB + 512,
                   kPage, false),
        target_row(
            "a page beyond all bounds",
            {"FileOffset 18446744073709547520 at offset 1048656", "beyond 140737488355328 bytes"},
            wrapping, kPage, false),
        target_row("zeros up to beyond all bounds",
                   {"ZeroLength 18446744073709547520 at offset 1048648",
                    "from 8388608 on ends beyond 140737488355328 bytes"},
                   8 * kMiB, wrapping, true),
        target_row("a page over a header", {"FileOffset 65536 at offset 1048656", "in the headers"},
                   64 * kKiB, kPage, false),
        target_row("zeros over the log",
                   {"FileOffset 524288 at offset 1048656", "length 1048576 lies in the log"},
                   512 * kKiB, kMiB, true),
        entry_row("a data sector without signature",
                  {"data sector signature 0x00000000 at offset 1052672"}, kData, bytes_u32(0)),
        entry_row("the first half of another data sector",
                  {"SequenceHigh of a data sector 9 at offset 1052676", "number 5"}, kData + 4,
                  bytes_u32(9)),
        entry_row("the second half of another data sector",
                  {"SequenceLow of a data sector 4 at offset 1056764", "number 5"},
                  kData + kPage - 4, bytes_u32(4)),
    };
}

/// An entry that clears more places, none beside another, than a replay may change.
Files image_with_many_targets() {
    constexpr std::uint64_t kTargets = (1 << 16) + 1;
    VhdxImageBuilder builder = dirty_image();
    builder.file_size_bytes = 16 * kMiB;
    builder.log_offset = 8 * kMiB;
    builder.log_length = 4 * kMiB;
    VhdxLogEntry entry = sound_entry();
    entry.last_file_offset = 2 * kGiB;
    entry.targets.clear();
    for (std::uint64_t index = 0; index < kTargets; ++index)
        entry.targets.push_back({true, kGiB + index * 2 * kPage, kPage, {}});
    builder.content(builder.log_offset, entry.build());
    return one(builder.build());
}

/// Entries of nothing but a header, more than anybody may have.
Files image_with_many_entries() {
    constexpr std::uint64_t kEntries = (1 << 15) + 1;
    VhdxImageBuilder builder = dirty_image();
    builder.file_size_bytes = 256 * kMiB;
    builder.log_offset = 8 * kMiB;
    builder.log_length = 130 * kMiB;
    auto file = builder.build();
    VhdxLogEntry entry = sound_entry();
    entry.targets.clear();
    for (std::uint64_t index = 0; index < kEntries; ++index) {
        entry.sequence = index + 1;
        file->write(builder.log_offset + index * kPage, entry.build());
    }
    return one(std::move(file));
}

std::vector<Row> whole_log_rows() {
    return {
        {"a file that lost its end",
         Refused::at_open,
         ErrorCode::corrupt,
         {"VHDX log: FlushedFileOffset 17825792 at offset 1048624", "16777216 bytes of the file",
          "truncated"},
         [] {
             VhdxLogEntry entry = sound_entry();
             entry.flushed_file_offset = 17 * kMiB;
             VhdxImageBuilder builder = dirty_image();
             builder.content(kMiB, entry.build());
             return one(builder.build());
         }},
        {"an entry longer than any",
         Refused::at_open,
         ErrorCode::corrupt,
         {"EntryLength 8392704 at offset 8388616", "more than 8388608 bytes"},
         [] {
             VhdxImageBuilder builder = dirty_image();
             builder.file_size_bytes = 32 * kMiB;
             builder.log_offset = 8 * kMiB;
             builder.log_length = 16 * kMiB;
             builder.content(8 * kMiB,
                             forge_entry(sound_entry(), kLength, bytes_u32(8 * kMiB + kPage)));
             return one(builder.build());
         }},
        {"more places than a replay may change",
         Refused::at_open,
         ErrorCode::limit,
         {"VHDX log", "more than 65536 ranges"},
         image_with_many_targets},
        {"more entries than a log may have",
         Refused::at_open,
         ErrorCode::limit,
         {"VHDX log: the entry at offset 142606336", "one more than 32768"},
         image_with_many_entries},
    };
}

}  // namespace

std::vector<Row> vhdx_log_rows() {
    std::vector<Row> rows;
    for (const auto part : {entry_rows, descriptor_rows, whole_log_rows}) {
        for (Row& row : part())
            rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace entrepot::disk::malformed
