// Real images that nobody here wrote: what we read must have the SHA-256 that other readers agree
// on.
#include "storage/disk/disk_image.h"
#include "storage/disk/image_chain.h"

#include "base/error.h"
#include "base/little_endian.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/disk/real_images.h"

#include <openssl/evp.h>

#include <catch2/catch.hpp>
#include <string>

namespace entrepot::disk {
namespace {

namespace fs = std::filesystem;
using test::find_images;
using test::unpack;

class Sha256 {
public:
    Sha256() { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    ~Sha256() { EVP_MD_CTX_free(context_); }
    void update(ByteView bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
    std::string finish() {
        Bytes digest(32);
        EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
        return to_hex(digest);
    }

private:
    EVP_MD_CTX* context_ = EVP_MD_CTX_new();
};

std::shared_ptr<const DiskImage> open_image(const fs::path& path) {
    PosixFileSystem files;
    return open_any(files.open_read(path));
}

std::string hash_of(const DiskSource& disk) {
    Sha256 hash;
    Bytes buffer(kMiB);
    const Bytes zeros(kMiB);
    for (std::uint64_t offset = 0; offset < disk.size_bytes();) {
        const DiskExtent extent = disk.extent_at(offset, disk.size_bytes() - offset);
        for (std::uint64_t done = 0; done < extent.length;) {
            const std::size_t length = std::min<std::uint64_t>(extent.length - done, kMiB);
            const MutableByteView part = MutableByteView{buffer}.first(length);
            if (extent.kind == ExtentKind::data) disk.read(offset + done, part);
            hash.update(extent.kind == ExtentKind::data ? ByteView{part}
                                                        : ByteView{zeros}.first(length));
            done += length;
        }
        offset += extent.length;
    }
    return hash.finish();
}

struct Sample {
    const char* packed;
    const char* sha256;
};

// Ten gigabytes each: hashing them takes longer than all else, so ctest runs them apart (label
// slow).
constexpr Sample kSmallSamples[] = {
    {"dfvfs-ext2.vhdx.gz", "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"},
    {"dfvfs-fat-parent.vhdx.gz",
     "2d1954fec68faefe81dd3687282a9b387bf8417f6d2cf0da3825fa1445b64cfb"},
    {"dfvfs-ntfs-dynamic.vhdx.gz",
     "b92731f8e4bf3532418444d22a9086823a8122569500acd09cd8d2ce20eb98e9"},
    {"dfvfs-ntfs-fixed.vhdx.gz",
     "5237dd895f38052344e2ef35a207fe9df08cd18d17b6ea857a1b93cc475e1f2e"},
    {"discutils-btrfs.vhdx.gz", "0b959f9cb4e18348ad8b646f152178282542c8304f02fddf765e3fd1a1de6864"},
    {"dissect-dynamic.vhdx.gz", "8e2b5e9265d694b42b81819e3bff29770eff4ed0f4f9f311693ff3dbdc93efac"},
    {"dissect-fixed.vhdx.gz", "bc0be4623b15aa84216fb31ba24e3b621ec7f1c72d198c990ac0eced222d9f62"},
    {"qemu-iotest-dynamic-1G.vhdx.bz2",
     "d3d112d8dab7fd360609f7d5a7b769904b7a2a7d7b6b8c535f65a23293c05478"},
    {"dfvfs-ext2.vhd.gz", "870be7ae16c1fa8faab05c6eb9205dc9a7ae35c5f552c5cf8a267c0bc6a5cb99"},
    {"dfvfs-ntfs-dynamic.vhd.gz",
     "8b10b52e3d1e76075d05a5101a6536b9fa8376a5b8f7c22f502d0987d165c876"},
    {"dfvfs-ntfs-fixed.vhd.gz", "cd81fade3878f1b2957f1ece168201876bdf4e90c9b30f60c2f232eba5fea76c"},
    {"dfvfs-ntfs-parent.vhd.gz",
     "c91d1766dd4b3327f33a082cbf958d3566dd84a3d71c2473a5ae6155e53171de"},
    {"dissect-dynamic.vhd.gz", "ecff2ef6615a3cddc6a6885f1c6d9cf13a232697e1dc6575f2c2f01f57247784"},
    {"dissect-fixed.vhd.gz", "459325ab1fcd1d5ec9854cba790ee26378317cda177ffc1072008a1df88e6463"},
};
constexpr Sample kLargeSamples[] = {
    {"discutils-swap.vhdx.gz", "60dd30b4c74361427d1089510cabb36e2eeda0cc4747f467ea43173acd358c49"},
    {"discutils-xfs.vhdx.gz", "8ca2bd2d91f1c6ada47128fc2f8d38587e73954ede5a664fe2bb09c19606060e"},
    {"discutils-xfs5.vhdx.gz", "edc5d630b2da0ddb08992afb58ded06ffb56b884e184b4974fda16e31b7e6817"},
    {"qemu-iotest-dirtylog-10G-4M.vhdx.bz2",
     "179cefe8b0587f123393eedf2aa7aa8d25798591178e6bc3950a09762f38f96f"},
};

void check_sample(const fs::path& images, const Sample& sample) {
    INFO(sample.packed);
    const test::TemporaryDirectory directory;
    const fs::path unpacked = directory.path() / fs::path{sample.packed}.stem();
    unpack(images / sample.packed, unpacked);
    const auto image = open_image(unpacked);
    check_block_aliasing(*image);
    CHECK(hash_of(*image) == sample.sha256);
    image->check_unchanged();
}

}  // namespace

TEST_CASE("conformance: real images read as other readers read them", "[disk][conformance]") {
    const auto images = find_images();
    if (!images) return;
    for (const Sample& sample : kSmallSamples)
        check_sample(*images, sample);
}

TEST_CASE("conformance: large real images", "[.][large]") {
    const auto images = find_images();
    if (!images) return;
    for (const Sample& sample : kLargeSamples)
        check_sample(*images, sample);
}

TEST_CASE("conformance: a real differencing child over its parent", "[disk][conformance]") {
    const auto images = find_images();
    if (!images) return;
    const test::TemporaryDirectory directory;
    unpack(*images / "dfvfs-fat-parent.vhdx.gz", directory.path() / "fat-parent.vhdx");
    unpack(*images / "dfvfs-fat-differential.vhdx.gz", directory.path() / "fat-differential.vhdx");
    const auto parent = open_image(directory.path() / "fat-parent.vhdx");
    const auto child = open_image(directory.path() / "fat-differential.vhdx");

    const auto chains = build_chains({parent, child});
    REQUIRE(chains.size() == 1);
    CHECK(chains[0].is_complete());
    CHECK(&chains[0].leaf() == child.get());
    CHECK(hash_of(chains[0]) == "a538161f34bc44c12bf9a542ce9218741c62728723ea18d0e4f6ea92e9f32e93");

    // In one call over everything, too: extents and reads are two paths.
    Bytes whole(chains[0].size_bytes());
    chains[0].read(0, whole);
    Sha256 hash;
    hash.update(whole);
    CHECK(hash.finish() == "a538161f34bc44c12bf9a542ce9218741c62728723ea18d0e4f6ea92e9f32e93");
}

TEST_CASE("conformance: a real VHD child over its parent", "[disk][conformance][vhd]") {
    const auto images = find_images();
    if (!images) return;
    const test::TemporaryDirectory directory;
    unpack(*images / "dfvfs-ntfs-parent.vhd.gz", directory.path() / "ntfs-parent.vhd");
    unpack(*images / "dfvfs-ntfs-differential.vhd.gz", directory.path() / "ntfs-differential.vhd");
    const auto parent = open_image(directory.path() / "ntfs-parent.vhd");
    const auto child = open_image(directory.path() / "ntfs-differential.vhd");
    check_block_aliasing(*child);

    const auto chains = build_chains({parent, child});
    REQUIRE(chains.size() == 1);
    CHECK(chains[0].is_complete());
    CHECK(hash_of(chains[0]) == "b7922a46a6b08fa4f4fc0c51a25d5587d1d49f15cfade45ca740dd07110ae144");
    Bytes whole(chains[0].size_bytes());
    chains[0].read(0, whole);
    Sha256 hash;
    hash.update(whole);
    CHECK(hash.finish() == "b7922a46a6b08fa4f4fc0c51a25d5587d1d49f15cfade45ca740dd07110ae144");
}

TEST_CASE("conformance: real empty VHDs have the current size", "[disk][conformance][vhd]") {
    const auto images = find_images();
    if (!images) return;
    const test::TemporaryDirectory directory;
    // QEMU shows 136363130880 bytes for the second, by its geometry; Hyper-V does not.
    for (const char* name : {"qemu-hyperv2012r2-dynamic.vhd", "qemu-virtualpc-dynamic.vhd"}) {
        INFO(name);
        unpack(*images / (std::string{name} + ".bz2"), directory.path() / name);
        const auto image = open_image(directory.path() / name);
        check_block_aliasing(*image);
        CHECK(image->size_bytes() == 136'365'211'648);
        CHECK(image->extent_at(0, image->size_bytes()) ==
              DiskExtent{0, image->size_bytes(), ExtentKind::zero});
    }
}

TEST_CASE("conformance: a real checkpoint without its parent shows its own sectors",
          "[disk][conformance]") {
    const auto images = find_images();
    if (!images) return;
    const test::TemporaryDirectory directory;
    unpack(*images / "dissect-differencing.avhdx.gz", directory.path() / "leaf.avhdx");
    const auto image = open_image(directory.path() / "leaf.avhdx");
    check_block_aliasing(*image);
    CHECK(image->info().type == ImageType::differencing);
    REQUIRE(image->info().parent);
    CHECK_FALSE(image->info().parent->linkage.is_null());
    CHECK_FALSE(image->is_empty_layer());

    Sha256 hash;
    std::uint64_t sector_count = 0;
    Bytes sector(512);
    for (std::uint64_t offset = 0; offset < image->size_bytes();) {
        const DiskExtent extent = image->extent_at(offset, image->size_bytes() - offset);
        for (std::uint64_t done = 0; extent.kind != ExtentKind::parent && done < extent.length;
             done += 512) {
            image->read(offset + done, sector);
            hash.update(LittleEndianWriter{}.u64((offset + done) / 512).data());
            hash.update(sector);
            ++sector_count;
        }
        offset += extent.length;
    }
    CHECK(sector_count == 6200);
    CHECK(hash.finish() == "2185d7f6039a06064e39d5ab5469c6ba34a5ce7c55a4a304fcd2fae8e13a9a06");

    Bytes all(kMiB);
    CHECK_THROWS_AS(image->read(image->size_bytes() - kMiB, all), Error);
}

}  // namespace entrepot::disk
