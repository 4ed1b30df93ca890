// Images that are sound and make no disk together (vhdx.md section 6, rows 18 to 20).
#include "tests/support/vhdx_image_builder.h"
#include "tests/unit/disk/malformed_rows.h"

#include <fmt/format.h>

namespace entrepot::disk::malformed {
namespace {

using namespace entrepot::test;

constexpr unsigned kDepth = 65;  // One more than a chain may have.

Guid numbered(unsigned number) {
    return guid_of(fmt::format("00000000-2222-4333-8444-{:012x}", number).c_str());
}

std::unique_ptr<MemoryFile> base(unsigned number, std::uint32_t sector_size = 512) {
    VhdxImageBuilder builder;
    builder.data_write_guid = numbered(number);
    builder.logical_sector_size = sector_size;
    return builder.build("base.vhdx");
}

std::unique_ptr<MemoryFile> child(unsigned number, unsigned parent,
                                  const std::string& parent_name = "base.vhdx") {
    VhdxImageBuilder builder;
    builder.data_write_guid = numbered(number);
    builder.child_of(numbered(parent), ".\\" + parent_name);
    return builder.build(fmt::format("{}.avhdx", number));
}

Files files_of(std::unique_ptr<MemoryFile> leaf, std::unique_ptr<MemoryFile> other) {
    Files files;
    files.push_back(std::move(leaf));
    files.push_back(std::move(other));
    return files;
}

Row chain_row(std::string name, ErrorCode code, std::vector<std::string> parts,
              std::function<Files()> make) {
    return {std::move(name), Refused::as_chain, code, std::move(parts), std::move(make)};
}

}  // namespace

std::vector<Row> chain_rows() {
    return {
        chain_row("a parent that is not there", ErrorCode::parent_missing,
                  {"offset 0 of the disk", "base.vhdx",
                   "linkage 00000000-2222-4333-8444-000000000001", "not here"},
                  [] { return one(child(2, 1)); }),
        chain_row("a parent whose data changed", ErrorCode::parent_mismatch,
                  {"2.avhdx needs parent base.vhdx", "linkage 00000000-2222-4333-8444-000000000001",
                   "base.vhdx has 00000000-2222-4333-8444-000000000009"},
                  [] { return files_of(child(2, 1), base(9)); }),
        chain_row("a parent with other sectors", ErrorCode::parent_mismatch,
                  {"2.avhdx has sectors of 512 bytes", "base.vhdx of 4096"},
                  [] { return files_of(child(2, 1), base(1, 4096)); }),
        chain_row("its own ancestor", ErrorCode::corrupt,
                  {"image 1.avhdx is its own ancestor by way of 2.avhdx"},
                  [] { return files_of(child(1, 2), child(2, 1)); }),
        chain_row("deeper than any chain", ErrorCode::limit,
                  {"the chain of image 65.avhdx has more than 64 layers"},
                  [] {
                      Files files;
                      for (unsigned number = kDepth; number > 1; --number)
                          files.push_back(child(number, number - 1));
                      files.push_back(base(1));
                      return files;
                  }),
    };
}

}  // namespace entrepot::disk::malformed
