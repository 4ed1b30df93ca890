// What CompactOS compressed. Input: method (u8), size of the content (u16, in bytes), its offset in
// units of 16 (u8), then the stream.
#include "storage/guest/wof_content.h"

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"

#include <memory>
#include <utility>

namespace entrepot {
namespace {

class StrictContent final : public guest::FileContent {
public:
    explicit StrictContent(Bytes bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size_bytes() const override { return bytes_.size(); }
    void read(std::uint64_t offset, MutableByteView target) const override {
        fuzz::require(offset <= bytes_.size() && target.size() <= bytes_.size() - offset,
                      "a read is in the stream");
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), target.size(),
                    target.begin());
    }

private:
    Bytes bytes_;
};

}  // namespace
}  // namespace entrepot

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace entrepot;
    fuzz::Input input{data, size};
    const auto method = static_cast<guest::WofMethod>(input.u8() % 4);
    const std::size_t content_size = input.u16();
    const std::size_t offset = std::min<std::size_t>(content_size, input.u8() * std::size_t{16});
    const ByteView stream = input.rest();
    fuzz::allow_refusal([&] {
        const guest::WofContent content{
            std::make_unique<StrictContent>(Bytes{stream.begin(), stream.end()}), content_size,
            method};
        Bytes target(content_size - offset);
        content.read(offset, target);
    });
    return 0;
}
