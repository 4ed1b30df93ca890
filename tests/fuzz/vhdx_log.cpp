// The log alone. Input: pieces {place u16 in 16 bytes, length u8, bytes} of a log of 1 MiB. Where
// an entry seems to begin, its checksum is made right.
#include "storage/disk/vhdx_log.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhdx_image_builder.h"

namespace entrepot {
namespace {

constexpr std::uint32_t kEntrySignature = 0x65676f6c;
constexpr std::size_t kSectorBytes = 4096;
constexpr std::uint64_t kPlaceUnit = 16;
constexpr std::uint64_t kHeadersEnd = 192 * kKiB;
constexpr std::uint64_t kFileBytes = 4 * kMiB;
constexpr std::byte kUntouched{0xEE};

void repair_checksums(Bytes& log) {
    for (std::size_t at = 0; at < log.size(); at += kSectorBytes) {
        const std::uint32_t length = load_u32(ByteView{log}.subspan(at), 8);
        if (load_u32(ByteView{log}.subspan(at), 0) != kEntrySignature) continue;
        if (length < kSectorBytes || length > log.size()) continue;
        // An entry may wrap round the end.
        Bytes entry(length);
        for (std::size_t i = 0; i < length; ++i)
            entry[i] = log[(at + i) % log.size()];
        const std::uint32_t checksum = crc32c_with_zeroed_field(entry, 4);
        store_u32(MutableByteView{log}.subspan(at), 4, checksum);
    }
}

void require_untouched(const File& file, const disk::vhdx::Overlay& overlay, std::uint64_t offset,
                       std::size_t length) {
    Bytes bytes(length, kUntouched);
    overlay.apply(file, offset, bytes);
    fuzz::require(
        std::count(bytes.begin(), bytes.end(), kUntouched) == static_cast<std::ptrdiff_t>(length),
        "a replay changes neither headers nor log");
    fuzz::require(!overlay.overlaps(offset, length), "what is not changed is not covered");
}

void look_at(const File& file, const disk::vhdx::Replay& replay) {
    fuzz::require(replay.overlay.end() <= replay.file_size_bytes, "targets lie in the file");
    fuzz::require(replay.file_size_bytes >= kFileBytes, "a replay makes no file shorter");
    require_untouched(file, replay.overlay, 0, kHeadersEnd);
    require_untouched(file, replay.overlay, kMiB, kMiB);
    // A range at once is the same as its parts one by one.
    Bytes whole(kMiB);
    replay.overlay.apply(file, 2 * kMiB, whole);
    Bytes part(3 * kSectorBytes / 2);
    for (std::uint64_t at = 0; at + part.size() <= whole.size(); at += part.size()) {
        std::fill(part.begin(), part.end(), std::byte{0});
        replay.overlay.apply(file, 2 * kMiB + at, part);
        fuzz::require(
            std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)),
            "an overlay says the same of a range and of its parts");
    }
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    Bytes log(kMiB);
    fuzz::fill_with_pieces(input, kPlaceUnit, log);
    repair_checksums(log);
    test::MemoryFile file;
    file.write(kMiB, log);
    file.truncate(kFileBytes);
    const Guid id = test::guid_of("33333333-2222-4333-8444-555555555555");
    fuzz::allow_refusal([&] { look_at(file, disk::vhdx::replay_log(file, {kMiB, kMiB}, id)); });
    return 0;
}
