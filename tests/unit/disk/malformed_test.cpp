// Every malformed image of the table is refused when its row says, with the code and the words that
// it says, and no two rows are refused in the same words (vhdx.md section 6).
#include "storage/disk/image_chain.h"
#include "storage/disk/image_check.h"
#include "tests/unit/disk/malformed_rows.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <map>
#include <regex>

namespace entrepot::disk::malformed {
namespace {

constexpr std::size_t kRowCountMin = 80;
constexpr std::uint64_t kReadBytes = kMiB;

std::vector<Row> all_rows() {
    std::vector<Row> all;
    for (const auto rows :
         {vhdx_file_rows, vhdx_header_rows, vhdx_log_rows, vhdx_region_rows, vhdx_metadata_rows,
          vhdx_locator_rows, vhdx_table_rows, chain_rows, vhd_rows}) {
        for (Row& row : rows())
            all.push_back(std::move(row));
    }
    return all;
}

void walk(const DiskSource& disk) {
    const std::uint64_t size = disk.size_bytes();
    for (std::uint64_t at = 0; at < size;)
        at += disk.extent_at(at, size - at).length;
}

void read_all(const DiskSource& disk) {
    Bytes buffer(kReadBytes);
    for (std::uint64_t at = 0; at < disk.size_bytes(); at += kReadBytes) {
        const std::uint64_t length = std::min(kReadBytes, disk.size_bytes() - at);
        disk.read(at, MutableByteView{buffer}.first(length));
    }
}

template <typename Body>
Error refusal_of(const Body& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    return Error{ErrorCode::internal, "was not refused"};
}

Error refusal_of(const Row& row) {
    Files files = row.make();
    if (row.when == Refused::at_open)
        return refusal_of([&] { row.open(std::move(files.front())); });
    std::vector<std::shared_ptr<const DiskImage>> images;
    for (auto& file : files)
        images.push_back(row.open(std::move(file)));
    const auto leaf = images.front();
    switch (row.when) {
        case Refused::at_open:
            break;
        case Refused::when_used: {
            const Error by_read = refusal_of([&] { read_all(*leaf); });
            const Error by_walk = refusal_of([&] { walk(*leaf); });
            CHECK(by_read.message() == by_walk.message());
            return by_read;
        }
        case Refused::by_aliasing_check:
            // Nothing is wrong as long as only single entries are looked at.
            walk(*leaf);
            return refusal_of([&] { check_block_aliasing(*leaf); });
        case Refused::as_chain:
            return refusal_of([&] { read_all(build_chain_of(leaf, images)); });
    }
    return refusal_of([] {});
}

/// The message without what is different in each image anyway.
std::string pattern_of(const std::string& message) {
    static const std::regex guids{"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"};
    static const std::regex numbers{"0x[0-9a-f]*|[0-9]+"};
    return std::regex_replace(std::regex_replace(message, guids, "GUID"), numbers, "N");
}

}  // namespace

TEST_CASE("malformed images: each is refused with its own message", "[disk][malformed]") {
    std::map<std::string, std::string> names_by_pattern;
    std::size_t row_count = 0;
    for (const Row& row : all_rows()) {
        INFO("row: " << row.name);
        const Error refusal = refusal_of(row);
        INFO("message: " << refusal.message());
        CHECK(to_string(refusal.code()) == to_string(row.code));
        for (const std::string& part : row.parts) {
            INFO("part: " << part);
            CHECK(refusal.message().find(part) != std::string::npos);
        }
        const auto [other, is_new] =
            names_by_pattern.emplace(pattern_of(refusal.message()), row.name);
        INFO("refused in the same words: " << other->second);
        CHECK(is_new);
        ++row_count;
    }
    CHECK(row_count >= kRowCountMin);
}

TEST_CASE("malformed images: a check finds what a reader refuses", "[disk][malformed]") {
    NullProgress progress;
    for (const Row& row : all_rows()) {
        if (row.when == Refused::as_chain) continue;
        const Files files = row.make();
        const File& file = *files.front();
        const bool is_vhd = format_of_name(file) == ImageFormat::vhd;
        if (is_vhd != (row.open == &open_vhd)) continue;  // The row asks for another format.
        const ImageCheck check = check_image(file, Work{progress});
        INFO("row: " << row.name << ", " << to_json(check).dump(1));
        CHECK(check.is_damaged() == (row.code == ErrorCode::corrupt));
        CHECK(check.worst >= Severity::unsupported);
    }
}

}  // namespace entrepot::disk::malformed
