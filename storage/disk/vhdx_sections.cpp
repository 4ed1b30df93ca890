// A dynamic VHDX from first byte to last: its structures are laid out in memory by the same builder
// that writes files, and the blocks follow in the order of the table.
#include "storage/disk/image_sections.h"
#include "storage/disk/vhdx_builder.h"
#include "storage/disk/vhdx_format.h"

#include "base/check.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace entrepot::disk {
namespace {

/// Takes what the builder writes: all of it lies before the first block.
class HeadFile final : public File {
public:
    Bytes take(std::uint64_t length) {
        content_.resize(length);
        return std::move(content_);
    }

    void write(std::uint64_t offset, ByteView data) override {
        if (content_.size() < offset + data.size()) content_.resize(offset + data.size());
        std::memcpy(content_.data() + offset, data.data(), data.size());
    }
    // The blocks are never in it.
    void truncate(std::uint64_t) override {}
    void sync() override {}
    std::size_t read_some(std::uint64_t, MutableByteView) const override { return 0; }
    std::uint64_t size() const override { return content_.size(); }
    FileIdentity identity() const override { return {}; }
    std::optional<FileExtent> find_data(std::uint64_t) const override { return std::nullopt; }
    const std::filesystem::path& path() const override { return path_; }

private:
    Bytes content_;
    std::filesystem::path path_;
};

}  // namespace

std::vector<ImageSection> vhdx_sections(const DiskSource& source, const vhdx::Metadata& metadata,
                                        const std::shared_ptr<const BlockMap>& map,
                                        Random& random) {
    HeadFile head;
    vhdx::Builder builder{head, metadata};
    const std::uint64_t block_bytes = builder.geometry().block_size_bytes;
    ENTREPOT_CHECK(block_bytes == map->block_bytes() && block_bytes % vhdx::kAlignment == 0);
    const std::uint64_t first = builder.allocate(map->data_count() * block_bytes);
    std::uint64_t file_offset = first;
    for (std::uint64_t block = map->find_data(0); block < map->block_count();
         block = map->find_data(block + 1)) {
        builder.set_block(block, vhdx::kFullyPresent, file_offset);
        file_offset += block_bytes;
    }
    builder.finish(random);
    const auto structures = std::make_shared<const Bytes>(head.take(first));
    // Shared because a section's function is copied.
    const auto content = std::make_shared<BlockContent>(source, *map);
    return {
        {first,
         [structures](std::uint64_t offset, std::size_t length) {
             const ByteView piece = ByteView{*structures}.subspan(offset, length);
             return Bytes{piece.begin(), piece.end()};
         }},
        {map->data_count() * block_bytes, [map, content](std::uint64_t offset, std::size_t length) {
             return content->read(offset, length);
         }}};
}

}  // namespace entrepot::disk
