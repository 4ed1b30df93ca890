// DATA/file-index/points/<point> and blocks/<two digits>/<id>. Blocks first, the point last: a
// crash leaves blocks that nobody needs, and the next sweep takes them.
#include "appliance/search/index_store.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/little_endian.h"

#include <sodium.h>
#include <zstd.h>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace entrepot::search {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "EFILEIX1";
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kPlainBytesMax = 64 * kMiB;
constexpr std::size_t kFileBytesMax = kPlainBytesMax + kMiB;
constexpr int kCompressionLevel = 3;
constexpr std::size_t kPointIdBytesMax = 64;

const unsigned char* raw(ByteView bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* raw(MutableByteView bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

[[noreturn]] void refuse(const char* what) {
    throw Error{ErrorCode::corrupt, fmt::format("the index of names is damaged: {}", what),
                "entrepot files index POINT makes it again"};
}

Bytes derive(const Secret& key, std::string_view purpose) {
    Bytes derived(kKeyBytes);
    const ByteView secret = key.reveal();
    const auto length = std::min<std::size_t>(secret.size(), crypto_generichash_KEYBYTES_MAX);
    crypto_generichash(raw(MutableByteView{derived}), derived.size(),
                       reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                       raw(secret), length);
    return derived;
}

Bytes compress(ByteView plain) {
    Bytes packed(ZSTD_compressBound(plain.size()));
    const std::size_t size =
        ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), kCompressionLevel);
    if (ZSTD_isError(size) != 0) throw Error{ErrorCode::internal, ZSTD_getErrorName(size)};
    packed.resize(size);
    return packed;
}

Bytes decompress(ByteView packed) {
    const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (size > kPlainBytesMax) refuse("a size beyond its bound");  // Or unknown.
    Bytes plain(static_cast<std::size_t>(size));
    const std::size_t done =
        ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
    if (ZSTD_isError(done) != 0 || done != plain.size()) refuse("it cannot be unpacked");
    return plain;
}

// Ids of points are ours; they become names of files all the same.
bool is_point_id(std::string_view text) {
    return !text.empty() && text.size() <= kPointIdBytesMax &&
           std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
           });
}

Json encode(const PointIndex& index) {
    Json volumes = Json::array();
    for (const VolumeIndex& volume : index.volumes) {
        Json blocks = Json::array();
        for (const BlockReference& block : volume.blocks)
            blocks.push_back(Json::array({to_hex(block.id), block.first_path, block.count}));
        volumes.push_back({{"disk_id", volume.disk_id},
                           {"disk", volume.disk},
                           {"volume", volume.volume},
                           {"blocks", std::move(blocks)}});
    }
    return {{"point", index.point},
            {"made", format_time(index.made)},
            {"files", index.file_count},
            {"notes", index.notes},
            {"volumes", std::move(volumes)}};
}

BlockReference decode_block(const Json& json) {
    BlockReference block;
    const Bytes id = from_hex(json.at(0).get<std::string>());
    if (id.size() != block.id.size()) refuse("an id of another length");
    std::ranges::copy(id, block.id.begin());
    block.first_path = json.at(1).get<std::string>();
    block.count = json.at(2).get<std::uint32_t>();
    return block;
}

PointIndex decode(const Json& json) {
    PointIndex index;
    index.point = json.at("point").get<std::string>();
    index.made = parse_time(json.at("made").get<std::string>()).value_or(WallTime{});
    index.file_count = json.at("files").get<std::uint64_t>();
    index.notes = json.at("notes").get<std::vector<std::string>>();
    for (const Json& one : json.at("volumes")) {
        VolumeIndex volume{one.at("disk_id").get<std::string>(),
                           one.at("disk").get<std::uint32_t>(),
                           one.at("volume").get<std::uint32_t>(),
                           {}};
        for (const Json& block : one.at("blocks"))
            volume.blocks.push_back(decode_block(block));
        index.volumes.push_back(std::move(volume));
    }
    return index;
}

}  // namespace

struct IndexStore::Keys {
    Secret seal;
    Secret id;
};

IndexStore::IndexStore(FileSystem& file_system, Random& random, fs::path directory,
                       ReadKey read_key)
    : file_system_(file_system),
      random_(random),
      directory_(std::move(directory)),
      read_key_(std::move(read_key)) {}

IndexStore::~IndexStore() = default;

const IndexStore::Keys& IndexStore::keys() {
    const std::scoped_lock lock{keys_mutex_};
    if (!keys_) {
        if (sodium_init() < 0) throw Error{ErrorCode::internal, "libsodium cannot start"};
        const Secret key = read_key_();
        keys_ = std::make_unique<const Keys>(Keys{Secret{derive(key, "file index, sealing")},
                                                  Secret{derive(key, "file index, ids")}});
    }
    return *keys_;
}

fs::path IndexStore::point_file(const std::string& point) const {
    if (!is_point_id(point)) throw Error{ErrorCode::invalid, "this is no id of a point"};
    return directory_ / "points" / point;
}

fs::path IndexStore::block_file(const BlockId& id) const {
    const std::string hex = to_hex(id);
    return directory_ / "blocks" / hex.substr(0, 2) / hex;
}

Bytes IndexStore::seal(ByteView name, ByteView content) {
    const Bytes packed = compress(content);
    Bytes sealed(kMagic.size() + kNonceBytes + packed.size() + kTagBytes);
    std::ranges::copy(as_bytes(kMagic), sealed.begin());
    const MutableByteView nonce = MutableByteView{sealed}.subspan(kMagic.size(), kNonceBytes);
    random_.fill(nonce);
    const MutableByteView target = MutableByteView{sealed}.subspan(kMagic.size() + kNonceBytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw(target), nullptr, raw(ByteView{packed}),
                                               packed.size(), raw(name), name.size(), nullptr,
                                               raw(ByteView{nonce}), raw(keys().seal.reveal()));
    return sealed;
}

Bytes IndexStore::open(ByteView name, ByteView sealed) {
    if (sealed.size() < kMagic.size() + kNonceBytes + kTagBytes ||
        as_text(sealed.first(kMagic.size())) != kMagic) {
        refuse("a file of another kind");
    }
    const ByteView nonce = sealed.subspan(kMagic.size(), kNonceBytes);
    const ByteView body = sealed.subspan(kMagic.size() + kNonceBytes);
    Bytes packed(body.size() - kTagBytes);
    const int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
        raw(MutableByteView{packed}), nullptr, nullptr, raw(body), body.size(), raw(name),
        name.size(), raw(nonce), raw(keys().seal.reveal()));
    if (result != 0) refuse("it was changed, or is another repository's");
    return decompress(packed);
}

// Its name is durable, too: a point must not outlive its blocks.
void IndexStore::ensure_folder(const fs::path& folder) {
    if (file_system_.exists(folder)) return;
    file_system_.make_directories(folder);
    for (fs::path above = folder; above != directory_.parent_path();) {
        above = above.parent_path();
        file_system_.sync_directory(above);
    }
}

bool IndexStore::has_point(const std::string& point) {
    return file_system_.exists(point_file(point));
}

std::optional<PointIndex> IndexStore::find_point(const std::string& point) {
    const fs::path file = point_file(point);
    if (!file_system_.exists(file)) return std::nullopt;
    const Bytes plain = open(as_bytes(point), file_system_.read_file(file, kFileBytesMax));
    try {
        return decode(parse_json(as_text(plain), "the index of names", kPlainBytesMax));
    } catch (const Json::exception&) {
        refuse("its table is not what it should be");
    }
}

Bytes IndexStore::read_block(const BlockId& id) {
    return open(id, file_system_.read_file(block_file(id), kFileBytesMax));
}

IndexStore::Writer::Writer(IndexStore& store) : store_(store) {
    const std::scoped_lock lock{store_.mutex_};
    ++store_.writer_count_;
}

IndexStore::Writer::~Writer() {
    const std::scoped_lock lock{store_.mutex_};
    --store_.writer_count_;
}

BlockId IndexStore::Writer::put_block(ByteView content) {
    BlockId id;
    const ByteView key = store_.keys().id.reveal();
    crypto_generichash(raw(MutableByteView{id}), id.size(), raw(content), content.size(), raw(key),
                       key.size());
    const fs::path file = store_.block_file(id);
    if (store_.file_system_.exists(file)) return id;
    store_.ensure_folder(file.parent_path());
    write_file_atomically(store_.file_system_, file, store_.seal(id, content));
    return id;
}

void IndexStore::Writer::commit(const PointIndex& index) {
    const fs::path file = store_.point_file(index.point);
    store_.ensure_folder(file.parent_path());
    const std::string text = dump_json(encode(index));
    write_file_atomically(store_.file_system_, file,
                          store_.seal(as_bytes(index.point), as_bytes(text)));
}

std::set<std::string> IndexStore::list_points() {
    std::set<std::string> points;
    if (!file_system_.exists(directory_ / "points")) return points;
    for (const DirectoryEntry& entry : file_system_.list(directory_ / "points")) {
        if (entry.type == FileType::regular) points.insert(entry.name);
    }
    return points;
}

void IndexStore::drop_point(const std::string& point) {
    const std::scoped_lock lock{mutex_};
    if (!has_point(point)) return;
    file_system_.remove(point_file(point));
    file_system_.sync_directory(directory_ / "points");
    sweep_blocks();
}

std::size_t IndexStore::keep_only(const std::set<std::string>& points) {
    const std::scoped_lock lock{mutex_};
    std::size_t count = 0;
    for (const std::string& name : list_points()) {
        if (points.contains(name)) continue;
        file_system_.remove(directory_ / "points" / name);
        ++count;
    }
    if (count > 0) file_system_.sync_directory(directory_ / "points");
    if (count > 0 || needs_sweep_) sweep_blocks();
    return count;
}

std::optional<PointIndex> IndexStore::find_or_drop(const std::string& point) {
    try {
        return find_point(point);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt) throw;
        file_system_.remove(point_file(point));
        return std::nullopt;
    }
}

// Not beside a writer: its blocks are nobody's yet. An index that cannot be read needs none; it is
// made again.
void IndexStore::sweep_blocks() {
    needs_sweep_ = writer_count_ > 0;
    if (needs_sweep_ || !file_system_.exists(directory_ / "blocks")) return;
    std::set<std::string> needed;
    for (const std::string& point : list_points()) {
        const auto index = is_point_id(point) ? find_or_drop(point) : std::nullopt;
        if (!index) continue;
        for (const VolumeIndex& volume : index->volumes) {
            for (const BlockReference& block : volume.blocks)
                needed.insert(to_hex(block.id));
        }
    }
    for (const DirectoryEntry& folder : file_system_.list(directory_ / "blocks")) {
        const fs::path path = directory_ / "blocks" / folder.name;
        bool has_changed = false;
        for (const DirectoryEntry& block : file_system_.list(path)) {
            if (needed.contains(block.name)) continue;
            file_system_.remove(path / block.name);
            has_changed = true;
        }
        if (has_changed) file_system_.sync_directory(path);
    }
}

}  // namespace entrepot::search
