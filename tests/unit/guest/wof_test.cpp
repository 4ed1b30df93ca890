// What CompactOS compressed comes out as it was, by what libwim made of it; what is damaged is
// refused.
#include "storage/guest/wof_content.h"

#include "storage/guest/lzx.h"
#include "storage/guest/xpress_huffman.h"
#include "tests/support/guest_images.h"
#include "tests/support/wof_sample.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>

using namespace entrepot;
using guest::WofContent;
using guest::WofMethod;
namespace fs = std::filesystem;

namespace {

class MemoryContent final : public guest::FileContent {
public:
    explicit MemoryContent(Bytes bytes) : bytes_(std::move(bytes)) {}
    std::uint64_t size_bytes() const override { return bytes_.size(); }
    void read(std::uint64_t offset, MutableByteView target) const override {
        REQUIRE(offset <= bytes_.size());
        REQUIRE(target.size() <= bytes_.size() - offset);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), target.size(),
                    target.begin());
    }

private:
    Bytes bytes_;
};

WofContent open_wof(Bytes stream, std::uint64_t size, WofMethod method) {
    return WofContent{std::make_unique<MemoryContent>(std::move(stream)), size, method};
}

Bytes golden(const std::string& name) {
    return test::read_whole(fs::path{ENTREPOT_SOURCE_DIR} / "tests" / "golden" / "wof" /
                            (name + ".bin"));
}

Bytes read_pieces(const WofContent& content, std::size_t piece) {
    Bytes found(static_cast<std::size_t>(content.size_bytes()));
    for (std::size_t done = 0; done < found.size(); done += piece) {
        const std::size_t count = std::min(piece, found.size() - done);
        content.read(done, MutableByteView{found}.subspan(done, count));
    }
    return found;
}

using Method = std::pair<std::string, WofMethod>;
const std::vector<Method> kMethods{{"xpress4k", WofMethod::xpress_4k},
                                   {"xpress8k", WofMethod::xpress_8k},
                                   {"xpress16k", WofMethod::xpress_16k},
                                   {"lzx", WofMethod::lzx}};

/// A chunk of LZX that is one block, not compressed.
Bytes uncompressed_block(ByteView content) {
    // Three bits of its kind, one that says that a size follows, sixteen of size, and filling.
    const std::uint32_t bits = 3U << 29U | static_cast<std::uint32_t>(content.size()) << 12U;
    LittleEndianWriter out;
    out.u16(static_cast<std::uint16_t>(bits >> 16U)).u16(static_cast<std::uint16_t>(bits));
    out.u32(1).u32(1).u32(1).bytes(content);
    return out.take();
}

}  // namespace

TEST_CASE("wof: each method gives back what was compressed, wherever reading begins",
          "[guest][wof]") {
    const Bytes sample = test::wof_sample();
    for (const auto& [name, method] : kMethods) {
        INFO(name);
        const auto content = open_wof(golden(name), sample.size(), method);
        CHECK((read_pieces(content, 100'000) == sample));
        CHECK((read_pieces(content, 777) == sample));
        Bytes last(1);
        content.read(sample.size() - 1, last);
        CHECK(last[0] == sample.back());
        content.read(0, last);
        CHECK(last[0] == sample.front());
    }
}

TEST_CASE("wof: an empty file has no chunks, and what did not shrink stands as it is",
          "[guest][wof]") {
    CHECK(read_pieces(open_wof({}, 0, WofMethod::xpress_4k), 10).empty());
    const Bytes noise = test::random_bytes(4096 + 100, 1);
    LittleEndianWriter stream;
    stream.u32(4096).bytes(noise);
    CHECK((read_pieces(open_wof(stream.take(), noise.size(), WofMethod::xpress_4k), 999) == noise));
}

TEST_CASE("wof: blocks of LZX that are not compressed, of even and odd sizes", "[guest][wof]") {
    const std::size_t size = GENERATE(1, 2, 4095, 4096);
    const Bytes content = test::random_bytes(size, 3);
    Bytes found(size);
    guest::decompress_lzx(uncompressed_block(content), found);
    CHECK((found == content));

    Bytes two = uncompressed_block(content);
    if (size % 2 != 0) two.push_back(std::byte{0});
    const Bytes second = uncompressed_block(content);
    two.insert(two.end(), second.begin(), second.end());
    found.resize(2 * size);
    guest::decompress_lzx(two, found);
    CHECK(std::equal(content.begin(), content.end(), found.begin()));
    CHECK(std::equal(content.begin(), content.end(),
                     found.begin() + static_cast<std::ptrdiff_t>(size)));
}

TEST_CASE("wof: what is damaged is refused and says so", "[guest][wof]") {
    const Bytes sample = test::wof_sample();
    const Bytes stream = golden("xpress4k");
    Bytes target(sample.size());
    const auto words = [&](Bytes changed, std::uint64_t size) {
        try {
            open_wof(std::move(changed), size, WofMethod::xpress_4k)
                .read(0, MutableByteView{target}.first(sample.size()));
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::corrupt);
            return error.message();
        }
        return std::string{"nothing"};
    };
    CHECK_THAT(words({}, sample.size()), Catch::Contains("its table has no room"));
    CHECK_THAT(words(stream, std::uint64_t{1} << 62U), Catch::Contains("its table has no room"));
    Bytes changed = stream;
    store_u32(changed, 0, 0);
    CHECK_THAT(words(changed, sample.size()), Catch::Contains("chunk 0 of 18 lies nowhere"));
    store_u32(changed, 0, 0x7FFFFFFF);
    CHECK_THAT(words(changed, sample.size()), Catch::Contains("chunk 0 of 18 lies nowhere"));
    store_u32(changed, 0, 5000);
    CHECK_THAT(words(changed, sample.size()), Catch::Contains("longer than its content"));
    changed = stream;
    store_u32(changed, 0, 100);
    CHECK_THAT(words(changed, sample.size()), Catch::Contains("it has no code"));
    changed = stream;
    std::fill_n(changed.begin() + 17 * 4, 256, std::byte{0x11});
    CHECK_THAT(words(changed, sample.size()), Catch::Contains("a code has too many words"));
    std::fill_n(changed.begin() + 17 * 4, 256, std::byte{0});
    CHECK_THAT(words(changed, sample.size()), Catch::Contains("a word that its code has not"));
    // The first symbol repeats something: nothing is there yet.
    Bytes repeats(256 + 4);
    repeats[128 + 1] = std::byte{0x11};
    Bytes chunk(4096);
    CHECK_THROWS_WITH(guest::decompress_xpress_huffman(repeats, chunk),
                      Catch::Contains("repeats what is not there"));
    // Bytes alone, and too few of them.
    Bytes few(256 + 4);
    few[0] = std::byte{0x88};
    CHECK_THROWS_WITH(guest::decompress_xpress_huffman(few, chunk),
                      Catch::Contains("ends too early"));
}

TEST_CASE("wof: whatever byte is other, nothing worse than an error happens", "[guest][wof]") {
    const Bytes sample = test::wof_sample();
    std::mt19937 chance{11};
    for (const auto& [name, method] : kMethods) {
        const Bytes stream = golden(name);
        for (int i = 0; i < 150; ++i) {
            Bytes changed = stream;
            for (int flip = 0; flip < 1 + i % 4; ++flip)
                changed[chance() % changed.size()] ^= static_cast<std::byte>(1 + chance() % 255);
            if (i % 10 == 9) changed.resize(chance() % changed.size());
            try {
                read_pieces(open_wof(std::move(changed), sample.size(), method), 100'000);
            } catch (const Error& error) {
                CHECK(error.code() == ErrorCode::corrupt);
            }
        }
    }
}

TEST_CASE("wof: only what a reparse point tells of files is taken for a method", "[guest][wof]") {
    const auto decode = [](std::uint32_t version, std::uint32_t provider, std::uint32_t method) {
        LittleEndianWriter data;
        data.u32(version).u32(provider).u32(1).u32(method);
        return guest::decode_wof_method(data.data());
    };
    CHECK(decode(1, 2, 1) == WofMethod::lzx);
    CHECK(decode(1, 2, 3) == WofMethod::xpress_16k);
    CHECK_FALSE(decode(1, 2, 4));
    CHECK_FALSE(decode(1, 1, 1));  // A WIM file has it.
    CHECK_FALSE(decode(2, 2, 1));
    CHECK_FALSE(guest::decode_wof_method(Bytes(8)));
}
