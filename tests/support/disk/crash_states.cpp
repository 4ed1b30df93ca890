// Changes wait in `pending_` until a sync takes them into `durable_`; a crash decides about the
// rest.
#include "tests/support/disk/crash_states.h"

#include "base/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::test {
namespace {

constexpr std::size_t kSectorBytes = 512;

enum class Fate { lost, kept, by_chance, torn };
enum class Growth { lost, zeros, garbage };

// How one crash treats what is not durable.
struct Treatment {
    Fate names = Fate::lost;
    Fate data = Fate::lost;
    Growth growth = Growth::lost;
    bool is_in_order = false;  // All before some change is kept, all behind it lost.
};

Treatment choose(Random& random) {
    constexpr std::array kNames = {Fate::lost, Fate::kept, Fate::by_chance};
    constexpr std::array kData = {Fate::lost, Fate::kept, Fate::by_chance, Fate::torn};
    constexpr std::array kGrowth = {Growth::lost, Growth::zeros, Growth::garbage};
    return {.names = kNames.at(random.u64() % kNames.size()),
            .data = kData.at(random.u64() % kData.size()),
            .growth = kGrowth.at(random.u64() % kGrowth.size()),
            .is_in_order = random.u64() % 5 == 0};
}

bool happens(Fate fate, Random& random) {
    switch (fate) {
        case Fate::lost:
            return false;
        case Fate::kept:
            return true;
        case Fate::by_chance:
        case Fate::torn:
            return random.u64() % 2 == 0;
    }
    return false;
}

bool is_data(Change::Kind kind) {
    return kind == Change::Kind::write || kind == Change::Kind::resize;
}

bool has_names(const Change& change) {
    return !change.names.empty();
}

void grow(FileContent& file, std::uint64_t end, Growth growth, Random& random) {
    const std::uint64_t begin = file.size();
    if (end <= begin || growth == Growth::lost) return;
    file.resize(end);
    if (growth != Growth::garbage) return;
    Bytes garbage(static_cast<std::size_t>(end - begin));
    random.fill(garbage);
    file.write(begin, garbage);
}

// Sectors as the disk has them: at multiples of their size in the file.
void write_torn(FileContent& file, const Change& change, Growth growth, Random& random) {
    ByteView rest = *change.data;
    std::uint64_t offset = change.offset;
    const std::uint64_t end = offset + rest.size();
    grow(file, end, growth, random);
    while (!rest.empty()) {
        const std::size_t in_sector = offset % kSectorBytes;
        const std::size_t length = std::min(kSectorBytes - in_sector, rest.size());
        if (random.u64() % 2 == 0) file.write(offset, rest.first(length));
        rest = rest.subspan(length);
        offset += length;
    }
}

void write(FileContent& file, const Change& change) {
    if (change.kind == Change::Kind::resize) {
        file.resize(change.offset);
    } else {
        file.write(change.offset, *change.data);
    }
}

void change_data(DiskImage& image, const Change& change, const Treatment& treatment,
                 Random& random) {
    FileContent& file = image.change_file(change.node);
    const bool is_write = change.kind == Change::Kind::write;
    if (is_write && treatment.data == Fate::torn) {
        write_torn(file, change, treatment.growth, random);
    } else if (happens(treatment.data, random)) {
        write(file, change);
    } else if (is_write) {
        grow(file, change.offset + change.data->size(), treatment.growth, random);
    }
}

}  // namespace

CrashStates::CrashStates(const DiskRecord& record, SyncLie lie)
    : record_(record), lie_(std::move(lie)), durable_(record.start) {}

void CrashStates::advance_to(std::size_t count) {
    ENTREPOT_CHECK(count >= position_ && count <= record_.changes.size());
    for (; position_ < count; ++position_) {
        const Change& change = record_.changes[position_];
        if (change.kind == Change::Kind::add_file) durable_.add_file(change.node);
        if (change.kind == Change::Kind::add_directory) durable_.add_directory(change.node);
        if (!change.is_sync()) {
            pending_.push_back({&change});
            continue;
        }
        if (lie_ && lie_(change, sync_count_++)) continue;
        if (change.kind == Change::Kind::sync_file) {
            sync_file(change.node);
        } else {
            sync_directory(change.node);
        }
    }
}

void CrashStates::sync_file(NodeNumber node) {
    std::erase_if(pending_, [&](const Pending& pending) {
        const Change& change = *pending.change;
        if (!is_data(change.kind) || change.node != node) return false;
        write(durable_.change_file(node), change);
        return true;
    });
}

void CrashStates::sync_directory(NodeNumber directory) {
    std::erase_if(pending_, [&](Pending& pending) {
        return has_names(*pending.change) && make_names_durable(pending, directory);
    });
}

// True when nothing is left to do.
bool CrashStates::make_names_durable(Pending& pending, NodeNumber directory) {
    const std::vector<NameChange>& names = pending.change->names;
    const NameChange& last = names.back();
    if (!pending.is_old_name_left) {
        // A rename that only its old directory was synced after may still be lost as a whole.
        if (last.directory != directory) return false;
        durable_.set_name(last.directory, last.name, last.target);
        if (names.size() == 1) return true;
        pending.is_old_name_left = true;
    }
    const NameChange& first = names.front();
    if (first.directory != directory) return false;
    durable_.set_name(first.directory, first.name, first.target);
    return true;
}

DiskImage CrashStates::crash(std::uint64_t seed) const {
    SeededRandom random{seed};
    DiskImage image = durable_;
    const Treatment chosen = choose(random);
    const std::size_t cut = random.u64() % (pending_.size() + 1);
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Pending& pending = pending_[i];
        const Change& change = *pending.change;
        Treatment treatment = chosen;
        if (treatment.is_in_order) {
            if (i > cut) break;
            treatment.names = i < cut ? Fate::kept : Fate::by_chance;
            treatment.data = i < cut ? Fate::kept : Fate::torn;
        }
        if (is_data(change.kind)) change_data(image, change, treatment, random);
        if (!has_names(change) || !happens(treatment.names, random)) continue;
        for (const NameChange& name : change.names) {
            image.set_name(name.directory, name.name, name.target);
            if (pending.is_old_name_left) break;
        }
    }
    return image;
}

std::string rot(DiskImage& image, Random& random,
                const std::function<bool(const std::string& path)>& may_rot) {
    auto files = image.list_files();
    std::erase_if(files, [&](const auto& file) {
        return image.file(file.second).size() == 0 || !may_rot(file.first);
    });
    if (files.empty()) return {};
    const auto& [path, node] = files[random.u64() % files.size()];
    const auto& [other_path, other] = files[random.u64() % files.size()];
    FileContent& file = image.change_file(node);
    const std::uint64_t sector = random.u64() % ((file.size() + kSectorBytes - 1) / kSectorBytes);
    const std::uint64_t offset = sector * kSectorBytes;
    Bytes bytes(
        static_cast<std::size_t>(std::min<std::uint64_t>(kSectorBytes, file.size() - offset)));
    file.read(offset, bytes);
    std::string what;
    switch (random.u64() % 5) {
        case 0:
            bytes[random.u64() % bytes.size()] ^= static_cast<std::byte>(1U << (random.u64() % 8));
            what = "a bit flipped";
            break;
        case 1:
            std::ranges::fill(bytes, std::byte{0});
            what = "zeros";
            break;
        case 2:
            random.fill(bytes);
            what = "garbage";
            break;
        case 3:
            image.file(other).read(
                random.u64() % image.file(other).size() / kSectorBytes * kSectorBytes, bytes);
            what = "a sector of " + other_path;
            break;
        default:
            file.resize(offset);
            return fmt::format("{} cut to {} bytes", path, offset);
    }
    file.write(offset, bytes);
    return fmt::format("{}: {} at {}", path, what, offset);
}

}  // namespace entrepot::test
