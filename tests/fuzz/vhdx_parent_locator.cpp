// A parent locator; the input is the item. What can be read can be written, and means the same.
#include "storage/disk/vhdx_metadata.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"

namespace entrepot {
namespace {

void check_locator(const disk::ParentLocator& locator) {
    fuzz::require(!locator.leaf_name().empty(), "a parent has a name");
    fuzz::require(locator.leaf_name().find_first_of("\\/") == std::string::npos,
                  "the name of a parent is no path");
    for (const std::string* path :
         {&locator.relative_path, &locator.absolute_path, &locator.volume_path}) {
        Json(*path).dump();
    }
    // Lengths have 16 bits: UTF-8 of three bytes is UTF-16 of two, so all that was read fits.
    const Bytes encoded = disk::vhdx::encode_parent_locator(locator);
    const auto again = disk::vhdx::decode_parent_locator(encoded, 0);
    fuzz::require(again.linkage == locator.linkage && again.linkage2 == locator.linkage2 &&
                      again.relative_path == locator.relative_path &&
                      again.absolute_path == locator.absolute_path &&
                      again.volume_path == locator.volume_path,
                  "a locator survives a round trip");
}

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    const ByteView item = std::as_bytes(std::span{data, std::min<std::size_t>(size, kMiB)});
    fuzz::allow_refusal([&] { check_locator(disk::vhdx::decode_parent_locator(item, 2 * kMiB)); });
    return 0;
}
