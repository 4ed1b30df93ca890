// The packs of a copied repository, found by looking: there is no catalog and no index.
#pragma once

#include "storage/object/store.h"
#include "storage/repository/pack_source.h"
#include "storage/repository/redirects.h"
#include "storage/repository/repository_keys.h"

#include <list>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace entrepot::recover {

/// Safe to share between threads.
class CopiedPacks final : public repository::PackSource {
public:
    /// Lists the packs. Both outlive the object.
    CopiedPacks(object::Store& store, const repository::RepositoryKeys& keys);

    /// The highest generation that can be opened.
    std::shared_ptr<const repository::PackReader> open(const repository::PackId& pack) override;
    std::vector<repository::SlotAddress> redirects(const repository::SlotAddress& place) override;
    /// A copy is only read.
    void note_damage(const repository::ShortId&, const repository::SlotAddress&) noexcept override {
    }
    /// The first time reads the slot tables of all packs: 36 bytes of memory for each chunk.
    std::vector<repository::SlotAddress> find_copies(const repository::ShortId& id) override;

    bool has(const repository::PackId& pack) const { return generations_.contains(pack); }

private:
    using Reader = std::shared_ptr<const repository::PackReader>;
    using Place = std::pair<repository::ShortId, repository::SlotAddress>;

    Reader open_best(const repository::PackId& pack) const;
    void read_all_tables();

    object::Store& store_;
    const repository::RepositoryKeys& keys_;
    repository::RedirectTable redirects_;
    std::map<repository::PackId, std::vector<std::uint32_t>> generations_;  // Highest first.
    std::mutex mutex_;
    std::list<std::pair<repository::PackId, Reader>> recent_;  // Most recent first.
    std::once_flag are_tables_read_;
    std::vector<Place> places_;  // Sorted by id.
};

}  // namespace entrepot::recover
