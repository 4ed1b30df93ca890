// RocksDB with small caches. The only place that calls it.
#include "storage/repository/chunk_index.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

namespace entrepot::repository {
namespace {

constexpr std::size_t kValueBytes = PackId::kSizeBytes + 4;

rocksdb::Options index_options() {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(16 * kMiB);
    table.cache_index_and_filter_blocks = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    rocksdb::Options options;
    options.create_if_missing = true;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    options.write_buffer_size = 8 * kMiB;
    options.max_write_buffer_number = 2;
    options.max_open_files = 64;
    options.max_background_jobs = 2;
    options.keep_log_file_num = 1;
    options.max_log_file_size = kMiB;
    options.max_manifest_file_size = kMiB;
    // Room taken ahead would come out of what is kept for deleting on a full disk, and each open
    // would leave less of it.
    options.allow_fallocate = false;
    options.info_log_level = rocksdb::WARN_LEVEL;
    // Ids are random bits: compressing them only costs time.
    options.compression = rocksdb::kNoCompression;
    return options;
}

/// The index is a hint: what a crash loses costs space, and a log to replay would cost every start.
rocksdb::WriteOptions unlogged() {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return options;
}

rocksdb::Slice slice(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ErrorCode code_of(const rocksdb::Status& status) {
    if (status.IsCorruption()) return ErrorCode::corrupt;
    if (status.IsNoSpace()) return ErrorCode::no_space;
    if (status.IsBusy()) return ErrorCode::busy;
    return ErrorCode::io;
}

void require(const rocksdb::Status& status, const char* what) {
    if (status.ok()) return;
    throw Error{code_of(status), fmt::format("chunk index, {}: {}", what, status.ToString())};
}

}  // namespace

struct ChunkIndex::State {
    std::filesystem::path directory;
    std::unique_ptr<rocksdb::DB> database;
    bool was_created = false;

    rocksdb::Status open() {
        was_created = !std::filesystem::exists(directory / "CURRENT");
        rocksdb::DB* opened = nullptr;
        const rocksdb::Status status =
            rocksdb::DB::Open(index_options(), directory.string(), &opened);
        database.reset(opened);
        return status;
    }
};

ChunkIndex::ChunkIndex(const std::filesystem::path& directory) : state_(std::make_unique<State>()) {
    state_->directory = directory;
    const rocksdb::Status status = state_->open();
    if (status.ok()) return;
    // On a full disk we do without: nobody stores anything there, and deleting must work.
    if (status.IsNoSpace()) return;
    if (status.IsBusy()) require(status, "opening");
    clear();
}

ChunkIndex::~ChunkIndex() {
    // A failure loses hints, nothing else.
    if (state_->database) static_cast<void>(state_->database->Flush(rocksdb::FlushOptions{}));
}

bool ChunkIndex::was_created() const {
    return state_->was_created;
}

std::optional<SlotAddress> ChunkIndex::find(const ShortId& id) const {
    if (!state_->database) return std::nullopt;
    std::string value;
    const rocksdb::Status status =
        state_->database->Get(rocksdb::ReadOptions{}, slice(id.bytes), &value);
    // A damaged run loses hints, nothing else.
    if (status.IsNotFound() || status.IsCorruption() || value.size() != kValueBytes) {
        return std::nullopt;
    }
    require(status, "reading");
    const ByteView bytes = as_bytes(value);
    return SlotAddress{PackId::from(bytes.first(PackId::kSizeBytes)),
                       load_u32(bytes, PackId::kSizeBytes)};
}

void ChunkIndex::put(const std::vector<IndexEntry>& entries) {
    rocksdb::WriteBatch batch;
    for (const IndexEntry& entry : entries) {
        LittleEndianWriter value;
        value.bytes(entry.address.pack.bytes).u32(entry.address.slot);
        require(batch.Put(slice(entry.id.bytes), slice(value.data())), "writing");
    }
    if (!state_->database) return;
    rocksdb::Status status = state_->database->Write(unlogged(), &batch);
    // After a full disk it writes nothing more until it is told to go on.
    if (!status.ok() && state_->database->Resume().ok()) {
        status = state_->database->Write(unlogged(), &batch);
    }
    if (!status.IsNoSpace()) require(status, "writing");
}

void ChunkIndex::remove(const IndexEntry& entry) {
    if (!state_->database || find(entry.id) != entry.address) return;
    // An entry that stays is a hint that nobody believes.
    static_cast<void>(state_->database->Delete(unlogged(), slice(entry.id.bytes)));
}

void ChunkIndex::clear() {
    state_->database.reset();
    std::error_code ignored;
    std::filesystem::remove_all(state_->directory, ignored);
    require(state_->open(), "opening");
    state_->was_created = true;
}

}  // namespace entrepot::repository
