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

#include <utility>

namespace entrepot::repository {
namespace {

constexpr std::size_t kValueBytes = PackId::kSizeBytes + 4;

/// Filled by need only. The filters of ten million chunks take 12 MiB.
constexpr std::size_t kCacheBytes = 48 * kMiB;

rocksdb::Options index_options() {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    // In parts: a filter of a whole table has megabytes, and was read again for each new chunk as
    // soon as all of them together did not fit into the cache.
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
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

class RocksIndex final : public ChunkIndex {
public:
    explicit RocksIndex(std::filesystem::path directory) : directory_(std::move(directory)) {
        const rocksdb::Status status = open_database();
        if (status.ok()) return;
        // On a full disk we do without: nobody stores anything there, and deleting must work.
        if (status.IsNoSpace()) return;
        if (status.IsBusy()) require(status, "opening");
        begin_anew();
    }
    RocksIndex(const RocksIndex&) = delete;
    RocksIndex& operator=(const RocksIndex&) = delete;
    ~RocksIndex() override {
        // A failure loses hints, nothing else.
        if (database_) static_cast<void>(database_->Flush(rocksdb::FlushOptions{}));
    }

    bool was_created() const override { return was_created_; }
    std::optional<SlotAddress> find(const ShortId& id) const override;
    void put(const std::vector<IndexEntry>& entries) override;
    void remove(const IndexEntry& entry) override;

private:
    rocksdb::Status open_database() {
        was_created_ = !std::filesystem::exists(directory_ / "CURRENT");
        rocksdb::DB* opened = nullptr;
        const rocksdb::Status status =
            rocksdb::DB::Open(index_options(), directory_.string(), &opened);
        database_.reset(opened);
        return status;
    }

    void begin_anew() {
        database_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
        require(open_database(), "opening");
        was_created_ = true;
    }

    std::filesystem::path directory_;
    std::unique_ptr<rocksdb::DB> database_;
    bool was_created_ = false;
};

std::optional<SlotAddress> RocksIndex::find(const ShortId& id) const {
    if (!database_) return std::nullopt;
    std::string value;
    const rocksdb::Status status = database_->Get(rocksdb::ReadOptions{}, slice(id.bytes), &value);
    // A damaged run loses hints, nothing else.
    if (status.IsNotFound() || status.IsCorruption() || value.size() != kValueBytes) {
        return std::nullopt;
    }
    require(status, "reading");
    const ByteView bytes = as_bytes(value);
    return SlotAddress{PackId::from(bytes.first(PackId::kSizeBytes)),
                       load_u32(bytes, PackId::kSizeBytes)};
}

void RocksIndex::put(const std::vector<IndexEntry>& entries) {
    rocksdb::WriteBatch batch;
    for (const IndexEntry& entry : entries) {
        LittleEndianWriter value;
        value.bytes(entry.address.pack.bytes).u32(entry.address.slot);
        require(batch.Put(slice(entry.id.bytes), slice(value.data())), "writing");
    }
    if (!database_) return;
    rocksdb::Status status = database_->Write(unlogged(), &batch);
    // After a full disk it writes nothing more until it is told to go on.
    if (!status.ok() && database_->Resume().ok()) {
        status = database_->Write(unlogged(), &batch);
    }
    if (!status.IsNoSpace()) require(status, "writing");
}

void RocksIndex::remove(const IndexEntry& entry) {
    if (!database_ || find(entry.id) != entry.address) return;
    // An entry that stays is a hint that nobody believes.
    static_cast<void>(database_->Delete(unlogged(), slice(entry.id.bytes)));
}

}  // namespace

std::unique_ptr<ChunkIndex> ChunkIndex::open(const std::filesystem::path& directory) {
    return std::make_unique<RocksIndex>(directory);
}

}  // namespace entrepot::repository
