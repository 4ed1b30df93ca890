// A small XFS of which any byte may be another one, with the checksums made right afterwards, so
// that they keep nothing out. Input: version 4 (even) or 5 (odd), then pieces: place in units of
// four bytes (u16), length (u8), bytes.
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/guest_visitor.h"
#include "tests/support/xfs_forge.h"

namespace entrepot {
namespace {

Bytes make_disk(fuzz::Input& input) {
    static const test::XfsForge kForges[]{test::forge_xfs(4), test::forge_xfs(5)};
    const test::XfsForge& forge = kForges[input.u8() & 1U];
    test::XfsForge copy = forge;
    fuzz::fill_with_pieces(input, 4, copy.bytes());
    copy.seal();
    return copy.bytes();
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    fuzz::visit_guest(make_disk(input), guest::VolumeContent::xfs);
    return 0;
}
