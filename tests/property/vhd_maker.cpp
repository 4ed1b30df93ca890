// A VHD writer that belongs to the tests: our engine reads differencing VHD and writes none. Blocks
// follow each other without alignment, as Windows before version 8 put them, in any order.
#include "base/check.h"
#include "base/guid.h"
#include "tests/property/vhd_layout.h"
#include "tests/property/writers.h"

#include <algorithm>
#include <map>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kHeaderOffset = kVhdFooterBytes;
constexpr std::uint64_t kLocatorOffset = kHeaderOffset + kVhdHeaderBytes;
constexpr std::uint64_t kLocatorBytes = 4096;
constexpr std::size_t kPieceBytes = 64 * kKiB;
constexpr std::uint64_t kTableOffset = kLocatorOffset + kLocatorBytes;
constexpr std::uint32_t kBlockSizes[] = {512 * kKiB, 2 * kMiB, 2 * kMiB, 2 * kMiB};

void store_text(Bytes& bytes, std::size_t offset, std::string_view text) {
    std::copy_n(as_bytes(text).begin(), text.size(),
                bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

Bytes make_footer(const DiskModel& model, bool has_parent, Random& random) {
    Bytes footer(kVhdFooterBytes);
    store_text(footer, 0, "conectix");
    store_big(footer, 8, 4, 2);
    store_big(footer, 12, 4, 0x00010000);
    store_big(footer, VhdLayout::kDataOffset, 8, kHeaderOffset);
    store_big(footer, 24, 4, 400'000'000);
    store_text(footer, 28, "win ");
    store_big(footer, 32, 4, 0x00060001);
    store_text(footer, 36, "Wi2k");
    store_big(footer, 40, 8, model.size_bytes());
    store_big(footer, VhdLayout::kCurrentSize, 8, model.size_bytes());
    const auto [cylinders, heads, sectors] = vhd_geometry(model.size_bytes());
    store_big(footer, 56, 2, cylinders);
    store_big(footer, 58, 1, heads);
    store_big(footer, 59, 1, sectors);
    store_big(footer, VhdLayout::kType, 4, has_parent ? kVhdDifferencing : kVhdDynamic);
    const Guid id = Guid::make_random(random);
    std::copy(id.bytes.begin(), id.bytes.end(), footer.begin() + VhdLayout::kUniqueId);
    store_big(footer, VhdLayout::kFooterChecksum, 4,
              vhd_checksum(footer, VhdLayout::kFooterChecksum));
    return footer;
}

/// The child names its parent in UTF-16, big-endian in the header, little-endian in the locator.
void name_parent(Bytes& header, const std::filesystem::path& parent, File& file) {
    const Bytes footer = VhdLayout{parent}.footer();
    std::copy_n(footer.begin() + VhdLayout::kUniqueId, Guid::kSizeBytes,
                header.begin() + VhdLayout::kParentId);
    store_big(header, 56, 4, 400'000'000);
    const std::string name = parent.filename().string();
    for (std::size_t i = 0; i < name.size(); ++i)
        store_big(header, 64 + 2 * i, 2, static_cast<unsigned char>(name[i]));
    const std::string relative = ".\\" + name;
    Bytes path(2 * relative.size());
    for (std::size_t i = 0; i < relative.size(); ++i)
        path[2 * i] = static_cast<std::byte>(relative[i]);
    file.write(kLocatorOffset, path);
    store_text(header, 576, "W2ru");
    store_big(header, 580, 4, kLocatorBytes);
    store_big(header, 584, 4, path.size());
    store_big(header, 592, 8, kLocatorOffset);
}

/// The parts of each block that the image holds.
std::map<std::uint64_t, std::vector<Range>> parts_of(const std::vector<Range>& ranges,
                                                     std::uint64_t block_size) {
    std::map<std::uint64_t, std::vector<Range>> parts;
    for (const Range& range : ranges) {
        for (std::uint64_t at = range.offset; at < range.end();) {
            const std::uint64_t end = std::min(range.end(), (at / block_size + 1) * block_size);
            parts[at / block_size].push_back({at, end - at});
            at = end;
        }
    }
    return parts;
}

/// A dynamic image holds each block with data as a whole.
std::vector<Range> whole_blocks(const DiskModel& model, std::uint64_t block_size) {
    std::vector<Range> ranges;
    for (std::uint64_t at = 0; at < model.size_bytes();) {
        const auto data = model.find_data(at);
        if (!data) break;
        at = data->offset / block_size * block_size;
        const std::uint64_t end = std::min(at + block_size, model.size_bytes());
        ranges.push_back({at, end - at});
        at = end;
    }
    return ranges;
}

/// The space is new: zeros stay a hole, however long they are.
void write_part(File& file, std::uint64_t at, const Range& part, const DiskModel& model) {
    Bytes content(kPieceBytes);
    for (std::uint64_t done = 0; done < part.length;) {
        const std::size_t length = std::min<std::uint64_t>(part.length - done, kPieceBytes);
        const MutableByteView piece = MutableByteView{content}.first(length);
        if (!model.is_zero_in({part.offset + done, length})) {
            model.read(part.offset + done, piece);
            file.write(at + done, piece);
        }
        done += length;
    }
}

void write_block(File& file, std::uint64_t at, std::uint64_t bitmap_bytes, std::uint64_t start,
                 const std::vector<Range>& parts, const WriteTask& task) {
    Bytes bitmap(static_cast<std::size_t>(bitmap_bytes));
    const bool leaves_garbage = task.chance.percent(40);
    for (const Range& part : parts) {
        const std::uint64_t first = (part.offset - start) / kVhdSectorBytes;
        for (std::uint64_t i = first; i < first + part.length / kVhdSectorBytes; ++i)
            bitmap[i / 8] |= std::byte{0x80} >> (i % 8);
        if (leaves_garbage && part.offset > start) {
            // The sector before it: parts do not touch, so it is the parent's.
            Bytes garbage(kVhdSectorBytes);
            task.chance.random().fill(garbage);
            file.write(at + bitmap_bytes + part.offset - start - kVhdSectorBytes, garbage);
        }
        write_part(file, at + bitmap_bytes + part.offset - start, part, task.after);
    }
    file.write(at, bitmap);
}

}  // namespace

void write_maker(const WriteTask& task) {
    ENTREPOT_CHECK(is_maker(task.layer.writer));
    const bool has_parent = is_differencing(task.layer.writer);
    const std::uint64_t block_size = task.chance.one_of(kBlockSizes);
    const std::uint64_t block_count = (task.after.size_bytes() + block_size - 1) / block_size;
    const std::uint64_t bitmap_bytes = std::max(block_size / kVhdSectorBytes / 8, kVhdSectorBytes);
    Bytes table(static_cast<std::size_t>((block_count * 4 + 511) / 512 * 512), std::byte{0xFF});
    const auto parts = parts_of(
        has_parent ? touched_ranges(task.layer.operations) : whole_blocks(task.after, block_size),
        block_size);
    std::vector<std::uint64_t> order;
    for (const auto& [block, ranges] : parts)
        order.push_back(block);
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<std::size_t>(task.chance.below(i))]);

    PosixFileSystem files;
    const auto file = files.create(task.target);
    std::uint64_t end = kTableOffset + table.size();
    for (const std::uint64_t block : order) {
        store_big(table, block * 4, 4, end / kVhdSectorBytes);
        write_block(*file, end, bitmap_bytes, block * block_size, parts.at(block), task);
        end += bitmap_bytes + block_size;
    }
    file->write(kTableOffset, table);
    Bytes header(kVhdHeaderBytes);
    store_text(header, 0, "cxsparse");
    store_big(header, 8, 8, kVhdNoOffset);
    store_big(header, VhdLayout::kTableOffset, 8, kTableOffset);
    store_big(header, 24, 4, 0x00010000);
    store_big(header, VhdLayout::kEntryCount, 4, block_count);
    store_big(header, VhdLayout::kBlockSize, 4, block_size);
    if (has_parent) name_parent(header, task.below.leaf().path, *file);
    store_big(header, VhdLayout::kHeaderChecksum, 4,
              vhd_checksum(header, VhdLayout::kHeaderChecksum));
    file->write(kHeaderOffset, header);
    const Bytes footer = make_footer(task.after, has_parent, task.chance.random());
    file->write(0, footer);
    file->write(end, footer);
}

}  // namespace entrepot::property
