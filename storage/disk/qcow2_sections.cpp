// A qcow2 (version 3) from first byte to last: header, reference counts, tables, clusters with
// data. Its description is docs/interop/qcow2 of QEMU.
#include "storage/disk/big_endian.h"
#include "storage/disk/image_sections.h"

#include <bit>
#include <utility>

namespace entrepot::disk {
namespace {

constexpr std::uint32_t kMagic = 0x514649fb;
constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kHeaderBytes = 104;
constexpr std::uint32_t kRefcountOrder = 4;  // 16 bits each.
constexpr std::uint64_t kRefcountBytes = 2;
constexpr std::uint64_t kEntryBytes = 8;
/// The cluster has one reference: it may be written in place.
constexpr std::uint64_t kCopied = std::uint64_t{1} << 63;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by == 0 ? 0 : 1);
}

/// Where everything lies, in clusters.
struct Layout {
    std::uint64_t cluster_bytes = 0;
    std::uint64_t disk_bytes = 0;
    std::uint64_t refcount_table = 1;  ///< Behind the header.
    std::uint64_t refcount_table_length = 0;
    std::uint64_t refcounts = 0;
    std::uint64_t refcounts_length = 0;
    std::uint64_t first_level = 0;
    std::uint64_t first_level_length = 0;
    std::uint64_t first_level_entries = 0;
    std::uint64_t second_level = 0;
    /// Parts of the disk, each described by one table of the second level, that hold data.
    std::vector<std::uint64_t> parts;
    std::uint64_t data = 0;
    std::uint64_t end = 0;

    std::uint64_t entries_per_table() const { return cluster_bytes / kEntryBytes; }
    std::uint64_t refcounts_per_cluster() const { return cluster_bytes / kRefcountBytes; }
};

std::vector<std::uint64_t> parts_with_data(const BlockMap& map, std::uint64_t clusters_per_part) {
    std::vector<std::uint64_t> parts;
    for (std::uint64_t cluster = map.find_data(0); cluster < map.block_count();) {
        const std::uint64_t part = cluster / clusters_per_part;
        parts.push_back(part);
        const std::uint64_t next = (part + 1) * clusters_per_part;
        cluster = next < map.block_count() ? map.find_data(next) : map.block_count();
    }
    return parts;
}

Layout lay_out(const DiskSource& source, const BlockMap& map) {
    Layout layout;
    layout.cluster_bytes = map.block_bytes();
    layout.disk_bytes = source.size_bytes();
    layout.first_level_entries = divide_up(map.block_count(), layout.entries_per_table());
    layout.first_level_length = divide_up(layout.first_level_entries, layout.entries_per_table());
    layout.parts = parts_with_data(map, layout.entries_per_table());
    const std::uint64_t others =
        1 + layout.first_level_length + layout.parts.size() + map.data_count();
    // The counts count their own clusters, too: grows until it holds.
    for (;;) {
        const std::uint64_t total = others + layout.refcounts_length + layout.refcount_table_length;
        const std::uint64_t needed = divide_up(total, layout.refcounts_per_cluster());
        if (needed <= layout.refcounts_length) break;
        layout.refcounts_length = needed;
        layout.refcount_table_length = divide_up(needed, layout.entries_per_table());
    }
    layout.refcounts = layout.refcount_table + layout.refcount_table_length;
    layout.first_level = layout.refcounts + layout.refcounts_length;
    layout.second_level = layout.first_level + layout.first_level_length;
    layout.data = layout.second_level + layout.parts.size();
    layout.end = layout.data + map.data_count();
    return layout;
}

Bytes make_header(const Layout& layout) {
    BigEndianWriter out;
    out.u32(kMagic).u32(kVersion).u64(0).u32(0);
    out.u32(static_cast<std::uint32_t>(std::countr_zero(layout.cluster_bytes)));
    out.u64(layout.disk_bytes).u32(0);
    out.u32(static_cast<std::uint32_t>(layout.first_level_entries));
    out.u64(layout.first_level * layout.cluster_bytes);
    out.u64(layout.refcount_table * layout.cluster_bytes);
    out.u32(static_cast<std::uint32_t>(layout.refcount_table_length)).u32(0).u64(0);
    out.u64(0).u64(0).u64(0);  // No features.
    out.u32(kRefcountOrder).u32(kHeaderBytes);
    out.zeros(layout.cluster_bytes - out.size());
    return out.take();
}

/// `entry` is asked for each entry in turn.
template <typename Entry>
ImageSection make_table(std::uint64_t length, Entry entry) {
    return {length, [entry = std::move(entry)](std::uint64_t offset, std::size_t size) mutable {
                BigEndianWriter out;
                for (std::uint64_t index = offset / kEntryBytes; out.size() < size; ++index)
                    out.u64(entry(index));
                return out.take();
            }};
}

ImageSection make_header_section(const Layout& layout) {
    return {layout.cluster_bytes,
            [header = make_header(layout)](std::uint64_t offset, std::size_t length) {
                const ByteView piece = ByteView{header}.subspan(offset, length);
                return Bytes{piece.begin(), piece.end()};
            }};
}

ImageSection make_refcounts(const Layout& layout) {
    return {layout.refcounts_length * layout.cluster_bytes,
            [end = layout.end](std::uint64_t offset, std::size_t length) {
                BigEndianWriter out;
                for (std::uint64_t cluster = offset / kRefcountBytes; out.size() < length;
                     ++cluster)
                    out.u16(cluster < end ? 1 : 0);
                return out.take();
            }};
}

ImageSection make_first_level(const Layout& layout) {
    return make_table(layout.first_level_length * layout.cluster_bytes,
                      [layout, next = std::size_t{0}](std::uint64_t part) mutable -> std::uint64_t {
                          if (next == layout.parts.size() || layout.parts[next] != part) return 0;
                          return (layout.second_level + next++) * layout.cluster_bytes | kCopied;
                      });
}

ImageSection make_second_level(const Layout& layout, const std::shared_ptr<const BlockMap>& map) {
    return make_table(
        layout.parts.size() * layout.cluster_bytes,
        [layout, map, next = std::uint64_t{0}](std::uint64_t index) mutable -> std::uint64_t {
            const std::uint64_t part = layout.parts[index / layout.entries_per_table()];
            const std::uint64_t cluster =
                part * layout.entries_per_table() + index % layout.entries_per_table();
            if (cluster >= map->block_count() || !map->has_data(cluster)) return 0;
            return (layout.data + next++) * layout.cluster_bytes | kCopied;
        });
}

}  // namespace

std::vector<ImageSection> qcow2_sections(const DiskSource& source,
                                         const std::shared_ptr<const BlockMap>& map) {
    const Layout layout = lay_out(source, *map);
    // Shared because a section's function is copied.
    const auto content = std::make_shared<BlockContent>(source, *map);
    return {make_header_section(layout),
            make_table(layout.refcount_table_length * layout.cluster_bytes,
                       [layout](std::uint64_t index) -> std::uint64_t {
                           if (index >= layout.refcounts_length) return 0;
                           return (layout.refcounts + index) * layout.cluster_bytes;
                       }),
            make_refcounts(layout),
            make_first_level(layout),
            make_second_level(layout, map),
            {map->data_count() * map->block_bytes(),
             [map, content](std::uint64_t offset, std::size_t length) {
                 return content->read(offset, length);
             }}};
}

}  // namespace entrepot::disk
