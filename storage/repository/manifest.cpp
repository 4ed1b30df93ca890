// Header, sealed JSON, signature over both.
#include "storage/repository/manifest.h"

#include "storage/repository/limits.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

constexpr std::string_view kMagic = "ENTRMANI";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::size_t kHeaderBytes = 76;

Sealer manifest_sealer(const RepositoryKeys& keys, const Salt& salt, const PointId& point) {
    return keys.sealer_for("entrepot manifest v1", salt, point.bytes);
}

}  // namespace

object::Key manifest_key(const std::string& point) {
    return {object::Collection::manifests, point};
}

Bytes encode_manifest(Random& random, const RepositoryKeys& keys, const PointContent& content) {
    const PointId point = PointId::from_hex_text(content.summary.id);
    Salt salt{};
    random.fill(salt);
    LittleEndianWriter out;
    out.bytes(as_bytes(kMagic)).u16(kVersion);
    out.u16(keys.is_encrypted() ? kFlagEncrypted : std::uint16_t{0});
    out.bytes(keys.repository().bytes).bytes(point.bytes).bytes(salt);
    const Bytes header = out.data();
    const std::string body = dump_json(to_json(content));
    out.bytes(manifest_sealer(keys, salt, point).seal(0, header, as_bytes(body)));
    out.bytes(keys.signer().sign(out.data()));
    return out.take();
}

PointContent decode_manifest(const RepositoryKeys& keys, const std::string& point, ByteView bytes) {
    return with_context(fmt::format("reading the manifest of point {}", point), [&] {
        const auto corrupt = [](const char* fact) {
            return Error{ErrorCode::corrupt, std::string{"manifest: "} + fact};
        };
        if (bytes.size() < kHeaderBytes + kSignatureBytes) throw corrupt("cut short");
        const ByteView signed_part = bytes.first(bytes.size() - kSignatureBytes);
        Signature signature{};
        std::ranges::copy(bytes.last(kSignatureBytes), signature.begin());
        if (!is_signature_valid(keys.signer().public_key(), signed_part, signature)) {
            throw corrupt("the signature does not fit");
        }
        LittleEndianReader in{signed_part};
        if (as_text(in.bytes(kMagic.size())) != kMagic) throw corrupt("no header");
        const std::uint16_t version = in.u16();
        if (version != kVersion) {
            throw Error{ErrorCode::unsupported, fmt::format("manifest version {}", version)};
        }
        in.skip(2);
        const auto repository = RepositoryId::from(in.bytes(RepositoryId::kSizeBytes));
        const auto own = PointId::from(in.bytes(PointId::kSizeBytes));
        if (repository != keys.repository() || own.hex() != point) {
            throw corrupt("it belongs to another point");
        }
        Salt salt{};
        std::ranges::copy(in.bytes(kSaltBytes), salt.begin());
        const auto body = manifest_sealer(keys, salt, own)
                              .open(0, signed_part.first(kHeaderBytes), in.bytes(in.remaining()));
        if (!body) throw corrupt("the seal is broken");
        Json json;
        try {
            json = parse_json(as_text(*body), "manifest");
        } catch (const Error& error) {
            throw Error{ErrorCode::corrupt, error.message()};
        }
        PointContent content = point_content_from(json);
        if (content.summary.id != point) throw corrupt("it names another point");
        return content;
    });
}

PointContent read_manifest(object::Store& store, const RepositoryKeys& keys,
                           const std::string& point) {
    return decode_manifest(keys, point,
                           store.read_whole(manifest_key(point), limits::kManifestBytesMax));
}

}  // namespace entrepot::repository
