// From chunks to slots on all cores: hash, look up and compress side by side; seal and pack in
// order. Follows the architecture, "The data path".
#pragma once

#include "storage/catalog/catalog.h"
#include "storage/object/store.h"
#include "storage/repository/chunk_codec.h"
#include "storage/repository/map_format.h"
#include "storage/repository/pack_set.h"
#include "storage/repository/pack_writer.h"

#include "base/random.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace entrepot::repository {

/// Gets the places of chunks, in the order they were submitted, from the packing thread.
class ChunkReceiver {
public:
    virtual ~ChunkReceiver() = default;
    virtual void take(std::uint64_t first_chunk, std::span<const MapEntry> entries,
                      std::uint64_t new_stored_bytes) = 0;
    virtual void take_zeros(std::uint64_t first_chunk, std::uint64_t count) = 0;
};

/// What the pipeline works with. All outlive it.
struct PipelineParts {
    object::Store& store;
    catalog::Catalog& catalog;
    PackSet& packs;
    RedirectTable& redirects;
    Random& random;
    const RepositoryKeys& keys;
    int compression_level = kCompressionLevelDefault;
};

/// Bounded: submit() waits while too much is under way. The first failure is thrown by every later
/// call. Calls from one thread at a time.
class ChunkPipeline {
public:
    static constexpr std::size_t kBatchChunksMax = 16;

    ChunkPipeline(const PipelineParts& parts, std::string session, std::uint32_t chunk_size_bytes);
    ChunkPipeline(const ChunkPipeline&) = delete;
    ChunkPipeline& operator=(const ChunkPipeline&) = delete;
    ~ChunkPipeline();  ///< Abandons what is under way.

    /// At most kBatchChunksMax chunks, the last may be short; swaps the bytes for a used buffer.
    void submit(ChunkReceiver& receiver, std::uint64_t first_chunk, Bytes& plain);
    void submit_zeros(ChunkReceiver& receiver, std::uint64_t first_chunk, std::uint64_t count);
    /// Waits until every receiver has all it was promised.
    void drain();
    /// drain(), then seals the open pack, and leaves redirects to chunks that were damaged
    /// elsewhere and came by.
    void finish();

    /// Every pack that a receiver was told of. Requires drain().
    std::vector<catalog::PackReference> referenced_packs() const;

private:
    struct Chunk {
        bool is_zero = false;
        ChunkId id;
        std::uint32_t plain_length = 0;
        Codec codec = Codec::raw;
        std::size_t stored_offset = 0;
        std::size_t stored_length = 0;
        std::optional<KnownChunk> known;
    };
    struct Batch {
        ChunkReceiver* receiver = nullptr;
        std::uint64_t first_chunk = 0;
        std::uint64_t zero_count = 0;
        Bytes plain;
        Bytes stored;
        std::vector<Chunk> chunks;
        std::uint64_t epoch = 0;
        bool is_ready = false;
    };
    struct Tools;

    void enqueue(std::unique_ptr<Batch> batch);
    std::unique_ptr<Batch> take_spare();
    void work(std::stop_token stop);
    void encode(Batch& batch, Tools& tools);
    void pack(std::stop_token stop);
    void place(Batch& batch);
    MapEntry place_chunk(Batch& batch, Chunk& chunk, std::uint64_t& new_stored_bytes);
    void note_heal(const ShortId& id, const SlotAddress& place);
    void seal_pack();
    void fail(std::exception_ptr error);
    void throw_if_failed() const;  // Requires the lock.

    PipelineParts parts_;
    std::string session_;
    std::uint32_t chunk_size_bytes_;
    std::size_t batches_max_;

    mutable std::mutex mutex_;
    // One for each kind of waiter: waking all of them for every batch costs more than small batches
    // do.
    std::condition_variable_any has_space_;       ///< The submitter, and whoever drains.
    std::condition_variable_any has_work_;        ///< The workers.
    std::condition_variable_any is_front_ready_;  ///< The packer.
    std::deque<std::unique_ptr<Batch>> order_;
    std::deque<Batch*> to_encode_;
    std::vector<std::unique_ptr<Batch>> spare_;
    std::exception_ptr failure_;
    bool is_packing_ = false;

    // Of the packing thread, and of the caller while nothing is under way.
    std::unique_ptr<PackWriter> pack_;
    std::unordered_map<ShortId, SlotAddress, IdHash> own_;  // In the open pack.
    std::unordered_map<PackId, std::uint32_t, IdHash> referenced_;
    std::vector<MapEntry> entries_;
    std::unordered_map<SlotAddress, Redirect, AddressHash> heals_;  // By the damaged place.
    std::atomic<std::uint64_t> epoch_{0};                           // Number of packs sealed.

    std::vector<std::jthread> threads_;
};

}  // namespace entrepot::repository
