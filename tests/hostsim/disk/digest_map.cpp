// File: granularity u64, size u64, then 16 bytes per granule; a granule of zeros has a hole's
// digest, sixteen zeros.
#include "tests/hostsim/disk/digest_map.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace entrepot::hostsim {
namespace {

constexpr std::uint64_t kHeadBytes = 16;
constexpr std::size_t kDigestBytes = 16;
constexpr std::size_t kBatchGranules = 4096;

using Digest = std::array<std::byte, kDigestBytes>;

Digest digest_granule(ByteView granule) {
    Digest result{};
    if (is_zero(granule)) return result;
    unsigned char full[SHA256_DIGEST_LENGTH];
    SHA256(reinterpret_cast<const unsigned char*>(granule.data()), granule.size(), full);
    std::memcpy(result.data(), full, result.size());
    return result;
}

/// Calls the body with each granule's index and digest that is not all zeros' one.
template <typename Body>
void for_each_digest(const DiskContent& content, std::uint32_t granularity, const CheckStop& check,
                     const Body& body) {
    Bytes buffer(granularity);
    std::uint64_t next = 0;
    while (const auto data = content.find_data(next * granularity)) {
        const std::uint64_t first = std::max(next, data->offset / granularity);
        const std::uint64_t end = (data->end() + granularity - 1) / granularity;
        for (std::uint64_t index = first; index < end; ++index) {
            if (index % kBatchGranules == 0) check();
            const std::uint64_t offset = index * granularity;
            const auto length = static_cast<std::size_t>(
                std::min<std::uint64_t>(granularity, content.size() - offset));
            const MutableByteView part{buffer.data(), length};
            content.read(offset, part);
            body(index, digest_granule(part));
        }
        next = end;
        if (next * granularity >= content.size()) break;
    }
}

Digest read_digest(const FileHandle& file, std::uint64_t index) {
    Digest digest{};
    file.read(kHeadBytes + index * kDigestBytes, digest);
    return digest;
}

}  // namespace

void write_digests(const DiskContent& content, std::uint32_t granularity_bytes,
                   const std::filesystem::path& path, const CheckStop& check) {
    FileHandle file{path, FileHandle::Mode::create};
    LittleEndianWriter head;
    head.u64(granularity_bytes).u64(content.size());
    file.write(0, head.data());
    const std::uint64_t count = (content.size() + granularity_bytes - 1) / granularity_bytes;
    file.truncate(kHeadBytes + count * kDigestBytes);
    for_each_digest(content, granularity_bytes, check,
                    [&](std::uint64_t index, const Digest& digest) {
                        file.write(kHeadBytes + index * kDigestBytes, digest);
                    });
}

std::vector<ByteRange> find_changes(const DiskContent& content, const std::filesystem::path& path,
                                    const CheckStop& check) {
    const FileHandle file{path, FileHandle::Mode::read};
    Bytes head(kHeadBytes);
    file.read(0, head);
    const std::uint64_t granularity = load_u64(head, 0);
    if (granularity == 0 || granularity > kMiB) {
        throw Error{ErrorCode::corrupt, "the simulator's change tracking is damaged"};
    }
    std::vector<ByteRange> changes;
    const auto add = [&](std::uint64_t index) {
        const std::uint64_t offset = index * granularity;
        if (offset >= content.size()) return;
        changes.push_back({offset, std::min(granularity, content.size() - offset)});
    };
    // What is a hole now may have held data then.
    const std::uint64_t count = (content.size() + granularity - 1) / granularity;
    std::uint64_t next = 0;
    const auto add_vanished = [&](std::uint64_t end) {
        while (next < end) {
            const auto data = file.find_data(kHeadBytes + next * kDigestBytes);
            if (!data) break;
            const std::uint64_t start =
                data->offset <= kHeadBytes ? 0 : (data->offset - kHeadBytes) / kDigestBytes;
            next = std::max(next, start);
            const std::uint64_t stop =
                std::min(end, (data->end() - kHeadBytes + kDigestBytes - 1) / kDigestBytes);
            for (; next < stop; ++next) {
                if (read_digest(file, next) != Digest{}) add(next);
            }
        }
        next = end;
    };
    for_each_digest(content, static_cast<std::uint32_t>(granularity), check,
                    [&](std::uint64_t index, const Digest& digest) {
                        add_vanished(index);
                        if (read_digest(file, index) != digest) add(index);
                        next = index + 1;
                    });
    add_vanished(count);
    return normalise(std::move(changes));
}

}  // namespace entrepot::hostsim
