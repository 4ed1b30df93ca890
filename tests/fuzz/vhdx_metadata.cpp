// Metadata table, items and parent locator. Input: u16 length of the table, the table, the items as
// they lie from 64 KiB on. The same bytes are also decoded as a locator.
#include "storage/disk/vhdx_metadata.h"

#include "base/error.h"
#include "base/little_endian.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"

#include <algorithm>

namespace entrepot {
namespace {

template <typename Body>
void expect_no_broken_promise(const Body& body) {
    try {
        body();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::internal) throw;
    }
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    const ByteView input = std::as_bytes(std::span{data, std::min<std::size_t>(size, 512 * kKiB)});
    if (input.size() < 2) return 0;
    LittleEndianReader in{input};
    const std::size_t table_length = std::min<std::size_t>(in.u16(), in.remaining());
    test::MemoryFile file;
    file.truncate(2 * kMiB);
    file.write(kMiB, in.bytes(table_length));
    file.write(kMiB + 64 * kKiB, in.bytes(in.remaining()));
    const disk::vhdx::ImageView view{file, {}, file.size()};
    expect_no_broken_promise([&] {
        std::vector<std::string> warnings;
        disk::vhdx::read_metadata(view, {kMiB, kMiB}, warnings);
    });
    expect_no_broken_promise([&] {
        const auto locator = disk::vhdx::decode_parent_locator(input.subspan(2), 2 * kMiB);
        // What we decoded can be written and means the same again.
        const auto again =
            disk::vhdx::decode_parent_locator(disk::vhdx::encode_parent_locator(locator), 0);
        if (again.linkage != locator.linkage || again.relative_path != locator.relative_path) {
            throw Error{ErrorCode::internal, "a locator does not survive a round trip"};
        }
    });
    return 0;
}
