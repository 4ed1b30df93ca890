// Workers take batches in any order; one packer takes them in the order of submission, so that
// neighbours on the disk are neighbours in a pack.
#include "storage/repository/chunk_pipeline.h"

#include "storage/repository/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace entrepot::repository {
namespace {

unsigned worker_count() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, limits::kThreadsMax);
}

}  // namespace

struct ChunkPipeline::Tools {
    explicit Tools(const PipelineParts& parts)
        : hasher(parts.keys.id_key()), codec(parts.compression_level) {}
    ChunkHasher hasher;
    ChunkCodec codec;
    Bytes decoded;
};

ChunkPipeline::ChunkPipeline(const PipelineParts& parts, std::string session,
                             std::uint32_t chunk_size_bytes)
    : parts_(parts),
      session_(std::move(session)),
      chunk_size_bytes_(chunk_size_bytes),
      batches_max_(std::size_t{worker_count()} * 2 + 4) {
    for (unsigned i = 0; i < worker_count(); ++i) {
        threads_.emplace_back([this](std::stop_token stop) { work(stop); });
    }
    threads_.emplace_back([this](std::stop_token stop) { pack(stop); });
}

ChunkPipeline::~ChunkPipeline() {
    for (std::jthread& thread : threads_)
        thread.request_stop();
    threads_.clear();
}

std::unique_ptr<ChunkPipeline::Batch> ChunkPipeline::take_spare() {
    if (spare_.empty()) return std::make_unique<Batch>();
    auto batch = std::move(spare_.back());
    spare_.pop_back();
    return batch;
}

void ChunkPipeline::throw_if_failed() const {
    if (failure_) std::rethrow_exception(failure_);
}

void ChunkPipeline::submit(ChunkReceiver& receiver, std::uint64_t first_chunk, Bytes& plain) {
    ENTREPOT_CHECK(plain.size() <= kBatchChunksMax * chunk_size_bytes_);
    std::unique_lock lock{mutex_};
    has_space_.wait(lock, [&] { return failure_ || order_.size() < batches_max_; });
    throw_if_failed();
    auto batch = take_spare();
    batch->receiver = &receiver;
    batch->first_chunk = first_chunk;
    batch->zero_count = 0;
    batch->is_ready = false;
    std::swap(batch->plain, plain);
    plain.clear();
    to_encode_.push_back(batch.get());
    order_.push_back(std::move(batch));
    has_work_.notify_one();
}

void ChunkPipeline::submit_zeros(ChunkReceiver& receiver, std::uint64_t first_chunk,
                                 std::uint64_t count) {
    std::unique_lock lock{mutex_};
    has_space_.wait(lock, [&] { return failure_ || order_.size() < batches_max_; });
    throw_if_failed();
    auto batch = take_spare();
    batch->receiver = &receiver;
    batch->first_chunk = first_chunk;
    batch->zero_count = count;
    batch->is_ready = true;
    batch->plain.clear();
    order_.push_back(std::move(batch));
    if (order_.size() == 1) is_front_ready_.notify_one();
}

void ChunkPipeline::drain() {
    std::unique_lock lock{mutex_};
    has_space_.wait(lock, [&] { return failure_ || (order_.empty() && !is_packing_); });
    throw_if_failed();
}

void ChunkPipeline::finish() {
    drain();
    if (pack_) seal_pack();
    std::vector<Redirect> redirects;
    for (const auto& [from, redirect] : heals_)
        redirects.push_back(redirect);
    if (!redirects.empty()) parts_.redirects.add(parts_.random, std::move(redirects));
    heals_.clear();
}

void ChunkPipeline::note_heal(const ShortId& id, const SlotAddress& place) {
    for (const SlotAddress& damaged : parts_.packs.unhealed(id))
        heals_.try_emplace(damaged, Redirect{damaged, id, place});
}

std::vector<catalog::PackReference> ChunkPipeline::referenced_packs() const {
    std::vector<catalog::PackReference> packs;
    for (const auto& [pack, generation] : referenced_)
        packs.push_back({pack.hex(), generation});
    return packs;
}

void ChunkPipeline::fail(std::exception_ptr error) {
    const std::scoped_lock lock{mutex_};
    if (!failure_) failure_ = std::move(error);
    has_space_.notify_all();
    has_work_.notify_all();
    is_front_ready_.notify_all();
}

void ChunkPipeline::work(std::stop_token stop) {
    try {
        Tools tools{parts_};
        for (;;) {
            Batch* batch = nullptr;
            {
                std::unique_lock lock{mutex_};
                if (!has_work_.wait(lock, stop, [&] { return failure_ || !to_encode_.empty(); })) {
                    return;
                }
                if (failure_) return;
                batch = to_encode_.front();
                to_encode_.pop_front();
            }
            encode(*batch, tools);
            const std::scoped_lock lock{mutex_};
            batch->is_ready = true;
            if (!order_.empty() && order_.front().get() == batch) is_front_ready_.notify_one();
        }
    } catch (...) {
        fail(std::current_exception());
    }
}

void ChunkPipeline::encode(Batch& batch, Tools& tools) {
    batch.epoch = epoch_.load();
    batch.stored.clear();
    batch.chunks.clear();
    ByteView rest = batch.plain;
    while (!rest.empty()) {
        const ByteView plain = rest.first(std::min<std::size_t>(rest.size(), chunk_size_bytes_));
        rest = rest.subspan(plain.size());
        Chunk& chunk = batch.chunks.emplace_back();
        chunk.plain_length = static_cast<std::uint32_t>(plain.size());
        chunk.is_zero = is_zero(plain);
        if (chunk.is_zero) continue;
        chunk.id = tools.hasher.id_of(plain);
        chunk.known = parts_.packs.find_chunk(chunk.id);
        if (chunk.known) continue;
        chunk.stored_offset = batch.stored.size();
        chunk.codec = tools.codec.encode(plain, batch.stored);
        chunk.stored_length = batch.stored.size() - chunk.stored_offset;
        tools.decoded.resize(plain.size());
        const ByteView stored =
            ByteView{batch.stored}.subspan(chunk.stored_offset, chunk.stored_length);
        const bool is_same = tools.codec.decode(chunk.codec, stored, tools.decoded) &&
                             std::memcmp(tools.decoded.data(), plain.data(), plain.size()) == 0;
        if (!is_same) {
            throw Error{ErrorCode::internal, "a chunk does not decode to what was encoded",
                        "memory or processor of this machine may be faulty"};
        }
    }
}

void ChunkPipeline::pack(std::stop_token stop) {
    try {
        for (;;) {
            std::unique_ptr<Batch> batch;
            {
                std::unique_lock lock{mutex_};
                const bool has_work = is_front_ready_.wait(lock, stop, [&] {
                    return failure_ || (!order_.empty() && order_.front()->is_ready);
                });
                if (!has_work || failure_) return;
                batch = std::move(order_.front());
                order_.pop_front();
                is_packing_ = true;
            }
            place(*batch);
            const std::scoped_lock lock{mutex_};
            spare_.push_back(std::move(batch));
            is_packing_ = false;
            has_space_.notify_all();
        }
    } catch (...) {
        fail(std::current_exception());
    }
}

void ChunkPipeline::place(Batch& batch) {
    if (batch.zero_count > 0) {
        batch.receiver->take_zeros(batch.first_chunk, batch.zero_count);
        return;
    }
    entries_.clear();
    std::uint64_t new_stored_bytes = 0;
    for (Chunk& chunk : batch.chunks) {
        entries_.push_back(place_chunk(batch, chunk, new_stored_bytes));
    }
    batch.receiver->take(batch.first_chunk, entries_, new_stored_bytes);
}

MapEntry ChunkPipeline::place_chunk(Batch& batch, Chunk& chunk, std::uint64_t& new_stored_bytes) {
    if (chunk.is_zero) return MapEntry{.state = MapEntry::State::zero};
    const ShortId id = short_id(chunk.id);
    if (!chunk.known) {
        if (const auto own = own_.find(id); own != own_.end()) {
            return {MapEntry::State::stored, id, own->second};
        }
        // A pack was sealed since the worker looked: the index may know the chunk by now.
        if (batch.epoch != epoch_.load()) chunk.known = parts_.packs.find_chunk(chunk.id);
    }
    if (chunk.known) {
        referenced_[chunk.known->address.pack] = chunk.known->generation;
        note_heal(id, chunk.known->address);
        return {MapEntry::State::stored, id, chunk.known->address};
    }
    if (!pack_) {
        pack_ = std::make_unique<PackWriter>(parts_.store, parts_.random, parts_.keys,
                                             chunk_size_bytes_);
        // Known before it appears, so that the next start finds what a crash leaves.
        parts_.catalog.put_pack(
            {.id = pack_->id().hex(), .state = catalog::PackState::open, .session = session_});
    }
    const PackSlot& slot = pack_->append(
        {.id = chunk.id,
         .plain_length = chunk.plain_length,
         .codec = chunk.codec,
         .stored = ByteView{batch.stored}.subspan(chunk.stored_offset, chunk.stored_length)});
    new_stored_bytes += slot.size_bytes();
    const SlotAddress address{pack_->id(), slot.number};
    own_[id] = address;
    note_heal(id, address);
    if (pack_->is_full()) seal_pack();
    return {MapEntry::State::stored, id, address};
}

void ChunkPipeline::seal_pack() {
    const SealedPack sealed = pack_->seal();
    pack_.reset();
    parts_.packs.add(sealed, session_);
    referenced_[sealed.pack] = sealed.generation;
    own_.clear();
    epoch_.fetch_add(1);
}

}  // namespace entrepot::repository
