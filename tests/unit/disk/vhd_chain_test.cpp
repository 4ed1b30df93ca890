// Which VHD is whose parent. Their ids are of files and do not change with content, so more is
// asked than of VHDX.
#include "storage/disk/image_chain.h"

#include "base/error.h"
#include "tests/support/vhd_image_builder.h"
#include "tests/support/vhdx_image_builder.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace entrepot::disk {
namespace {

using test::VhdImageBuilder;
using ImagePointer = std::shared_ptr<const DiskImage>;

Guid numbered(unsigned number) {
    return test::guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

VhdImageBuilder image_of(unsigned number) {
    VhdImageBuilder builder;
    builder.unique_id = numbered(number);
    return builder;
}

VhdImageBuilder child_of(unsigned number, unsigned parent, const std::string& parent_name) {
    VhdImageBuilder builder = image_of(number);
    builder.child_of(numbered(parent), "C:\\disks\\" + parent_name);
    return builder;
}

ImagePointer open_as(const VhdImageBuilder& builder, const std::string& name) {
    return open_vhd(builder.build(name));
}

template <typename Body>
Error error_of(const Body& body) {
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    return Error{ErrorCode::internal, "nothing was thrown"};
}

}  // namespace

TEST_CASE("vhd chains: images find their parents by unique id", "[disk][chain][vhd]") {
    VhdImageBuilder lowest = image_of(1);
    lowest.fixed();
    const auto base = open_as(lowest, "x.vhd");
    const auto middle = open_as(child_of(2, 1, "base.vhd"), "y.avhd");
    const auto leaf = open_as(child_of(3, 2, "middle.avhd"), "z.avhd");
    const auto other = open_as(image_of(9), "other.vhd");
    const auto chains = build_chains({leaf, other, base, middle});
    REQUIRE(chains.size() == 2);
    CHECK(chains[0].layers() == std::vector<ImagePointer>{leaf, middle, base});
    CHECK(chains[0].is_complete());
    CHECK_FALSE(build_chains({leaf, middle})[0].is_complete());
}

TEST_CASE("vhd chains: a chain is of one format, whatever the ids say", "[disk][chain][vhd]") {
    test::VhdxImageBuilder vhdx;
    vhdx.size_bytes = 8 * kMiB;
    vhdx.data_write_guid = numbered(1);
    const ImagePointer base = open_vhdx(vhdx.build("base.vhdx"));
    const auto child = open_as(child_of(2, 1, "base.vhdx"), "child.vhd");
    CHECK_FALSE(is_parent_of(base->info(), child->info()));
    for (const auto& error : {error_of([&] {
                                  ImageChain{{child, base}};
                              }),
                              error_of([&] {
                                  build_chains({child, base});
                              })}) {
        CHECK(error.code() == ErrorCode::parent_mismatch);
        CHECK(error.message().find("a chain is of one format") != std::string::npos);
    }

    test::VhdxImageBuilder child_x;
    child_x.size_bytes = 8 * kMiB;
    child_x.child_of(numbered(1), ".\\base.vhd");
    const ImagePointer other_child = open_vhdx(child_x.build("child.vhdx"));
    const auto other_base = open_as(image_of(1), "base.vhd");
    CHECK(error_of([&] {
              ImageChain{{other_child, other_base}};
          }).code() == ErrorCode::parent_mismatch);
}

TEST_CASE("vhd chains: parent and child are of one size", "[disk][chain][vhd]") {
    VhdImageBuilder larger = image_of(1);
    larger.size_bytes = 10 * kMiB;
    const auto base = open_as(larger, "base.vhd");
    const auto child = open_as(child_of(2, 1, "base.vhd"), "child.vhd");
    const Error error = error_of([&] { build_chain_of(child, {base}); });
    CHECK(error.code() == ErrorCode::parent_mismatch);
    CHECK(error.message().find("8388608") != std::string::npos);
    CHECK(error.message().find("10485760") != std::string::npos);
}

TEST_CASE("vhd chains: among copies with one id the name decides", "[disk][chain][vhd]") {
    const auto right = open_as(image_of(1), "images/base.vhd");
    const auto copy = open_as(image_of(1), "images/copy of base.vhd");
    const auto elsewhere = open_as(image_of(1), "old/base.vhd");
    const auto child = open_as(child_of(2, 1, "BASE.VHD"), "images/child.vhd");
    CHECK(choose_parent(*child, {copy, right}) == right);
    CHECK(choose_parent(*child, {copy}) == copy);
    CHECK(choose_parent(*child, {elsewhere, copy, right}) == right);
    CHECK(choose_parent(*child, {open_as(image_of(7), "images/base.vhd")}) == nullptr);

    const auto second = open_as(image_of(1), "images/second copy.vhd");
    const Error error = error_of([&] { choose_parent(*child, {copy, second}); });
    CHECK(error.code() == ErrorCode::parent_mismatch);
    CHECK(error.message().find("copy of base.vhd") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
}

TEST_CASE("vhd chains: a ring is refused", "[disk][chain][vhd]") {
    const auto first = open_as(child_of(1, 2, "b.vhd"), "a.vhd");
    const auto second = open_as(child_of(2, 1, "a.vhd"), "b.vhd");
    CHECK(error_of([&] { build_chains({first, second}); }).code() == ErrorCode::corrupt);
}

}  // namespace entrepot::disk
