// What e2fsck makes of a journal, block for block.
#pragma once

#include "storage/guest/ext_journal_ring.h"
#include "storage/guest/ext_replay.h"
#include "storage/guest/ext_volume.h"
#include "tests/support/guest_images.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <filesystem>

namespace entrepot::test {

/// Replays the journal of `checked`, which is a copy, and compares. Where the two say what the
/// journal itself is like now, they may be different: in their superblocks.
inline void check_as_e2fsck(const std::filesystem::path& image,
                            const std::filesystem::path& checked) {
    shell("e2fsck -y -E journal_only " + shell_quoted(checked) + "; test $? -le 1");
    const FileDisk ours{image};
    const FileDisk theirs{checked};
    const guest::ExtGeometry geometry = guest::read_ext_geometry(ours);
    const std::uint64_t skipped = guest::JournalRing{ours, geometry}.volume_block(0);
    const std::uint64_t superblock = 1024 / geometry.block_bytes;
    const auto replayed = guest::replay_ext_journal(ours);
    REQUIRE(replayed != nullptr);
    CHECK(replayed->damage == "");
    Bytes found(geometry.block_bytes);
    Bytes expected(geometry.block_bytes);
    for (std::uint64_t block = 0; block < ours.size_bytes() / geometry.block_bytes; ++block) {
        if (block == skipped || block == superblock) continue;
        replayed->volume.read(block * geometry.block_bytes, found);
        theirs.read(block * geometry.block_bytes, expected);
        if (found == expected) continue;
        FAIL_CHECK("block " << block << " is another one");
        return;
    }
}

}  // namespace entrepot::test
