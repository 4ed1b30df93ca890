// The log alone: the input is the log, and where an entry seems to begin its checksum is made
// right.
#include "storage/disk/vhdx_log.h"

#include "base/error.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhdx_image_builder.h"

#include <algorithm>

namespace entrepot {
namespace {

constexpr std::uint32_t kEntrySignature = 0x65676f6c;
constexpr std::size_t kSectorBytes = 4096;

void repair_checksums(Bytes& log) {
    for (std::size_t at = 0; at < log.size(); at += kSectorBytes) {
        const MutableByteView rest = MutableByteView{log}.subspan(at);
        const std::uint32_t length = load_u32(rest, 8);
        if (load_u32(rest, 0) != kEntrySignature || length < kSectorBytes) continue;
        if (length > rest.size()) continue;
        const MutableByteView entry = rest.first(length);
        store_u32(entry, 4, crc32c_with_zeroed_field(entry, 4));
    }
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    Bytes log(kMiB);
    const auto input = std::as_bytes(std::span{data, std::min<std::size_t>(size, log.size())});
    std::copy(input.begin(), input.end(), log.begin());
    repair_checksums(log);
    test::MemoryFile file;
    file.truncate(4 * kMiB);
    file.write(kMiB, log);
    const Guid id = test::guid_of("33333333-2222-4333-8444-555555555555");
    try {
        const auto replay = disk::vhdx::replay_log(file, {kMiB, kMiB}, id);
        Bytes page(3 * kSectorBytes);
        for (std::uint64_t at = 0; at < 4 * kMiB; at += 2 * kSectorBytes + 512) {
            replay.overlay.apply(at, page);
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::internal) throw;
    }
    return 0;
}
