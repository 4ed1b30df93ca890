// The first MiB of a VHDX: identifier, both header copies, and the place of the log. Input:
// options, size of the file in KiB (u16), then each copy as it lies (96 bytes, the rest is zeros),
// then the file identifier.
#include "storage/disk/vhdx_header.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/vhdx_forge.h"

namespace entrepot {
namespace {

constexpr std::size_t kCopyBytes = 96;
enum Options : unsigned { keeps_checksums = 1, has_identifier = 2 };

void check_round_trip(const disk::vhdx::Header& header) {
    auto again = disk::vhdx::decode_header(disk::vhdx::encode_header(header));
    fuzz::require(again.has_value(), "what we encode can be decoded");
    again->offset = header.offset;
    fuzz::require(*again == header, "a header survives a round trip");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const unsigned options = input.u8();
    test::MemoryFile file{"image.vhdx"};
    const std::uint64_t file_size = input.u16() * kKiB;
    for (const std::uint64_t offset : {64 * kKiB, 128 * kKiB}) {
        Bytes copy(disk::vhdx::kHeaderBytes);
        const ByteView bytes = input.bytes(kCopyBytes);
        std::copy(bytes.begin(), bytes.end(), copy.begin());
        const bool keeps = (options & keeps_checksums) != 0;
        file.write(offset, keeps ? copy : test::VhdxImageBuilder::with_checksum(copy));
    }
    file.write(0, as_bytes("vhdxfile"));
    const ByteView identifier = input.rest();
    if ((options & has_identifier) != 0) file.write(0, identifier);
    file.truncate(file_size);
    fuzz::allow_refusal([&] { Json(disk::vhdx::read_file_identifier(file)).dump(); });
    fuzz::allow_refusal([&] {
        std::vector<std::string> warnings;
        const auto header = disk::vhdx::read_current_header(file, warnings);
        check_round_trip(header);
        const auto log = disk::vhdx::checked_log_range(header, file.size());
        fuzz::require(log.offset <= file.size() && log.length <= file.size() - log.offset,
                      "the log lies in the file");
        fuzz::require(log.length == 0 || log.offset >= kMiB, "the log lies behind the headers");
        fuzz::require(header.log_guid.is_null() || log.length > 0, "a dirty log is there");
    });
    return 0;
}
