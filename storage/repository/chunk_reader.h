// From slots back to chunks: coalesced reads, decoding on the threads available, every chunk
// checked against its id.
#pragma once

#include "storage/repository/map_format.h"
#include "storage/repository/pack_source.h"
#include "storage/repository/repository_keys.h"
#include "storage/repository/worker_pool.h"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace entrepot::repository {

struct ChunkRequest {
    ShortId id;
    SlotAddress address;
    MutableByteView target;  ///< Exactly the chunk's length.
    std::string damage{};    ///< Why it cannot be read; empty if the target is filled.
    SlotAddress place{};     ///< Where it was looked for: the address, or where a redirect leads.
    bool is_slot_damaged = false;  ///< The pack is there; what it holds at the place is not that.
};

/// Where a damaged chunk may be read from instead: nowhere, or from another sound copy.
enum class Copies { addressed, any };

/// Safe to share between threads.
class ChunkReader {
public:
    ChunkReader(PackSource& packs, const RepositoryKeys& keys, WorkerPool& workers);
    ~ChunkReader();

    /// Requests that follow each other on the disk are best given together. Damage is told in each
    /// request.
    void read(std::span<ChunkRequest> requests, Copies copies = Copies::any);

private:
    struct Tools;
    struct Group;
    void choose_places(std::span<ChunkRequest> requests, Copies copies);
    std::vector<Group> group(std::span<ChunkRequest> requests);
    void read_group(const Group& group, std::span<ChunkRequest> requests);
    void read_elsewhere(ChunkRequest& request, Tools& tools);
    void read_copy(const SlotAddress& copy, ChunkRequest& request, Tools& tools);
    std::unique_ptr<Tools> take_tools();
    void give_back(std::unique_ptr<Tools> tools);

    PackSource& packs_;
    const RepositoryKeys& keys_;
    WorkerPool& workers_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Tools>> spare_;
};

}  // namespace entrepot::repository
