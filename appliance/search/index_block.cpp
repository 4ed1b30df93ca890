// Numbers are of seven bits a byte, the lowest first.
#include "appliance/search/index_block.h"

#include "storage/guest_model/limits.h"

#include "base/crc32c.h"
#include "base/error.h"

#include <algorithm>

namespace entrepot::search {
namespace {

constexpr std::size_t kBlockBytesMin = 32 * kKiB;
constexpr std::size_t kBlockBytesMax = 512 * kKiB;
/// One name in so many ends a block.
constexpr std::uint32_t kNamesPerCut = 2048;
constexpr std::uint8_t kHasTime = 0x80;

void put_number(Bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<std::byte>(value | 0x80));
        value >>= 7U;
    }
    out.push_back(static_cast<std::byte>(value));
}

// Times before 1970 have small numbers, too.
std::uint64_t folded(std::int64_t value) {
    return static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unfolded(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

[[noreturn]] void refuse() {
    throw Error{ErrorCode::corrupt, "a part of the index of names is damaged"};
}

class Cursor {
public:
    explicit Cursor(ByteView rest) : rest_(rest) {}
    bool at_end() const { return rest_.empty(); }

    std::uint8_t byte() {
        if (rest_.empty()) refuse();
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_ = rest_.subspan(1);
        return value;
    }

    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = byte();
            value |= std::uint64_t{next & 0x7FU} << shift;
            if ((next & 0x80U) == 0) return value;
        }
        refuse();
    }

    std::string_view text(std::uint64_t size) {
        if (size > rest_.size()) refuse();
        const std::string_view text = as_text(rest_.first(static_cast<std::size_t>(size)));
        rest_ = rest_.subspan(static_cast<std::size_t>(size));
        return text;
    }

private:
    ByteView rest_;
};

}  // namespace

void BlockWriter::add(const IndexedFile& file) {
    if (count_ == 0) first_path_ = file.path;
    const auto [end, other] = std::ranges::mismatch(file.path, last_path_);
    const auto shared = static_cast<std::size_t>(end - file.path.begin());
    const std::string_view rest = file.path.substr(shared);
    put_number(data_, shared);
    put_number(data_, rest.size());
    const ByteView bytes = as_bytes(rest);
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    data_.push_back(static_cast<std::byte>(static_cast<std::uint8_t>(file.kind) |
                                           (file.modified ? kHasTime : 0)));
    if (file.kind == guest::FileKind::file) put_number(data_, file.size_bytes);
    if (file.modified) put_number(data_, folded(file.modified->time_since_epoch().count()));
    last_path_ = file.path;
    ++count_;
}

bool BlockWriter::is_complete() const {
    if (data_.size() >= kBlockBytesMax) return true;
    return data_.size() >= kBlockBytesMin && crc32c(as_bytes(last_path_)) % kNamesPerCut == 0;
}

Bytes BlockWriter::take() {
    last_path_.clear();
    first_path_.clear();
    count_ = 0;
    return std::exchange(data_, {});
}

void scan_block(ByteView block, std::uint32_t first,
                const std::function<Scan(const IndexedFile&, std::uint32_t)>& visit) {
    Cursor in{block};
    std::string path;
    for (std::uint32_t number = 0; !in.at_end(); ++number) {
        const std::uint64_t shared = in.number();
        if (shared > path.size()) refuse();
        path.resize(static_cast<std::size_t>(shared));
        const std::string_view rest = in.text(in.number());
        if (rest.size() > guest::limits::kPathBytesMax + guest::limits::kNameBytesMax) refuse();
        path += rest;
        IndexedFile file;
        file.path = path;
        const std::uint8_t kind = in.byte();
        if ((kind & 0x7FU) > static_cast<std::uint8_t>(guest::FileKind::other)) refuse();
        file.kind = static_cast<guest::FileKind>(kind & 0x7FU);
        if (file.kind == guest::FileKind::file) file.size_bytes = in.number();
        if ((kind & kHasTime) != 0) {
            file.modified = WallTime{std::chrono::milliseconds{unfolded(in.number())}};
        }
        if (number >= first && visit(file, number) == Scan::stop) return;
    }
}

}  // namespace entrepot::search
