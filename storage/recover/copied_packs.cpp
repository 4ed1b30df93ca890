// A copy may hold two generations of a pack, and either may be cut short: the best one counts.
#include "storage/recover/copied_packs.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::recover {
namespace {

using repository::PackId;
using repository::PackReader;
using repository::PackSlot;
using repository::ShortId;
using repository::SlotAddress;

// A slot table takes up to half a MiB.
constexpr std::size_t kOpenPacksMax = 32;

bool is_damage(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::not_found || code == ErrorCode::io ||
           code == ErrorCode::limit || code == ErrorCode::unsupported;
}

}  // namespace

CopiedPacks::CopiedPacks(object::Store& store, const repository::RepositoryKeys& keys)
    : store_(store), keys_(keys), redirects_(store, keys) {
    redirects_.load();
    for (const std::string& name : store_.list(object::Collection::packs)) {
        if (const auto parsed = repository::parse_pack_name(name)) {
            generations_[parsed->pack].push_back(parsed->generation);
        }
    }
    for (auto& [pack, numbers] : generations_) {
        std::ranges::sort(numbers, std::greater{});
    }
}

std::shared_ptr<const PackReader> CopiedPacks::open_best(const PackId& pack) const {
    const auto known = generations_.find(pack);
    if (known == generations_.end()) {
        throw Error{ErrorCode::not_found,
                    fmt::format("pack {} is not in this copy of the repository", pack.hex())};
    }
    for (auto generation = known->second.begin();; ++generation) {
        try {
            return std::make_shared<const PackReader>(store_, keys_, pack, *generation);
        } catch (const Error& error) {
            const bool is_last = std::next(generation) == known->second.end();
            if (!is_damage(error.code()) || is_last) throw;
        }
    }
}

std::shared_ptr<const PackReader> CopiedPacks::open(const PackId& pack) {
    {
        const std::scoped_lock lock{mutex_};
        const auto found = std::ranges::find(recent_, pack, &decltype(recent_)::value_type::first);
        if (found != recent_.end()) {
            recent_.splice(recent_.begin(), recent_, found);
            return found->second;
        }
    }
    Reader reader = open_best(pack);
    const std::scoped_lock lock{mutex_};
    recent_.emplace_front(pack, reader);
    if (recent_.size() > kOpenPacksMax) recent_.pop_back();
    return reader;
}

std::vector<SlotAddress> CopiedPacks::redirects(const SlotAddress& place) {
    return redirects_.places(place);
}

void CopiedPacks::read_all_tables() {
    for (const auto& [pack, numbers] : generations_) {
        try {
            const Reader reader = open_best(pack);
            for (const PackSlot& slot : reader->slots()) {
                places_.emplace_back(short_id(slot.id), SlotAddress{pack, slot.number});
            }
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
        }
    }
    std::ranges::sort(places_, {}, &Place::first);
}

std::vector<SlotAddress> CopiedPacks::find_copies(const ShortId& id) {
    std::call_once(are_tables_read_, [this] { read_all_tables(); });
    std::vector<SlotAddress> copies;
    for (const Place& place : std::ranges::equal_range(places_, id, {}, &Place::first)) {
        copies.push_back(place.second);
    }
    return copies;
}

}  // namespace entrepot::recover
