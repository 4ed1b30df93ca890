// The log of a small XFS, with a checksum that is right. Input: operations: transaction (u8), flags
// (u8), length (u8), bytes; each transaction that begins gets its head.
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/guest_visitor.h"
#include "tests/support/xfs_forge.h"
#include "tests/support/xfs_log_forge.h"

namespace entrepot {
namespace {

constexpr std::size_t kOperationsMax = 60;

Bytes make_volume(fuzz::Input& input) {
    static const test::XfsForge kForge = test::forge_xfs(5);
    test::XfsForge copy = kForge;
    test::XfsLogForge log;
    for (std::size_t i = 0; i < kOperationsMax && !input.empty(); ++i) {
        const std::uint32_t transaction = input.u8() % 4;
        const unsigned flags = input.u8();
        const std::size_t length = input.u8();
        if ((flags & 1U) != 0) {
            log.start(transaction);
        } else {
            log.operation(transaction, flags, input.bytes(length));
        }
    }
    log.put(copy);
    return copy.bytes();
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    fuzz::visit_guest(make_volume(input), guest::VolumeContent::xfs);
    return 0;
}
