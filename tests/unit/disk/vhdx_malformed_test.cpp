// The rows of vhdx.md section 6: each malformed input has its own refusal.
#include "storage/disk/disk_image.h"

#include "base/error.h"
#include "tests/support/vhdx_image_builder.h"

#include <catch2/catch.hpp>
#include <functional>

namespace entrepot::disk {
namespace {

using test::MemoryFile;
using test::VhdxImageBuilder;
using test::VhdxItem;

struct Refusal {
    ErrorCode code = ErrorCode::internal;
    std::string message = "was not refused";
};

template <typename Body>
Refusal refusal_of(const Body& body) {
    try {
        body();
    } catch (const Error& error) {
        return {error.code(), error.message()};
    }
    return {};
}

void check_refused(std::unique_ptr<MemoryFile> file, ErrorCode code, const std::string& words) {
    const Refusal refusal = refusal_of([&] { open_vhdx(std::move(file)); });
    INFO("message: " << refusal.message << "; expected words: " << words);
    CHECK(to_string(refusal.code) == to_string(code));
    CHECK(refusal.message.find(words) != std::string::npos);
}

void check_refused(const VhdxImageBuilder& builder, ErrorCode code, const std::string& words) {
    check_refused(builder.build(), code, words);
}

void check_corrupt(const std::function<void(VhdxImageBuilder&)>& change, const std::string& words) {
    VhdxImageBuilder builder;
    change(builder);
    check_refused(builder, ErrorCode::corrupt, words);
}

/// Opens, then looks at the whole disk.
void check_corrupt_when_used(const VhdxImageBuilder& builder, const std::string& words) {
    const auto image = open_vhdx(builder.build());
    const Refusal by_extent = refusal_of([&] {
        for (std::uint64_t at = 0; at < image->size_bytes();) {
            at += image->extent_at(at, image->size_bytes()).length;
        }
    });
    INFO("message: " << by_extent.message << "; expected words: " << words);
    CHECK(by_extent.message.find(words) != std::string::npos);
    const Refusal by_read = refusal_of([&] {
        Bytes all(image->size_bytes());
        image->read(0, all);
    });
    CHECK(by_read.message == by_extent.message);
    CHECK(to_string(by_read.code) == to_string(ErrorCode::corrupt));
}

std::unique_ptr<MemoryFile> file_of(const std::string& text, const std::string& name = "x.vhdx") {
    return std::make_unique<MemoryFile>(as_bytes(text), name);
}

const Guid kOther = test::guid_of("77777777-2222-4333-8444-555555555555");

}  // namespace

TEST_CASE("vhdx refusal 1: what is no VHDX is called what it is", "[disk][malformed]") {
    check_refused(file_of(""), ErrorCode::corrupt, "an empty file");
    check_refused(file_of("<!DOCTYPE html><p>"), ErrorCode::corrupt, "an HTML");
    check_refused(file_of(std::string(4096, '\0')), ErrorCode::corrupt, "a file of zeros");
    check_refused(file_of("QFI\xfb"), ErrorCode::corrupt, "a qcow2 image");
    check_refused(file_of("conectix" + std::string(504, 'x')), ErrorCode::unsupported,
                  "the file is a VHD image");
    check_refused(file_of(std::string(512, '\0') + "conectix" + std::string(504, 'x')),
                  ErrorCode::unsupported, "the file is a VHD image");
    check_refused(file_of("anything", "shared.vhds"), ErrorCode::unsupported, "VHD Set");
    check_refused(file_of("vhdxfile"), ErrorCode::corrupt, "truncated");
}

TEST_CASE("vhdx refusals 2 to 4: headers", "[disk][malformed]") {
    auto file = VhdxImageBuilder{}.build();
    file->write(64 * kKiB + 100, as_bytes("x"));
    file->write(128 * kKiB + 100, as_bytes("x"));
    check_refused(std::move(file), ErrorCode::corrupt, "both copies");

    VhdxImageBuilder builder;
    file = builder.build();
    file->write(64 * kKiB, builder.header(8));
    builder.data_write_guid = kOther;
    file->write(128 * kKiB, builder.header(8));
    check_refused(std::move(file), ErrorCode::corrupt, "sequence number 8 and differ");

    VhdxImageBuilder version;
    version.version = 2;
    check_refused(version, ErrorCode::unsupported, "version 2");
    VhdxImageBuilder log_version;
    log_version.log_version = 1;
    log_version.log_guid = kOther;
    check_refused(log_version, ErrorCode::unsupported, "log version 1");
}

TEST_CASE("vhdx refusals 5 and 6: the log's place", "[disk][malformed]") {
    check_corrupt([](auto& b) { b.log_offset = kMiB + 4096; }, "not aligned");
    check_corrupt([](auto& b) { b.log_length = 4096; }, "not aligned");
    check_corrupt([](auto& b) { b.log_offset = 0; }, "header section");
    check_corrupt([](auto& b) { b.log_length = 2048u * kMiB; }, "longer than 1 GiB");
    check_corrupt([](auto& b) { b.log_offset = 16 * kMiB; }, "beyond the file");
    check_corrupt([](auto& b) { b.log_offset = ~std::uint64_t{0} - kMiB + 1; }, "beyond the file");
    check_corrupt(
        [](auto& b) {
            b.log_length = 0;
            b.log_guid = kOther;
        },
        "LogLength is 0");
    check_corrupt([](auto& b) { b.log_guid = kOther; }, "cannot be replayed");
}

TEST_CASE("vhdx refusal 9: region tables", "[disk][malformed]") {
    auto file = VhdxImageBuilder{}.build();
    file->write(192 * kKiB + 100, as_bytes("x"));
    file->write(256 * kKiB + 100, as_bytes("x"));
    check_refused(std::move(file), ErrorCode::corrupt, "both copies");

    Bytes table = VhdxImageBuilder{}.region_table();
    store_u32(table, 8, 2048);
    file = VhdxImageBuilder{}.build();
    file->write(192 * kKiB, VhdxImageBuilder::with_checksum(table));
    check_refused(std::move(file), ErrorCode::corrupt, "EntryCount 2048");

    const auto with_region = [](std::uint64_t offset, std::uint32_t length, Guid id = kOther) {
        return [=](VhdxImageBuilder& b) { b.more_regions.push_back({id, offset, length, 0}); };
    };
    check_corrupt(with_region(8 * kMiB, kMiB, VhdxImageBuilder::kBat), "repeats");
    check_corrupt(with_region(8 * kMiB + 4096, kMiB), "not aligned");
    check_corrupt(with_region(8 * kMiB, 4096), "not aligned");
    check_corrupt(with_region(8 * kMiB, 0), "is empty");
    check_corrupt(with_region(0, kMiB), "header section");
    check_corrupt(with_region(16 * kMiB, kMiB), "beyond the file");
    check_corrupt(with_region(~std::uint64_t{0} - kMiB + 1, 2 * kMiB), "beyond the file");
    check_corrupt(with_region(2 * kMiB, 2 * kMiB), "overlaps");
    check_corrupt(with_region(kMiB, kMiB), "overlaps");

    VhdxImageBuilder unknown;
    unknown.more_regions.push_back({kOther, 8 * kMiB, kMiB, 1});
    check_refused(unknown, ErrorCode::unsupported, "required, but not known");
    unknown.more_regions[0].required = 0;
    CHECK(open_vhdx(unknown.build())->info().warnings.empty());

    for (const bool is_bat : {true, false}) {
        Bytes missing = VhdxImageBuilder{}.region_table();
        missing[is_bat ? 16 + 32 : 16] ^= std::byte{1};
        store_u32(missing, is_bat ? 16 + 32 + 28 : 16 + 28, 0);
        file = VhdxImageBuilder{}.build();
        file->write(192 * kKiB, VhdxImageBuilder::with_checksum(missing));
        check_refused(std::move(file), ErrorCode::corrupt,
                      is_bat ? "no BAT region" : "no metadata region");
    }
}

TEST_CASE("vhdx refusals 10, 11 and 21: the metadata table", "[disk][malformed]") {
    auto file = VhdxImageBuilder{}.build();
    file->write(2 * kMiB, as_bytes("METADATA"));
    check_refused(std::move(file), ErrorCode::corrupt, "wrong signature");
    file = VhdxImageBuilder{}.build();
    file->write(2 * kMiB + 10, LittleEndianWriter{}.u16(2048).data());
    check_refused(std::move(file), ErrorCode::corrupt, "EntryCount 2048");

    const auto with_item = [](VhdxItem item) {
        return [=](VhdxImageBuilder& b) { b.more_items.push_back(item); };
    };
    check_corrupt(with_item({kOther, 0, Bytes(8), 4096}), "lies in the table");
    check_corrupt(with_item({kOther, 0, Bytes(8), static_cast<std::uint32_t>(kMiB - 4)}),
                  "beyond the region");
    check_corrupt(with_item({kOther, 0, Bytes(8), 64 * 1024}), "overlap");
    check_corrupt(with_item({kOther, 0, {}, 64 * 1024}), "empty, but not at offset 0");
    check_corrupt(with_item({VhdxImageBuilder::kSize, 6, Bytes(8), {}}), "stands twice");
    check_corrupt(with_item({Guid{}, 0, Bytes(8), {}}), "no identifier");
    check_corrupt(with_item({kOther, 5, Bytes(8), {}}), "user item and required");

    VhdxImageBuilder required;
    required.more_items.push_back({kOther, 4, Bytes(8), {}});
    check_refused(required, ErrorCode::unsupported, "required, but not known");
    required.more_items[0].flags = 0;
    CHECK(open_vhdx(required.build())->info().warnings.empty());

    VhdxImageBuilder incomplete;
    incomplete.more_items.push_back({VhdxImageBuilder::kIncomplete, 4, {}, {}});
    check_refused(incomplete, ErrorCode::conflict, "still being written");

    const std::string names[] = {"File Parameters", "Virtual Disk Size", "Logical Sector Size",
                                 "Physical Sector Size", "Virtual Disk ID"};
    for (std::size_t index = 0; index < std::size(names); ++index) {
        const std::uint64_t entry = 2 * kMiB + 32 + 32 * index;
        file = VhdxImageBuilder{}.build();
        file->write(entry, LittleEndianWriter{}.guid(kOther).data());
        file->write(entry + 24, LittleEndianWriter{}.u32(0).data());
        check_refused(std::move(file), ErrorCode::corrupt, names[index] + " is missing");
        file = VhdxImageBuilder{}.build();
        file->write(entry + 20, LittleEndianWriter{}.u32(2).data());
        check_refused(std::move(file), ErrorCode::corrupt, names[index] + " has 2 bytes");
    }
}

TEST_CASE("vhdx refusals 12 to 14: geometry", "[disk][malformed]") {
    check_corrupt([](auto& b) { b.block_size_bytes = 0; }, "BlockSize 0");
    check_corrupt([](auto& b) { b.block_size_bytes = 3 * kMiB; }, "no power of two");
    check_corrupt([](auto& b) { b.block_size_bytes = 512 * kKiB; }, "between 1 MiB and 256 MiB");
    check_corrupt([](auto& b) { b.block_size_bytes = 512 * kMiB; }, "between 1 MiB and 256 MiB");
    check_corrupt([](auto& b) { b.logical_sector_size = 0; }, "Logical Sector Size 0");
    check_corrupt([](auto& b) { b.logical_sector_size = 1024; }, "Logical Sector Size 1024");
    check_corrupt([](auto& b) { b.physical_sector_size = 0; }, "Physical Sector Size 0");
    check_corrupt([](auto& b) { b.size_bytes = 0; }, "Virtual Disk Size 0");
    check_corrupt([](auto& b) { b.size_bytes = 64 * kTiB + 512; }, "more than 64 TiB");
    check_corrupt([](auto& b) { b.size_bytes = kMiB + 1; }, "no multiple of the sector size");
    check_corrupt([](auto& b) { b.size_bytes = kTiB; }, "too small for");
    VhdxImageBuilder flags;
    flags.file_flags = 4;
    check_refused(flags, ErrorCode::unsupported, "flags 0x4");
}

TEST_CASE("vhdx refusals 15 and 16: table entries, when they are used", "[disk][malformed]") {
    const auto entry = [](std::uint64_t raw) {
        VhdxImageBuilder builder;
        builder.block(3, raw);
        return builder;
    };
    check_corrupt_when_used(entry(6 | 16 * kMiB), "in a file of");
    check_corrupt_when_used(entry(6 | 15 * kMiB), "in a file of");
    check_corrupt_when_used(entry(6 | ~std::uint64_t{0xFFFFF}), "in a file of");
    check_corrupt_when_used(entry(6), "header section");
    check_corrupt_when_used(entry(6 | kMiB), "log or region");
    check_corrupt_when_used(entry(6 | 2 * kMiB), "log or region");
    check_corrupt_when_used(entry(6 | 3 * kMiB), "log or region");
    check_corrupt_when_used(entry(6 | 8 | 8 * kMiB), "reserved bits");
    check_corrupt_when_used(entry(4), "reserved state 4");
    check_corrupt_when_used(entry(5), "reserved state 5");
    check_corrupt_when_used(entry(7 | 8 * kMiB), "without a parent");

    VhdxImageBuilder child = entry(7 | 8 * kMiB);
    child.child_of(kOther, ".\\base.vhdx");
    const auto image = open_vhdx(child.build());
    const Refusal refusal = refusal_of([&] { image->extent_at(6 * kMiB, kMiB); });
    CHECK(refusal.message.find("has no bitmap") != std::string::npos);
    child.bitmap(0, 16 * kMiB);
    const auto outside = open_vhdx(child.build());
    CHECK(refusal_of([&] { outside->extent_at(6 * kMiB, kMiB); }).message.find("in a file of") !=
          std::string::npos);
}

TEST_CASE("vhdx refusal 15: space that is used twice", "[disk][malformed]") {
    const auto check_aliased = [](const VhdxImageBuilder& builder) {
        const auto image = open_vhdx(builder.build());
        const Refusal refusal = refusal_of([&] { check_block_aliasing(*image); });
        INFO(refusal.message);
        CHECK(to_string(refusal.code) == to_string(ErrorCode::corrupt));
    };
    VhdxImageBuilder sound;
    sound.block(0, 6, 8 * kMiB).block(5, 6, 10 * kMiB).block(6, 3, 8 * kMiB);
    check_block_aliasing(*open_vhdx(sound.build()));

    VhdxImageBuilder twice = sound;
    check_aliased(twice.block(7, 6, 8 * kMiB));
    VhdxImageBuilder partly = sound;
    check_aliased(partly.block(7, 6, 9 * kMiB));
    VhdxImageBuilder bitmap = sound;
    bitmap.child_of(kOther, ".\\base.vhdx");
    check_block_aliasing(*open_vhdx(bitmap.build()));
    check_aliased(bitmap.bitmap(0, 11 * kMiB));
    VhdxImageBuilder stray = sound;
    stray.size_bytes = 8 * kGiB;
    check_aliased(stray.bitmap(0, 5 * kMiB));
}

TEST_CASE("vhdx refusal 17: parent locators", "[disk][malformed]") {
    const auto child = [] {
        VhdxImageBuilder builder;
        builder.child_of(kOther, ".\\base.vhdx");
        return builder;
    };
    VhdxImageBuilder none = child();
    none.locator.clear();
    check_refused(none, ErrorCode::corrupt, "no parent locator");
    VhdxImageBuilder no_linkage = child();
    no_linkage.locator.erase(no_linkage.locator.begin());
    check_refused(no_linkage, ErrorCode::corrupt, "no parent_linkage");
    VhdxImageBuilder bad_linkage = child();
    bad_linkage.locator[0].second = "{not-a-guid}";
    check_refused(bad_linkage, ErrorCode::corrupt, "is no GUID");
    VhdxImageBuilder no_path = child();
    no_path.locator.pop_back();
    check_refused(no_path, ErrorCode::corrupt, "no path");
    VhdxImageBuilder empty_value = child();
    empty_value.locator[1].second.clear();
    check_refused(empty_value, ErrorCode::corrupt, "is empty");
    VhdxImageBuilder twice = child();
    twice.locator.push_back(twice.locator[1]);
    check_refused(twice, ErrorCode::corrupt, "stands twice");

    const Bytes sound = child().locator_item();
    const auto with_bytes = [&](std::size_t at, Bytes bytes) {
        VhdxImageBuilder builder;
        builder.file_flags = 2;
        Bytes item = sound;
        std::copy(bytes.begin(), bytes.end(), item.begin() + static_cast<std::ptrdiff_t>(at));
        builder.more_items.push_back({VhdxImageBuilder::kLocator, 4, item, {}});
        return builder;
    };
    const auto u16 = [](std::uint16_t value) { return LittleEndianWriter{}.u16(value).take(); };
    const auto u32 = [](std::uint32_t value) { return LittleEndianWriter{}.u32(value).take(); };
    CHECK(open_vhdx(with_bytes(0, {}).build())->info().parent->leaf_name() == "base.vhdx");
    check_refused(with_bytes(0, u32(1)), ErrorCode::unsupported, "LocatorType");
    check_refused(with_bytes(18, u16(0)), ErrorCode::corrupt, "KeyValueCount 0");
    check_refused(with_bytes(18, u16(65535)), ErrorCode::corrupt, "KeyValueCount 65535");
    check_refused(with_bytes(20, u32(0xFFFFFFFE)), ErrorCode::corrupt, "outside of the item");
    check_refused(with_bytes(20, u32(45)), ErrorCode::corrupt, "no whole UTF-16");
    check_refused(with_bytes(28, u16(27)), ErrorCode::corrupt, "no whole UTF-16");
    check_refused(with_bytes(30, u16(65534)), ErrorCode::corrupt, "outside of the item");
    check_refused(with_bytes(44, u16(0)), ErrorCode::corrupt, "no valid UTF-16");
    check_refused(with_bytes(44, u16(0xD800)), ErrorCode::corrupt, "no valid UTF-16");
}

}  // namespace entrepot::disk
