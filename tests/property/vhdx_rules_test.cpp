// The checker that stands for Windows: sound files keep all rules, each lie breaks the one it
// should.
#include "tests/property/vhdx_rules.h"

#include "tests/property/case.h"
#include "tests/property/vhdx_layout.h"
#include "tests/support/temporary_directory.h"

#include "base/crc32c.h"
#include "base/little_endian.h"

#include <catch2/catch.hpp>
#include <functional>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kDiskBytes = 7 * kMiB + 512;
constexpr std::uint64_t kMetadata = 2 * kMiB;
constexpr std::uint64_t kItems = kMetadata + 64 * kKiB;
constexpr std::uint64_t kBat = 3 * kMiB;

/// A parent and a child with a partial, a whole and a zero block, by the writers named.
class Pair {
public:
    Pair(Writer base, Writer child) {
        Sequence sequence;
        sequence.size_bytes = kDiskBytes;
        Layer first{base, 2 * kMiB, {{OperationKind::write, {0, 6 * kMiB}, 1}}};
        Layer second{child, 2 * kMiB, {}};
        second.operations = {{OperationKind::write, {512, 4096}, 2},
                             {OperationKind::write, {2 * kMiB, 2 * kMiB}, 2},
                             {OperationKind::write_zeros, {4 * kMiB, 2 * kMiB}, 0}};
        sequence.layers = {first, second};
        Chance chance{1};
        add_image(subject_, sequence, 0, directory_.path(), chance);
        add_image(subject_, sequence, 1, directory_.path(), chance);
    }

    std::vector<std::string> broken() const {
        return find_broken_rules(child(), {kDiskBytes, 512, subject_.images[0].path});
    }
    std::vector<std::string> broken_base() const {
        return find_broken_rules(subject_.images[0].path, {kDiskBytes, 512, {}});
    }
    const std::filesystem::path& child() const { return subject_.leaf().path; }

private:
    test::TemporaryDirectory directory_;
    Subject subject_;
};

/// A number at a place, and the checksum made right again where there is one.
void poke(File& file, std::uint64_t offset, std::uint64_t value, std::size_t length) {
    const Bytes bytes = LittleEndianWriter{}.u64(value).take();
    file.write(offset, ByteView{bytes}.first(length));
    struct Summed {
        std::uint64_t offset;
        std::size_t length;
    };
    for (const Summed& part : {Summed{64 * kKiB, 4096}, Summed{128 * kKiB, 4096},
                               Summed{192 * kKiB, 64 * kKiB}, Summed{256 * kKiB, 64 * kKiB}}) {
        Bytes content = file.read_exactly(part.offset, part.length);
        store_u32(content, 4, crc32c_with_zeroed_field(content, 4));
        file.write(part.offset, content);
    }
}

struct Lie {
    const char* expected;
    std::function<void(File&)> tell;
};

const Lie kLies[] = {
    {"signature or checksum", [](File& f) { f.write(64 * kKiB + 100, Bytes(1, std::byte{1})); }},
    {"header 0: reserved bytes", [](File& f) { poke(f, 64 * kKiB + 200, 1, 1); }},
    {"header 1: version 2", [](File& f) { poke(f, 128 * kKiB + 66, 2, 2); }},
    {"both have sequence number",
     [](File& f) {
         poke(f, 64 * kKiB + 8, 2, 8);
         poke(f, 128 * kKiB + 8, 2, 8);
     }},
    {"the log is not empty", [](File& f) { poke(f, 128 * kKiB + 48, 1, 1); }},
    {"region tables: they differ", [](File& f) { poke(f, 192 * kKiB + 16 + 28, 0, 4); }},
    {"metadata: reserved fields", [](File& f) { poke(f, kMetadata + 8, 1, 2); }},
    {"flags 0", [](File& f) { poke(f, kMetadata + 32 + 24, 0, 4); }},
    {"overlaps another", [](File& f) { poke(f, kMetadata + 32 + 16, 64 * kKiB + 4, 4); }},
    {"physical sectors of 1024", [](File& f) { poke(f, kItems + 20, 1024, 4); }},
    {"state 5", [](File& f) { poke(f, kBat + 3 * 8, 5, 8); }},
    {"reserved bits", [](File& f) { poke(f, kBat + 2 * 8, 2 | 0x10, 8); }},
    {"state 2 with an offset", [](File& f) { poke(f, kBat + 2 * 8, 2 | 64 * kMiB, 8); }},
    {"is not in the file", [](File& f) { poke(f, kBat + 8, 6 | 640 * kMiB, 8); }},
    {"has an owner already", [](File& f) { poke(f, kBat + 8, 6 | 3 * kMiB, 8); }},
    {"without a bitmap", [](File& f) { poke(f, kBat + 2048 * 8, 0, 8); }},
    {"belongs to no block", [](File& f) { poke(f, kBat + 1000 * 8, 2, 8); }},
    {"beyond the end of the disk",
     [](File& f) {
         const std::uint64_t bitmap = load_u64(f.read_exactly(kBat + 2048 * 8, std::size_t{8}), 0);
         f.write((bitmap & ~(kMiB - 1)) + kDiskBytes / 512 / 8, Bytes(1, std::byte{0x80}));
     }},
    {"parent locator: linkage", [](File& f) { poke(f, kItems + 40 + 80 + 28 + 2, 'x', 1); }},
    {"no whole MiB", [](File& f) { f.truncate(f.size() + 4096); }},
};

}  // namespace

TEST_CASE("vhdx rules: what our writers and the simulator write keeps them", "[property]") {
    for (const Writer base : {Writer::ours_vhdx, Writer::ours_vhdx_fixed, Writer::hostsim_vhdx}) {
        for (const Writer child : {Writer::ours_vhdx_diff, Writer::hostsim_vhdx_diff}) {
            const Pair pair{base, child};
            CHECK(pair.broken_base() == std::vector<std::string>{});
            CHECK(pair.broken() == std::vector<std::string>{});
        }
    }
}

TEST_CASE("vhdx rules: each lie breaks a rule", "[property]") {
    for (const Lie& lie : kLies) {
        INFO(lie.expected);
        const Pair pair{Writer::ours_vhdx, Writer::ours_vhdx_diff};
        PosixFileSystem files;
        lie.tell(*files.open_write(pair.child()));
        const std::vector<std::string> broken = pair.broken();
        std::string all;
        for (const std::string& words : broken)
            all += words + "\n";
        INFO(all);
        CHECK(all.find(lie.expected) != std::string::npos);
    }
}

TEST_CASE("vhdx rules: a child of another parent, size or sector is refused", "[property]") {
    const Pair pair{Writer::ours_vhdx, Writer::ours_vhdx_diff};
    const Pair other{Writer::ours_vhdx, Writer::ours_vhdx_diff};
    CHECK(find_broken_rules(pair.child(), {kDiskBytes, 512, {}}).size() == 1);
    CHECK_FALSE(find_broken_rules(pair.child(), {kDiskBytes + 512, 512,
                                                 pair.child().parent_path() / "layer-0.vhdx"})
                    .empty());
    CHECK_FALSE(find_broken_rules(pair.child(), {kDiskBytes, 512, pair.child()}).empty());
}

}  // namespace entrepot::property
