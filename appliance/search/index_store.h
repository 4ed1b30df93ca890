// Where the indexes of names lie: a folder in the data directory, sealed with a key of the
// repository. The names of a guest's files are guest data (T2 of the threat model). All of it can
// be made again from the points.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/secret.h"

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace entrepot::search {

/// Of a block's content, under a key: equal content, of whatever point, is one block.
using BlockId = std::array<std::byte, 16>;

struct BlockReference {
    BlockId id{};
    std::string first_path;  ///< Its first 256 bytes.
    std::uint32_t count = 0;
};

struct VolumeIndex {
    std::string disk_id;
    std::uint32_t disk = 0;
    std::uint32_t volume = 0;
    std::vector<BlockReference> blocks;  ///< In the order of a walk.
};

struct PointIndex {
    std::string point;
    WallTime made{};
    std::uint64_t file_count = 0;
    std::vector<VolumeIndex> volumes;
    std::vector<std::string> notes;  ///< What is not in it, and why.
};

/// Safe to share between threads.
class IndexStore {
public:
    /// The repository's key, asked for at the first use.
    using ReadKey = std::function<Secret()>;

    /// What is passed outlives it. The folder is made when something is stored.
    IndexStore(FileSystem& file_system, Random& random, std::filesystem::path directory,
               ReadKey read_key);
    IndexStore(const IndexStore&) = delete;
    IndexStore& operator=(const IndexStore&) = delete;
    ~IndexStore();

    bool has_point(const std::string& point);
    /// nullopt if there is none. Error{corrupt}.
    std::optional<PointIndex> find_point(const std::string& point);
    /// Error{not_found} where it was dropped meanwhile, Error{corrupt}.
    Bytes read_block(const BlockId& id);

    /// An index under construction: absent until commit() returned.
    class Writer {
    public:
        explicit Writer(IndexStore& store);
        Writer(const Writer&) = delete;
        Writer& operator=(const Writer&) = delete;
        ~Writer();
        BlockId put_block(ByteView content);
        /// Durable on return; replaces what there was for the point.
        void commit(const PointIndex& index);

    private:
        IndexStore& store_;
    };

    void drop_point(const std::string& point);
    /// Drops the indexes of all other points, and the blocks that none of these needs. Returns how
    /// many points were dropped.
    std::size_t keep_only(const std::set<std::string>& points);

private:
    struct Keys;
    const Keys& keys();
    std::filesystem::path point_file(const std::string& point) const;
    std::filesystem::path block_file(const BlockId& id) const;
    void ensure_folder(const std::filesystem::path& folder);
    std::set<std::string> list_points();
    std::optional<PointIndex> find_or_drop(const std::string& point);
    void sweep_blocks();
    Bytes seal(ByteView name, ByteView content);
    Bytes open(ByteView name, ByteView sealed);

    FileSystem& file_system_;
    Random& random_;
    std::filesystem::path directory_;
    ReadKey read_key_;
    std::mutex keys_mutex_;
    std::unique_ptr<const Keys> keys_;
    std::mutex mutex_;  ///< Of what lies on the disk: between writers and those who remove.
    std::size_t writer_count_ = 0;
    /// There may be blocks that nobody needs: from a crash before, or since a writer was at work
    /// when they lost their last point.
    bool needs_sweep_ = true;
};

}  // namespace entrepot::search
