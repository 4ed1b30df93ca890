// Sizes, places and lengths are drawn where readers err: borders of blocks, of chunks and of the
// disk, odd sector counts, and places that an earlier operation touched.
#include "tests/property/sequence.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::property {
namespace {

constexpr std::uint64_t kOperationsMax = 12;
constexpr std::uint64_t kDepthMax = 5;
/// Noise costs time; zeros of any length do not.
constexpr std::uint64_t kWrittenBytesMax = 12 * kMiB;
constexpr std::uint64_t kOneWriteBytesMax = 4 * kMiB;
/// Few, so that content comes back and a difference can be empty.
constexpr std::uint64_t kStampCount = 5;
/// MS-VHDX 2.5: sectors that one bitmap block covers.
constexpr std::uint64_t kSectorsInChunk = 1 << 23;

std::uint32_t draw_block_size(Chance& chance) {
    // Small ones meet more borders, large ones are rare in the field.
    const std::uint64_t shift =
        chance.percent(70) ? chance.between(20, 23) : chance.between(20, 28);
    return static_cast<std::uint32_t>(std::uint64_t{1} << shift);
}

std::uint64_t draw_size(Chance& chance, std::uint32_t sector_size, bool may_be_large) {
    const std::uint64_t kind = chance.below(100);
    std::uint64_t size = 0;
    if (kind < 8) {
        size = chance.between(1, 100) * sector_size;
    } else if (kind < 60) {
        size = chance.between(kMiB, 32 * kMiB);
    } else if (kind < 88 || !may_be_large) {
        size = chance.between(32 * kMiB, 300 * kMiB);
    } else {
        const std::uint64_t chunk = kSectorsInChunk * sector_size;
        size = chance.between(chunk - 64 * kMiB, 2 * chunk + 64 * kMiB);
    }
    if (chance.percent(15)) size = std::max<std::uint64_t>(size / kMiB, 1) * kMiB;
    // 7-Zip reads no disk of an odd number of sectors; enough have to be left for it to judge.
    const std::uint64_t unit = chance.percent(70) ? 2 * sector_size : sector_size;
    return std::max<std::uint64_t>(size / unit, 1) * unit;
}

/// Operations on one disk, in units of its sectors.
class OperationDraw {
public:
    OperationDraw(Chance& chance, const Sequence& sequence)
        : chance_(chance),
          sector_size_(sequence.sector_size),
          sector_count_(sequence.size_bytes / sequence.sector_size) {}

    std::vector<Operation> draw(std::uint32_t block_size_bytes) {
        sectors_in_block_ = block_size_bytes / sector_size_;
        std::vector<Operation> operations;
        const std::uint64_t count = chance_.between(0, kOperationsMax);
        for (std::uint64_t i = 0; i < count; ++i)
            operations.push_back(draw_one());
        return operations;
    }

private:
    Operation draw_one() {
        Operation operation;
        const std::uint64_t kind = chance_.below(100);
        operation.kind = kind < 60   ? OperationKind::write
                         : kind < 80 ? OperationKind::write_zeros
                                     : OperationKind::discard;
        if (operation.kind == OperationKind::write) {
            operation.stamp = static_cast<std::uint32_t>(chance_.between(1, kStampCount));
        }
        std::uint64_t first = draw_place();
        std::uint64_t count = draw_count(operation.kind, first);
        if (operation.kind == OperationKind::write) {
            const std::uint64_t rest =
                kWrittenBytesMax - std::min(kWrittenBytesMax, written_bytes_);
            const std::uint64_t bytes_max =
                std::max<std::uint64_t>(std::min(rest, kOneWriteBytesMax), sector_size_);
            count = std::min(count, bytes_max / sector_size_);
            written_bytes_ += count * sector_size_;
        }
        operation.range = {first * sector_size_, count * sector_size_};
        places_.push_back(first);
        places_.push_back(first + count);
        return operation;
    }

    std::uint64_t near(std::uint64_t sector) {
        const std::uint64_t shift = chance_.below(4);
        const std::uint64_t place =
            chance_.percent(50) ? sector + shift : sector - std::min(sector, shift);
        return std::min(place, sector_count_ - 1);
    }

    std::uint64_t draw_place() {
        switch (chance_.below(6)) {
            case 0:
                return near(chance_.below(sector_count_ / sectors_in_block_ + 1) *
                            sectors_in_block_);
            case 1:
                return near(sector_count_);
            case 2:
                return near(kSectorsInChunk * chance_.between(0, sector_count_ / kSectorsInChunk));
            case 3:
                if (!places_.empty()) return near(chance_.one_of(places_));
                return 0;
            default:
                return chance_.below(sector_count_);
        }
    }

    /// May move the place, for a whole block.
    std::uint64_t draw_count(OperationKind kind, std::uint64_t& first) {
        std::uint64_t count = 1;
        switch (chance_.below(6)) {
            case 0:
                break;
            case 1:
                count = chance_.between(1, 20);
                break;
            case 2:
                count = chance_.between(1, std::max<std::uint64_t>(64 * kKiB / sector_size_, 2));
                break;
            case 3:
                count = chance_.between(1, kMiB / sector_size_);
                break;
            case 4:
                first = first / sectors_in_block_ * sectors_in_block_;
                count = sectors_in_block_;
                break;
            default:
                count = kind == OperationKind::write ? chance_.between(1, 3 * kMiB / sector_size_)
                                                     : chance_.between(1, sector_count_);
                break;
        }
        return std::min(count, sector_count_ - first);
    }

    Chance& chance_;
    std::uint64_t sector_size_;
    std::uint64_t sector_count_;
    std::uint64_t sectors_in_block_ = 0;
    std::uint64_t written_bytes_ = 0;
    std::vector<std::uint64_t> places_;  ///< Edges of what was touched.
};

constexpr Writer kFlatWriters[] = {
    Writer::ours_raw,         Writer::ours_qcow2,       Writer::ours_vhdx, Writer::ours_vhdx_fixed,
    Writer::ours_vhdx_blocks, Writer::ours_vhdx_blocks, Writer::ours_vhd,  Writer::ours_vhd_fixed,
    Writer::hostsim_vhdx,     Writer::hostsim_vhdx,     Writer::qemu_vhdx, Writer::qemu_vhdx_fixed,
    Writer::qemu_io_vhdx,     Writer::qemu_io_vhdx,     Writer::qemu_vhd,  Writer::qemu_vhd_fixed,
    Writer::qemu_io_vhd,      Writer::maker_vhd,
};
constexpr Writer kVhdxBases[] = {Writer::ours_vhdx, Writer::ours_vhdx_fixed,
                                 Writer::ours_vhdx_blocks, Writer::hostsim_vhdx};
constexpr Writer kVhdxChildren[] = {Writer::ours_vhdx_diff, Writer::hostsim_vhdx_diff};
constexpr Writer kVhdBases[] = {Writer::ours_vhd, Writer::ours_vhd_fixed, Writer::maker_vhd};
constexpr Writer kConversions[] = {
    Writer::ours_raw,         Writer::ours_vhdx, Writer::ours_vhdx_fixed, Writer::ours_qcow2,
    Writer::ours_vhdx_blocks, Writer::ours_vhd,  Writer::ours_vhd_fixed};

enum class Shape { flat, vhdx_chain, vhd_chain };

Shape draw_shape(Chance& chance) {
    const std::uint64_t kind = chance.below(100);
    return kind < 55 ? Shape::flat : kind < 90 ? Shape::vhdx_chain : Shape::vhd_chain;
}

Writer draw_writer(Shape shape, bool is_base, Chance& chance) {
    switch (shape) {
        case Shape::flat:
            break;
        case Shape::vhdx_chain:
            return is_base ? chance.one_of(kVhdxBases) : chance.one_of(kVhdxChildren);
        case Shape::vhd_chain:
            return is_base ? chance.one_of(kVhdBases) : Writer::maker_vhd_diff;
    }
    return chance.one_of(kFlatWriters);
}

/// qemu writes all zeros that it is asked for into a fixed image, and qemu-io into every one.
bool may_be_large(Writer writer) {
    return !is_qemu(writer) || writer == Writer::qemu_vhdx || writer == Writer::qemu_vhd;
}

}  // namespace

Sequence make_sequence(std::uint64_t seed) {
    Chance chance{seed};
    Sequence sequence;
    sequence.seed = seed;
    const Shape shape = draw_shape(chance);
    const Writer first = draw_writer(shape, true, chance);
    const bool has_small_sectors = is_qemu(first) || format_of(first) == Format::vhd;
    sequence.sector_size = !has_small_sectors && chance.percent(25) ? 4096 : 512;
    sequence.size_bytes = draw_size(chance, sequence.sector_size, may_be_large(first));
    const std::uint64_t depth = shape == Shape::flat ? 1 : chance.between(2, kDepthMax);
    OperationDraw operations{chance, sequence};
    for (std::uint64_t number = 0; number < depth; ++number) {
        Layer layer;
        layer.writer = number == 0 ? first : draw_writer(shape, false, chance);
        layer.block_size_bytes = draw_block_size(chance);
        layer.operations = operations.draw(layer.block_size_bytes);
        sequence.layers.push_back(std::move(layer));
    }
    const Format format = format_of(first);
    const bool is_image = format == Format::vhdx || format == Format::vhd;
    sequence.has_dirty_log = format == Format::vhdx && chance.percent(20);
    sequence.is_flattened = is_image && chance.percent(25);
    sequence.flat_writer = chance.one_of(kConversions);
    if (format_of(sequence.flat_writer) == Format::vhd && sequence.sector_size != 512) {
        sequence.flat_writer = Writer::ours_vhdx;
    }
    return sequence;
}

std::string describe(const Sequence& sequence) {
    std::string text =
        fmt::format("seed {}: {} bytes, sectors of {}{}", sequence.seed, sequence.size_bytes,
                    sequence.sector_size, sequence.has_dirty_log ? ", the leaf's log dirty" : "");
    if (sequence.is_flattened) text += fmt::format(", then {}", to_string(sequence.flat_writer));
    text += "\n";
    for (const Layer& layer : sequence.layers) {
        text += fmt::format("  {} (blocks of {} MiB if it can choose)\n", to_string(layer.writer),
                            layer.block_size_bytes / kMiB);
        for (const Operation& operation : layer.operations) {
            const char* kind = operation.kind == OperationKind::write         ? "write"
                               : operation.kind == OperationKind::write_zeros ? "zeros"
                                                                              : "discard";
            text += fmt::format("    {} sectors {}+{} stamp {}\n", kind,
                                operation.range.offset / sequence.sector_size,
                                operation.range.length / sequence.sector_size, operation.stamp);
        }
    }
    return text;
}

void apply(DiskModel& model, const std::vector<Operation>& operations) {
    for (const Operation& operation : operations) {
        if (operation.kind == OperationKind::write) {
            model.write(operation.range, operation.stamp);
        } else {
            model.clear(operation.range);
        }
    }
}

std::vector<Range> touched_ranges(const std::vector<Operation>& operations) {
    std::vector<Range> ranges;
    for (const Operation& operation : operations)
        ranges.push_back(operation.range);
    return joined(std::move(ranges));
}

}  // namespace entrepot::property
