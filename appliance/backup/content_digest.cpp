// The only user of OpenSSL in this folder; see content_digest.h.
#include "appliance/backup/content_digest.h"

#include "appliance/backup/limits.h"

#include "base/error.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

namespace entrepot::backup {
namespace {

struct ContextDeleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

class Sha256 {
public:
    Sha256() : context_(EVP_MD_CTX_new()) {
        if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
            throw Error{ErrorCode::internal, "SHA-256 is not available"};
        }
    }
    void add(ByteView bytes) {
        if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
            throw Error{ErrorCode::internal, "SHA-256 failed"};
        }
    }
    std::string finish() {
        std::array<std::byte, 32> digest{};
        if (EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                               nullptr) != 1) {
            throw Error{ErrorCode::internal, "SHA-256 failed"};
        }
        return to_hex(digest);
    }

private:
    std::unique_ptr<EVP_MD_CTX, ContextDeleter> context_;
};

}  // namespace

std::string hash_content(const MergedDisk& disk, const Work& work) {
    Sha256 hash;
    Bytes buffer(static_cast<std::size_t>(limits::kWindowBytes));
    const Bytes zeros(static_cast<std::size_t>(limits::kWindowBytes));
    const std::uint64_t size = disk.size_bytes();
    for (std::uint64_t at = 0; at < size;) {
        work.throw_if_stopped();
        const std::uint64_t limit = std::min<std::uint64_t>(limits::kWindowBytes, size - at);
        const disk::DiskExtent extent = disk.content_extent_at(at, limit);
        const auto length = static_cast<std::size_t>(extent.length);
        if (extent.kind == disk::ExtentKind::zero || extent.kind == disk::ExtentKind::unmapped) {
            hash.add(ByteView{zeros}.first(length));
        } else {
            disk.read(at, MutableByteView{buffer}.first(length));
            hash.add(ByteView{buffer}.first(length));
        }
        at += length;
        work.progress.report("sha256", at, size);
    }
    return hash.finish();
}

}  // namespace entrepot::backup
