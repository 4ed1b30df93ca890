// The journal of a small ext, with checksums that are right but where the input says otherwise.
// Input: kind of checksums (u8: 4 kinds, 64-bit numbers, early commits, a map of blocks), first
// block (u8), then steps: 0 a list: count, and for each block its number (u16), flags (u8), what it
// is filled with (u8); 1 freed blocks: count, numbers (u16); 2 an end: time (u8); 3 a block: length
// (u8), bytes; 4 a change of the last block: place (u16), length (u8), bytes; 5 the number of what
// comes next (u8); 6 a change of the journal's superblock, as 4.
#include "storage/guest/ext_replay.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/guest_visitor.h"
#include "tests/support/ext_journal_forge.h"

namespace entrepot {
namespace {

using Forge = test::ExtJournalForge;

constexpr std::size_t kStepsMax = 40;
constexpr std::size_t kListMax = 16;

Forge::Options take_options(fuzz::Input& input) {
    const unsigned kinds = input.u8();
    Forge::Options options;
    options.sums = static_cast<Forge::Sums>(kinds & 3U);
    options.has_long_numbers = (kinds & 4U) != 0;
    options.commits_early = (kinds & 8U) != 0;
    options.has_extents = (kinds & 16U) == 0;
    options.start = 1 + input.u8() % (Forge::kJournalBlocks - 1);
    return options;
}

void change(fuzz::Input& input, MutableByteView block) {
    const std::size_t place = input.u16() % block.size();
    const ByteView bytes = input.bytes(input.u8());
    std::copy_n(bytes.begin(), std::min(bytes.size(), block.size() - place),
                block.begin() + static_cast<std::ptrdiff_t>(place));
}

void take_step(fuzz::Input& input, Forge& forge, std::uint32_t& last) {
    const std::uint32_t at = forge.at();
    switch (input.u8() % 7) {
        case 0: {
            std::vector<Forge::Item> items(1 + input.u8() % kListMax);
            for (Forge::Item& item : items) {
                item.block = input.u16();
                item.more_flags = input.u8();
                item.content = Forge::filled(input.u8());
            }
            forge.write(items);
            break;
        }
        case 1: {
            std::vector<std::uint64_t> blocks(input.u8() % kListMax);
            for (std::uint64_t& block : blocks)
                block = input.u16();
            forge.revoke(blocks);
            break;
        }
        case 2:
            forge.commit(input.u8());
            break;
        case 3: {
            const ByteView bytes = input.bytes(input.u8());
            Bytes block{bytes.begin(), bytes.end()};
            block.resize(Forge::kBlock);
            forge.put_raw(block);
            break;
        }
        case 4:
            change(input, forge.journal_block(last));
            return;
        case 5:
            forge.set_sequence(input.u8());
            return;
        default:
            forge.change_head([&](MutableByteView head) { change(input, head); });
            return;
    }
    last = at;
}

Bytes make_volume(fuzz::Input& input) {
    Forge forge{take_options(input)};
    std::uint32_t last = forge.at();
    for (std::size_t i = 0; i < kStepsMax && !input.empty(); ++i)
        take_step(input, forge, last);
    return forge.bytes();
}

/// All of it, at once and by pieces that fit no block: the same.
void read_all(const disk::DiskSource& volume) {
    constexpr std::size_t kPiece = 3777;
    Bytes whole(static_cast<std::size_t>(volume.size_bytes()));
    volume.read(0, whole);
    for (std::size_t at = 0; at < whole.size(); at += kPiece) {
        Bytes piece(std::min(kPiece, whole.size() - at));
        volume.read(at, piece);
        fuzz::require(
            std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)),
            "a part is a part of the whole");
    }
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const fuzz::StrictGuestDisk disk{make_volume(input)};
    guest::decode_volumes(guest::encode(guest::read_volumes(disk)));
    fuzz::allow_refusal([&] {
        const auto replayed = guest::replay_ext_journal(disk);
        if (!replayed) return;
        fuzz::require(replayed->damage.size() <= fuzz::kMessageBytesMax, "a message is bounded");
        read_all(replayed->volume);
    });
    return 0;
}
