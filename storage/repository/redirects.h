// Where damaged chunks were stored anew: a durable note from the old place to the new one, since
// maps are never rewritten. Follows the architecture, "Damage".
#pragma once

#include "storage/object/store.h"
#include "storage/repository/map_format.h"
#include "storage/repository/repository_keys.h"

#include "base/random.h"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace entrepot::repository {

struct Redirect {
    SlotAddress from;
    ShortId id;
    SlotAddress to;
    bool operator==(const Redirect&) const = default;
};

struct AddressHash {
    std::size_t operator()(const SlotAddress& address) const {
        return IdHash{}(address.pack) ^ address.slot;
    }
};

/// At most limits::kRedirectsPerObjectMax of them.
Bytes encode_redirects(Random& random, const RepositoryKeys& keys, const std::string& name,
                       const std::vector<Redirect>& redirects);
/// Throws Error{corrupt}.
std::vector<Redirect> decode_redirects(const RepositoryKeys& keys, const std::string& name,
                                       ByteView bytes);

/// All redirects of a repository, in memory: damage is rare. Safe to share between threads.
class RedirectTable {
public:
    RedirectTable(object::Store& store, const RepositoryKeys& keys) : store_(store), keys_(keys) {}

    /// Reads all objects. Those that are damaged are left out and remembered.
    void load();
    /// Durable on return. Requires that the new places are in packs that are durable.
    void add(Random& random, std::vector<Redirect> redirects);

    bool is_empty() const { return count_ == 0; }
    /// Every place that leads on from this one, the nearest first; where a chunk was damaged twice,
    /// the last is the newest.
    std::vector<SlotAddress> places(const SlotAddress& from) const;
    std::vector<Redirect> list() const;
    std::vector<std::string> damaged_objects() const;

    /// Removes objects of which no redirect begins where somebody still looks.
    void remove_unused(const std::function<bool(const SlotAddress&)>& is_reached);

private:
    void remember(const std::string& object, const std::vector<Redirect>& redirects);
    void forget(const std::string& object);

    object::Store& store_;
    const RepositoryKeys& keys_;
    mutable std::mutex mutex_;
    std::map<std::string, std::vector<Redirect>> by_object_;
    std::unordered_multimap<SlotAddress, SlotAddress, AddressHash> by_place_;
    std::vector<std::string> damaged_;
    std::atomic<std::size_t> count_{0};
};

}  // namespace entrepot::repository
