// One random case: a disk, what is done to it layer by layer, and who writes each layer. A seed
// says everything.
#pragma once

#include "tests/property/disk_model.h"
#include "tests/property/writer_kind.h"

#include "base/random.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrepot::property {

enum class OperationKind { write, write_zeros, discard };

struct Operation {
    OperationKind kind = OperationKind::write;
    Range range;
    std::uint32_t stamp = 0;  ///< For write: which noise.
};

struct Layer {
    Writer writer = Writer::ours_vhdx;
    std::uint32_t block_size_bytes = 0;  ///< For the writers that can choose.
    std::vector<Operation> operations;
};

struct Sequence {
    std::uint64_t seed = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t sector_size = 512;
    std::vector<Layer> layers;   ///< From the base to the leaf.
    bool has_dirty_log = false;  ///< The leaf's tables stand in its log, not in their places.
    bool is_flattened = false;   ///< Our engine converts the result once more.
    Writer flat_writer = Writer::ours_vhdx;
};

Sequence make_sequence(std::uint64_t seed);

/// For a person who has to follow it.
std::string describe(const Sequence& sequence);

void apply(DiskModel& model, const std::vector<Operation>& operations);
/// What the operations name, changed or not.
std::vector<Range> touched_ranges(const std::vector<Operation>& operations);

/// Choices from one seed.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : random_(seed) {}
    /// Below the bound, which is not 0.
    std::uint64_t below(std::uint64_t bound) { return random_.u64() % bound; }
    std::uint64_t between(std::uint64_t first, std::uint64_t last) {
        return first + below(last - first + 1);
    }
    bool percent(unsigned chance) { return below(100) < chance; }
    template <typename List>
    auto one_of(const List& list) {
        return list[static_cast<std::size_t>(below(std::size(list)))];
    }
    Random& random() { return random_; }

private:
    SeededRandom random_;
};

}  // namespace entrepot::property
