// The manifest object of a point: sealed JSON under a signature. Follows the architecture,
// "Manifest".
#pragma once

#include "storage/object/store.h"
#include "storage/repository/point_json.h"
#include "storage/repository/repository_keys.h"

#include "base/random.h"

namespace entrepot::repository {

object::Key manifest_key(const std::string& point);

Bytes encode_manifest(Random& random, const RepositoryKeys& keys, const PointContent& content);

/// Throws Error{corrupt} if the signature, the seal or a field is wrong, or if it is another
/// point's.
PointContent decode_manifest(const RepositoryKeys& keys, const std::string& point, ByteView bytes);

PointContent read_manifest(object::Store& store, const RepositoryKeys& keys,
                           const std::string& point);

}  // namespace entrepot::repository
