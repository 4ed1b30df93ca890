// Fast commits of ext4 over a small volume, with checksums that are right. Input: tags: kind (u8;
// 8: an end), length (u8), bytes; kinds behind 15 change a byte of what there is: place (u16),
// value (u8).
#include "storage/guest/ext_fast_replay.h"
#include "storage/guest/ext_volume.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/guest_visitor.h"
#include "tests/support/ext_fast_forge.h"
#include "tests/support/ext_journal_forge.h"

namespace entrepot {
namespace {

using Forge = test::ExtJournalForge;

constexpr std::size_t kTagsMax = 200;
constexpr std::uint8_t kEnd = 8;
constexpr std::uint8_t kKindsEnd = 16;

void take_tags(fuzz::Input& input, test::ExtFastForge& fast) {
    for (std::size_t i = 0; i < kTagsMax && !input.empty(); ++i) {
        const std::uint8_t kind = input.u8();
        if (kind == kEnd) {
            fast.end();
        } else if (kind < kKindsEnd) {
            fast.tag(kind, input.bytes(input.u8()));
        } else {
            const std::size_t place = input.u16();
            const std::uint8_t value = input.u8();
            if (place < fast.bytes().size()) fast.bytes()[place] = std::byte{value};
        }
    }
    fast.end();
}

Bytes make_volume() {
    Forge forge{{}};
    store_u32(forge.block_of(2), 0x4, 4);
    return forge.bytes();
}

void check(const guest::ExtFastChanges& changes) {
    for (const auto& [inode, extents] : changes.extents) {
        std::uint64_t next = 0;
        for (const guest::FileExtent& extent : extents) {
            fuzz::require(extent.first_block >= next, "extents are in their order");
            fuzz::require(extent.volume_block + extent.block_count <= Forge::kBlocks,
                          "extents lie in the volume");
            next = extent.first_block + extent.block_count;
        }
    }
    for (const auto& [folder, names] : changes.folders)
        for (const auto& [name, steps] : names)
            guest::ExtFastChanges::follow(steps, 12);
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    static const fuzz::StrictGuestDisk kDisk{make_volume()};
    fuzz::Input input{data, size};
    test::ExtFastForge fast{9};
    take_tags(input, fast);
    guest::SectorOverlay volume{kDisk};
    fuzz::allow_refusal([&] {
        check(guest::replay_fast_commits(volume, guest::read_ext_geometry(kDisk), fast.read()));
    });
    return 0;
}
