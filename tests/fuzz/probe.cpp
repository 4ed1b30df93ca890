// Any file, opened as whatever it seems to be. Input: which name it has, its size in sectors (u16),
// options, then its first bytes, or its last.
#include "storage/disk/content_probe.h"
#include "storage/disk/disk_image.h"
#include "storage/disk/image_report.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/memory_file.h"

#include <array>
#include <memory>

namespace entrepot {
namespace {

constexpr std::array<const char*, 6> kNames{"a.vhdx", "a.avhdx", "a.VHD", "a.vhds", "a", "a.raw"};
constexpr std::size_t kExtentsMax = 100;
enum Options : unsigned { is_at_end = 1, is_a_byte_short = 2 };

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const char* name = kNames[input.u8() % kNames.size()];
    std::uint64_t file_size = input.u16() * std::uint64_t{512};
    const unsigned options = input.u8();
    const ByteView bytes = input.rest();
    if ((options & is_a_byte_short) != 0 && file_size > 0) --file_size;
    auto file = std::make_unique<test::MemoryFile>(name);
    const bool fits = bytes.size() <= file_size;
    file->write((options & is_at_end) != 0 && fits ? file_size - bytes.size() : 0, bytes);
    file->truncate(file_size);
    fuzz::require(!disk::describe(disk::probe_content(*file)).empty(), "everything has a name");
    fuzz::allow_refusal([&] {
        const auto image = disk::open_any(std::move(file));
        fuzz::allow_refusal([&] { disk::map_extents(*image, kExtentsMax); });
    });
    return 0;
}
