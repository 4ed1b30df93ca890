// Odd VHDX: dirty logs that can be replayed (vhdx.md section 3).
#include "tests/support/vhdx_forge.h"
#include "tests/unit/disk/odd_rows.h"

namespace entrepot::disk::odd {
namespace {

using namespace entrepot::test;

const Guid kLog = guid_of("33333333-2222-4333-8444-555555555555");
constexpr std::uint64_t kBlock = 2 * kMiB;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kOldPlace = 8 * kMiB;
constexpr std::uint64_t kNewPlace = 10 * kMiB;

/// A disk of four blocks, and two places in the file where a block may lie.
VhdxImageBuilder dirty() {
    VhdxImageBuilder builder;
    builder.size_bytes = 4 * kBlock;
    builder.log_guid = kLog;
    builder.content(kOldPlace, filled(kBlock, 0x0D)).content(kNewPlace, filled(kBlock, 0x3E));
    return builder;
}

/// An entry that makes one block present and all others not.
VhdxLogEntry present(std::uint64_t sequence, std::uint32_t tail, std::uint64_t block,
                     std::uint64_t place) {
    VhdxLogEntry entry;
    entry.sequence = sequence;
    entry.tail = tail;
    entry.log_guid = kLog;
    entry.flushed_file_offset = entry.last_file_offset = 16 * kMiB;
    Bytes page(kPage);
    store_u64(page, 8 * block, 6 | place);
    entry.targets = {{false, 3 * kMiB, kPage, page}};
    return entry;
}

Odd odd_of(const VhdxImageBuilder& builder, Content content) {
    Odd odd;
    odd.files.push_back(builder.build());
    odd.size_bytes = builder.size_bytes;
    odd.content = std::move(content);
    odd.warning_count = 1;  // That there was a replay.
    return odd;
}

/// As one real file of Windows: five entries of one log, of which the last two count.
Odd with_two_active_of_five() {
    VhdxImageBuilder builder = dirty();
    std::uint64_t position = 0;
    for (std::uint64_t index = 0; index < 5; ++index) {
        const std::uint64_t tail = index < 3 ? 0 : 3 * 2 * kPage;
        const std::uint64_t place = index < 4 ? kOldPlace : kNewPlace;
        const Bytes bytes =
            present(20 + index, static_cast<std::uint32_t>(tail), index % 4, place).build();
        builder.content(kMiB + position, bytes);
        position += bytes.size();
    }
    return odd_of(builder, {{0, filled(kBlock, 0x3E)}});
}

Odd with_wrapped_entry() {
    VhdxImageBuilder builder = dirty();
    const Bytes bytes = present(3, kMiB - kPage, 2, kNewPlace).build();
    builder.content(2 * kMiB - kPage, Bytes(bytes.begin(), bytes.begin() + kPage));
    builder.content(kMiB, Bytes(bytes.begin() + kPage, bytes.end()));
    return odd_of(builder, {{2 * kBlock, filled(kBlock, 0x3E)}});
}

Odd with_empty_entry() {
    VhdxImageBuilder builder = dirty();
    const Bytes first = present(1, 0, 1, kNewPlace).build();
    VhdxLogEntry empty = present(2, 0, 0, 0);
    empty.targets.clear();
    builder.content(kMiB, first).content(kMiB + first.size(), empty.build());
    return odd_of(builder, {{kBlock, filled(kBlock, 0x3E)}});
}

Odd with_zero_descriptor() {
    VhdxImageBuilder builder = dirty();
    builder.block(0, 6, kOldPlace).block(3, 6, kNewPlace);
    VhdxLogEntry entry = present(1, 0, 0, 0);
    entry.targets = {{true, 3 * kMiB, kPage, {}}};
    builder.content(kMiB, entry.build());
    return odd_of(builder, {});
}

/// Zeros over the whole table, then one page of it again.
Odd with_page_after_zeros() {
    VhdxImageBuilder builder = dirty();
    builder.block(0, 6, kOldPlace);
    VhdxLogEntry entry = present(1, 0, 3, kNewPlace);
    entry.targets.insert(entry.targets.begin(), {true, 3 * kMiB, kMiB, {}});
    builder.content(kMiB, entry.build());
    return odd_of(builder, {{3 * kBlock, filled(kBlock, 0x3E)}});
}

Odd with_large_sequence() {
    VhdxImageBuilder builder = dirty();
    const std::uint64_t number = 0xFFFFFFFF;  // The next one has another upper half.
    const Bytes first = present(number, 0, 1, kOldPlace).build();
    builder.content(kMiB, first);
    builder.content(kMiB + first.size(), present(number + 1, 0, 1, kNewPlace).build());
    return odd_of(builder, {{kBlock, filled(kBlock, 0x3E)}});
}

Odd with_older_run() {
    VhdxImageBuilder builder = dirty();
    builder.content(kMiB, present(9, 0, 2, kNewPlace).build());
    builder.content(kMiB + 512 * kKiB, present(4, 512 * kKiB, 2, kOldPlace).build());
    // And one of a log before this one.
    VhdxLogEntry other = present(100, 256 * kKiB, 2, kOldPlace);
    other.log_guid = VhdxImageBuilder::kBat;
    builder.content(kMiB + 256 * kKiB, other.build());
    return odd_of(builder, {{2 * kBlock, filled(kBlock, 0x3E)}});
}

Odd with_torn_head() {
    VhdxImageBuilder builder = dirty();
    const Bytes first = present(1, 0, 1, kNewPlace).build();
    Bytes torn = present(2, 0, 2, kOldPlace).build();
    torn[5000] ^= std::byte{1};
    builder.content(kMiB, first).content(kMiB + first.size(), torn);
    return odd_of(builder, {{kBlock, filled(kBlock, 0x3E)}});
}

/// The newest block lies behind the end: the file was to grow, and what it grew by is zero.
Odd with_longer_file() {
    VhdxImageBuilder builder = dirty();
    VhdxLogEntry entry = present(1, 0, 1, 16 * kMiB);
    entry.last_file_offset = 18 * kMiB;
    builder.content(kMiB, entry.build());
    return odd_of(builder, {});
}

/// Both region tables come from the log alone.
Odd with_logged_region_tables() {
    VhdxImageBuilder builder = dirty();
    builder.block(0, 6, kNewPlace);
    VhdxLogEntry entry = present(1, 0, 0, 0);
    entry.targets.clear();
    const Bytes table = builder.region_table();
    for (std::uint64_t offset : {192 * kKiB, 256 * kKiB}) {
        for (std::uint64_t page = 0; page < 64 * kKiB; page += kPage) {
            const auto begin = table.begin() + static_cast<std::ptrdiff_t>(page);
            entry.targets.push_back({false, offset + page, kPage, Bytes(begin, begin + kPage)});
        }
    }
    builder.content(kMiB, entry.build());
    builder.content(192 * kKiB, Bytes(128 * kKiB));
    return odd_of(builder, {{0, filled(kBlock, 0x3E)}});
}

}  // namespace

std::vector<Row> vhdx_log_rows() {
    return {
        {"five entries of which two are active", with_two_active_of_five},
        {"an entry round the end of the log", with_wrapped_entry},
        {"an entry without descriptors", with_empty_entry},
        {"a zero descriptor", with_zero_descriptor},
        {"a page after zeros", with_page_after_zeros},
        {"sequence numbers of more than 32 bits", with_large_sequence},
        {"an older run, and one of another log", with_older_run},
        {"a torn head", with_torn_head},
        {"a file that the log makes longer", with_longer_file},
        {"region tables in the log", with_logged_region_tables},
    };
}

}  // namespace entrepot::disk::odd
