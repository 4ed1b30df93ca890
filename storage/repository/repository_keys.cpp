// Key separation: one label per purpose, the repository's id in every derivation.
#include "storage/repository/repository_keys.h"

namespace entrepot::repository {
namespace {

constexpr std::string_view kIdLabel = "entrepot chunk id v1";
constexpr std::string_view kWrapLabel = "entrepot wrap v1";
constexpr std::string_view kManifestLabel = "entrepot manifest signature v1";
constexpr std::string_view kCredentialLabel = "entrepot credentials v1";

}  // namespace

RepositoryKeys::RepositoryKeys(const RepositoryId& repository, const Secret& root_key,
                               bool is_encrypted)
    : repository_(repository),
      signer_(derive_key(root_key, repository.bytes, as_bytes(kManifestLabel))),
      credential_key_(derive_key(root_key, repository.bytes, as_bytes(kCredentialLabel))) {
    if (!is_encrypted) return;
    id_key_ = derive_key(root_key, repository.bytes, as_bytes(kIdLabel));
    wrap_key_ = derive_key(root_key, repository.bytes, as_bytes(kWrapLabel));
}

Sealer RepositoryKeys::sealer_for(std::string_view purpose, const Salt& salt, ByteView name) const {
    if (!wrap_key_) return Sealer{std::nullopt};
    Bytes info;
    const ByteView label = as_bytes(purpose);
    info.insert(info.end(), label.begin(), label.end());
    info.insert(info.end(), repository_.bytes.begin(), repository_.bytes.end());
    info.insert(info.end(), name.begin(), name.end());
    return Sealer{derive_key(*wrap_key_, salt, info)};
}

}  // namespace entrepot::repository
