// The keys that everything in a repository is sealed with, all derived from one root key.
#pragma once

#include "storage/repository/crypto.h"
#include "storage/repository/ids.h"

#include "base/secret.h"

#include <optional>
#include <string_view>

namespace entrepot::repository {

/// Without encryption the optional keys are absent and the signing key is derived from a root key
/// that anybody can read: then signatures find accidents only.
class RepositoryKeys {
public:
    RepositoryKeys(const RepositoryId& repository, const Secret& root_key, bool is_encrypted);

    const RepositoryId& repository() const { return repository_; }
    bool is_encrypted() const { return wrap_key_.has_value(); }
    const std::optional<Secret>& id_key() const { return id_key_; }
    const Signer& signer() const { return signer_; }
    const Secret& credential_key() const { return credential_key_; }

    /// The sealer of one object: its key depends on the purpose, the object's salt and its name.
    Sealer sealer_for(std::string_view purpose, const Salt& salt, ByteView name) const;

private:
    RepositoryId repository_;
    std::optional<Secret> id_key_;
    std::optional<Secret> wrap_key_;
    Signer signer_;
    Secret credential_key_;
};

}  // namespace entrepot::repository
