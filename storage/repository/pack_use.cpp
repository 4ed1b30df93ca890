// Counts only: the slots of all packs at once would not fit into memory.
#include "storage/repository/pack_use.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::repository {
namespace {

constexpr std::uint64_t kLivePercentMin = 60;

void count(const PackReader& pack, const Reachable& reachable, PackUse& use) {
    for (const PackSlot& slot : pack.slots()) {
        const bool is_live = reachable.is_reached({use.id, slot.number});
        ++(is_live ? use.live_chunks : use.dead_chunks);
        (is_live ? use.live_bytes : use.dead_bytes) += slot.size_bytes();
    }
}

// The table of a damaged pack may be cut short: a slot that it does not tell is not a dead one.
bool tells_all_reachable(const PackReader& pack, const Reachable& reachable) {
    const auto marks = reachable.slots.find(pack.header().pack);
    if (marks == reachable.slots.end()) return true;
    for (std::uint32_t slot = 0; slot < marks->second.size(); ++slot) {
        if (marks->second[slot] && pack.find(slot) == nullptr) return false;
    }
    return true;
}

bool is_sparse(const PackUse& use) {
    return use.live_bytes * 100 < (use.live_bytes + use.dead_bytes) * kLivePercentMin;
}

void decide(PackUse& use) {
    if (use.live_chunks == 0) {
        use.fate = PackFate::removed;
        use.reason = "no point needs any of it";
        return;
    }
    const std::uint64_t percent = use.live_bytes * 100 / (use.live_bytes + use.dead_bytes);
    if (use.dead_chunks == 0) {
        use.reason = "points need all of it";
    } else if (is_sparse(use)) {
        use.fate = PackFate::compacted;
        use.reason =
            fmt::format("points need {} % of it, less than {} %", percent, kLivePercentMin);
    } else {
        use.reason = fmt::format("points need {} % of it", percent);
    }
}

}  // namespace

std::string_view to_string(PackFate fate) {
    switch (fate) {
        case PackFate::kept:
            return "kept";
        case PackFate::compacted:
            return "compacted";
        case PackFate::removed:
            return "removed";
    }
    return "unknown";
}

PackUse look_at_pack(RepositoryCore& core, const Roots& roots, const Reachable& reachable,
                     const catalog::PackRow& row) {
    PackUse use;
    use.row = row;
    use.id = PackId::from_hex_text(row.id);
    const bool is_written = !row.session.empty() && roots.writers.contains(row.session);
    try {
        const auto pack = core.packs->open(use.id);
        count(*pack, reachable, use);
        if (!tells_all_reachable(*pack, reachable)) {
            use.reason = "it is damaged: points need slots that it does not tell";
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::not_found) throw;
        // A damaged pack goes when nothing points into it, and is left alone otherwise.
        use.dead_bytes = row.size_bytes;
        if (reachable.slots.contains(use.id)) use.reason = "it is damaged, and points need it";
    }
    if (!use.reason.empty()) {
        core.environment.log.warning("a damaged pack is left alone",
                                     {{"pack", row.id}, {"reason", use.reason}});
    } else if (is_written) {
        use.reason = "a backup that is not done yet wrote it";
    } else {
        decide(use);
    }
    return use;
}

PackSlots sort_slots(RepositoryCore& core, const Reachable& reachable, const PackId& pack) {
    PackSlots slots;
    const auto reader = core.packs->open(pack);
    for (const PackSlot& slot : reader->slots()) {
        const bool is_live = reachable.is_reached({pack, slot.number});
        (is_live ? slots.live : slots.dead).push_back(slot);
    }
    return slots;
}

}  // namespace entrepot::repository
