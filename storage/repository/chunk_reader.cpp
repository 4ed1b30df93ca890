// Neighbouring slots are read in one go, in groups small enough to keep all threads busy.
#include "storage/repository/chunk_reader.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace entrepot::repository {
namespace {

constexpr std::uint64_t kGroupBytesMax = 512 * kKiB;
constexpr std::size_t kGroupChunksMax = 8;
constexpr std::uint64_t kGapBytesMax = 32 * kKiB;

bool is_damage(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::not_found || code == ErrorCode::io;
}

}  // namespace

struct ChunkReader::Tools {
    explicit Tools(const RepositoryKeys& keys) : hasher(keys.id_key()) {}
    ChunkHasher hasher;
    ChunkCodec codec;
    Bytes buffer;
};

// Requests that are read from [offset, offset + length) of one pack.
struct ChunkReader::Group {
    struct Member {
        std::size_t request = 0;
        PackSlot slot;
    };
    std::shared_ptr<const PackReader> pack;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::vector<Member> members;
};

ChunkReader::ChunkReader(PackSource& packs, const RepositoryKeys& keys, WorkerPool& workers)
    : packs_(packs), keys_(keys), workers_(workers) {}

ChunkReader::~ChunkReader() = default;

std::unique_ptr<ChunkReader::Tools> ChunkReader::take_tools() {
    {
        const std::scoped_lock lock{mutex_};
        if (!spare_.empty()) {
            auto tools = std::move(spare_.back());
            spare_.pop_back();
            return tools;
        }
    }
    return std::make_unique<Tools>(keys_);
}

void ChunkReader::give_back(std::unique_ptr<Tools> tools) {
    const std::scoped_lock lock{mutex_};
    spare_.push_back(std::move(tools));
}

void ChunkReader::read(std::span<ChunkRequest> requests, Copies copies) {
    choose_places(requests, copies);
    const std::vector<Group> groups = group(requests);
    workers_.for_each(groups.size(), [&](std::size_t i) { read_group(groups[i], requests); });
    if (copies == Copies::addressed) return;
    for (ChunkRequest& request : requests) {
        if (request.damage.empty()) continue;
        if (request.is_slot_damaged) packs_.note_damage(request.id, request.place);
        auto tools = take_tools();
        read_elsewhere(request, *tools);
        give_back(std::move(tools));
    }
}

void ChunkReader::choose_places(std::span<ChunkRequest> requests, Copies copies) {
    for (ChunkRequest& request : requests) {
        request.place = request.address;
        if (copies == Copies::addressed) continue;
        const std::vector<SlotAddress> places = packs_.redirects(request.address);
        if (!places.empty()) request.place = places.back();
    }
}

std::vector<ChunkReader::Group> ChunkReader::group(std::span<ChunkRequest> requests) {
    std::vector<Group> groups;
    std::shared_ptr<const PackReader> pack;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        ChunkRequest& request = requests[i];
        try {
            if (!pack || pack->header().pack != request.place.pack) {
                pack = packs_.open(request.place.pack);
            }
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            pack.reset();
            request.damage = error.what();
            continue;
        }
        const PackSlot* slot = pack->find(request.place.slot);
        const bool is_fitting = slot != nullptr && short_id(slot->id) == request.id &&
                                slot->plain_length == request.target.size();
        if (!is_fitting) {
            request.damage = fmt::format("pack {} does not hold the chunk in slot {}",
                                         pack->header().pack.hex(), request.place.slot);
            request.is_slot_damaged = true;
            continue;
        }
        const std::uint64_t end = slot->offset + slot->size_bytes();
        Group* last = groups.empty() ? nullptr : &groups.back();
        const bool is_neighbour =
            last != nullptr && last->pack == pack && slot->offset >= last->offset + last->length &&
            slot->offset - (last->offset + last->length) <= kGapBytesMax &&
            last->members.size() < kGroupChunksMax && end - last->offset <= kGroupBytesMax;
        if (!is_neighbour) {
            last = &groups.emplace_back();
            last->pack = pack;
            last->offset = slot->offset;
        }
        last->members.push_back({i, *slot});
        last->length = end - last->offset;
    }
    return groups;
}

void ChunkReader::read_group(const Group& group, std::span<ChunkRequest> requests) {
    auto tools = take_tools();
    try {
        tools->buffer.resize(static_cast<std::size_t>(group.length));
        group.pack->read(group.offset, tools->buffer);
    } catch (const Error& error) {
        if (!is_damage(error.code())) throw;
        for (const Group::Member& member : group.members) {
            requests[member.request].damage = error.what();
            requests[member.request].is_slot_damaged = true;
        }
        return;
    }
    for (const Group::Member& member : group.members) {
        ChunkRequest& request = requests[member.request];
        const MutableByteView bytes = MutableByteView{tools->buffer}.subspan(
            static_cast<std::size_t>(member.slot.offset - group.offset),
            static_cast<std::size_t>(member.slot.size_bytes()));
        const bool is_sound =
            group.pack->decode(member.slot, bytes, tools->codec, request.target) &&
            tools->hasher.id_of(request.target) == member.slot.id;
        if (!is_sound) {
            request.damage = fmt::format("slot {} of pack {} is damaged", member.slot.number,
                                         group.pack->header().pack.hex());
            request.is_slot_damaged = true;
        }
    }
    give_back(std::move(tools));
}

// The chunk may have been stored anew since: whoever lost a copy reads the other one.
void ChunkReader::read_elsewhere(ChunkRequest& request, Tools& tools) {
    std::vector<SlotAddress> places = packs_.redirects(request.address);
    const std::vector<SlotAddress> copies = packs_.find_copies(request.id);
    places.insert(places.end(), copies.begin(), copies.end());
    for (const SlotAddress& place : places) {
        if (place != request.place) read_copy(place, request, tools);
        if (request.damage.empty()) return;
    }
}

void ChunkReader::read_copy(const SlotAddress& copy, ChunkRequest& request, Tools& tools) {
    try {
        const auto pack = packs_.open(copy.pack);
        const PackSlot* slot = pack->find(copy.slot);
        if (slot == nullptr || slot->plain_length != request.target.size()) return;
        tools.buffer.resize(static_cast<std::size_t>(slot->size_bytes()));
        pack->read(slot->offset, tools.buffer);
        const bool is_sound = pack->decode(*slot, tools.buffer, tools.codec, request.target) &&
                              tools.hasher.id_of(request.target) == slot->id;
        if (is_sound) request.damage.clear();
    } catch (const Error& error) {
        if (!is_damage(error.code())) throw;
    }
}

}  // namespace entrepot::repository
